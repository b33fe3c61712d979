# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_exchange.a
libproxy_exchange_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_exchange_chain = libproxy_exchange.a $(proxy_loop_chain)
libproxy_exchange_a_SOURCES = \
	proxy/exchange/exchange.c proxy/exchange/exchange.h \
	proxy/exchange/http_answer.c \
	proxy/exchange/http_conn.c proxy/exchange/http_conn.h \
	proxy/exchange/http_forward.c \
	proxy/exchange/http_refusal.c \
	proxy/exchange/http_upstream.h
