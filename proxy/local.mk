noinst_LIBRARIES += libproxy.a
libproxy_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(SECCOMP_CFLAGS) $(CARES_CFLAGS) \
	$(YAML_CFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
libproxy_a_SOURCES = \
	proxy/admin.c proxy/admin.h \
	proxy/admission.c proxy/admission.h \
	proxy/command_doctor.c \
	proxy/command_healthcheck.c \
	proxy/command_policy_change.c \
	proxy/command_policy_check.c \
	proxy/command_policy_control.c \
	proxy/command_serve.c \
	proxy/command_version.c proxy/commands.h \
	proxy/browser_guard.c proxy/browser_guard.h \
	proxy/docker_body.c \
	proxy/docker_collect.c \
	proxy/docker_conn.c proxy/docker_conn.h \
	proxy/docker_exchange.c \
	proxy/docker_header.c proxy/docker_header.h \
	proxy/docker_log.c \
	proxy/docker_lookup.c \
	proxy/docker_refusal.c \
	proxy/docker_response.c \
	proxy/docker_revoke.c \
	proxy/docker_version.c proxy/docker_version.h \
	proxy/docker_tunnel.c \
	proxy/endpoint.c proxy/endpoint.h \
	proxy/engine.c proxy/engine.h \
	proxy/event_switch.h \
	proxy/gate.c proxy/gate.h \
	proxy/gate_limits.c proxy/gate_limits.h \
	proxy/held_body.c proxy/held_body.h \
	proxy/http_body.c proxy/http_body.h \
	proxy/http_chunk.c proxy/http_chunk.h \
	proxy/http_fault.c proxy/http_fault.h \
	proxy/http_head.c proxy/http_head.h \
	proxy/http_line.c proxy/http_line.h \
	proxy/http_write.c proxy/http_write.h \
	proxy/io_buffer.c proxy/io_buffer.h \
	proxy/listener.c proxy/listener.h \
	proxy/policy_watch.c proxy/policy_watch.h \
	proxy/probe.c proxy/probe.h \
	proxy/reload.c proxy/reload.h \
	proxy/revocation.c proxy/revocation.h \
	proxy/serve_options.c proxy/serve_options.h \
	proxy/socket_file.c proxy/socket_file.h \
	proxy/splice_flow.c proxy/splice_flow.h
# What the loop calls beside HTTP: log, counters, confinement, service manager, pipes.
libproxy_a_SOURCES += \
	proxy/common_options.h \
	proxy/confine.c proxy/confine.h \
	proxy/confine_filter.c proxy/confine_filter.h \
	proxy/control.c proxy/control.h \
	proxy/control_client.c proxy/control_client.h \
	proxy/control_status.c \
	proxy/log_identity.c proxy/log_identity.h \
	proxy/log_loss.c proxy/log_loss.h \
	proxy/log_rotation.c proxy/log_rotation.h \
	proxy/log_sealing.c proxy/log_sealing.h \
	proxy/log_writer.c proxy/log_writer.h \
	proxy/metrics.c proxy/metrics.h \
	proxy/pipe_pool.c proxy/pipe_pool.h \
	proxy/rule_counter.c proxy/rule_counter.h \
	proxy/service_manager.c proxy/service_manager.h \
	proxy/share.c proxy/share.h proxy/share_internal.h \
	proxy/share_refusal.c \
	proxy/share_room.c \
	proxy/state_folder.c proxy/state_folder.h
# The egress gate.
libproxy_a_SOURCES += \
	proxy/address_cache.c proxy/address_cache.h \
	proxy/dialer.c proxy/dialer.h \
	proxy/dns_answer.c proxy/dns_answer.h \
	proxy/dns_channel.c proxy/dns_channel.h \
	proxy/dns_conn.c proxy/dns_conn.h \
	proxy/dns_exchange.c proxy/dns_exchange.h \
	proxy/dns_message.c proxy/dns_message.h \
	proxy/dns_query.c proxy/dns_query.h \
	proxy/dns_server.c proxy/dns_server.h \
	proxy/egress.c proxy/egress.h \
	proxy/egress_conn.c proxy/egress_conn.h \
	proxy/egress_exchange.c proxy/egress_exchange.h \
	proxy/egress_forward.c \
	proxy/egress_header.c proxy/egress_header.h \
	proxy/egress_log.c \
	proxy/egress_options.h \
	proxy/egress_refusal.c \
	proxy/egress_request.c \
	proxy/egress_response.c \
	proxy/egress_route.c \
	proxy/fd_watch.h \
	proxy/forwarding.c proxy/forwarding.h \
	proxy/hosts_table.c proxy/hosts_table.h \
	proxy/own_address.c proxy/own_address.h \
	proxy/own_host.c proxy/own_host.h \
	proxy/resolver.c proxy/resolver.h \
	proxy/tls_hello.c proxy/tls_hello.h \
	proxy/tls_retry.c proxy/tls_retry.h \
	proxy/tunnel.c proxy/tunnel.h \
	proxy/tunnel_answer.c \
	proxy/tunnel_peek.c \
	proxy/upstream_proxy.c proxy/upstream_proxy.h
