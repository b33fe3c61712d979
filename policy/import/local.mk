# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_import.a
libpolicy_import_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
policy_import_chain = libpolicy_import.a $(policy_document_chain) $(policy_log_chain)
libpolicy_import_a_SOURCES = \
	policy/import/import_draft.c policy/import/import_draft.h \
	policy/import/import_domains.c \
	policy/import/import_expression.c policy/import/import_expression.h \
	policy/import/import_hosts.c \
	policy/import/import_sbx.c \
	policy/import/import_sbx_listing.c policy/import/import_sbx_listing.h \
	policy/import/import_sbx_rule.c policy/import/import_sbx_rule.h \
	policy/import/import_squid.c policy/import/import_squid.h \
	policy/import/import_squid_acl.c \
	policy/import/import_tinyproxy.c \
	policy/import/policy_import.c policy/import/policy_import.h \
	policy/import/posix_expression.c policy/import/posix_expression.h
