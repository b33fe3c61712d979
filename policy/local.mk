noinst_LIBRARIES += libpolicy.a
libpolicy_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
libpolicy_a_SOURCES = \
	policy/account.c policy/account.h \
	policy/arena.c policy/arena.h \
	policy/asked_docker.c policy/asked_docker.h \
	policy/asked_network.c policy/asked_network.h \
	policy/command_answer.h \
	policy/command_considered.c policy/command_considered.h \
	policy/command_docker.c \
	policy/command_log.c policy/commands.h \
	policy/command_network.c \
	policy/command_policy.h \
	policy/command_policy_check.c policy/command_policy_check.h \
	policy/command_policy_import.c \
	policy/command_policy_ls.c \
	policy/command_policy_test.c \
	policy/command_policy_validate.c \
	policy/command_request.c policy/command_request.h \
	policy/environment.c policy/environment.h \
	policy/environment_notice.c policy/environment_notice.h \
	policy/environment_variables.c policy/environment_variables.h \
	policy/import_draft.c policy/import_draft.h \
	policy/import_hosts.c \
	policy/import_sbx.c policy/import_sbx_listing.c policy/import_sbx.h \
	policy/import_squid.c policy/import_squid_acl.c policy/import_squid.h \
	policy/import_tinyproxy.c \
	policy/log_filter.h \
	policy/log_follow.c policy/log_follow.h \
	policy/log_line.c policy/log_line.h \
	policy/log_reader.c policy/log_reader.h \
	policy/log_record.c policy/log_record.h \
	policy/log_scan.h \
	policy/log_summary.h \
	policy/log_table.c policy/log_table.h \
	policy/policy.c policy/policy.h \
	policy/policy_advice.c policy/policy_advice.h \
	policy/policy_builder.c policy/policy_builder.h \
	policy/policy_client_reader.c \
	policy/policy_coverage.c policy/policy_coverage.h \
	policy/policy_document.c policy/policy_document.h \
	policy/policy_explain.c \
	policy/policy_file.c policy/policy_file.h \
	policy/policy_import.c policy/policy_import.h \
	policy/policy_index.c policy/policy_index.h \
	policy/policy_internal.h policy/policy_list.h \
	policy/policy_listen.c \
	policy/policy_load.c policy/policy_load.h \
	policy/policy_messages.c \
	policy/policy_network.c policy/policy_network.h \
	policy/policy_network_explain.c \
	policy/policy_network_list.c \
	policy/policy_network_notices.c \
	policy/policy_network_reader.c \
	policy/policy_network_set.c policy/policy_network_set.h \
	policy/policy_notices.c \
	policy/policy_paths.c policy/policy_paths.h \
	policy/policy_rule_reader.c \
	policy/policy_test_file.c policy/policy_test_file.h \
	policy/posix_expression.c policy/posix_expression.h \
	policy/preset.c policy/preset.h \
	policy/rule_hits.h \
	policy/yaml_tree.c policy/yaml_tree.h

# The presets are documents that the program carries. They stand here in the order in which they are listed.
preset_documents = \
	policy/presets/ai-anthropic.yaml \
	policy/presets/ai-apis.yaml \
	policy/presets/ai-copilot.yaml \
	policy/presets/ai-cursor.yaml \
	policy/presets/ai-factory.yaml \
	policy/presets/ai-google.yaml \
	policy/presets/ai-models.yaml \
	policy/presets/ai-openai.yaml \
	policy/presets/allow-all.yaml \
	policy/presets/alpine.yaml \
	policy/presets/balanced.yaml \
	policy/presets/bitbucket.yaml \
	policy/presets/certificates.yaml \
	policy/presets/ci-runner.yaml \
	policy/presets/container-registries.yaml \
	policy/presets/crates.yaml \
	policy/presets/debian.yaml \
	policy/presets/deny-all.yaml \
	policy/presets/docker-read.yaml \
	policy/presets/fedora.yaml \
	policy/presets/github.yaml \
	policy/presets/gitlab.yaml \
	policy/presets/go.yaml \
	policy/presets/hex.yaml \
	policy/presets/maven.yaml \
	policy/presets/negotiate.yaml \
	policy/presets/npm.yaml \
	policy/presets/nuget.yaml \
	policy/presets/packagist.yaml \
	policy/presets/portainer.yaml \
	policy/presets/pypi.yaml \
	policy/presets/rubygems.yaml \
	policy/presets/toolchain-dotnet.yaml \
	policy/presets/toolchain-go.yaml \
	policy/presets/toolchain-java.yaml \
	policy/presets/toolchain-node.yaml \
	policy/presets/toolchain-python.yaml \
	policy/presets/toolchain-rust.yaml \
	policy/presets/toolchains.yaml \
	policy/presets/traefik.yaml \
	policy/presets/ubuntu.yaml \
	policy/presets/upload-targets.yaml \
	policy/presets/watchtower.yaml
EXTRA_DIST += $(preset_documents) policy/presets/embed.sh

# What each preset admits and what it does not, for `policy test`; users may copy them.
presettestsdir = $(pkgdatadir)/preset-tests
dist_presettests_DATA = \
	policy/presets/tests/ai-anthropic.yaml \
	policy/presets/tests/ai-apis.yaml \
	policy/presets/tests/ai-copilot.yaml \
	policy/presets/tests/ai-cursor.yaml \
	policy/presets/tests/ai-factory.yaml \
	policy/presets/tests/ai-google.yaml \
	policy/presets/tests/ai-models.yaml \
	policy/presets/tests/ai-openai.yaml \
	policy/presets/tests/allow-all.yaml \
	policy/presets/tests/alpine.yaml \
	policy/presets/tests/balanced.yaml \
	policy/presets/tests/bitbucket.yaml \
	policy/presets/tests/certificates.yaml \
	policy/presets/tests/ci-runner.yaml \
	policy/presets/tests/container-registries.yaml \
	policy/presets/tests/crates.yaml \
	policy/presets/tests/debian.yaml \
	policy/presets/tests/deny-all.yaml \
	policy/presets/tests/docker-read.yaml \
	policy/presets/tests/fedora.yaml \
	policy/presets/tests/github.yaml \
	policy/presets/tests/gitlab.yaml \
	policy/presets/tests/go.yaml \
	policy/presets/tests/hex.yaml \
	policy/presets/tests/maven.yaml \
	policy/presets/tests/negotiate.yaml \
	policy/presets/tests/npm.yaml \
	policy/presets/tests/nuget.yaml \
	policy/presets/tests/packagist.yaml \
	policy/presets/tests/portainer.yaml \
	policy/presets/tests/pypi.yaml \
	policy/presets/tests/rubygems.yaml \
	policy/presets/tests/toolchain-dotnet.yaml \
	policy/presets/tests/toolchain-go.yaml \
	policy/presets/tests/toolchain-java.yaml \
	policy/presets/tests/toolchain-node.yaml \
	policy/presets/tests/toolchain-python.yaml \
	policy/presets/tests/toolchain-rust.yaml \
	policy/presets/tests/toolchains.yaml \
	policy/presets/tests/traefik.yaml \
	policy/presets/tests/ubuntu.yaml \
	policy/presets/tests/upload-targets.yaml \
	policy/presets/tests/watchtower.yaml
BUILT_SOURCES += policy/preset_texts.inc
CLEANFILES += policy/preset_texts.inc
policy/preset_texts.inc: $(preset_documents) policy/presets/embed.sh
	$(AM_V_GEN)$(MKDIR_P) policy && documents= && \
	for document in $(preset_documents); do documents="$$documents $(srcdir)/$$document"; done && \
	$(SHELL) $(srcdir)/policy/presets/embed.sh $$documents > $@.tmp && mv $@.tmp $@
policy/libpolicy_a-preset.$(OBJEXT): policy/preset_texts.inc
