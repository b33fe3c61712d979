# SPDX-License-Identifier: Apache-2.0
TESTS += rules_guard_tests
rules_guard_tests_SOURCES = \
	tests/unit/rules/guard/body_table_test.c \
	tests/unit/rules/guard/body_test.c tests/unit/rules/guard/guard_judge_test.c
rules_guard_tests_CPPFLAGS = $(AM_CPPFLAGS) \
	-DBODIES='"$(abs_top_srcdir)/tests/unit/rules/guard/docker_api_bodies.tsv"'
rules_guard_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
rules_guard_tests_LDADD = $(rules_guard_chain) $(PCRE2_LIBS) $(CRITERION_LIBS)
EXTRA_DIST += tests/unit/rules/guard/docker_api_bodies.tsv
