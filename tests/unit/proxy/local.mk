proxy_tests_SOURCES = \
	tests/unit/proxy/address_cache_test.c \
	tests/unit/proxy/captured_heads.inc \
	tests/unit/proxy/captured_hellos.inc \
	tests/unit/proxy/confine_test.c \
	tests/unit/proxy/dialer_test.c \
	tests/unit/proxy/dns_answer_test.c \
	tests/unit/proxy/dns_message_test.c \
	tests/unit/proxy/docker_header_request_test.c \
	tests/unit/proxy/docker_header_test.c \
	tests/unit/proxy/egress_exchange_test.c \
	tests/unit/proxy/egress_fixture.h \
	tests/unit/proxy/egress_header_test.c \
	tests/unit/proxy/endpoint_test.c \
	tests/unit/proxy/engine_test.c \
	tests/unit/proxy/gate_fixture.h \
	tests/unit/proxy/gate_test.c \
	tests/unit/proxy/http_body_test.c \
	tests/unit/proxy/http_chunk_test.c \
	tests/unit/proxy/http_head_feed.h \
	tests/unit/proxy/http_head_struct_test.c \
	tests/unit/proxy/http_head_test.c \
	tests/unit/proxy/hosts_table_test.c \
	tests/unit/proxy/io_buffer_test.c \
	tests/unit/proxy/log_writer_seal_test.c \
	tests/unit/proxy/log_writer_test.c \
	tests/unit/proxy/metrics_test.c \
	tests/unit/proxy/name_server.h \
	tests/unit/proxy/own_address_test.c \
	tests/unit/proxy/own_host_test.c \
	tests/unit/proxy/pipe_pool_test.c \
	tests/unit/proxy/policy_watch_test.c \
	tests/unit/proxy/plain_head.h \
	tests/unit/proxy/policy_agreement_test.c \
	tests/unit/proxy/resolver_test.c \
	tests/unit/proxy/rule_counter_test.c \
	tests/unit/proxy/serve_options_test.c \
	tests/unit/proxy/service_manager_test.c \
	tests/unit/proxy/share_test.c \
	tests/unit/proxy/splice_flow_test.c \
	tests/unit/proxy/state_folder_test.c \
	tests/unit/proxy/tls_hello_test.c \
	tests/unit/proxy/tls_retry_test.c \
	tests/unit/proxy/tunnel_test.c \
	tests/unit/proxy/upstream_proxy_test.c
proxy_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(SECCOMP_CFLAGS) \
	-DMAN_FOLDER='"$(abs_top_srcdir)/deploy/man"'
proxy_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_tests_LDADD = libproxy.a libpolicy.a librules.a libbase.a \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
