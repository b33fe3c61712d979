# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_resolve_tests
# The resolver is tried behind the loop's system call filter, too.
proxy_resolve_tests_SOURCES = \
	tests/unit/proxy/resolve/address_cache_test.c \
	tests/unit/proxy/resolve/dialer_test.c \
	tests/unit/proxy/resolve/dns_answer_test.c \
	tests/unit/proxy/resolve/dns_message_test.c \
	tests/unit/proxy/resolve/hosts_table_test.c \
	tests/unit/proxy/resolve/name_server.h \
	tests/unit/proxy/resolve/resolver_test.c
proxy_resolve_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(SECCOMP_CFLAGS)
proxy_resolve_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_resolve_tests_LDADD = $(proxy_loop_chain) $(proxy_resolve_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
