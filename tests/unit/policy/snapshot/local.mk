# SPDX-License-Identifier: Apache-2.0
TESTS += policy_snapshot_tests
policy_snapshot_tests_SOURCES = \
	tests/unit/policy/snapshot/policy_builtin_test.c \
	tests/unit/policy/snapshot/policy_decide_test.c \
	tests/unit/policy/snapshot/policy_list_test.c \
	tests/unit/policy/snapshot/policy_network_test.c \
	tests/unit/policy/policy_fixture.c \
	tests/unit/policy/policy_fixture.h \
	tests/unit/policy/policy_network_fixture.c \
	tests/unit/policy/policy_network_fixture.h
policy_snapshot_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_snapshot_tests_LDADD = $(policy_document_chain) $(YAML_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
