# SPDX-License-Identifier: Apache-2.0
TESTS += policy_seal_tests
policy_seal_tests_SOURCES = \
	tests/unit/policy/seal/log_digest_test.c \
	tests/unit/policy/seal/log_seal_test.c \
	tests/unit/policy/seal/log_verify_test.c \
	tests/unit/policy/seal/seal_key_test.c \
	tests/unit/policy/seal/sealed_log_fixture.h
policy_seal_tests_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
policy_seal_tests_LDADD = $(policy_seal_chain) $(CRYPTO_LIBS) $(PCRE2_LIBS) $(CRITERION_LIBS)
