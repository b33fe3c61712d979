# SPDX-License-Identifier: Apache-2.0
TESTS += policy_import_tests
policy_import_tests_SOURCES = \
	tests/unit/policy/import/policy_import_test.c \
	tests/unit/policy/import/posix_expression_test.c \
	tests/unit/policy/policy_fixture.c \
	tests/unit/policy/policy_fixture.h \
	tests/unit/policy/policy_network_fixture.c \
	tests/unit/policy/policy_network_fixture.h
policy_import_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_import_tests_LDADD = $(policy_import_chain) $(YAML_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
