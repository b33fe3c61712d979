/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said at loading of network rules that never decide (policy_cover.h). */
#include "base/timestamp.h"
#include "policy/explain/policy_cover.h"
#include "policy/snapshot/policy_internal.h"

enum { SPOKEN_MAX = 50 }; /* of a kind; the rest is counted */

struct notes {
    struct policy_messages *notices;
    int64_t now_us;
    size_t shadowed, covered;
};

static void say(struct notes *notes, const struct policy *policy, size_t scope, uint32_t id,
                const struct policy_cover *cover)
{
    const struct network_set *set =
        scope == 0 ? &policy->network : &policy->clients[scope - 1].network;
    const struct network_entry *entry = &set->entries[id];
    size_t *count = cover->kind == POLICY_COVER_EARLIER ? &notes->covered : &notes->shadowed;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if ((*count)++ >= SPOKEN_MAX)
        return;
    policy_network_cover_say(policy, scope, id, cover, &text);
    policy_messages_add(notes->notices, set->rules[entry->rule].file, entry->line, 0, "%s",
                        buffer_text(&text));
}

/* Of expired rules the reader speaks; of denies that others hold already nobody: lists of a million
 * hosts that were made elsewhere hold many, and asking of each would cost more than reading it. */
static void note_set(struct notes *notes, const struct policy *policy, size_t scope,
                     const struct network_set *set)
{
    if (!policy_network_cover_is_cheap(policy, scope))
        return;
    for (uint32_t id = 0; id < set->entry_count; id++) {
        struct policy_cover cover;
        if (!set->rules[set->entries[id].rule].match.allows)
            continue;
        policy_network_cover(policy, scope, id, notes->now_us, &cover);
        if (cover.kind == POLICY_COVER_DENIED || cover.kind == POLICY_COVER_EARLIER)
            say(notes, policy, scope, id, &cover);
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
