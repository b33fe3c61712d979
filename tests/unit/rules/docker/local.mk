# SPDX-License-Identifier: Apache-2.0
TESTS += rules_docker_tests
rules_docker_tests_SOURCES = \
	tests/unit/rules/docker/api_version_test.c \
	tests/unit/rules/docker/captured_requests.inc \
	tests/unit/rules/docker/docker_condition_test.c \
	tests/unit/rules/docker/docker_content_test.c \
	tests/unit/rules/docker/docker_endless_test.c \
	tests/unit/rules/docker/docker_names_test.c \
	tests/unit/rules/docker/docker_naming_test.c \
	tests/unit/rules/docker/docker_object_test.c \
	tests/unit/rules/docker/docker_operation_test.c \
	tests/unit/rules/docker/docker_reach_test.c \
	tests/unit/rules/docker/docker_request_test.c \
	tests/unit/rules/docker/docker_route_test.c \
	tests/unit/rules/docker/docker_rule_test.c \
	tests/unit/rules/docker/image_list_test.c \
	tests/unit/rules/docker/image_reference_test.c
rules_docker_tests_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
rules_docker_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
rules_docker_tests_LDADD = $(rules_docker_chain) $(PCRE2_LIBS) $(CRITERION_LIBS)
