# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_snapshot.a
policy_snapshot_chain = libpolicy_snapshot.a $(rules_guard_chain)
libpolicy_snapshot_a_SOURCES = \
	policy/snapshot/policy.c policy/snapshot/policy.h \
	policy/snapshot/policy_address.c \
	policy/snapshot/policy_browser.c policy/snapshot/policy_browser.h \
	policy/snapshot/policy_builder.c policy/snapshot/policy_builder.h \
	policy/snapshot/policy_builtin.c policy/snapshot/policy_builtin.h \
	policy/snapshot/policy_data.h \
	policy/snapshot/policy_expiry.c policy/snapshot/policy_expiry.h \
	policy/snapshot/policy_index.c policy/snapshot/policy_index.h \
	policy/snapshot/policy_list.c policy/snapshot/policy_list.h \
	policy/snapshot/policy_listen.c policy/snapshot/policy_listen.h \
	policy/snapshot/policy_messages.c policy/snapshot/policy_messages.h \
	policy/snapshot/policy_network.c policy/snapshot/policy_network.h \
	policy/snapshot/policy_network_set.c policy/snapshot/policy_network_set.h
