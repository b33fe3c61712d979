noinst_LIBRARIES += libpolicy.a
libpolicy_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS) $(CRYPTO_CFLAGS)
libpolicy_a_SOURCES = \
	policy/account.c policy/account.h \
	policy/arena.c policy/arena.h \
	policy/asked_docker.c policy/asked_docker.h \
	policy/asked_network.c policy/asked_network.h \
	policy/command_answer.h \
	policy/command_considered.c policy/command_considered.h \
	policy/command_docker.c \
	policy/command_log.c policy/commands.h \
	policy/command_log_verify.c policy/command_log_verify.h \
	policy/command_network.c \
	policy/command_policy.h \
	policy/command_policy_allow.c \
	policy/command_policy_check.c policy/command_policy_check.h \
	policy/command_policy_default.c \
	policy/command_policy_apply.c policy/command_policy_apply.h \
	policy/command_policy_edit.c policy/command_policy_edit.h \
	policy/command_policy_import.c \
	policy/command_policy_inspect.c \
	policy/command_policy_ls.c \
	policy/command_policy_resource.c policy/command_policy_resource.h \
	policy/command_policy_rm.c \
	policy/command_policy_schema.c \
	policy/command_policy_suggest.c \
	policy/command_policy_test.c \
	policy/command_policy_validate.c \
	policy/command_request.c policy/command_request.h \
	policy/command_rule.c policy/command_rule.h \
	policy/environment.c policy/environment.h \
	policy/environment_browser.c policy/environment_browser.h \
	policy/environment_notice.c policy/environment_notice.h \
	policy/environment_variables.c policy/environment_variables.h \
	policy/hidden_character.c policy/hidden_character.h \
	policy/html_text.c policy/html_text.h \
	policy/import_draft.c policy/import_draft.h \
	policy/import_hosts.c \
	policy/import_sbx.c \
	policy/import_sbx_listing.c policy/import_sbx_listing.h \
	policy/import_sbx_rule.c policy/import_sbx_rule.h \
	policy/import_squid.c policy/import_squid_acl.c policy/import_squid.h \
	policy/import_tinyproxy.c \
	policy/log_bisect.c policy/log_bisect.h \
	policy/log_digest.c policy/log_digest.h \
	policy/log_filter.c policy/log_filter.h \
	policy/log_follow.c policy/log_follow.h \
	policy/log_line.c policy/log_line.h \
	policy/log_needle.c policy/log_needle.h \
	policy/log_page.c policy/log_page.h \
	policy/log_page_data.c policy/log_page_data.h \
	policy/log_page_parts.c policy/log_page_parts.h \
	policy/log_page_rows.c \
	policy/log_page_timeline.c \
	policy/log_reader.c policy/log_reader.h \
	policy/log_record.c policy/log_record.h \
	policy/log_resume.c policy/log_resume.h \
	policy/log_scan.c policy/log_scan.h \
	policy/log_seal.c policy/log_seal.h \
	policy/log_summary.c policy/log_summary.h \
	policy/log_summary_view.c \
	policy/log_table.c policy/log_table.h \
	policy/log_timeline.c policy/log_timeline.h \
	policy/log_verify.c policy/log_verify.h \
	policy/log_verify_report.c policy/log_verify_report.h \
	policy/log_view.c policy/log_view.h \
	policy/output_file.c policy/output_file.h \
	policy/path_trust.c policy/path_trust.h \
	policy/path_walk.c policy/path_walk.h \
	policy/policy.c policy/policy.h \
	policy/policy_advice.c policy/policy_advice.h \
	policy/policy_browser.c \
	policy/policy_builder.c policy/policy_builder.h \
	policy/policy_builtin.c policy/policy_builtin.h \
	policy/policy_client_reader.c \
	policy/policy_cover.c policy/policy_cover.h \
	policy/policy_coverage.c policy/policy_coverage.h \
	policy/policy_document.c policy/policy_document.h \
	policy/policy_main_document.c policy/policy_main_document.h \
	policy/policy_rules_document.c policy/policy_rules_document.h \
	policy/policy_expiry.c \
	policy/policy_explain.c \
	policy/policy_file.c policy/policy_file.h \
	policy/policy_files.c policy/policy_files.h \
	policy/policy_import.c policy/policy_import.h \
	policy/policy_index.c policy/policy_index.h \
	policy/policy_internal.h policy/policy_list.h \
	policy/policy_listen.c \
	policy/policy_load.c policy/policy_load.h \
	policy/policy_lock.c policy/policy_lock.h \
	policy/policy_messages.c \
	policy/policy_network.c policy/policy_network.h \
	policy/policy_network_explain.c \
	policy/policy_network_list.c \
	policy/policy_network_notices.c \
	policy/policy_network_reader.c \
	policy/policy_network_set.c policy/policy_network_set.h \
	policy/policy_own_addresses.c policy/policy_own_addresses.h \
	policy/policy_notices.c \
	policy/policy_obstacles.c policy/policy_obstacles.h \
	policy/policy_overlap.c policy/policy_overlap.h \
	policy/policy_paths.c policy/policy_paths.h \
	policy/policy_rule_reader.c \
	policy/policy_store.c policy/policy_store.h \
	policy/policy_test_file.c policy/policy_test_file.h \
	policy/policy_words.c policy/policy_words.h \
	policy/posix_expression.c policy/posix_expression.h \
	policy/preset.c policy/preset.h \
	policy/rule_hits.c policy/rule_hits.h \
	policy/rule_place.c policy/rule_place.h \
	policy/rule_row.c policy/rule_row.h \
	policy/seal_key.c policy/seal_key.h \
	policy/suggest.c policy/suggest.h \
	policy/suggest_rule.c policy/suggest_rule.h \
	policy/suggest_diff.c policy/suggest_diff.h \
	policy/suggest_docker.c \
	policy/suggest_evidence.c policy/suggest_evidence.h \
	policy/suggest_network.c \
	policy/suggest_present.c \
	policy/suggest_use.c policy/suggest_use.h \
	policy/suggest_write.c policy/suggest_write.h \
	policy/text_map.c policy/text_map.h \
	policy/yaml_edit.c policy/yaml_edit.h \
	policy/yaml_tree.c policy/yaml_tree.h \
	policy/yaml_write.c policy/yaml_write.h

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

# The form of a policy as JSON Schema, carried like the presets.
EXTRA_DIST += policy/policy.schema.json
BUILT_SOURCES += policy/policy_schema_text.inc
CLEANFILES += policy/policy_schema_text.inc
policy/policy_schema_text.inc: policy/policy.schema.json
	$(AM_V_GEN)$(MKDIR_P) policy && { echo 'static const char schema_text[] =' && \
	LC_ALL=C awk '{ gsub(/\\/, "&&"); gsub(/"/, "\\\""); printf "    \"%s\\n\"\n", $$0 }' $(srcdir)/policy/policy.schema.json && \
	echo '    ;'; } > $@.tmp && mv $@.tmp $@
policy/libpolicy_a-command_policy_schema.$(OBJEXT): policy/policy_schema_text.inc

# The parts of the page that `policy log --html` writes.
log_page_parts = \
	policy/log_page/page.css \
	policy/log_page/page.html \
	policy/log_page/page.js \
	policy/log_page/record.html \
	policy/log_page/records.html \
	policy/log_page/row.html \
	policy/log_page/rows.html \
	policy/log_page/timeline.html
EXTRA_DIST += $(log_page_parts) policy/log_page/embed.sh
BUILT_SOURCES += policy/log_page_texts.inc
CLEANFILES += policy/log_page_texts.inc
policy/log_page_texts.inc: $(log_page_parts) policy/log_page/embed.sh
	$(AM_V_GEN)$(MKDIR_P) policy && parts= && \
	for part in $(log_page_parts); do parts="$$parts $(srcdir)/$$part"; done && \
	$(SHELL) $(srcdir)/policy/log_page/embed.sh $$parts > $@.tmp && mv $@.tmp $@
policy/libpolicy_a-log_page_parts.$(OBJEXT): policy/log_page_texts.inc
