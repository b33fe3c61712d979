/* SPDX-License-Identifier: Apache-2.0
 *
 * The document that an import is making: patterns, grouped into rules by what else they ask for,
 * and what could not be said as it was. A pattern enters only after the reader of policies has
 * accepted it, so that what is printed loads. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/arena.h"
#include "policy/import/policy_import.h"
#include "policy/snapshot/policy_messages.h"
#include "rules/network/port_set.h"

struct import_group; /* the patterns of one rule */

struct import_place {
    const char *file;
    unsigned line;
};

struct import_draft {
    const struct policy_import_input *input; /* borrowed */
    struct arena arena;                      /* owned: for the sources' readers, too */
    struct import_group *groups;             /* owned */
    size_t group_count, group_capacity;
    struct buffer asides;                   /* owned: rules that are printed as comments */
    size_t expressions_noted;               /* import_expression.h */
    const char *aside;                      /* why the last of them is none; borrowed */
    struct policy_messages *notes, *errors; /* borrowed */
};
void import_draft_free(struct import_draft *draft);

/* Appends the document: where it is from, the notes as comments, the rules. */
void import_draft_write(const struct import_draft *draft, const char *source, const char *file,
                        struct buffer *out);

/* What the user should know: something was narrowed or left out. `place` is evaluated twice. */
#define import_note(draft, place, ...)                                                             \
    policy_messages_add((draft)->notes, (place).file, (place).line, 0, __VA_ARGS__)
/* The import ends without a document. */
#define import_fail(draft, place, ...)                                                             \
    policy_messages_add((draft)->errors, (place).file, (place).line, 0, __VA_ARGS__)

/* The further keys of a rule, as YAML text without line ends; "" = none. Texts of a reader's own
 * must be valid YAML in ASCII and live as long as the draft. */
#define IMPORT_KEYS_NONE ""
#define IMPORT_KEYS_SEEN "methods: [GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH]"
#define IMPORT_KEYS_TLS "protocols: [tls]"

/* Adds one pattern ("example.com", "*.example.com", "10.0.0.0/8", "~expression", "*") with its
 * ports, under a rule with `keys`. A name that no request can have is noted and left out: for a
 * deny that changes nothing. A denied expression that does not compile ends the import; an allowed
 * one is left out. An allowed range that holds special-purpose addresses beside others is left out:
 * here it would open them. */
void import_add(struct import_draft *draft, struct import_place place, bool allows,
                const char *keys, struct slice pattern, const struct port_set *ports);

/* As import_add() for what a source permits to tunnels (CONNECT) on `tunnel` ports and to plain
 * HTTP on `plain` ports: as many rules as that takes. */
void import_add_split(struct import_draft *draft, struct import_place place, struct slice pattern,
                      const struct port_set *plain, const struct port_set *tunnel);

/* Adds an allow that is printed as a comment, for the user to take in or not. `why` is static text. */
void import_aside(struct import_draft *draft, struct import_place place, struct slice pattern,
                  const struct port_set *ports, const char *why);

/* Whether the host is the machine itself, under a name of containers or without a port, which no rule
 * permits. It is noted, and to be left out. */
bool import_names_machine(struct import_draft *draft, struct import_place place, struct slice host,
                          bool has_ports);

/* Set arithmetic on ports. A result of more ranges than a set holds loses the last of them, which
 * narrows an allow; *cut_out says so. `cut_out` may be NULL. */
struct port_set import_ports_and(const struct port_set *a, const struct port_set *b, bool *cut_out);
struct port_set import_ports_or(const struct port_set *a, const struct port_set *b, bool *cut_out);
struct port_set import_ports_not(const struct port_set *a, bool *cut_out);
struct port_set import_ports_all(void);

/* A walk over the lines of a text. */
struct import_lines {
    struct slice rest;
    struct import_place place; /* of the present line */
    struct slice raw;          /* it, without its line end */
    struct slice line;         /* and without blanks around it */
};
struct import_lines import_lines(const char *file, struct slice text);
bool import_lines_next(struct import_lines *lines);
/* The lines of the file that the source names at `place`. Its text is appended to `text`, which must
 * stay. False, and the import fails, when it cannot be read. */
MUST_CHECK bool import_open_named(struct import_draft *draft, struct import_place place,
                                  struct slice name, struct buffer *text,
                                  struct import_lines *lines_out);

/* Cuts the next word, ended by blanks, off *line. */
bool import_next_word(struct slice *line, struct slice *word_out);
