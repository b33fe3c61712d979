/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate as an engine of its table's API version (rules/docker/api_version.h): a request without a
 * version goes on with the lower one of the table's and the engine's, a newer one is answered as an
 * engine answers it, and what the engine says of its own version is lowered. */
#pragma once

#include "proxy/docker/docker_conn.h"

/* Takes notice of what an answer says: `version` is its Api-Version, ptr NULL = it has none. */
void docker_version_learn(struct loop *loop, enum docker_operation operation, struct slice version);

/* Whether the engine's version must be asked for before this request can go on. */
bool docker_version_is_wanted(const struct loop *loop, const struct docker_request *request);

/* Asks, in the state LOOKUP; docker_exchange_versioned() follows, or a refusal. */
void docker_version_ask(struct docker_conn *conn);

/* The minor version that the request goes on with; 0 = none is written. */
unsigned docker_version_to_send(const struct loop *loop, const struct docker_request *request);

/* Appends "/v1.N" for a question of the gate's own: the engine's version, and that of the request
 * that it is for (`asked`, 0 = none) as long as the engine's is not known. */
void docker_version_write_prefix(const struct loop *loop, unsigned asked, struct buffer *out);

/* The engine's own words for a request of a newer version, and what is to be done where nothing
 * helps. */
void docker_version_refuse(struct docker_conn *conn);

/* Appends the note that an engine serves nothing as old as the table; false, and nothing, where it
 * does. */
bool docker_version_note(const struct engine *engine, struct buffer *out);
/* The same for an engine of that name and oldest version. */
bool docker_version_note_of(const char *engine, unsigned minimum, struct buffer *out);

/* The answer to /version. */
enum docker_version_answer {
    DOCKER_VERSION_AS_IT_IS, /* nothing in it is newer than the table, or it is not understood */
    DOCKER_VERSION_MORE,     /* its body has not arrived */
    DOCKER_VERSION_LOWERED,  /* *body_out has what is to be sent instead */
};
/* Looks at `arrived`, what stands behind the head. *consumed_out = its bytes that are the body. */
enum docker_version_answer
docker_version_lower_answer(struct docker_conn *conn, const struct http_head *head,
                            struct slice arrived, struct buffer *body_out, size_t *consumed_out);

