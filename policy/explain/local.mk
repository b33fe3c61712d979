# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_explain.a
policy_explain_chain = libpolicy_explain.a $(policy_snapshot_chain)
libpolicy_explain_a_SOURCES = \
	policy/explain/asked_docker.c policy/explain/asked_docker.h \
	policy/explain/asked_network.c policy/explain/asked_network.h \
	policy/explain/command_request.c policy/explain/command_request.h \
	policy/explain/left_out.c policy/explain/left_out.h \
	policy/explain/network_inquiry.c policy/explain/network_inquiry.h \
	policy/explain/policy_advice.c policy/explain/policy_advice.h \
	policy/explain/policy_cover.c policy/explain/policy_cover.h \
	policy/explain/policy_coverage.c policy/explain/policy_coverage.h \
	policy/explain/policy_explain.c policy/explain/policy_explain.h \
	policy/explain/policy_notices.c policy/explain/policy_notices.h \
	policy/explain/policy_permits.c policy/explain/policy_permits.h \
	policy/explain/policy_obstacles.c policy/explain/policy_obstacles.h \
	policy/explain/policy_overlap.c policy/explain/policy_overlap.h \
	policy/explain/refusal_words.c policy/explain/refusal_words.h \
	policy/explain/rule_row.c policy/explain/rule_row.h

# Each host of preset/upload-targets with the comment behind it.
upload_targets = policy/document/presets/upload-targets.yaml
BUILT_SOURCES += policy/explain/left_out_rows.inc
CLEANFILES += policy/explain/left_out_rows.inc
policy/explain/left_out_rows.inc: $(srcdir)/$(upload_targets)
	$(AM_V_GEN)$(MKDIR_P) policy/explain && \
	sed -n 's/^  - allow: "\(.*\):443" *# \(.*\)$$/{"\1", "\2"},/p' $(srcdir)/$(upload_targets) > $@.tmp && mv $@.tmp $@
policy/explain/left_out.$(OBJEXT): policy/explain/left_out_rows.inc
