/* SPDX-License-Identifier: Apache-2.0
 *
 * From the numbers of one policy to those of the table of hits, and the table's way to its file.
 * The array is zeros from calloc(): of a million rules only the pages of those that decide are ever
 * touched, so that a reload costs nothing here. */
#include "proxy/loop/rule_counter.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/timestamp.h"
#include "policy/document/rule_hits.h"
#include "proxy/loop/worker.h"

enum {
    SAVE_INTERVAL_US = 2000000,
    RULES_A_SECOND = 10000, /* a table of more is written less often */
};

struct rule_counter {
    struct worker_job save;  /* one writing of the file: reads `hits` and `path` while it is out */
    struct error save_error; /* its own */
    bool saved;              /* its own */
    struct rule_hits *hits;  /* owned */
    const struct policy *policy; /* borrowed, for comparison: whose numbers `known` has */
    uint32_t *known;             /* owned; by the policy's number: 1 + the table's, 0 = not yet */
    char *path;                  /* owned */
    bool changed;
    bool said_failing; /* on standard error */
    int64_t saved_us;  /* monotonic: when the last save began */
};

/* ---- counting ---- */

void rule_counter_set_policy(struct rule_counter *counter, const struct policy *policy)
{
    if (counter == NULL)
        return;
    free(counter->known);
    counter->known = calloc(policy_number_end(policy), sizeof(*counter->known));
    counter->policy = policy;
    rule_hits_reserve(counter->hits, policy_number_end(policy));
    counter->saved_us = 0; /* who reloads may look at the counts next */
}

void rule_counter_count(struct rule_counter *counter, const struct policy *policy, uint32_t number,
                        int64_t now_us)
{
    if (counter == NULL || number == POLICY_NUMBER_NONE)
        return;
    bool current = policy == counter->policy && counter->known != NULL;
    uint32_t place = current ? counter->known[number] : 0;
    if (place == 0) {
        if (!rule_hits_number(counter->hits, policy_number_key(policy, number), &place))
            return;
        place++;
    }
    if (current)
        counter->known[number] = place;
    rule_hits_count(counter->hits, place - 1, now_us);
    counter->changed = true;
}

size_t rule_counter_len(const struct rule_counter *counter)
{
    return counter == NULL ? 0 : rule_hits_len(counter->hits);
}

/* ---- saving ---- */

static void report(struct rule_counter *counter, bool ok, const struct error *error)
{
    if (!ok && !counter->said_failing)
        fprintf(stderr, "dockreeve: the counts of rules cannot be saved: %s\n", error->text);
    else if (ok && counter->said_failing)
        fprintf(stderr, "dockreeve: the counts of rules can be saved again\n");
    counter->said_failing = !ok;
    counter->changed |= !ok; /* tried again */
}

static void work_save(struct worker_job *job)
{
    struct rule_counter *counter = container_of(job, struct rule_counter, save);
    counter->saved = rule_hits_write(counter->hits, counter->path, &counter->save_error);
}

static void done_save(struct worker_job *job)
{
    struct rule_counter *counter = container_of(job, struct rule_counter, save);
    if (job->worked)
        report(counter, counter->saved, &counter->save_error);
    else
        counter->changed = true;
}

static bool is_time(const struct rule_counter *counter)
{
    int64_t more_us = (int64_t)(rule_hits_len(counter->hits) / RULES_A_SECOND) * 1000000;
    return timestamp_monotonic_us() - counter->saved_us >= SAVE_INTERVAL_US + more_us;
}

void rule_counter_tick(struct rule_counter *counter, struct worker *worker)
{
    if (counter == NULL || worker == NULL || counter->save.out || !counter->changed ||
        !is_time(counter))
        return;
    counter->changed = false;
    counter->saved_us = timestamp_monotonic_us();
    worker_give(worker, &counter->save);
}

void rule_counter_close(struct rule_counter **counter)
{
    struct rule_counter *closed = steal_pointer(counter);
    struct error error;
    if (closed == NULL)
        return;
    if (closed->changed)
        report(closed, rule_hits_write(closed->hits, closed->path, &error), &error);
    rule_hits_free(&closed->hits);
    free(closed->known);
    free(closed->path);
    free(closed);
}

static void set_aside(const char *path, const struct error *why)
{
    char aside[PATH_MAX];
    int len = snprintf(aside, sizeof(aside), "%s.broken", path);
    bool moved = len > 0 && (size_t)len < sizeof(aside) && rename(path, aside) == 0;
    fprintf(stderr, "dockreeve: %s; counting begins anew%s%s\n", why->text,
            moved ? ", the file is kept as " : "", moved ? aside : "");
}

struct rule_counter *rule_counter_open(const char *folder, const struct policy *policy)
{
    struct rule_counter *counter = calloc_or_abort(1, sizeof(*counter));
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    struct error error;
    counter->save = (struct worker_job){.work = work_save, .done = done_save};
    buffer_printf(&path, "%s/hits", folder);
    counter->path = slice_to_text(buffer_slice(&path));
    counter->hits = rule_hits_new();
    if (!rule_hits_read(counter->hits, counter->path, &error))
        set_aside(counter->path, &error);
    rule_counter_set_policy(counter, policy);
    return counter;
}
