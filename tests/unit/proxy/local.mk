proxy_tests_SOURCES = \
	tests/unit/proxy/resolve/address_cache_test.c \
	tests/unit/proxy/http/captured_heads.inc \
	tests/unit/proxy/egress/captured_hellos.inc \
	tests/unit/proxy/loop/confine_test.c \
	tests/unit/proxy/resolve/dialer_test.c \
	tests/unit/proxy/resolve/dns_answer_test.c \
	tests/unit/proxy/resolve/dns_message_test.c \
	tests/unit/proxy/docker/docker_header_request_test.c \
	tests/unit/proxy/docker/docker_header_test.c \
	tests/unit/proxy/egress/egress_exchange_test.c \
	tests/unit/proxy/egress_fixture.h \
	tests/unit/proxy/egress/egress_header_test.c \
	tests/unit/proxy/io/endpoint_test.c \
	tests/unit/proxy/docker/engine_request_test.c \
	tests/unit/proxy/docker/engine_test.c \
	tests/unit/proxy/gate_fixture.h \
	tests/unit/proxy/loop/gate_test.c \
	tests/unit/proxy/http/http_body_test.c \
	tests/unit/proxy/http/http_chunk_test.c \
	tests/unit/proxy/http_head_feed.h \
	tests/unit/proxy/http/http_head_struct_test.c \
	tests/unit/proxy/http/http_head_test.c \
	tests/unit/proxy/resolve/hosts_table_test.c \
	tests/unit/proxy/io/io_buffer_test.c \
	tests/unit/proxy/loop/log_writer_seal_test.c \
	tests/unit/proxy/loop/log_writer_test.c \
	tests/unit/proxy/loop/metrics_test.c \
	tests/unit/proxy/resolve/name_server.h \
	tests/unit/proxy/loop/own_address_test.c \
	tests/unit/proxy/io/own_host_test.c \
	tests/unit/proxy/io/pipe_pool_test.c \
	tests/unit/proxy/loop/policy_watch_test.c \
	tests/unit/proxy/plain_head.h \
	tests/unit/proxy/serve/policy_agreement_test.c \
	tests/unit/proxy/resolve/resolver_test.c \
	tests/unit/proxy/loop/rule_counter_test.c \
	tests/unit/proxy/serve/serve_options_test.c \
	tests/unit/proxy/loop/service_manager_test.c \
	tests/unit/proxy/share/share_test.c \
	tests/unit/proxy/io/splice_flow_test.c \
	tests/unit/proxy/loop/state_folder_test.c \
	tests/unit/proxy/egress/tls_hello_test.c \
	tests/unit/proxy/egress/tls_retry_test.c \
	tests/unit/proxy/egress/tunnel_test.c \
	tests/unit/proxy/egress/upstream_proxy_test.c
proxy_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(SECCOMP_CFLAGS) \
	-DMAN_FOLDER='"$(abs_top_srcdir)/deploy/man"'
proxy_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_tests_LDADD = $(proxy_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
