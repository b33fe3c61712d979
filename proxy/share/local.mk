# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_share.a
libproxy_share_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_share_chain = libproxy_share.a $(proxy_io_chain)
libproxy_share_a_SOURCES = \
	proxy/share/share.c proxy/share/share.h \
	proxy/share/share_internal.h \
	proxy/share/share_refusal.c \
	proxy/share/share_room.c
