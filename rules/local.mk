noinst_LIBRARIES += librules.a
librules_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
librules_a_SOURCES = \
	rules/address_class.c rules/address_class.h \
	rules/api_version.c rules/api_version.h \
	rules/authority.c rules/authority.h \
	rules/browser_request.c rules/browser_request.h \
	rules/docker_content.c rules/docker_content.h \
	rules/docker_names.c rules/docker_names.h \
	rules/docker_naming.c rules/docker_naming.h \
	rules/docker_object.c rules/docker_object.h \
	rules/docker_operation.c rules/docker_operation.h rules/docker_operation_table.inc \
	rules/docker_request.c rules/docker_request.h \
	rules/docker_route.c rules/docker_route.h \
	rules/docker_rule.c rules/docker_rule.h \
	rules/docker_reach.c rules/docker_reach.h \
	rules/host_index.c rules/host_index.h \
	rules/host_name.c rules/host_name.h \
	rules/host_pattern.c rules/host_pattern.h \
	rules/http_method.c rules/http_method.h \
	rules/image_list.c rules/image_list.h \
	rules/image_reference.c rules/image_reference.h \
	rules/ip_range.c rules/ip_range.h \
	rules/name_chain.c rules/name_chain.h \
	rules/network_rule.c rules/network_rule.h \
	rules/pattern.c rules/pattern.h \
	rules/port_set.c rules/port_set.h \
	rules/shared_domain.c rules/shared_domain.h \
	rules/url_target.c rules/url_target.h
