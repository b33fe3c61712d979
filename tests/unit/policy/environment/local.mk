# SPDX-License-Identifier: Apache-2.0
TESTS += policy_environment_tests
policy_environment_tests_SOURCES = \
	tests/unit/policy/environment/environment_fixture.c \
	tests/unit/policy/environment/environment_fixture.h \
	tests/unit/policy/environment/environment_notice_test.c \
	tests/unit/policy/environment/environment_test.c
policy_environment_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_environment_tests_LDADD = $(policy_document_chain) $(YAML_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
