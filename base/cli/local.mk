# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libbase_cli.a
base_cli_chain = libbase_cli.a $(base_chain)
libbase_cli_a_SOURCES = \
	base/cli/command.c base/cli/command.h \
	base/cli/completion.c base/cli/completion.h \
	base/cli/completion_offer.c base/cli/completion_offer.h \
	base/cli/help.c base/cli/help.h \
	base/cli/option.c base/cli/option.h \
	base/cli/output_file.c base/cli/output_file.h

# The completion scripts, which the program prints and `make install` puts where the shells look.
completion_scripts = base/cli/completion/dockreeve.bash base/cli/completion/dockreeve.fish base/cli/completion/dockreeve.zsh
EXTRA_DIST += $(completion_scripts) base/embed.sh
BUILT_SOURCES += base/cli/completion_scripts.inc
CLEANFILES += base/cli/completion_scripts.inc
base/cli/completion_scripts.inc: $(completion_scripts) base/embed.sh
	$(AM_V_GEN)$(MKDIR_P) base/cli && \
	$(SHELL) $(srcdir)/base/embed.sh 'static const char script_' $(completion_scripts:%=$(srcdir)/%) > $@.tmp && mv $@.tmp $@
base/cli/completion.$(OBJEXT): base/cli/completion_scripts.inc
install-data-local: install-completions
install-completions:
	$(MKDIR_P) "$(DESTDIR)$(datadir)/bash-completion/completions" "$(DESTDIR)$(datadir)/zsh/site-functions" \
		"$(DESTDIR)$(datadir)/fish/vendor_completions.d"
	$(INSTALL_DATA) $(srcdir)/base/cli/completion/dockreeve.bash "$(DESTDIR)$(datadir)/bash-completion/completions/dockreeve"
	$(INSTALL_DATA) $(srcdir)/base/cli/completion/dockreeve.zsh "$(DESTDIR)$(datadir)/zsh/site-functions/_dockreeve"
	$(INSTALL_DATA) $(srcdir)/base/cli/completion/dockreeve.fish "$(DESTDIR)$(datadir)/fish/vendor_completions.d/dockreeve.fish"
uninstall-local:
	rm -f "$(DESTDIR)$(datadir)/bash-completion/completions/dockreeve" "$(DESTDIR)$(datadir)/zsh/site-functions/_dockreeve" \
		"$(DESTDIR)$(datadir)/fish/vendor_completions.d/dockreeve.fish"
.PHONY: install-completions
