/* SPDX-License-Identifier: Apache-2.0
 *
 * The variables of the two images whose place Dockreeve takes (tecnativa/docker-socket-proxy and
 * linuxserver/socket-proxy), as closed tables, and how a value is read: exactly as they do. For
 * environment.c and environment_notice.c only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "rules/docker/docker_operation.h"

enum environment_contract {
    ENVIRONMENT_NONE = 0,
    ENVIRONMENT_TECNATIVA = 1,
    ENVIRONMENT_TECNATIVA_LITERAL = 2,
    ENVIRONMENT_LINUXSERVER = 4,
    ENVIRONMENT_ANY_TECNATIVA = ENVIRONMENT_TECNATIVA | ENVIRONMENT_TECNATIVA_LITERAL,
    ENVIRONMENT_EVERY = ENVIRONMENT_ANY_TECNATIVA | ENVIRONMENT_LINUXSERVER,
};

/* The contract of that name; ENVIRONMENT_NONE when there is none. And back, for single ones. */
enum environment_contract environment_contract_find(struct slice name);
const char *environment_contract_name(enum environment_contract contract);

/* A variable that opens everything at and below a path, for reading or, with POST=1, altogether. */
struct environment_section {
    const char *variable;
    const char *path; /* "/containers"; in the libpod table "/libpod/containers" */
    bool on_by_default;
    bool opened_otherwise; /* preset/negotiate opens it, so that its zero needs a deny */
};

enum { ENVIRONMENT_OPERATIONS_MAX = 3 };

/* A variable that names single operations. Lists end at DOCKER_OPERATION_NONE or when they are
 * full. */
struct environment_named {
    const char *variable;
    unsigned contracts; /* that read it */
    enum docker_operation operations[ENVIRONMENT_OPERATIONS_MAX];
    const char
        *libpod; /* the same below /libpod, as an expression; linuxserver only; NULL = none */
};

extern const struct environment_section environment_sections[];
extern const size_t environment_section_count;
extern const struct environment_section environment_libpod_sections[];
extern const size_t environment_libpod_section_count;
/* ALLOW_START and its like: open their operations at 1. */
extern const struct environment_named environment_openers[];
extern const size_t environment_opener_count;
/* ALLOW_LOGS and its like: their operations are denied unless 1. */
extern const struct environment_named environment_contents[];
extern const size_t environment_content_count;
/* What an explicit zero denies in tecnativa mode, as far as no opener at 1 names it. */
extern const struct environment_named environment_zeros[];
extern const size_t environment_zero_count;

/* The variables that switch something on or off under `contract` (one of the single values). */
enum { ENVIRONMENT_VARIABLES_MAX = 64 };
struct environment_variable_names {
    const char *items[ENVIRONMENT_VARIABLES_MAX];
    size_t count;
};
void environment_read_variables(enum environment_contract contract,
                                struct environment_variable_names *names);

/* The value of a variable, NULL when it is not set. The first counts where a name stands twice, as
 * for getenv(). */
const char *environment_value(char *const *environment, const char *name);

/* HAProxy's `env(X) -m bool`: the number that the text begins with (a sign, digits) is not zero. No
 * blanks before it, no words. */
bool environment_is_true(const char *value);

/* Whether a value that is no such number was plainly meant as yes: "true", " 1", "\"1\"", "On". */
bool environment_means_yes(const char *value);

/* Whether a value was plainly meant as zero: "0", "00", "-0", "false", "no", "off". */
bool environment_means_no(const char *value);

/* What DOCKREEVE_COMPAT names; ENVIRONMENT_NONE also when it is not set. */
enum environment_contract environment_contract_of(char *const *environment);

/* A variable of the contracts: its value as they read it, or the default when it is not set. */
bool environment_is_on(char *const *environment, const char *name, bool on_by_default);

/* Set to zero on purpose: set, not empty, not true and not meant as yes. */
bool environment_is_zero(char *const *environment, const char *name);

/* Whether `path` is the section's or below it. */
bool environment_section_covers(const struct environment_section *section, const char *path);

/* Whether the list of `named` has the operation. */
bool environment_names(const struct environment_named *named, enum docker_operation operation);

/* LOG_LEVEL: whether the gate tells errors alone of itself. The request log is never meant by it. */
bool environment_is_quiet(char *const *environment);
bool environment_level_is_known(struct slice level);
