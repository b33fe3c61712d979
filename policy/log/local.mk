# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_log.a
policy_log_chain = libpolicy_log.a $(rules_docker_chain)
libpolicy_log_a_SOURCES = \
	policy/log/log_bisect.c policy/log/log_bisect.h \
	policy/log/log_filter.c policy/log/log_filter.h \
	policy/log/log_follow.c policy/log/log_follow.h \
	policy/log/log_input.c policy/log/log_input.h \
	policy/log/log_line.c policy/log/log_line.h \
	policy/log/log_reader.c policy/log/log_reader.h \
	policy/log/log_record.c policy/log/log_record.h \
	policy/log/log_scan.c policy/log/log_scan.h \
	policy/log/log_timeline.c policy/log/log_timeline.h
