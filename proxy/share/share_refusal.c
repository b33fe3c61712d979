/* SPDX-License-Identifier: Apache-2.0
 *
 * Denials that may be logged one by one, and the numbers of those who were turned away without a
 * record of their own.
 *
 * A client has a token bucket: denial_rate a second, twice as many at once. The last quarter of it
 * is a reserve: a peer takes from that only as many as a bucket of its own holds. So a single peer
 * has all of it, and while one floods, the others still find something. */
#include "proxy/share/share_internal.h"
#include "rules/reason.h"

enum { BURST_S = 2, RESERVE_PART = 4 };

static const char *const reasons[SHARE_REFUSALS] = {
    [SHARE_REFUSED_DENIAL_RATE] = REASON_LIMIT_DENIAL_RATE,
    [SHARE_REFUSED_CONNECTIONS] = REASON_LIMIT_CONNECTIONS,
    [SHARE_REFUSED_QUESTIONS] = REASON_LIMIT_LOOKUPS,
    [SHARE_REFUSED_LOG_FULL] = REASON_LOG_FULL,
    [SHARE_REFUSED_FROM] = REASON_FROM,
};

unsigned share_denials_kept(const struct share *share)
{
    unsigned burst = BURST_S * share->limits.denial_rate;
    return burst / RESERVE_PART + (burst % RESERVE_PART > 0 ? 1 : 0);
}

static void refill(double *tokens, int64_t *at_us, double rate, double most, int64_t now_us)
{
    if (now_us > *at_us)
        *tokens += (double)(now_us - *at_us) * rate / 1e6;
    *at_us = now_us;
    if (*tokens > most)
        *tokens = most;
}

bool share_may_log_denial(struct share_peer *peer, int64_t now_us)
{
    struct share_client *client = peer->client;
    double rate = client->share->limits.denial_rate;
    unsigned kept = share_denials_kept(client->share);
    if (client->share->limits.denial_rate == 0)
        return true;
    refill(&client->denial_tokens, &client->tokens_at_us, rate, BURST_S * rate, now_us);
    refill(&peer->denial_tokens, &peer->tokens_at_us, rate / RESERVE_PART, kept, now_us);
    if (client->denial_tokens < 1)
        return false;
    if (client->denial_tokens < kept + 1) {
        if (peer->denial_tokens < 1)
            return false;
        peer->denial_tokens -= 1;
    }
    client->denial_tokens -= 1;
    return true;
}

void share_count_refused(struct share_peer *peer, enum share_refusal why, enum share_gate loop)
{
    peer->refused[why][loop]++;
    peer->has_refused = true;
}

struct report {
    void (*tell)(void *context, const struct share_refused *refused);
    void *context;
};

static void tell(const struct report *report, const struct share_peer *peer, bool named,
                 uint64_t counts[SHARE_REFUSALS][SHARE_GATES])
{
    for (unsigned why = 0; why < SHARE_REFUSALS; why++) {
        for (unsigned loop = 0; loop < SHARE_GATES; loop++) {
            struct share_refused refused = {
                .client = peer->client,
                .peer = named ? peer : NULL,
                .loop = (enum share_gate)loop,
                .reason = reasons[why],
                .count = counts[why][loop],
            };
            counts[why][loop] = 0;
            if (refused.count > 0)
                report->tell(report->context, &refused);
        }
    }
}

static void add_counts(struct share_peer *to, struct share_peer *from)
{
    for (unsigned why = 0; why < SHARE_REFUSALS; why++) {
        for (unsigned loop = 0; loop < SHARE_GATES; loop++) {
            to->refused[why][loop] += from->refused[why][loop];
            from->refused[why][loop] = 0;
        }
    }
    to->has_refused = true;
}

static void report_client(const struct report *report, struct share_client *client,
                          unsigned named_max)
{
    struct share_peer *peer;
    unsigned named = 0;
    TAILQ_FOREACH(peer, &client->peers, link)
    {
        if (!peer->has_refused)
            continue;
        peer->has_refused = false;
        if (named++ < named_max)
            tell(report, peer, true, peer->refused);
        else
            add_counts(&client->common, peer);
    }
    if (client->common.has_refused)
        tell(report, &client->common, false, client->common.refused);
    client->common.has_refused = false;
}

void share_report_refused(struct share *share, unsigned named_max,
                          void (*tell_one)(void *context, const struct share_refused *refused),
                          void *context)
{
    const struct report report = {tell_one, context};
    struct share_client *client;
    TAILQ_FOREACH(client, &share->clients, link)
    report_client(&report, client, named_max);
}
