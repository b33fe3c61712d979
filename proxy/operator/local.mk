# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_operator.a
libproxy_operator_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
proxy_operator_chain = libproxy_operator.a $(proxy_docker_chain)
libproxy_operator_a_SOURCES = \
	proxy/operator/admin.c proxy/operator/admin.h \
	proxy/operator/control.c proxy/operator/control.h \
	proxy/operator/control_client.c proxy/operator/control_client.h \
	proxy/operator/control_status.c \
	proxy/operator/health.c proxy/operator/health.h \
	proxy/operator/operator_socket.c proxy/operator/operator_socket.h \
	proxy/operator/readiness.c proxy/operator/readiness.h
