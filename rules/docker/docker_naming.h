/* SPDX-License-Identifier: Apache-2.0
 *
 * What the names in a request stand for. The questions to the engine that tell, one after another;
 * the objects that its answers describe, each of which is judged; and the form in which they are
 * named to the engine afterwards, which can mean nothing else:
 *
 *   most operations            the full id
 *   ImageGet, ImageGetAll      each tag written out; by id: the full id. A name without a tag is
 *                              every tag of the repository
 *   ImageDelete                the tag or the digest written out; by id: the full id
 *   ImagePush                  the repository and the tag, put together from path and query;
 *                              without a tag every tag of the repository
 *   ImageCommit                the container's full id
 *   volumes                    the name: they have nothing else
 *   ContainerDelete with link  nothing: what is changed is another container than the one named
 *
 * A name that looks like the beginning of an id is one or the other by the engine's own answer.
 * Pure: who asks, and how, is the caller's. */
#pragma once

#include "rules/docker/docker_object.h"
#include "rules/docker/docker_request.h"

enum { DOCKER_NAMING_OBJECTS_MAX = 256 }; /* in one request */

struct docker_naming; /* opaque */

enum docker_naming_state {
    DOCKER_NAMING_ASKS,    /* there is a question left */
    DOCKER_NAMING_KNOWN,   /* the objects are all there, at least one */
    DOCKER_NAMING_UNKNOWN, /* one could not be had: the facts are not known */
};

/* Copies what it needs of the request. NULL when memory is out. */
struct docker_naming *docker_naming_new(const struct docker_request *request);
void docker_naming_free(struct docker_naming **naming);

enum docker_naming_state docker_naming_state(const struct docker_naming *naming);

/* Appends the path of the GET that is the question now; only while the state is ASKS. */
void docker_naming_write_question(const struct docker_naming *naming, struct buffer *out);

/* Takes the engine's answer to it. `status` other than 200 or a body that is not as described: the
 * object cannot be had. */
void docker_naming_answer(struct docker_naming *naming, unsigned status, struct slice body);

/* The objects, once all are known. */
size_t docker_naming_count(const struct docker_naming *naming);
const struct docker_object *docker_naming_object(const struct docker_naming *naming, size_t index);

/* How that object is named to the engine. */
struct slice docker_naming_sent(const struct docker_naming *naming, size_t index);

/* Whether the engine's answer to an ImageDelete names by id that another image was deleted than the
 * one that had the tag when it was judged. */
bool docker_naming_has_moved(const struct docker_naming *naming, struct slice answer);

/* Names them in the request in the form that is sent on. What is put into it is borrowed from the
 * naming. Returns what docker_request_write_target() writes in place of the object's name; ptr
 * NULL = nothing. False when the query has no room left. */
MUST_CHECK bool docker_naming_apply(const struct docker_naming *naming,
                                    struct docker_request *request, struct slice *object_name_out);
