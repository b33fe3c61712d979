# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_serve.a
libproxy_serve_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(CARES_CFLAGS) $(YAML_CFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
proxy_serve_chain = libproxy_serve.a $(proxy_operator_chain) $(proxy_egress_chain) $(proxy_dns_chain)
libproxy_serve_a_SOURCES = \
	proxy/serve/command_doctor.c \
	proxy/serve/command_healthcheck.c \
	proxy/serve/command_policy_check_live.c \
	proxy/serve/command_policy_control.c \
	proxy/serve/command_serve.c \
	proxy/serve/command_version.c \
	proxy/serve/commands.h \
	proxy/serve/common_options.h \
	proxy/serve/engine_advice.c proxy/serve/engine_advice.h \
	proxy/serve/forwarding.c proxy/serve/forwarding.h \
	proxy/serve/gates.c proxy/serve/gates.h \
	proxy/serve/health_client.c proxy/serve/health_client.h \
	proxy/serve/probe.c proxy/serve/probe.h \
	proxy/serve/serve_options.c proxy/serve/serve_options.h
