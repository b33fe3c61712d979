# SPDX-License-Identifier: Apache-2.0
TESTS += rules_tests
rules_tests_SOURCES = \
	tests/unit/rules/http_method_test.c \
	tests/unit/rules/pattern_test.c \
	tests/unit/rules/reason_test.c
rules_tests_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8 \
	-DMAN_FOLDER='"$(abs_top_srcdir)/deploy/man"'
rules_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
rules_tests_LDADD = $(rules_chain) $(PCRE2_LIBS) $(CRITERION_LIBS)
