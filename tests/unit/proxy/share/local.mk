# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_share_tests
proxy_share_tests_SOURCES = \
	tests/unit/proxy/share/share_test.c
proxy_share_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_share_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_share_tests_LDADD = $(proxy_share_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
