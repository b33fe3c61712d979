# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librules_network.a
librules_network_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
rules_network_chain = librules_network.a $(rules_chain)
librules_network_a_SOURCES = \
	rules/network/address_class.c rules/network/address_class.h \
	rules/network/authority.c rules/network/authority.h \
	rules/network/browser_request.c rules/network/browser_request.h \
	rules/network/host_index.c rules/network/host_index.h \
	rules/network/host_name.c rules/network/host_name.h \
	rules/network/host_pattern.c rules/network/host_pattern.h \
	rules/network/ip_range.c rules/network/ip_range.h \
	rules/network/name_chain.c rules/network/name_chain.h \
	rules/network/network_rule.c rules/network/network_rule.h \
	rules/network/port_set.c rules/network/port_set.h \
	rules/network/shared_domain.c rules/network/shared_domain.h \
	rules/network/url_target.c rules/network/url_target.h
