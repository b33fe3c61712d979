# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_docker_tests
proxy_docker_tests_SOURCES = \
	tests/unit/proxy/docker/docker_header_request_test.c \
	tests/unit/proxy/docker/docker_header_test.c \
	tests/unit/proxy/docker/engine_request_test.c \
	tests/unit/proxy/docker/engine_test.c \
	tests/unit/proxy/http_head_feed.h \
	tests/unit/proxy/plain_head.h
proxy_docker_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_docker_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_docker_tests_LDADD = $(proxy_docker_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
