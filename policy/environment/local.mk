# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_environment.a
policy_environment_chain = libpolicy_environment.a $(policy_snapshot_chain)
libpolicy_environment_a_SOURCES = \
	policy/environment/environment.c policy/environment/environment.h \
	policy/environment/environment_browser.c policy/environment/environment_browser.h \
	policy/environment/environment_notice.c policy/environment/environment_notice.h \
	policy/environment/environment_variables.c policy/environment/environment_variables.h
