# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_view.a
policy_view_chain = libpolicy_view.a $(policy_seal_chain)
libpolicy_view_a_SOURCES = \
	policy/view/log_client_names.c policy/view/log_client_names.h \
	policy/view/log_page.c policy/view/log_page.h \
	policy/view/log_page_data.c policy/view/log_page_data.h \
	policy/view/log_page_parts.c policy/view/log_page_parts.h \
	policy/view/log_page_rows.c \
	policy/view/log_page_timeline.c \
	policy/view/log_summary.c policy/view/log_summary.h \
	policy/view/log_summary_view.c \
	policy/view/log_table.c policy/view/log_table.h \
	policy/view/log_verify_report.c policy/view/log_verify_report.h \
	policy/view/log_view.c policy/view/log_view.h

# The parts of the page that `policy log --html` writes.
log_page_parts = $(sort $(wildcard $(srcdir)/policy/view/page/*.*))
EXTRA_DIST += policy/view/page
BUILT_SOURCES += policy/view/log_page_texts.inc
CLEANFILES += policy/view/log_page_texts.inc
policy/view/log_page_texts.inc: $(log_page_parts) base/embed.sh
	$(AM_V_GEN)$(MKDIR_P) policy/view && \
	$(SHELL) $(srcdir)/base/embed.sh 'const char log_' $(log_page_parts) > $@.tmp && mv $@.tmp $@
policy/view/log_page_parts.$(OBJEXT): policy/view/log_page_texts.inc
