# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_egress.a
libproxy_egress_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_egress_chain = libproxy_egress.a $(proxy_exchange_chain) $(proxy_resolve_chain)
libproxy_egress_a_SOURCES = \
	proxy/egress/egress.c proxy/egress/egress.h \
	proxy/egress/egress_answer.c \
	proxy/egress/egress_conn.c proxy/egress/egress_conn.h \
	proxy/egress/egress_exchange.c proxy/egress/egress_exchange.h \
	proxy/egress/egress_header.c proxy/egress/egress_header.h \
	proxy/egress/egress_log.c \
	proxy/egress/egress_options.h \
	proxy/egress/egress_origin.c \
	proxy/egress/egress_request.c \
	proxy/egress/egress_revoke.c \
	proxy/egress/egress_route.c \
	proxy/egress/tls_hello.c proxy/egress/tls_hello.h \
	proxy/egress/tls_retry.c proxy/egress/tls_retry.h \
	proxy/egress/tunnel.c proxy/egress/tunnel.h \
	proxy/egress/tunnel_answer.c \
	proxy/egress/tunnel_peek.c \
	proxy/egress/upstream_proxy.c proxy/egress/upstream_proxy.h
