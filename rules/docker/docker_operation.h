/* SPDX-License-Identifier: Apache-2.0
 *
 * The operations of the Docker Engine API under their official names, as one closed table: what is
 * not in it is refused. The names, methods, paths and parameters are those of the published API
 * descriptions 1.25 to 1.55; a few routes that the engine serves and the descriptions leave out
 * stand at the end under names of our own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "rules/http_method.h"

/* The newest minor version of the API (1.N) that the table describes, and the oldest that is served
 * where the engine does. Before 1.24 the table's operations meant the same, but for a body of
 * ContainerStart, which is refused. */
#define DOCKER_API_NEWEST_NUMBER 55
enum { DOCKER_API_NEWEST = DOCKER_API_NEWEST_NUMBER, DOCKER_API_OLDEST = 12 };

/* Indexes into the table of docker_operation.c, in the order of rules/docker/docker_operation_table.inc. 0
 * is "none". */
enum docker_operation {
    DOCKER_OPERATION_NONE,
#define OPERATION(symbol, ...) DOCKER_##symbol,
#include "rules/docker/docker_operation_table.inc"
#undef OPERATION
    DOCKER_OPERATION_COUNT,
};

/* What the {name} or {id} of an operation's path names, or a parameter in its place
 * (rules/docker/docker_names.h): which inspect call resolves it and which `where` keys it has. */
enum docker_object_kind {
    DOCKER_OBJECT_NONE,
    DOCKER_OBJECT_CONTAINER,
    DOCKER_OBJECT_EXEC, /* resolved to the exec and its container */
    DOCKER_OBJECT_IMAGE,
    DOCKER_OBJECT_NETWORK,
    DOCKER_OBJECT_VOLUME,
    DOCKER_OBJECT_SERVICE,
    DOCKER_OBJECT_TASK,
    DOCKER_OBJECT_NODE,
    DOCKER_OBJECT_CONFIG,
    DOCKER_OBJECT_SECRET,
    DOCKER_OBJECT_PLUGIN,
    DOCKER_OBJECT_KIND_COUNT,
};

/* What the engine reads as the request's body. */
enum docker_body {
    DOCKER_BODY_NONE,    /* nothing: a body is read, dropped and logged */
    DOCKER_BODY_JSON,    /* application/json */
    DOCKER_BODY_ARCHIVE, /* a tar stream of any length */
    DOCKER_BODY_IMPORT,  /* ImageCreate: an archive when the query has fromSrc, else none */
    DOCKER_BODY_ANY,     /* libpod: passed through re-framed */
};

/* The protocol a client may ask to switch to (Upgrade), and the engine may switch to. */
enum docker_upgrade {
    DOCKER_UPGRADE_NONE,
    DOCKER_UPGRADE_TCP,       /* attach, exec start: also answers 200 and hijacks without Upgrade */
    DOCKER_UPGRADE_H2C,       /* /session, /grpc */
    DOCKER_UPGRADE_WEBSOCKET, /* attach/ws */
};

/* How far what a client writes there can lead the engine: out of what the operation is about. What
 * reaches further than NONE needs a rule that names it (rules/docker/docker_reach.h). */
enum docker_reach {
    DOCKER_REACH_NONE,
    DOCKER_REACH_PATH,     /* a path of the engine's host */
    DOCKER_REACH_ADDRESS,  /* an address that the engine fetches or sends to */
    DOCKER_REACH_REGISTRY, /* a reference or search term: its registry, unless it is Docker Hub */
    DOCKER_REACH_PULL, /* a reference of an operation that is made for registries: one that is given
                           by an address, as localhost or with a port */
    DOCKER_REACH_PULLS, /* a JSON list of those */
};

struct docker_parameter_info {
    struct slice name;
    bool repeats; /* may be given several times, and the engine reads all of them */
    enum docker_reach reach;
};

struct docker_operation_info {
    const char *name;     /* "ContainerCreate" */
    const char *old_name; /* the name older descriptions use, NULL = none; accepted in rules */
    enum http_method method;
    const char *path; /* template: "/containers/{id}/json"; the part in braces may hold slashes */
    enum docker_object_kind object;
    enum docker_body body;
    enum docker_upgrade upgrade;
    uint8_t first, last;          /* described in 1.first to 1.last; 0,0 = never described */
    enum docker_reach name_reach; /* of what stands in the path's braces */
    const struct docker_parameter_info *parameters; /* known query parameters; the last one has a
                                                       name whose ptr is NULL */
};

/* The place of a query parameter among those of the operation, -1 when it has none of that name. */
int docker_operation_find_parameter(const struct docker_operation_info *info, struct slice name);

/* Never NULL for a valid operation; for DOCKER_OPERATION_NONE a row named "unknown". Static
 * storage. */
const struct docker_operation_info *docker_operation_info(enum docker_operation operation);

/* Appends the operation's path with `name` in the place of what stands in braces. */
void docker_operation_write_path(const struct docker_operation_info *info, const char *name,
                                 struct buffer *out);

/* The operation of that name or old name, exactly; DOCKER_OPERATION_NONE when there is none. */
enum docker_operation docker_operation_from_name(struct slice name);

/* A set of operations, one bit each. */
struct docker_operation_set {
    uint64_t bits[(DOCKER_OPERATION_COUNT + 63) / 64];
};

static inline bool docker_operation_set_has(const struct docker_operation_set *set,
                                            enum docker_operation operation)
{
    return (set->bits[operation / 64] >> (operation % 64) & 1) != 0;
}

static inline void docker_operation_set_add(struct docker_operation_set *set,
                                            enum docker_operation operation)
{
    set->bits[operation / 64] |= UINT64_C(1) << (operation % 64);
}

/* The next member behind *operation, which begins as DOCKER_OPERATION_NONE. False at the end. */
static inline bool docker_operation_set_next(const struct docker_operation_set *set,
                                             enum docker_operation *operation)
{
    unsigned at = (unsigned)*operation + 1;
    while (at < DOCKER_OPERATION_COUNT && !docker_operation_set_has(set, (enum docker_operation)at))
        at = set->bits[at / 64] == 0 ? (at | 63) + 1 : at + 1;
    *operation = (enum docker_operation)at;
    return at < DOCKER_OPERATION_COUNT;
}

/* Adds what a selector of docs/design.md 3.1 means: an operation's name, a glob over names ("Container*"),
 * or a set ("@read"). @all is every operation but Libpod, which only a path rule or the linuxserver
 * variables open. False, and nothing added, when the selector names nothing. */
MUST_CHECK bool docker_operation_set_add_selector(struct docker_operation_set *set,
                                                  struct slice selector);

/* The names of the sets ("@read", …), NULL-terminated, for messages, completion and "did you mean". */
const char *const *docker_operation_set_names(void);
