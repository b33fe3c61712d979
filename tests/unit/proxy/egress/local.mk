# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_egress_tests
# A tunnel is tried in a whole gate.
proxy_egress_tests_SOURCES = \
	tests/unit/proxy/egress/captured_hellos.inc \
	tests/unit/proxy/egress/egress_exchange_test.c \
	tests/unit/proxy/egress/egress_header_test.c \
	tests/unit/proxy/egress/tls_hello_fixture.c \
	tests/unit/proxy/egress/tls_hello_fixture.h \
	tests/unit/proxy/egress/tls_hello_refused_test.c \
	tests/unit/proxy/egress/tls_hello_test.c \
	tests/unit/proxy/egress/tls_retry_test.c \
	tests/unit/proxy/egress/tunnel_test.c \
	tests/unit/proxy/egress/upstream_proxy_test.c \
	tests/unit/proxy/egress_fixture.h \
	tests/unit/proxy/gate_fixture.h \
	tests/unit/proxy/http_head_feed.h
proxy_egress_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_egress_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_egress_tests_LDADD = $(proxy_serve_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
