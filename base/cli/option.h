/* SPDX-License-Identifier: Apache-2.0
 *
 * Command-line options, from one table a command: name, type, range, default, unit and one
 * sentence. The parser and `--help` read the table; a test compares the man pages and the
 * completions with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

enum option_type {
    OPTION_FLAG,     /* takes no value */
    OPTION_TEXT,     /* any text; the last one holds */
    OPTION_ONCE,     /* any text; a second one is an error, since it would drop what was meant */
    OPTION_LIST,     /* any text; may be given many times */
    OPTION_CHOICE,   /* one of the words that `argument` has between bars; `number` says which */
    OPTION_NUMBER,   /* a whole number */
    OPTION_BYTES,    /* a whole number with an optional k, m or g (1024) */
    OPTION_DURATION, /* "10s", "250ms": in milliseconds afterwards */
};

struct option {
    const char *name; /* long name without the dashes */
    char letter;      /* short name, 0 = none */
    enum option_type type;
    const char *argument;    /* what --help calls the value; NULL for flags */
    const char *initial;     /* default as one would write it; NULL = unset */
    uint64_t min, max;       /* for numbers, bytes and durations (milliseconds); max 0 = no bound */
    const char *environment; /* variable that gives the default; NULL = none */
    const char *help;        /* one sentence, no full stop */
};

/* The rows of a table; `.letter = 'c'` and the like may stand behind. */
#define OPTION_FLAG_ROW(name_, help_, ...)                                                         \
    {                                                                                              \
        .name = (name_), .type = OPTION_FLAG, .help = (help_), __VA_ARGS__                         \
    }
#define OPTION_TEXT_ROW(type_, name_, argument_, help_, ...)                                       \
    {                                                                                              \
        .name = (name_), .type = (type_), .argument = (argument_), .help = (help_), __VA_ARGS__    \
    }
#define OPTION_NUMBER_ROW(type_, name_, argument_, initial_, min_, max_, help_, ...)               \
    {                                                                                              \
        .name = (name_), .type = (type_), .argument = (argument_), .initial = (initial_),          \
        .min = (min_), .max = (max_), .help = (help_), __VA_ARGS__                                 \
    }

enum { OPTION_LIST_MAX = 32 };

struct option_value {
    bool given;       /* on the command line or by the environment */
    bool flag;        /* of a flag; of texts: it stands on the command line */
    const char *text; /* borrowed from argv, the environment or the table */
    uint64_t number;
    const char *list[OPTION_LIST_MAX];
    unsigned list_count;
};

struct command_call; /* base/cli/command.h */

struct option_table {
    const char *command;   /* "policy log" */
    const char *arguments; /* "[CLIENT]"; "" = none */
    const char *summary;   /* one sentence */
    const struct option *options;
    unsigned option_count;
    const char *examples; /* lines for --help, may be NULL */
    bool
        takes_own_rules; /* of rules, hosts and operations, completion offers what commands added */
    bool takes_utf8;   /* every word goes into a document: one that is something else is refused */
    bool reads_itself; /* `run` is given the words as they are, options among them */
    int (*run)(const struct command_call *call); /* what it does; returns the exit code */
};

/* Fills values[0..option_count) from defaults, environment and argv (getopt conventions:
 * --name=value, --name value, -xvalue,
 * `--` ends the options, options may stand behind arguments). argv[0..argc) is what stands behind
 * the command's name, without the name itself; it is reordered: the plain arguments become
 * argv[0..*argc_out), and a table without arguments refuses any. False with `error` (code 2, "did
 * you mean" where there is a near word). `--help` is recognised everywhere and sets *help_out; the
 * values are then not filled. `-h` does the same where the table gives that letter to no option. */
MUST_CHECK bool option_parse(const struct option_table *table, struct option_value *values,
                             int argc, char **argv, int *argc_out, bool *help_out,
                             struct error *error);

/* What was given; else what `fallback` makes. Owned by the caller. */
char *option_text_or(const struct option_value *value, char *(*fallback)(void));

/* Appends the range of a number: "0 to 1000", "at least 1"; nothing where the table sets no bound. */
void option_spell_range(const struct option *option, struct buffer *out);
