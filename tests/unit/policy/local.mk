policy_tests_SOURCES = \
	tests/unit/policy/account_test.c \
	tests/unit/policy/environment_fixture.c \
	tests/unit/policy/environment_fixture.h \
	tests/unit/policy/environment_load_test.c \
	tests/unit/policy/environment_notice_test.c \
	tests/unit/policy/environment_test.c \
	tests/unit/policy/html_text_test.c \
	tests/unit/policy/log_filter_test.c \
	tests/unit/policy/log_line_test.c \
	tests/unit/policy/log_page_test.c \
	tests/unit/policy/log_reader_test.c \
	tests/unit/policy/log_record_test.c \
	tests/unit/policy/log_scan_test.c \
	tests/unit/policy/log_summary_test.c \
	tests/unit/policy/log_table_test.c \
	tests/unit/policy/log_timeline_test.c \
	tests/unit/policy/output_file_test.c \
	tests/unit/policy/policy_command_test.c \
	tests/unit/policy/policy_decide_test.c \
	tests/unit/policy/policy_fixture.c \
	tests/unit/policy/policy_fixture.h \
	tests/unit/policy/policy_import_test.c \
	tests/unit/policy/policy_load_test.c \
	tests/unit/policy/policy_network_command_test.c \
	tests/unit/policy/policy_network_explain_test.c \
	tests/unit/policy/policy_network_fixture.c \
	tests/unit/policy/policy_network_fixture.h \
	tests/unit/policy/policy_network_property_test.c \
	tests/unit/policy/policy_network_reader_test.c \
	tests/unit/policy/policy_network_test.c \
	tests/unit/policy/policy_paths_test.c \
	tests/unit/policy/policy_property_test.c \
	tests/unit/policy/posix_expression_test.c \
	tests/unit/policy/preset_network_test.c
policy_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_tests_LDADD = libpolicy.a librules.a libbase.a $(YAML_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
