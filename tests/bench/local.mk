# Micro-benchmarks, made on demand: make tests/bench/http_head_bench
EXTRA_PROGRAMS += tests/bench/http_head_bench
tests_bench_http_head_bench_SOURCES = tests/bench/http_head_bench.c
tests_bench_http_head_bench_LDADD = $(proxy_http_chain) $(HTTP_PARSER_LIBS)
# `make bench`: the Docker gate against HAProxy and against no gate (tests/bench/run --help). Not part of `make check`: it needs
# wrk, nginx, haproxy and a machine that does nothing else. BENCH_FLAGS=--quick for a look at whether it works.
# `make bench-egress`: the egress gate against Squid, tinyproxy and a bare relay; needs squid and tinyproxy.
bench_programs = tests/bench/one_client tests/bench/bulk_client tests/bench/stream_engine
bench_egress_programs = tests/bench/splice_relay tests/bench/tunnel_bulk tests/bench/tunnel_client tests/bench/tunnel_origin \
	tests/bench/tunnel_park
EXTRA_PROGRAMS += $(bench_programs) $(bench_egress_programs)
tests_bench_one_client_SOURCES = tests/bench/one_client.c
tests_bench_bulk_client_SOURCES = tests/bench/bulk_client.c
tests_bench_stream_engine_SOURCES = tests/bench/stream_engine.c
tests_bench_splice_relay_SOURCES = tests/bench/splice_relay.c tests/bench/loopback.h
tests_bench_tunnel_bulk_SOURCES = tests/bench/tunnel_bulk.c tests/bench/loopback.h
tests_bench_tunnel_client_SOURCES = tests/bench/tunnel_client.c tests/bench/loopback.h
tests_bench_tunnel_origin_SOURCES = tests/bench/tunnel_origin.c tests/bench/loopback.h
tests_bench_tunnel_park_SOURCES = tests/bench/tunnel_park.c tests/bench/loopback.h
CLEANFILES += $(bench_programs) $(bench_egress_programs) bench.md bench-egress.md
# `make bench-log`: how fast `policy log` reads 10 million records, beside grep and jq; BENCH_FLAGS="--records 1000000" for fewer.
# `make bench-instructions`: what a request costs the gate, counted by callgrind; BENCH_FLAGS=BINARY of an older commit to compare with.
# `make bench-starvation`: how much slower others are beside a hostile peer of each kind; BENCH_FLAGS="--only heads" for one of them.
EXTRA_DIST += tests/bench/instructions.py tests/bench/starvation.py
EXTRA_DIST += tests/bench/log.py tests/bench/run tests/bench/contenders.py tests/bench/measure.py tests/bench/report.py \
	tests/bench/egress.py tests/bench/egress_contenders.py tests/bench/egress_measure.py tests/bench/egress_report.py
bench: dockreeve$(EXEEXT) $(bench_programs)
	$(srcdir)/tests/bench/run --build . --output bench.md $(BENCH_FLAGS)
bench-egress: dockreeve$(EXEEXT) $(bench_egress_programs)
	$(srcdir)/tests/bench/run egress --build . --output bench-egress.md $(BENCH_FLAGS)
bench-log: dockreeve$(EXEEXT)
	$(srcdir)/tests/bench/log.py --build . $(BENCH_FLAGS)
bench-instructions: dockreeve$(EXEEXT)
	$(srcdir)/tests/bench/instructions.py ./dockreeve$(EXEEXT) $(BENCH_FLAGS)
bench-starvation: dockreeve$(EXEEXT)
	$(srcdir)/tests/bench/starvation.py ./dockreeve$(EXEEXT) $(BENCH_FLAGS)
.PHONY: bench bench-egress bench-log bench-instructions bench-starvation

EXTRA_PROGRAMS += tests/bench/policy_bench
tests_bench_policy_bench_SOURCES = tests/bench/policy_bench.c
tests_bench_policy_bench_LDADD = $(policy_command_chain) $(YAML_LIBS) $(PCRE2_LIBS)

EXTRA_PROGRAMS += tests/bench/host_index_bench
tests_bench_host_index_bench_SOURCES = tests/bench/host_index_bench.c
tests_bench_host_index_bench_LDADD = $(rules_docker_chain) $(PCRE2_LIBS)

EXTRA_PROGRAMS += tests/bench/log_seal_bench
tests_bench_log_seal_bench_SOURCES = tests/bench/log_seal_bench.c
tests_bench_log_seal_bench_LDADD = $(policy_command_chain) $(CRYPTO_LIBS)
