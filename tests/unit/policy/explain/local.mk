# SPDX-License-Identifier: Apache-2.0
TESTS += policy_explain_tests
policy_explain_tests_SOURCES = \
	tests/unit/policy/explain/asked_test.c \
	tests/unit/policy/explain/left_out_test.c \
	tests/unit/policy/explain/network_inquiry_test.c \
	tests/unit/policy/explain/policy_advice_test.c \
	tests/unit/policy/explain/policy_cover_test.c \
	tests/unit/policy/explain/policy_explain_test.c \
	tests/unit/policy/explain/policy_network_property_test.c \
	tests/unit/policy/explain/policy_overlap_test.c \
	tests/unit/policy/explain/policy_property_test.c \
	tests/unit/policy/explain/rule_row_test.c \
	tests/unit/policy/policy_fixture.c \
	tests/unit/policy/policy_fixture.h \
	tests/unit/policy/policy_network_fixture.c \
	tests/unit/policy/policy_network_fixture.h
policy_explain_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_explain_tests_LDADD = $(policy_document_chain) $(YAML_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
