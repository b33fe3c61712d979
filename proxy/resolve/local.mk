# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_resolve.a
libproxy_resolve_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(CARES_CFLAGS)
proxy_resolve_chain = libproxy_resolve.a $(proxy_share_chain)
libproxy_resolve_a_SOURCES = \
	proxy/resolve/address_cache.c proxy/resolve/address_cache.h \
	proxy/resolve/dialer.c proxy/resolve/dialer.h \
	proxy/resolve/dns_answer.c proxy/resolve/dns_answer.h \
	proxy/resolve/dns_channel.c proxy/resolve/dns_channel.h \
	proxy/resolve/dns_message.c proxy/resolve/dns_message.h \
	proxy/resolve/dns_query.c proxy/resolve/dns_query.h \
	proxy/resolve/hosts_table.c proxy/resolve/hosts_table.h \
	proxy/resolve/name_finder.c proxy/resolve/name_finder.h \
	proxy/resolve/resolver.c proxy/resolve/resolver.h
