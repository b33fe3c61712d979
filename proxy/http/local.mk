# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_http.a
libproxy_http_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_http_chain = libproxy_http.a $(proxy_io_chain)
libproxy_http_a_SOURCES = \
	proxy/http/foreign_client.c proxy/http/foreign_client.h \
	proxy/http/held_body.c proxy/http/held_body.h \
	proxy/http/http_body.c proxy/http/http_body.h \
	proxy/http/http_chunk.c proxy/http/http_chunk.h \
	proxy/http/http_exchange.c proxy/http/http_exchange.h \
	proxy/http/http_fault.c proxy/http/http_fault.h \
	proxy/http/http_head.c proxy/http/http_head.h \
	proxy/http/http_line.c proxy/http/http_line.h \
	proxy/http/http_pump.c proxy/http/http_pump.h \
	proxy/http/http_write.c proxy/http/http_write.h
