/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON bodies of the Docker Engine API as closed tables: every field that an engine of API 1.25
 * to 1.55 reads, its type, the versions that describe it, and the guard that judges it. Objects are
 * the engine's own structs and serve every operation that reads them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "rules/docker/docker_operation.h"
#include "rules/guard/guard.h"

enum body_kind {
    BODY_FLAG,
    BODY_INTEGER, /* digits, as Go reads an integer: neither a fraction nor an exponent */
    BODY_NUMBER,
    BODY_TEXT,
    BODY_TEXT_OR_LIST, /* the engine takes one text for a list of one */
    BODY_LIST,
    BODY_MAP,     /* the keys are data */
    BODY_OBJECT,  /* the keys are those of the table, which may be none */
    BODY_IGNORED, /* clients send it, and no engine acts on it, whatever the value */
};

struct body_type {
    enum body_kind kind;
    const struct body_type *element; /* of a list or map */
    const struct body_field *fields; /* of an object */
    size_t count;                    /* of fields */
};

struct body_field {
    struct slice key;
    const struct body_type *type;
    uint8_t first, last; /* minor versions of the API (1.N) that describe it */
    enum guard
        guard; /* which judges a value here; of an object that holds more: its own being there */
};

/* What the operation's JSON body is; NULL when it has none. */
const struct body_type *body_type_of(enum docker_operation operation);

/* Whether some value in it is for a guard to judge. */
bool body_type_is_judged(const struct body_type *type);

/* The field that the engine takes a key for: Go compares names of fields without case, for ASCII
 * letters, U+017F (s) and U+212A (K). NULL = none. */
const struct body_field *body_type_field(const struct body_type *object, struct slice key);

