/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the engine what the request names, for rules with `where`: the questions of
 * rules/docker/docker_naming.h, one after another. Each request asks anew: a name can mean another object a
 * moment later, and what was judged is sent on in a form that cannot. */
#include "proxy/docker/docker_conn.h"

#include <stddef.h>
#include <stdlib.h>

#include "proxy/docker/docker_version.h"
#include "proxy/docker/engine_request.h"
#include "rules/reason.h"

/* A long answer is held by few at a time: SHARE_ANSWERS. */
enum { ANSWER_MAX = 4 << 20, ANSWER_LONG = 65536 };

struct docker_lookup {
    struct docker_conn *conn;       /* borrowed: owns us */
    struct docker_naming *naming;   /* owned */
    struct engine_request *request; /* owned: the question under way; NULL = none */
    unsigned asked_version;         /* minor version that the request names; 0 = none */
    bool has_place, has_long;       /* among the peer's lookups, and its long answers */
    struct share_waiter waiter;
};

static void on_answer(void *context, enum engine_request_event event);

/* The answer is not needed any more. */
static void end_question(struct docker_lookup *lookup)
{
    engine_request_free(&lookup->request);
    if (lookup->has_long)
        share_give_back(lookup->conn->client.peer_share, SHARE_ANSWERS, 1);
    lookup->has_long = false;
}

/* Everything but the facts. */
static void release(struct docker_lookup *lookup)
{
    share_forget_waiter(&lookup->waiter);
    end_question(lookup);
    if (lookup->has_place)
        share_give_back(lookup->conn->client.peer_share, SHARE_OBJECTS, 1);
    lookup->has_place = false;
}

void docker_lookup_free(struct docker_lookup **lookup)
{
    struct docker_lookup *freed = steal_pointer(lookup);
    if (freed == NULL)
        return;
    release(freed);
    docker_naming_free(&freed->naming);
    free(freed);
}

bool docker_lookup_waits(const struct docker_lookup *lookup)
{
    return lookup->waiter.waits;
}

/* Hands the result over. What was found out stays beside the exchange, which may end in this call and
 * free it: nothing is touched afterwards. */
static void finish(struct docker_lookup *lookup, bool known)
{
    struct docker_conn *conn = lookup->conn;
    struct docker_lookup *detached = steal_pointer(&conn->lookup);
    docker_naming_free(&conn->judged);
    if (known)
        conn->judged = steal_pointer(&detached->naming);
    docker_lookup_free(&detached);
    docker_exchange_looked_up(conn, conn->judged);
}

static bool ask(struct docker_lookup *lookup, struct error *error)
{
    struct loop *loop = lookup->conn->client.loop;
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    docker_version_write_prefix(loop, lookup->asked_version, &target);
    docker_naming_write_question(lookup->naming, &target);
    if (target.failed)
        return error_set_reason(error, 503, REASON_LIMIT_MEMORY, "out of memory");
    const struct engine_question question = {.method = HTTP_METHOD_GET,
                                             .target = buffer_slice(&target),
                                             .fresh = true,
                                             .answer_max = ANSWER_MAX};
    lookup->request = engine_request_new(loop->engine, &question, on_answer, lookup, error);
    return lookup->request != NULL;
}

/* Its turn has come. */
static void on_place(struct share_waiter *waiter)
{
    struct docker_lookup *lookup = container_of(waiter, struct docker_lookup, waiter);
    struct error error;
    if (waiter->kind == SHARE_ANSWERS) {
        lookup->has_long = true;
        engine_request_resume(lookup->request);
        return;
    }
    lookup->has_place = true;
    if (!ask(lookup, &error))
        http_refusal_error(&lookup->conn->client, &error);
}

static bool begin(struct docker_lookup *lookup, struct error *error)
{
    struct docker_conn *conn = lookup->conn;
    lookup->waiter.granted = on_place;
    event_timer_start(&conn->client.timer, conn->client.loop->options->lookup_timeout_ms);
    lookup->has_place = share_take(conn->client.peer_share, SHARE_OBJECTS, 1) == SHARE_GRANTED;
    if (lookup->has_place)
        return ask(lookup, error);
    share_wait(&lookup->waiter, conn->client.peer_share, SHARE_OBJECTS);
    return true;
}

bool docker_lookup_start(struct docker_conn *conn, const struct docker_request *request,
                         bool *asks_out, struct error *error)
{
    struct docker_lookup *lookup = calloc(1, sizeof(*lookup));
    *asks_out = false;
    if (lookup == NULL)
        return error_set_reason(error, 503, REASON_LIMIT_MEMORY, "out of memory");
    lookup->conn = conn;
    lookup->asked_version = request->version_minor;
    conn->lookup = lookup;
    lookup->naming = docker_naming_new(request);
    if (lookup->naming == NULL)
        return error_set_reason(error, 503, REASON_LIMIT_MEMORY, "out of memory");
    *asks_out = docker_naming_state(lookup->naming) == DOCKER_NAMING_ASKS;
    if (*asks_out)
        return begin(lookup, error);
    docker_lookup_free(&conn->lookup);
    return true;
}

/* The whole answer is there. */
static void answered(struct docker_lookup *lookup)
{
    struct error error;
    docker_naming_answer(lookup->naming, 200, buffer_slice(engine_request_body(lookup->request)));
    end_question(lookup);
    switch (docker_naming_state(lookup->naming)) {
    case DOCKER_NAMING_ASKS:
        if (!ask(lookup, &error))
            finish(lookup, false);
        return;
    case DOCKER_NAMING_KNOWN:
        finish(lookup, true);
        return;
    case DOCKER_NAMING_UNKNOWN:
        finish(lookup, false);
        return;
    }
}

/* A long answer is not read on until it may be held. */
static void hold(struct docker_lookup *lookup)
{
    struct share_peer *peer = lookup->conn->client.peer_share;
    if (lookup->has_long || engine_request_body(lookup->request)->len <= ANSWER_LONG)
        return;
    lookup->has_long = share_take(peer, SHARE_ANSWERS, 1) == SHARE_GRANTED;
    if (lookup->has_long)
        return;
    share_wait(&lookup->waiter, peer, SHARE_ANSWERS);
    engine_request_pause(lookup->request);
}

static void on_answer(void *context, enum engine_request_event event)
{
    struct docker_lookup *lookup = context;
    switch (event) {
    case ENGINE_REQUEST_HEAD:
        if (engine_request_head(lookup->request)->status != 200)
            finish(lookup, false);
        return;
    case ENGINE_REQUEST_BODY:
        hold(lookup);
        return;
    case ENGINE_REQUEST_END:
        answered(lookup);
        return;
    case ENGINE_REQUEST_UNREACHABLE:
    case ENGINE_REQUEST_FAILED:
        finish(lookup, false);
        return;
    }
}
