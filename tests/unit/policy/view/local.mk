# SPDX-License-Identifier: Apache-2.0
TESTS += policy_view_tests
policy_view_tests_SOURCES = \
	tests/unit/policy/view/log_page_test.c \
	tests/unit/policy/view/log_summary_test.c \
	tests/unit/policy/view/log_table_test.c
policy_view_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_view_tests_LDADD = $(policy_view_chain) $(CRYPTO_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
