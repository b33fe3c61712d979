/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine says of an existing object: the facts that `where:` rules match. The proxy asks
 * the engine each time and hands the answer in here; nothing is cached, since a name can mean
 * another object a moment later. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "rules/docker/docker_operation.h"

/* The facts a `where:` key can ask for. */
enum docker_fact {
    DOCKER_FACT_ID,
    DOCKER_FACT_NAME,    /* container, network, volume … names; of an image every tag and digest
                            reference */
    DOCKER_FACT_IMAGE,   /* of a container: the reference it was made from and the image's id; of an
                            image: as NAME */
    DOCKER_FACT_LABEL,   /* "key=value" */
    DOCKER_FACT_NETWORK, /* of a container: those it is attached to; of a network: itself */
    DOCKER_FACT_VOLUME,  /* of a container: the volumes it mounts; of a volume: itself */
    DOCKER_FACT_COUNT,
};

/* An answer of the engine with more values is not read: what it takes in memory is bounded. As many
 * as 4 MiB hold at eight bytes a value; a list of images has sixteen and more. */
enum { DOCKER_ANSWER_VALUES_MAX = 1 << 19 };

struct docker_fact_list {
    struct slice *items; /* owned array; the bytes are in the object's `text` */
    size_t count, capacity;
};

struct docker_object {
    enum docker_object_kind kind;
    struct slice id; /* full id (volumes: the name); what is sent on in place of the
                        client's spelling */
    struct docker_fact_list facts[DOCKER_FACT_COUNT];
    struct buffer text; /* owned */
};

/* Whether objects of `kind` have `fact` at all: the closed table behind "can never match" errors at
 * load. */
bool docker_object_has_fact(enum docker_object_kind kind, enum docker_fact fact);

/* Appends the path (with "/v1.24"-independent, unversioned form) that inspects object `name` of
 * `kind`: "/containers/web/json", name encoded. Names that could not be one segment or a reference
 * ("", ".", "..") never get here. */
void docker_object_write_inspect_path(enum docker_object_kind kind, struct slice name,
                                      struct buffer *out);

/* Reads the engine's answer to that inspect call into `object` (zeroed by the caller; add to it
 * with a second call for an exec: first the exec's own answer, which fills *container_id_out, then
 * the container's with kind DOCKER_OBJECT_CONTAINER, which adds that container's facts while `id`
 * stays the exec's; *container_id_out points into the object and is valid until that second call).
 * container_id_out may be NULL. False with error->status 502 and reason "engine.inspect" when the
 * answer is not what the API describes, 503 "gate.memory" when memory is out. */
MUST_CHECK bool docker_object_read(struct docker_object *object, enum docker_object_kind kind,
                                   struct slice json, struct slice *container_id_out,
                                   struct error *error);

void docker_object_clear(struct docker_object *object);
