rules_tests_SOURCES = \
	tests/unit/rules/address_class_test.c \
	tests/unit/rules/api_version_test.c \
	tests/unit/rules/authority_test.c \
	tests/unit/rules/browser_request_test.c \
	tests/unit/rules/captured_requests.inc \
	tests/unit/rules/docker_content_test.c \
	tests/unit/rules/docker_names_test.c \
	tests/unit/rules/docker_naming_test.c \
	tests/unit/rules/docker_object_test.c \
	tests/unit/rules/docker_operation_test.c \
	tests/unit/rules/docker_request_test.c \
	tests/unit/rules/docker_route_test.c \
	tests/unit/rules/docker_rule_test.c \
	tests/unit/rules/docker_reach_test.c \
	tests/unit/rules/host_index_test.c \
	tests/unit/rules/host_name_test.c \
	tests/unit/rules/host_pattern_test.c \
	tests/unit/rules/http_method_test.c \
	tests/unit/rules/image_reference_test.c \
	tests/unit/rules/ip_range_test.c \
	tests/unit/rules/network_rule_test.c \
	tests/unit/rules/pattern_test.c \
	tests/unit/rules/port_set_test.c \
	tests/unit/rules/shared_domain_test.c \
	tests/unit/rules/url_target_test.c
rules_tests_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
rules_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
rules_tests_LDADD = librules.a libbase.a $(PCRE2_LIBS) $(CRITERION_LIBS)
