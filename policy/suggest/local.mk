# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_suggest.a
libpolicy_suggest_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
policy_suggest_chain = libpolicy_suggest.a $(policy_document_chain) $(policy_log_chain)
libpolicy_suggest_a_SOURCES = \
	policy/suggest/suggest.c policy/suggest/suggest.h \
	policy/suggest/suggest_destination.c \
	policy/suggest/suggest_diff.c policy/suggest/suggest_diff.h \
	policy/suggest/suggest_docker.c \
	policy/suggest/suggest_evidence.c policy/suggest/suggest_evidence.h \
	policy/suggest/suggest_network.c \
	policy/suggest/suggest_present.c \
	policy/suggest/suggest_record.c policy/suggest/suggest_record.h \
	policy/suggest/suggest_rule.c policy/suggest/suggest_rule.h \
	policy/suggest/suggest_use.c policy/suggest/suggest_use.h \
	policy/suggest/suggest_write.c policy/suggest/suggest_write.h
