# SPDX-License-Identifier: Apache-2.0
TESTS += policy_log_tests
policy_log_tests_SOURCES = \
	tests/unit/policy/log/log_bisect_test.c \
	tests/unit/policy/log/log_filter_test.c \
	tests/unit/policy/log/log_line_test.c \
	tests/unit/policy/log/log_reader_test.c \
	tests/unit/policy/log/log_record_test.c \
	tests/unit/policy/log/log_scan_test.c \
	tests/unit/policy/log/log_timeline_test.c
policy_log_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_log_tests_LDADD = $(policy_log_chain) $(PCRE2_LIBS) $(CRITERION_LIBS)
