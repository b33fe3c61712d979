/* SPDX-License-Identifier: Apache-2.0
 *
 * Header fields on both ways. Towards the engine a closed table says which fields are sent on;
 * everything else a client says is dropped. Towards the client the engine's fields are sent on but
 * for those that belong to one hop. Framing, Host and Connection are always our own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "proxy/http/http_exchange.h"
#include "proxy/http/http_head.h"
#include "rules/docker/docker_operation.h"
#include "rules/docker/docker_request.h"

/* What is to be sent to the engine. */
struct docker_forward {
    const struct docker_request *request;
    const struct http_head *head;
    struct slice object_name; /* in place of the object's name; ptr NULL = as the client named it */
    enum http_framing framing;
    uint64_t content_length;
    enum docker_upgrade upgrade; /* DOCKER_UPGRADE_NONE = do not ask */
};

enum { DOCKER_HEADER_DROPPED_MAX = 32 };
/* Returns which fields of the client were not written though the engine would read them. */
uint32_t docker_header_write_request(const struct docker_forward *forward, struct buffer *out);
/* Their names, static texts; returns how many. */
unsigned docker_header_dropped_names(uint32_t dropped, struct slice *names);

/* What is to be sent to the client in answer to the engine's `head`. */
struct docker_response {
    bool lower_version; /* Api-Version is newer than the table: it becomes the table's */
    const struct http_head *head;
    struct http_answer_plan plan;
    bool hijack; /* what follows is a stream: neither framing nor Connection: close */
    enum docker_upgrade upgrade; /* a 101 */
};
void docker_header_write_response(const struct docker_response *answer, struct buffer *out);

/* The head of an answer of ours: JSON, `body_len` bytes, Retry-After on 429 and 503, Allow on 405.
 */
void docker_header_write_refusal(struct buffer *out, unsigned status, size_t body_len, bool close);

/* The engine's answer to a path with two slashes in a row: go to the one that is meant. */
void docker_header_write_redirect(struct buffer *out, struct slice path, struct slice target,
                                  bool close);

/* Whether the head names, by Connection and Upgrade, just the protocol this operation can switch
 * to: a client that asks for it, an engine that agrees. */
bool docker_header_asks_upgrade(const struct http_head *head, enum docker_upgrade upgrade);

