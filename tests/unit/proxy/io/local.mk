# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_io_tests
proxy_io_tests_SOURCES = \
	tests/unit/proxy/io/endpoint_test.c \
	tests/unit/proxy/io/io_buffer_test.c \
	tests/unit/proxy/io/own_host_test.c \
	tests/unit/proxy/io/pipe_pool_test.c \
	tests/unit/proxy/io/splice_flow_test.c \
	tests/unit/proxy/io/stream_test.c \
	tests/unit/proxy/io_stream_fixture.h
proxy_io_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_io_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_io_tests_LDADD = $(proxy_io_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
