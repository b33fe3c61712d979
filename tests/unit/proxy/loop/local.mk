# SPDX-License-Identifier: Apache-2.0
TESTS += proxy_loop_tests
proxy_loop_tests_SOURCES = \
	tests/unit/proxy/loop/confine_test.c \
	tests/unit/proxy/loop/log_writer_seal_test.c \
	tests/unit/proxy/loop/log_writer_test.c \
	tests/unit/proxy/loop/metrics_test.c \
	tests/unit/proxy/loop/policy_watch_test.c \
	tests/unit/proxy/loop/rule_counter_test.c \
	tests/unit/proxy/loop/service_manager_test.c \
	tests/unit/proxy/loop/state_folder_test.c \
	tests/unit/proxy/loop/worker_test.c
proxy_loop_tests_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(SECCOMP_CFLAGS)
proxy_loop_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
proxy_loop_tests_LDADD = $(proxy_loop_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
