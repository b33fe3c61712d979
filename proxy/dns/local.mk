# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_dns.a
libproxy_dns_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_dns_chain = libproxy_dns.a $(proxy_loop_chain) $(proxy_resolve_chain)
libproxy_dns_a_SOURCES = \
	proxy/dns/dns_conn.c proxy/dns/dns_conn.h \
	proxy/dns/dns_exchange.c proxy/dns/dns_exchange.h \
	proxy/dns/dns_server.c proxy/dns/dns_server.h
