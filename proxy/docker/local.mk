# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_docker.a
libproxy_docker_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_docker_chain = libproxy_docker.a $(proxy_exchange_chain)
libproxy_docker_a_SOURCES = \
	proxy/docker/browser_guard.c proxy/docker/browser_guard.h \
	proxy/docker/docker_answer.c \
	proxy/docker/docker_collect.c \
	proxy/docker/docker_conn.c proxy/docker/docker_conn.h \
	proxy/docker/docker_exchange.c \
	proxy/docker/docker_guard.c \
	proxy/docker/docker_header.c proxy/docker/docker_header.h \
	proxy/docker/docker_json.c \
	proxy/docker/docker_log.c \
	proxy/docker/docker_lookup.c \
	proxy/docker/docker_revoke.c \
	proxy/docker/docker_tunnel.c \
	proxy/docker/docker_version.c proxy/docker/docker_version.h \
	proxy/docker/engine.c proxy/docker/engine.h \
	proxy/docker/engine_request.c proxy/docker/engine_request.h
