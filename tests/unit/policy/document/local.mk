# SPDX-License-Identifier: Apache-2.0
TESTS += policy_document_tests
policy_document_tests_SOURCES = \
	tests/unit/policy/document/environment_load_test.c \
	tests/unit/policy/document/path_test.c \
	tests/unit/policy/document/policy_files_test.c \
	tests/unit/policy/document/policy_guard_reader_test.c \
	tests/unit/policy/document/policy_load_test.c \
	tests/unit/policy/document/policy_network_reader_test.c \
	tests/unit/policy/document/policy_number_test.c \
	tests/unit/policy/document/policy_paths_test.c \
	tests/unit/policy/document/policy_store_test.c \
	tests/unit/policy/document/preset_network_test.c \
	tests/unit/policy/document/rule_hits_test.c \
	tests/unit/policy/document/yaml_edit_test.c \
	tests/unit/policy/document/yaml_write_test.c \
	tests/unit/policy/policy_fixture.c \
	tests/unit/policy/policy_fixture.h \
	tests/unit/policy/policy_network_fixture.c \
	tests/unit/policy/policy_network_fixture.h
policy_document_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_document_tests_LDADD = $(policy_document_chain) $(YAML_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
