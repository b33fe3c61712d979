# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_io.a
libproxy_io_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_io_chain = libproxy_io.a $(rules_guard_chain)
libproxy_io_a_SOURCES = \
	proxy/io/blocking_socket.c proxy/io/blocking_socket.h \
	proxy/io/endpoint.c proxy/io/endpoint.h \
	proxy/io/event_switch.h \
	proxy/io/event_timer.h \
	proxy/io/fd_watch.h \
	proxy/io/io_buffer.c proxy/io/io_buffer.h \
	proxy/io/listen_socket.c proxy/io/listen_socket.h \
	proxy/io/own_host.c proxy/io/own_host.h \
	proxy/io/pipe_pool.c proxy/io/pipe_pool.h \
	proxy/io/socket_file.c proxy/io/socket_file.h \
	proxy/io/splice_flow.c proxy/io/splice_flow.h \
	proxy/io/stream.c proxy/io/stream.h \
	proxy/io/tls_alert.h
