# The libFuzzer targets (./configure CC=clang --enable-fuzzing). Each states its properties in its file.
EXTRA_DIST += tests/fuzz/fuzz.h tests/fuzz/policy_loads.h
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined

noinst_PROGRAMS += fuzz_http_head fuzz_http_chunk
fuzz_http_head_SOURCES = tests/fuzz/http_head_fuzz.c
fuzz_http_head_LDFLAGS = $(FUZZ_LINK)
fuzz_http_head_LDADD = $(proxy_http_chain) $(HTTP_PARSER_LIBS)
fuzz_http_chunk_SOURCES = tests/fuzz/http_chunk_fuzz.c
fuzz_http_chunk_LDFLAGS = $(FUZZ_LINK)
fuzz_http_chunk_LDADD = $(proxy_http_chain)

noinst_PROGRAMS += fuzz_docker_naming fuzz_docker_object fuzz_docker_target fuzz_json
fuzz_docker_naming_SOURCES = tests/fuzz/docker_naming_fuzz.c
fuzz_docker_naming_LDFLAGS = $(FUZZ_LINK)
fuzz_docker_naming_LDADD = $(rules_docker_chain)
fuzz_docker_object_SOURCES = tests/fuzz/docker_object_fuzz.c
fuzz_docker_object_LDFLAGS = $(FUZZ_LINK)
fuzz_docker_object_LDADD = $(rules_docker_chain)
fuzz_docker_target_SOURCES = tests/fuzz/docker_target_fuzz.c
fuzz_docker_target_LDFLAGS = $(FUZZ_LINK)
fuzz_docker_target_LDADD = $(rules_docker_chain)
fuzz_json_SOURCES = tests/fuzz/json_fuzz.c
fuzz_json_LDFLAGS = $(FUZZ_LINK)
fuzz_json_LDADD = libbase.a

noinst_PROGRAMS += fuzz_body fuzz_guard_judge fuzz_policy_guard_reader
fuzz_body_SOURCES = tests/fuzz/body_fuzz.c tests/fuzz/body_model.h
fuzz_body_LDFLAGS = $(FUZZ_LINK)
fuzz_body_LDADD = $(rules_guard_chain) $(PCRE2_LIBS)
fuzz_guard_judge_SOURCES = tests/fuzz/guard_judge_fuzz.c tests/fuzz/body_model.h
fuzz_guard_judge_LDFLAGS = $(FUZZ_LINK)
fuzz_guard_judge_LDADD = $(rules_guard_chain) $(PCRE2_LIBS)
fuzz_policy_guard_reader_SOURCES = tests/fuzz/policy_guard_reader_fuzz.c
fuzz_policy_guard_reader_LDFLAGS = $(FUZZ_LINK)
fuzz_policy_guard_reader_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)

noinst_PROGRAMS += fuzz_html_text
fuzz_html_text_SOURCES = tests/fuzz/html_text_fuzz.c
fuzz_html_text_LDFLAGS = $(FUZZ_LINK)
fuzz_html_text_LDADD = $(policy_command_chain)

# One source, a target for each reader.
noinst_PROGRAMS += fuzz_import_domains fuzz_import_hosts fuzz_import_sbx fuzz_import_squid fuzz_import_tinyproxy
fuzz_import_domains_SOURCES = tests/fuzz/import_fuzz.c
fuzz_import_domains_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SOURCE=DOMAINS
fuzz_import_domains_LDFLAGS = $(FUZZ_LINK)
fuzz_import_domains_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)
fuzz_import_hosts_SOURCES = tests/fuzz/import_fuzz.c
fuzz_import_hosts_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SOURCE=HOSTS
fuzz_import_hosts_LDFLAGS = $(FUZZ_LINK)
fuzz_import_hosts_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)
fuzz_import_sbx_SOURCES = tests/fuzz/import_fuzz.c
fuzz_import_sbx_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SOURCE=SBX
fuzz_import_sbx_LDFLAGS = $(FUZZ_LINK)
fuzz_import_sbx_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)
fuzz_import_squid_SOURCES = tests/fuzz/import_fuzz.c
fuzz_import_squid_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SOURCE=SQUID
fuzz_import_squid_LDFLAGS = $(FUZZ_LINK)
fuzz_import_squid_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)
fuzz_import_tinyproxy_SOURCES = tests/fuzz/import_fuzz.c
fuzz_import_tinyproxy_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_SOURCE=TINYPROXY
fuzz_import_tinyproxy_LDFLAGS = $(FUZZ_LINK)
fuzz_import_tinyproxy_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)

noinst_PROGRAMS += fuzz_log_line
fuzz_log_line_SOURCES = tests/fuzz/log_line_fuzz.c
fuzz_log_line_LDFLAGS = $(FUZZ_LINK)
fuzz_log_line_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)

noinst_PROGRAMS += fuzz_log_verify
fuzz_log_verify_SOURCES = tests/fuzz/log_verify_fuzz.c tests/unit/policy/seal/sealed_log_fixture.h
fuzz_log_verify_LDFLAGS = $(FUZZ_LINK)
fuzz_log_verify_LDADD = $(policy_command_chain) $(CRYPTO_LIBS)

noinst_PROGRAMS += fuzz_policy_file fuzz_yaml_write
fuzz_policy_file_SOURCES = tests/fuzz/policy_file_fuzz.c
fuzz_policy_file_LDFLAGS = $(FUZZ_LINK)
fuzz_policy_file_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)
fuzz_yaml_write_SOURCES = tests/fuzz/yaml_write_fuzz.c
fuzz_yaml_write_LDFLAGS = $(FUZZ_LINK)
fuzz_yaml_write_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)

noinst_PROGRAMS += fuzz_suggest
fuzz_suggest_SOURCES = tests/fuzz/suggest_fuzz.c
fuzz_suggest_LDFLAGS = $(FUZZ_LINK)
fuzz_suggest_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)

noinst_PROGRAMS += fuzz_absolute_uri fuzz_api_version fuzz_authority fuzz_browser_request fuzz_host_pattern
fuzz_absolute_uri_SOURCES = tests/fuzz/absolute_uri_fuzz.c
fuzz_absolute_uri_LDFLAGS = $(FUZZ_LINK)
fuzz_absolute_uri_LDADD = $(rules_docker_chain)
fuzz_api_version_SOURCES = tests/fuzz/api_version_fuzz.c
fuzz_api_version_LDFLAGS = $(FUZZ_LINK)
fuzz_api_version_LDADD = $(rules_docker_chain)
fuzz_authority_SOURCES = tests/fuzz/authority_fuzz.c tests/fuzz/place_model.h
fuzz_authority_LDFLAGS = $(FUZZ_LINK)
fuzz_authority_LDADD = $(rules_docker_chain)
fuzz_browser_request_SOURCES = tests/fuzz/browser_request_fuzz.c tests/fuzz/place_model.h
fuzz_browser_request_LDFLAGS = $(FUZZ_LINK)
fuzz_browser_request_LDADD = $(rules_docker_chain)
fuzz_host_pattern_SOURCES = tests/fuzz/host_pattern_fuzz.c
fuzz_host_pattern_LDFLAGS = $(FUZZ_LINK)
fuzz_host_pattern_LDADD = $(rules_docker_chain)
# The egress gate: what a tunnel begins with, and questions of clients.
noinst_PROGRAMS += fuzz_client_hello fuzz_dns_message fuzz_tls_retry
fuzz_client_hello_SOURCES = tests/fuzz/client_hello_fuzz.c
fuzz_client_hello_LDFLAGS = $(FUZZ_LINK)
fuzz_client_hello_LDADD = $(proxy_egress_chain)
fuzz_dns_message_SOURCES = tests/fuzz/dns_message_fuzz.c
fuzz_dns_message_LDFLAGS = $(FUZZ_LINK)
fuzz_dns_message_LDADD = $(proxy_resolve_chain)
fuzz_tls_retry_SOURCES = tests/fuzz/tls_retry_fuzz.c
fuzz_tls_retry_LDFLAGS = $(FUZZ_LINK)
fuzz_tls_retry_LDADD = $(proxy_egress_chain)

noinst_PROGRAMS += fuzz_rule_hits
fuzz_rule_hits_SOURCES = tests/fuzz/rule_hits_fuzz.c
fuzz_rule_hits_LDFLAGS = $(FUZZ_LINK)
fuzz_rule_hits_LDADD = $(policy_command_chain)

noinst_PROGRAMS += fuzz_dns_answer
fuzz_dns_answer_SOURCES = tests/fuzz/dns_answer_fuzz.c
fuzz_dns_answer_LDFLAGS = $(FUZZ_LINK)
fuzz_dns_answer_LDADD = $(proxy_resolve_chain)
