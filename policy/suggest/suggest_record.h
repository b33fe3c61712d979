/* SPDX-License-Identifier: Apache-2.0
 *
 * One record on its way to become evidence: what suggest_evidence.c and suggest_destination.c, which
 * knows the internet, share. */
#pragma once

#include "policy/suggest/suggest_evidence.h"

enum { SUGGEST_CLIENT_LEN_MAX = 63 };

/* A record, as far as it was understood. */
struct suggest_record {
    const struct log_line *line; /* borrowed */
    char client[SUGGEST_CLIENT_LEN_MAX + 1];
    struct suggest_span span;
    bool permitted; /* by a rule that the present policy has, too */
};

static inline struct slice suggest_record_field(const struct suggest_record *record,
                                                enum log_field which)
{
    return record->line->fields[which];
}

static inline uint64_t suggest_record_number(const struct suggest_record *record,
                                             enum log_field which)
{
    uint64_t value;
    return slice_to_u64(suggest_record_field(record, which), &value) ? value : 0;
}

/* What is kept under that key; else `size` zeroed bytes that belong to the arena. */
void *suggest_evidence_find_or_make(struct suggest_evidence *evidence, const struct buffer *key,
                                    size_t size, bool *new_out);

/* Why a refusal of this reason cannot be turned by a rule; NULL = it can. */
const char *suggest_why_no_rule(struct slice reason);
extern const char suggest_why_metadata[], suggest_why_asked[];

/* Whether the record tells of something that was used, or that shall be usable; `what` is left out if
 * not. */
bool suggest_record_is_wanted(struct suggest_evidence *evidence, struct suggest_record *record,
                              const char *what);
void suggest_record_leave_out(struct suggest_evidence *evidence,
                              const struct suggest_record *record, const char *what,
                              const char *why);

/* Takes a record of the internet. */
void suggest_record_add_network(struct suggest_evidence *evidence, struct suggest_record *record);
