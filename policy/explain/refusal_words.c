/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/explain/refusal_words.h"

#include "policy/explain/policy_advice.h"
#include "rules/reason.h"

const struct policy_refusal refusal_words_of_nobody = {POLICY_REFUSAL_RULE, NULL};

static void write_outcome(unsigned status, struct buffer *out)
{
    if (status >= 500)
        buffer_append_literal(out, "dockreeve: the request failed");
    else if (status == 403)
        buffer_append_literal(out, "dockreeve: denied");
    else
        buffer_append_literal(out, "dockreeve: the request is not taken");
}

static void write_reason(const struct refusal_words *refusal, struct buffer *out)
{
    if (refusal->rule.len == 0) {
        buffer_printf(out, ": %s", refusal->reason);
        return;
    }
    buffer_append_literal(out, " by rule ");
    policy_advice_write_name(refusal->rule, out);
    if (strcmp(refusal->reason, REASON_RULE) != 0)
        buffer_printf(out, ": %s", refusal->reason);
}

void refusal_words_write(const struct policy_refusal *how, const struct refusal_words *refusal,
                         struct buffer *out)
{
    if (how->text != NULL)
        buffer_printf(out, "%s ", how->text);
    if (how->detail == POLICY_REFUSAL_FULL ||
        strcmp(refusal->reason, REASON_VERSION_TOO_NEW) == 0) {
        buffer_append_text(out, refusal->message);
        return;
    }
    write_outcome(refusal->status, out);
    if (how->detail == POLICY_REFUSAL_RULE)
        write_reason(refusal, out);
    buffer_append_literal(out, " (request ");
    buffer_append_slice(out, refusal->id);
    buffer_append_byte(out, ')');
}
