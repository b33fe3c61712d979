# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_exchange_tests
proxy_exchange_tests_SOURCES = \
	tests/unit/proxy/exchange/exchange_test.c \
	tests/unit/proxy/exchange/http_conn_test.c
proxy_exchange_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_exchange_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_exchange_tests_LDADD = $(proxy_exchange_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
