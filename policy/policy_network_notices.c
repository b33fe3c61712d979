/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said at loading of network rules that never decide (policy_cover.h). */
#include "base/timestamp.h"
#include "policy/policy_cover.h"
#include "policy/policy_internal.h"

enum { SPOKEN_MAX = 50 }; /* of a kind; the rest is counted */

struct notes {
    struct policy_messages *notices;
    int64_t now_us;
    size_t shadowed, covered;
};

static void say(struct notes *notes, const struct network_set *set,
                const struct network_entry *entry, const struct policy_cover *cover)
{
    const bool covered = cover->kind == POLICY_COVER_EARLIER;
    size_t *count = covered ? &notes->covered : &notes->shadowed;
    if ((*count)++ >= SPOKEN_MAX)
        return;
    char quoted[120], other[120];
    error_quote(network_entry_slice(entry), quoted, sizeof(quoted));
    error_quote(cover->rule, other, sizeof(other));
    policy_messages_add(notes->notices, set->rules[entry->rule].file, entry->line, 0,
                        "%s %s: %s %s it%s (%s:%u)", quoted,
                        covered ? "adds nothing" : "can never decide", other,
                        covered && set->rules[entry->rule].match.allows ? "allows" : "denies",
                        covered ? " already" : "", cover->label, cover->line);
}

/* Of expired rules the reader speaks. */
static void note_set(struct notes *notes, const struct policy *policy, size_t scope,
                     const struct network_set *set)
{
    if (!policy_network_cover_is_cheap(policy, scope))
        return;
    for (uint32_t id = 0; id < set->entry_count; id++) {
        struct policy_cover cover;
        policy_network_cover(policy, scope, id, notes->now_us, &cover);
        if (cover.kind == POLICY_COVER_DENIED || cover.kind == POLICY_COVER_EARLIER)
            say(notes, set, &set->entries[id], &cover);
    }
}

void policy_network_notices_add(const struct policy *policy, struct policy_messages *notices)
{
    struct notes notes = {.notices = notices, .now_us = timestamp_now_us()};
    note_set(&notes, policy, 0, &policy->network);
    for (size_t i = 0; i < policy->client_count; i++)
        note_set(&notes, policy, i + 1, &policy->clients[i].network);
    if (notes.shadowed > SPOKEN_MAX)
        policy_messages_add(notices, policy->config_path, 0, 0,
                            "%zu more network rules can never decide: denies shadow them",
                            notes.shadowed - SPOKEN_MAX);
    if (notes.covered > SPOKEN_MAX)
        policy_messages_add(notices, policy->config_path, 0, 0,
                            "%zu more network rules add nothing: earlier ones say the same",
                            notes.covered - SPOKEN_MAX);
    if (policy->default_network_allow)
        policy_messages_add(notices, policy->config_path, 0, 0,
                            "`default: {network: allow}` allows every public host");
}
