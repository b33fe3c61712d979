noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	base/attributes.h \
	base/buffer.c base/buffer.h \
	base/command.c base/command.h \
	base/completion.c base/completion.h \
	base/completion_offer.c base/completion_offer.h \
	base/error.c base/error.h \
	base/json_token.c base/json_token.h \
	base/json_value.c base/json_value.h \
	base/json_write.c base/json_write.h \
	base/near_word.c base/near_word.h \
	base/option.c base/option.h \
	base/percent_code.c base/percent_code.h \
	base/slice.c base/slice.h \
	base/terminal_text.c base/terminal_text.h \
	base/timestamp.c base/timestamp.h \
	base/utf8.c base/utf8.h \
	base/write_all.c base/write_all.h

# The completion scripts, which the program prints and `make install` puts where the shells look.
completion_scripts = base/completion/dockreeve.bash base/completion/dockreeve.fish base/completion/dockreeve.zsh
EXTRA_DIST += $(completion_scripts) base/completion/embed.sh
BUILT_SOURCES += completion_scripts.inc
CLEANFILES += completion_scripts.inc
completion_scripts.inc: $(completion_scripts) base/completion/embed.sh
	$(AM_V_GEN)scripts= && for script in $(completion_scripts); do scripts="$$scripts $(srcdir)/$$script"; done && \
	$(SHELL) $(srcdir)/base/completion/embed.sh $$scripts >$@.tmp && mv $@.tmp $@
base/completion.$(OBJEXT): completion_scripts.inc
install-data-local: install-completions
install-completions:
	$(MKDIR_P) "$(DESTDIR)$(datadir)/bash-completion/completions" "$(DESTDIR)$(datadir)/zsh/site-functions" \
		"$(DESTDIR)$(datadir)/fish/vendor_completions.d"
	$(INSTALL_DATA) $(srcdir)/base/completion/dockreeve.bash "$(DESTDIR)$(datadir)/bash-completion/completions/dockreeve"
	$(INSTALL_DATA) $(srcdir)/base/completion/dockreeve.zsh "$(DESTDIR)$(datadir)/zsh/site-functions/_dockreeve"
	$(INSTALL_DATA) $(srcdir)/base/completion/dockreeve.fish "$(DESTDIR)$(datadir)/fish/vendor_completions.d/dockreeve.fish"
uninstall-local:
	rm -f "$(DESTDIR)$(datadir)/bash-completion/completions/dockreeve" "$(DESTDIR)$(datadir)/zsh/site-functions/_dockreeve" \
		"$(DESTDIR)$(datadir)/fish/vendor_completions.d/dockreeve.fish"
.PHONY: install-completions
