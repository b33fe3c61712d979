# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librules.a
librules_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
rules_chain = librules.a $(base_cli_chain)
librules_a_SOURCES = \
	rules/http_method.c rules/http_method.h \
	rules/pattern.c rules/pattern.h \
	rules/reason.c rules/reason.h
