# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_command.a
libpolicy_command_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
policy_command_chain = libpolicy_command.a $(policy_suggest_chain) $(policy_import_chain) $(policy_view_chain)
libpolicy_command_a_SOURCES = \
	policy/command/command_answer.c policy/command/command_answer.h \
	policy/command/command_log.c \
	policy/command/command_log_source.c policy/command/command_log_source.h \
	policy/command/command_log_verify.c policy/command/command_log_verify.h \
	policy/command/command_policy.h \
	policy/command/command_policy_allow.c \
	policy/command/command_policy_apply.c policy/command/command_policy_apply.h \
	policy/command/command_policy_check.c policy/command/command_policy_check.h \
	policy/command/command_policy_default.c \
	policy/command/command_policy_edit.c policy/command/command_policy_edit.h \
	policy/command/command_policy_import.c \
	policy/command/command_policy_inspect.c \
	policy/command/command_policy_ls.c \
	policy/command/command_policy_resource.c policy/command/command_policy_resource.h \
	policy/command/command_policy_rm.c \
	policy/command/command_policy_schema.c \
	policy/command/command_policy_suggest.c \
	policy/command/command_policy_test.c \
	policy/command/command_policy_validate.c \
	policy/command/command_rule.c policy/command/command_rule.h \
	policy/command/commands.h \
	policy/command/policy_test_file.c policy/command/policy_test_file.h \
	policy/command/policy_words.c policy/command/policy_words.h

# The form of a policy as JSON Schema, carried like the presets.
EXTRA_DIST += policy/command/policy.schema.json
BUILT_SOURCES += policy/command/policy_schema_text.inc
CLEANFILES += policy/command/policy_schema_text.inc
policy/command/policy_schema_text.inc: policy/command/policy.schema.json base/embed.sh
	$(AM_V_GEN)$(MKDIR_P) policy/command && \
	$(SHELL) $(srcdir)/base/embed.sh 'static const char ' $(srcdir)/policy/command/policy.schema.json > $@.tmp && mv $@.tmp $@
policy/command/libpolicy_command_a-command_policy_schema.$(OBJEXT): policy/command/policy_schema_text.inc
