# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_serve_tests
proxy_serve_tests_SOURCES = \
	tests/unit/proxy/serve/gates_test.c \
	tests/unit/proxy/serve/own_address_test.c \
	tests/unit/proxy/serve/policy_agreement_test.c \
	tests/unit/proxy/serve/serve_options_test.c \
	tests/unit/proxy/egress_fixture.h \
	tests/unit/proxy/gate_fixture.h
proxy_serve_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	-DMAN_FOLDER='"$(abs_top_srcdir)/deploy/man"'
proxy_serve_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_serve_tests_LDADD = $(proxy_serve_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
