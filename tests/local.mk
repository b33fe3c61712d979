if HAVE_CRITERION
# One test program a room. It links what the room may use; the rooms below policy/document that are tested with policies written as
# YAML link its reader as well.
include tests/unit/base/local.mk
include tests/unit/base/cli/local.mk
include tests/unit/rules/local.mk
include tests/unit/rules/network/local.mk
include tests/unit/rules/docker/local.mk
include tests/unit/rules/guard/local.mk
include tests/unit/policy/snapshot/local.mk
include tests/unit/policy/environment/local.mk
include tests/unit/policy/explain/local.mk
include tests/unit/policy/document/local.mk
include tests/unit/policy/log/local.mk
include tests/unit/policy/seal/local.mk
include tests/unit/policy/view/local.mk
include tests/unit/policy/suggest/local.mk
include tests/unit/policy/import/local.mk
include tests/unit/policy/command/local.mk
include tests/unit/proxy/io/local.mk
include tests/unit/proxy/http/local.mk
include tests/unit/proxy/share/local.mk
include tests/unit/proxy/resolve/local.mk
include tests/unit/proxy/loop/local.mk
include tests/unit/proxy/exchange/local.mk
include tests/unit/proxy/docker/local.mk
include tests/unit/proxy/egress/local.mk
include tests/unit/proxy/serve/local.mk
check_PROGRAMS += $(TESTS)
endif

# Each room, every object of it, must link with nothing but what it may call (ROOM_chain in its local.mk), and must not link once it calls
# a function of the uppermost room.
rooms = base base_cli rules rules_network rules_docker rules_guard policy_snapshot policy_environment policy_explain policy_document policy_log \
	policy_seal policy_view policy_suggest policy_import policy_command proxy_io proxy_http proxy_share proxy_resolve \
	proxy_loop proxy_exchange proxy_docker proxy_egress proxy_dns proxy_operator
link_room = $(CC) $(AM_CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(srcdir)/tests/unit/room.c \
	-Wl,--whole-archive lib$*.a -Wl,--no-whole-archive $($*_chain) \
	$(LIBEVENT_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS) $(PCRE2_LIBS) $(SECCOMP_LIBS) $(CARES_LIBS) $(CRYPTO_LIBS)
%.room: $(noinst_LIBRARIES) tests/unit/room.c
	$(AM_V_CCLD)$(link_room) -o $@
	$(AM_V_at)! $(link_room) -DCALL=command_serve -o $@.wrong 2>/dev/null
check-local: $(rooms:%=%.room)
CLEANFILES += *.room
EXTRA_DIST += tests/unit/room.c

if FUZZING
include tests/fuzz/local.mk
endif

include tests/bench/local.mk

# What is no source of a program: the outer tests, their data and the programs that run them.
EXTRA_DIST += tests/run tests/harness tests/conversation tests/clients tests/debian tests/engine tests/fuzz/corpus
