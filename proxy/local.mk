noinst_LIBRARIES += libproxy.a
proxy_chain = libproxy.a $(policy_command_chain)
libproxy_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(SECCOMP_CFLAGS) $(CARES_CFLAGS) \
	$(YAML_CFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
libproxy_a_SOURCES = \
	proxy/operator/admin.c proxy/operator/admin.h \
	proxy/loop/admission.c proxy/loop/admission.h \
	proxy/serve/command_doctor.c \
	proxy/serve/command_healthcheck.c \
	proxy/serve/command_policy_change.c \
	proxy/serve/command_policy_check_live.c \
	proxy/serve/command_policy_control.c \
	proxy/serve/command_serve.c \
	proxy/serve/command_version.c proxy/serve/commands.h \
	proxy/docker/browser_guard.c proxy/docker/browser_guard.h \
	proxy/docker/docker_body.c \
	proxy/docker/docker_collect.c \
	proxy/docker/docker_conn.c proxy/docker/docker_conn.h \
	proxy/docker/docker_exchange.c \
	proxy/docker/docker_header.c proxy/docker/docker_header.h \
	proxy/docker/docker_log.c \
	proxy/docker/docker_lookup.c \
	proxy/docker/docker_refusal.c \
	proxy/docker/docker_response.c \
	proxy/docker/docker_revoke.c \
	proxy/docker/docker_version.c proxy/docker/docker_version.h \
	proxy/docker/docker_tunnel.c \
	proxy/io/endpoint.c proxy/io/endpoint.h \
	proxy/docker/engine.c proxy/docker/engine.h \
	proxy/docker/engine_request.c proxy/docker/engine_request.h \
	proxy/io/event_switch.h \
	proxy/loop/client_conn.c proxy/loop/client_conn.h \
	proxy/loop/gate.c proxy/loop/gate.h \
	proxy/loop/gate_limits.c proxy/loop/gate_limits.h \
	proxy/http/held_body.c proxy/http/held_body.h \
	proxy/http/http_body.c proxy/http/http_body.h \
	proxy/http/http_chunk.c proxy/http/http_chunk.h \
	proxy/http/http_fault.c proxy/http/http_fault.h \
	proxy/http/http_head.c proxy/http/http_head.h \
	proxy/http/http_line.c proxy/http/http_line.h \
	proxy/http/http_write.c proxy/http/http_write.h \
	proxy/io/io_buffer.c proxy/io/io_buffer.h \
	proxy/loop/listener.c proxy/loop/listener.h \
	proxy/loop/policy_watch.c proxy/loop/policy_watch.h \
	proxy/serve/probe.c proxy/serve/probe.h \
	proxy/loop/reload.c proxy/loop/reload.h \
	proxy/loop/revocation.c proxy/loop/revocation.h \
	proxy/serve/gates.c proxy/serve/gates.h \
	proxy/serve/serve_options.c proxy/serve/serve_options.h \
	proxy/io/socket_file.c proxy/io/socket_file.h \
	proxy/io/splice_flow.c proxy/io/splice_flow.h
# What the loop calls beside HTTP: log, counters, confinement, service manager, pipes.
libproxy_a_SOURCES += \
	proxy/serve/common_options.h \
	proxy/loop/confine.c proxy/loop/confine.h \
	proxy/loop/confine_filter.c proxy/loop/confine_filter.h \
	proxy/operator/control.c proxy/operator/control.h \
	proxy/operator/control_client.c proxy/operator/control_client.h \
	proxy/operator/control_status.c \
	proxy/loop/log_identity.c proxy/loop/log_identity.h \
	proxy/loop/log_loss.c proxy/loop/log_loss.h \
	proxy/loop/log_rotation.c proxy/loop/log_rotation.h \
	proxy/loop/log_sealing.c proxy/loop/log_sealing.h \
	proxy/loop/log_writer.c proxy/loop/log_writer.h \
	proxy/loop/metrics.c proxy/loop/metrics.h \
	proxy/io/pipe_pool.c proxy/io/pipe_pool.h \
	proxy/loop/rule_counter.c proxy/loop/rule_counter.h \
	proxy/loop/service_manager.c proxy/loop/service_manager.h \
	proxy/share/share.c proxy/share/share.h proxy/share/share_internal.h \
	proxy/share/share_refusal.c \
	proxy/share/share_room.c \
	proxy/loop/state_folder.c proxy/loop/state_folder.h
# The egress gate.
libproxy_a_SOURCES += \
	proxy/resolve/address_cache.c proxy/resolve/address_cache.h \
	proxy/resolve/dialer.c proxy/resolve/dialer.h \
	proxy/resolve/dns_answer.c proxy/resolve/dns_answer.h \
	proxy/resolve/dns_channel.c proxy/resolve/dns_channel.h \
	proxy/dns/dns_conn.c proxy/dns/dns_conn.h \
	proxy/dns/dns_exchange.c proxy/dns/dns_exchange.h \
	proxy/resolve/dns_message.c proxy/resolve/dns_message.h \
	proxy/resolve/dns_query.c proxy/resolve/dns_query.h \
	proxy/dns/dns_server.c proxy/dns/dns_server.h \
	proxy/egress/egress.c proxy/egress/egress.h \
	proxy/egress/egress_conn.c proxy/egress/egress_conn.h \
	proxy/egress/egress_exchange.c proxy/egress/egress_exchange.h \
	proxy/egress/egress_forward.c \
	proxy/egress/egress_header.c proxy/egress/egress_header.h \
	proxy/egress/egress_log.c \
	proxy/egress/egress_options.h \
	proxy/egress/egress_refusal.c \
	proxy/egress/egress_request.c \
	proxy/egress/egress_response.c \
	proxy/egress/egress_revoke.c \
	proxy/egress/egress_route.c \
	proxy/io/fd_watch.h \
	proxy/serve/forwarding.c proxy/serve/forwarding.h \
	proxy/resolve/hosts_table.c proxy/resolve/hosts_table.h \
	proxy/loop/own_address.c proxy/loop/own_address.h \
	proxy/io/own_host.c proxy/io/own_host.h \
	proxy/resolve/resolver.c proxy/resolve/resolver.h \
	proxy/egress/tls_hello.c proxy/egress/tls_hello.h \
	proxy/egress/tls_retry.c proxy/egress/tls_retry.h \
	proxy/egress/tunnel.c proxy/egress/tunnel.h \
	proxy/egress/tunnel_answer.c \
	proxy/egress/tunnel_peek.c \
	proxy/egress/upstream_proxy.c proxy/egress/upstream_proxy.h
