# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librules_docker.a
librules_docker_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS) -DPCRE2_CODE_UNIT_WIDTH=8
rules_docker_chain = librules_docker.a $(rules_network_chain)
librules_docker_a_SOURCES = \
	rules/docker/api_version.c rules/docker/api_version.h \
	rules/docker/docker_condition.c rules/docker/docker_condition.h \
	rules/docker/docker_content.c rules/docker/docker_content.h \
	rules/docker/docker_endless.c rules/docker/docker_endless.h \
	rules/docker/docker_names.c rules/docker/docker_names.h \
	rules/docker/docker_naming.c rules/docker/docker_naming.h \
	rules/docker/docker_object.c rules/docker/docker_object.h \
	rules/docker/docker_operation.c rules/docker/docker_operation.h \
	rules/docker/docker_operation_table.inc \
	rules/docker/docker_reach.c rules/docker/docker_reach.h \
	rules/docker/docker_request.c rules/docker/docker_request.h \
	rules/docker/docker_route.c rules/docker/docker_route.h \
	rules/docker/docker_rule.c rules/docker/docker_rule.h \
	rules/docker/image_list.c rules/docker/image_list.h \
	rules/docker/image_reference.c rules/docker/image_reference.h
