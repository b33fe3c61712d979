# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_http_tests
proxy_http_tests_SOURCES = \
	tests/unit/proxy/http/captured_heads.inc \
	tests/unit/proxy/http/http_body_test.c \
	tests/unit/proxy/http/http_chunk_test.c \
	tests/unit/proxy/http/http_head_struct_test.c \
	tests/unit/proxy/http/foreign_client_test.c \
	tests/unit/proxy/http/http_head_test.c \
	tests/unit/proxy/http/http_pump_test.c \
	tests/unit/proxy/http_head_feed.h
proxy_http_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_http_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_http_tests_LDADD = $(proxy_http_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
