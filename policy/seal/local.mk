# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libpolicy_seal.a
libpolicy_seal_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
policy_seal_chain = libpolicy_seal.a $(policy_log_chain)
libpolicy_seal_a_SOURCES = \
	policy/seal/log_digest.c policy/seal/log_digest.h \
	policy/seal/log_resume.c policy/seal/log_resume.h \
	policy/seal/log_seal.c policy/seal/log_seal.h \
	policy/seal/log_verify.c policy/seal/log_verify.h \
	policy/seal/seal_key.c policy/seal/seal_key.h
