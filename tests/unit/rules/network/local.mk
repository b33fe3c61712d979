# SPDX-License-Identifier: Apache-2.0
TESTS += rules_network_tests
rules_network_tests_SOURCES = \
	tests/unit/rules/network/address_class_test.c \
	tests/unit/rules/network/authority_test.c \
	tests/unit/rules/network/browser_request_test.c \
	tests/unit/rules/network/host_index_test.c \
	tests/unit/rules/network/host_name_test.c \
	tests/unit/rules/network/host_pattern_test.c \
	tests/unit/rules/network/ip_range_test.c \
	tests/unit/rules/network/network_rule_test.c \
	tests/unit/rules/network/port_set_test.c \
	tests/unit/rules/network/shared_domain_test.c \
	tests/unit/rules/network/url_target_test.c
rules_network_tests_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
rules_network_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
rules_network_tests_LDADD = $(rules_network_chain) $(PCRE2_LIBS) $(CRITERION_LIBS)
