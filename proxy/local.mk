noinst_LIBRARIES += libproxy.a
libproxy_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(SECCOMP_CFLAGS) $(CARES_CFLAGS) \
	$(YAML_CFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
libproxy_a_SOURCES = \
	proxy/admin.c proxy/admin.h \
	proxy/command_doctor.c \
	proxy/command_healthcheck.c \
	proxy/command_serve.c \
	proxy/command_version.c proxy/commands.h \
	proxy/docker_body.c \
	proxy/docker_conn.c proxy/docker_conn.h \
	proxy/docker_exchange.c \
	proxy/docker_header.c proxy/docker_header.h \
	proxy/docker_log.c \
	proxy/docker_lookup.c \
	proxy/docker_refusal.c \
	proxy/docker_response.c \
	proxy/docker_revoke.c \
	proxy/docker_tunnel.c \
	proxy/endpoint.c proxy/endpoint.h \
	proxy/engine.c proxy/engine.h \
	proxy/event_switch.h \
	proxy/gate.c proxy/gate.h \
	proxy/http_body.c proxy/http_body.h \
	proxy/http_chunk.c proxy/http_chunk.h \
	proxy/http_fault.c proxy/http_fault.h \
	proxy/http_head.c proxy/http_head.h \
	proxy/http_line.c proxy/http_line.h \
	proxy/io_buffer.c proxy/io_buffer.h \
	proxy/listener.c proxy/listener.h \
	proxy/probe.c proxy/probe.h \
	proxy/reload.c proxy/reload.h \
	proxy/serve_options.c proxy/serve_options.h \
	proxy/splice_flow.c proxy/splice_flow.h
# What the loop calls beside HTTP: log, counters, confinement, service manager, pipes.
libproxy_a_SOURCES += \
	proxy/common_options.h \
	proxy/confine.c proxy/confine.h \
	proxy/confine_filter.c proxy/confine_filter.h \
	proxy/log_identity.c proxy/log_identity.h \
	proxy/log_rotation.c proxy/log_rotation.h \
	proxy/log_writer.c proxy/log_writer.h \
	proxy/metrics.c proxy/metrics.h \
	proxy/pipe_pool.c proxy/pipe_pool.h \
	proxy/service_manager.c proxy/service_manager.h
