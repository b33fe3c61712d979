/* SPDX-License-Identifier: Apache-2.0
 *
 * Records become evidence or are left out with a reason. A refusal is evidence only when it is
 * asked for, and never where no rule would help: what is malformed, what a rule denies, what a
 * guard refuses, a cloud's metadata. */
#include "policy/suggest/suggest_record.h"

#include "rules/reason.h"

void suggest_span_add(struct suggest_span *span, const struct suggest_span *other)
{
    if (other->count == 0)
        return;
    if (span->count == 0 || other->first_us < span->first_us)
        span->first_us = other->first_us;
    if (span->count == 0 || other->last_us > span->last_us)
        span->last_us = other->last_us;
    span->count += other->count;
}

void *suggest_evidence_find_or_make(struct suggest_evidence *evidence, const struct buffer *key,
                                    size_t size, bool *new_out)
{
    void **place = text_map_at(&evidence->known, buffer_slice(key));
    *new_out = *place == NULL;
    if (*new_out)
        *place = arena_alloc(&evidence->arena, size);
    return *place;
}

void suggest_evidence_leave_out(struct suggest_evidence *evidence, const char *client,
                                const char *what, const char *why, const struct suggest_span *span)
{
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    bool is_new;
    buffer_printf(&key, "left %s %s %s", client, what, why);
    struct suggest_left_out *entry =
        suggest_evidence_find_or_make(evidence, &key, sizeof(*entry), &is_new);
    if (is_new) {
        *entry = (struct suggest_left_out){
            .client = arena_text(&evidence->arena, slice_from_text(client)),
            .what = arena_text(&evidence->arena, slice_from_text(what)),
            .why = why,
        };
        evidence->left_out = array_grow(evidence->left_out, evidence->left_out_count,
                                        &evidence->left_out_capacity, sizeof(entry));
        evidence->left_out[evidence->left_out_count++] = entry;
    }
    suggest_span_add(&entry->span, span);
}

void suggest_record_leave_out(struct suggest_evidence *evidence,
                              const struct suggest_record *record, const char *what,
                              const char *why)
{
    suggest_evidence_leave_out(evidence, record->client, what, why, &record->span);
}

const char suggest_why_metadata[] = "it is a cloud's metadata service";
const char suggest_why_asked[] = "it was only asked for by DNS: no connection says which port";

const char *suggest_why_no_rule(struct slice reason)
{
    static const struct {
        const char *reason, *why;
    } table[] = {
        {REASON_RULE, "a rule denies it"},
        {REASON_CNAME_DENIED, "a rule denies a name that it is an alias of"},
        {REASON_GUARD_QUERY,
         "a guard refuses its parameters; a rule that names them in `where` permits "
         "them"},
        {REASON_GUARD_NAME,
         "a guard refuses the registry in its path; a rule that names it permits it"},
        {REASON_SNI_MISMATCH, "its TLS names another host than the target"},
        {REASON_SNI_MALFORMED, "its TLS names no valid host"},
        {REASON_ECH, "a rule refuses encrypted ClientHellos"},
        {REASON_ADDRESS_CLASS_METADATA, suggest_why_metadata},
    };
    static const char *const mended[] = {REASON_DEFAULT,    REASON_OPAQUE,   "port",
                                         "address",         REASON_PROTOCOL, REASON_SNI_MISSING,
                                         REASON_SNI_DENIED, "expired"};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (slice_equal_text(reason, table[i].reason))
            return table[i].why;
    }
    for (size_t i = 0; i < ARRAY_LEN(mended); i++) {
        if (slice_equal_text(reason, mended[i]))
            return NULL;
    }
    if (slice_starts_with(reason, SLICE_LITERAL("address-class.")))
        return NULL;
    return "it was refused for what it is, and no rule would help";
}

/* Whether a rule permitted it that stands in the present policy at the same place with the same
 * text. */
static bool is_by_present_rule(struct suggest_evidence *evidence,
                               const struct suggest_record *record)
{
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    buffer_append_slice(&key, suggest_record_field(record, LOG_FIELD_SOURCE));
    buffer_append_byte(&key, ' ');
    buffer_append_slice(&key, suggest_record_field(record, LOG_FIELD_RULE));
    if (text_map_find(&evidence->allows, buffer_slice(&key)) == NULL)
        return false;
    *text_map_at(&evidence->used, buffer_slice(&key)) = evidence;
    return true;
}

bool suggest_record_is_wanted(struct suggest_evidence *evidence, struct suggest_record *record,
                              const char *what)
{
    struct slice decision = suggest_record_field(record, LOG_FIELD_DECISION);
    struct slice would_deny = suggest_record_field(record, LOG_FIELD_WOULD_DENY);
    bool allowed = slice_equal_text(decision, "allow");
    const char *why = NULL;
    if (!allowed && !slice_equal_text(decision, "deny"))
        return false;
    if (!allowed && !evidence->include_denied)
        why = "it was refused; --include-denied suggests it too";
    if (!allowed && suggest_why_no_rule(suggest_record_field(record, LOG_FIELD_REASON)) != NULL)
        why = suggest_why_no_rule(suggest_record_field(record, LOG_FIELD_REASON));
    if (allowed && would_deny.ptr != NULL)
        why = suggest_why_no_rule(would_deny);
    record->permitted = allowed && would_deny.ptr == NULL && is_by_present_rule(evidence, record);
    if (why != NULL)
        suggest_record_leave_out(evidence, record, what, why);
    return why == NULL;
}
