# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_document.a
libpolicy_document_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
policy_document_chain = libpolicy_document.a $(policy_environment_chain) $(policy_explain_chain)
libpolicy_document_a_SOURCES = \
	policy/document/policy_client_reader.c \
	policy/document/policy_document.c policy/document/policy_document.h \
	policy/document/policy_file.c policy/document/policy_file.h \
	policy/document/policy_files.c policy/document/policy_files.h \
	policy/document/policy_load.c policy/document/policy_load.h \
	policy/document/policy_lock.c policy/document/policy_lock.h \
	policy/document/policy_guard_reader.c \
	policy/document/policy_main_document.c policy/document/policy_main_document.h \
	policy/document/policy_network_reader.c \
	policy/document/policy_own_addresses.c policy/document/policy_own_addresses.h \
	policy/document/policy_paths.c policy/document/policy_paths.h \
	policy/document/policy_rule_reader.c \
	policy/document/policy_rules_document.c policy/document/policy_rules_document.h \
	policy/document/policy_store.c policy/document/policy_store.h \
	policy/document/preset.c policy/document/preset.h \
	policy/document/rule_hits.c policy/document/rule_hits.h \
	policy/document/rule_place.c policy/document/rule_place.h \
	policy/document/yaml_edit.c policy/document/yaml_edit.h \
	policy/document/yaml_syntax.c policy/document/yaml_syntax.h \
	policy/document/yaml_tree.c policy/document/yaml_tree.h \
	policy/document/yaml_write.c policy/document/yaml_write.h

# The presets are documents that the program carries, listed in the order of their names.
preset_documents = $(sort $(wildcard $(srcdir)/policy/document/presets/*.yaml))
EXTRA_DIST += policy/document/presets
BUILT_SOURCES += policy/document/preset_texts.inc
CLEANFILES += policy/document/preset_texts.inc
policy/document/preset_texts.inc: $(preset_documents) base/embed.sh
	$(AM_V_GEN)$(MKDIR_P) policy/document && \
	$(SHELL) $(srcdir)/base/embed.sh 'static const char preset_' $(preset_documents) > $@.tmp && mv $@.tmp $@
policy/document/libpolicy_document_a-preset.$(OBJEXT): policy/document/preset_texts.inc

# What each preset admits and what it does not, for `policy test`; users may copy them.
install-data-local: install-preset-tests
install-preset-tests:
	$(MKDIR_P) "$(DESTDIR)$(pkgdatadir)/preset-tests"
	$(INSTALL_DATA) $(srcdir)/policy/document/presets/tests/*.yaml "$(DESTDIR)$(pkgdatadir)/preset-tests"
uninstall-local: uninstall-preset-tests
uninstall-preset-tests:
	cd $(srcdir)/policy/document/presets/tests && for file in *.yaml; do rm -f "$(DESTDIR)$(pkgdatadir)/preset-tests/$$file"; done
	-rmdir "$(DESTDIR)$(pkgdatadir)/preset-tests" 2>/dev/null
.PHONY: install-preset-tests uninstall-preset-tests
