# SPDX-License-Identifier: Apache-2.0
TESTS += policy_suggest_tests
policy_suggest_tests_SOURCES = \
	tests/unit/policy/suggest/suggest_fixture.c \
	tests/unit/policy/suggest/suggest_fixture.h \
	tests/unit/policy/suggest/suggest_property_test.c \
	tests/unit/policy/suggest/suggest_test.c \
	tests/unit/policy/policy_fixture.c \
	tests/unit/policy/policy_fixture.h \
	tests/unit/policy/policy_network_fixture.c \
	tests/unit/policy/policy_network_fixture.h
policy_suggest_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_suggest_tests_LDADD = $(policy_suggest_chain) $(YAML_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
