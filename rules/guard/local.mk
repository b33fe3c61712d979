# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librules_guard.a
rules_guard_chain = librules_guard.a $(rules_docker_chain)
librules_guard_a_SOURCES = \
	rules/guard/body.c rules/guard/body.h \
	rules/guard/body_table.c \
	rules/guard/body_type.c rules/guard/body_type.h \
	rules/guard/guard.h \
	rules/guard/guard_case.c rules/guard/guard_case.h \
	rules/guard/guard_judge.c rules/guard/guard_judge.h \
	rules/guard/guard_limits.c \
	rules/guard/guard_mounts.c \
	rules/guard/guard_networks.c \
	rules/guard/guard_privileges.c \
	rules/guard/guard_set.c rules/guard/guard_set.h
