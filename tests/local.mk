if HAVE_CRITERION
# One test program a folder, linked with only what that folder may use: a call against the direction fails to link.
check_PROGRAMS += base_tests rules_tests policy_tests proxy_tests
TESTS += base_tests rules_tests policy_tests proxy_tests
include tests/unit/base/local.mk
include tests/unit/rules/local.mk
include tests/unit/policy/local.mk
include tests/unit/proxy/local.mk
endif

if FUZZING
include tests/fuzz/local.mk
endif

include tests/bench/local.mk

# What is no source of a program: the outer tests, their data and the programs that run them.
EXTRA_DIST += tests/run tests/harness tests/conversation tests/clients tests/engine tests/fuzz/corpus
