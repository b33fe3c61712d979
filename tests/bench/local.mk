# Micro-benchmarks, made on demand: make tests/bench/http_head_bench
EXTRA_PROGRAMS += tests/bench/http_head_bench
tests_bench_http_head_bench_SOURCES = tests/bench/http_head_bench.c
tests_bench_http_head_bench_LDADD = libproxy.a librules.a libbase.a $(HTTP_PARSER_LIBS)
# `make bench`: the Docker gate against HAProxy and against no gate (tests/bench/run --help). Not part of `make check`: it needs
# wrk, nginx, haproxy and a machine that does nothing else. BENCH_FLAGS=--quick for a look at whether it works.
bench_programs = tests/bench/one_client tests/bench/bulk_client tests/bench/stream_engine
EXTRA_PROGRAMS += $(bench_programs)
tests_bench_one_client_SOURCES = tests/bench/one_client.c
tests_bench_bulk_client_SOURCES = tests/bench/bulk_client.c
tests_bench_stream_engine_SOURCES = tests/bench/stream_engine.c
CLEANFILES += $(bench_programs) bench.md
EXTRA_DIST += tests/bench/run tests/bench/contenders.py tests/bench/measure.py tests/bench/report.py
bench: dockreeve$(EXEEXT) $(bench_programs)
	$(srcdir)/tests/bench/run --build . --output bench.md $(BENCH_FLAGS)
.PHONY: bench

EXTRA_PROGRAMS += tests/bench/policy_bench
tests_bench_policy_bench_SOURCES = tests/bench/policy_bench.c
tests_bench_policy_bench_LDADD = libpolicy.a librules.a libbase.a $(YAML_LIBS) $(PCRE2_LIBS)

EXTRA_PROGRAMS += tests/bench/host_index_bench
tests_bench_host_index_bench_SOURCES = tests/bench/host_index_bench.c
tests_bench_host_index_bench_LDADD = librules.a libbase.a $(PCRE2_LIBS)
