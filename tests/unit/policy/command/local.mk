# SPDX-License-Identifier: Apache-2.0
TESTS += policy_command_tests
policy_command_tests_SOURCES = \
	tests/unit/policy/command/command_fixture.c \
	tests/unit/policy/command/command_fixture.h \
	tests/unit/policy/command/command_policy_edit_test.c \
	tests/unit/policy/command/command_rule_test.c \
	tests/unit/policy/command/policy_command_test.c \
	tests/unit/policy/command/policy_network_command_test.c \
	tests/unit/policy/policy_fixture.c \
	tests/unit/policy/policy_fixture.h
policy_command_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_command_tests_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
