/* SPDX-License-Identifier: Apache-2.0
 *
 * What `policy log` does with a sealed log (policy/seal/log_seal.h). Both return the exit code and say
 * on standard error what went wrong. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct log_verify_request {
    const char *log;         /* path of the newest file */
    const char *const *keys; /* each a key, a file of keys, or "-" */
    unsigned key_count;      /* 0 = only the chain */
    uint64_t expect_epoch;   /* 0 = any */
    bool json;
};

/* `--verify`: 0 intact, 1 not, 2 bad key or never sealed, 3 no log. */
int command_log_verify(const struct log_verify_request *request);

/* `--seal-init`: makes a key in the folder `state` and shows the auditor's once; 4 when there is
 * one already and not `force`, or when a gate seals with it. */
int command_log_seal_init(const char *state, bool force, bool json);
