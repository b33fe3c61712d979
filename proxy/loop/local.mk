# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libproxy_loop.a
libproxy_loop_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(SECCOMP_CFLAGS) $(YAML_CFLAGS)
proxy_loop_chain = libproxy_loop.a $(proxy_http_chain) $(proxy_share_chain) $(policy_command_chain)
libproxy_loop_a_SOURCES = \
	proxy/loop/admission.c proxy/loop/admission.h \
	proxy/loop/client_conn.c proxy/loop/client_conn.h \
	proxy/loop/confine.c proxy/loop/confine.h \
	proxy/loop/confine_filter.c proxy/loop/confine_filter.h \
	proxy/loop/loop.c proxy/loop/loop.h \
	proxy/loop/loop_limits.c proxy/loop/loop_limits.h \
	proxy/loop/loop_run.c proxy/loop/loop_run.h \
	proxy/loop/listener.c proxy/loop/listener.h \
	proxy/loop/log_identity.c proxy/loop/log_identity.h \
	proxy/loop/log_loss.c proxy/loop/log_loss.h \
	proxy/loop/log_rotation.c proxy/loop/log_rotation.h \
	proxy/loop/log_sealing.c proxy/loop/log_sealing.h \
	proxy/loop/log_writer.c proxy/loop/log_writer.h \
	proxy/loop/metrics.c proxy/loop/metrics.h \
	proxy/loop/own_address.c proxy/loop/own_address.h \
	proxy/loop/policy_watch.c proxy/loop/policy_watch.h \
	proxy/loop/reload.c proxy/loop/reload.h \
	proxy/loop/revocation.c proxy/loop/revocation.h \
	proxy/loop/rule_counter.c proxy/loop/rule_counter.h \
	proxy/loop/service_manager.c proxy/loop/service_manager.h \
	proxy/loop/state_folder.c proxy/loop/state_folder.h \
	proxy/loop/unlogged.c proxy/loop/unlogged.h \
	proxy/loop/worker.c proxy/loop/worker.h
