/* SPDX-License-Identifier: Apache-2.0
 *
 * Judges a sealed log line by line, from the oldest on (policy/seal/log_seal.h says what the seals are):
 * whether it is whole, and if not, what happened to which record first. Holds a handful of records,
 * whatever the log's length. Nothing in the log is taken on trust. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "policy/log/log_line.h"
#include "policy/seal/log_seal.h"

enum log_fault {
    LOG_FAULT_NONE,
    LOG_FAULT_CHANGED,
    LOG_FAULT_REMOVED, /* records before the one named */
    LOG_FAULT_INSERTED,
    LOG_FAULT_REORDERED,
    LOG_FAULT_FORGED, /* chained without the key: from the one named on */
};

enum { LOG_VERIFY_KEYS_MAX = 16, LOG_VERIFY_WORD_MAX = 40 };

/* A record as a person finds it again. */
struct log_place {
    unsigned file; /* as log_verify_file() was told */
    uint64_t line; /* from 1; 0 = there is no such record */
    uint64_t epoch, seq;
    char ts[LOG_VERIFY_WORD_MAX], id[LOG_VERIFY_WORD_MAX]; /* "" = it has none */
};

struct log_verdict {
    enum log_fault fault;
    const char *why; /* static: a sentence */
    struct log_place place;
    uint64_t missing_from, missing_to; /* REMOVED: epochs, 0 = none */
    uint64_t faults;                   /* records that do not follow the one before, all in all */

    uint64_t records, unsealed; /* sealed ones; those before sealing began */
    uint64_t authentic;         /* records with a good mac */
    struct log_place first, last;
    bool from_beginning;     /* the first record begins its series */
    bool stopped;            /* the last one is the end of a run */
    struct log_place proven; /* the last seal before any fault: with a key, one with a good mac */
    uint64_t behind_proven;  /* sealed records that follow it */
    uint64_t seals, fragments, restarts, crashes;
    uint64_t lost;       /* records that the gate says it could not write */
    uint64_t series;     /* that begin in this log */
    bool unknown_series; /* one of them begins with a key that was not given */
};

struct log_verify {
    struct log_seal_key first_keys[LOG_VERIFY_KEYS_MAX]; /* of epoch 0 */
    struct log_seal_key evolved[LOG_VERIFY_KEYS_MAX];    /* as far as one record asked for */
    unsigned key_count;
    struct log_verdict verdict;
    unsigned file;
    uint64_t line;
    struct log_line fields; /* owned: of the line that is judged, as far as it can be read */

    /* The record before, and the key of its epoch. */
    bool begun, closed, stopped; /* a record was seen; it is a seal; the run before has stopped */
    struct log_chain chain;
    uint64_t epoch, seq;
    bool has_key;
    struct log_seal_key key;
    struct log_mac_key mac;
    uint32_t keys_used;            /* by number */
    struct log_chain series_began; /* chain of its first record */

    /* Lines without a seal that wait for what comes next: the first, how many, and whether one is
     * a record. */
    struct log_place odd;
    uint64_t odd_count;
    bool odd_is_record;

    /* A record that does not fit and waits for the next one to say why. */
    struct log_place suspect;
    bool suspected, suspect_follows, suspect_authentic, suspect_starts;
    bool misplaced;          /* the fault is one that a record further down may tell to be a move */
    struct log_chain before; /* the chain it should follow */
    uint64_t before_seq;     /* and the number there */
    struct log_chain stated, computed; /* its chain as it says, and as it is */
};

/* `keys` are of epoch 0; none = only the chain is judged. */
void log_verify_init(struct log_verify *verify, const struct log_seal_key *keys, unsigned count);
/* What follows stands in that file, whose number comes back in places. */
void log_verify_file(struct log_verify *verify, unsigned file);
/* The next line, without its line end. */
void log_verify_line(struct log_verify *verify, struct slice line);
/* The file ends inside a line. `last`: it is the newest. */
void log_verify_torn(struct log_verify *verify, struct slice rest, bool last);
/* To be called once, at the end; wipes the keys and gives memory back. The verdict stays valid as
 * long as `verify`. */
const struct log_verdict *log_verify_end(struct log_verify *verify);
