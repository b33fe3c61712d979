# SPDX-License-Identifier: Apache-2.0
TESTS += base_cli_tests
base_cli_tests_SOURCES = \
	tests/unit/base/cli/command_test.c \
	tests/unit/base/cli/help_test.c \
	tests/unit/base/cli/option_test.c \
	tests/unit/base/cli/output_file_test.c
base_cli_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
base_cli_tests_LDADD = $(base_cli_chain) $(CRITERION_LIBS)
