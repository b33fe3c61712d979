/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands share that change policy.d/90-cli.yaml: the present policy and the file under
 * its lock, the proof that the policy with the change loads, the writing, and what is to be said
 * about it. */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/cli/command.h"
#include "policy/command/command_policy.h"
#include "policy/command/command_policy_apply.h"
#include "policy/document/policy_store.h"

/* The options of all of them, with which their tables begin. */
enum {
    POLICY_EDIT_CONFIG,
    POLICY_EDIT_STATE,
    POLICY_EDIT_CUT,
    POLICY_EDIT_JSON,
    POLICY_EDIT_OPTION_COUNT
};
#define POLICY_EDIT_OPTIONS                                                                        \
    [POLICY_EDIT_CONFIG] = COMMAND_POLICY_CONFIG, [POLICY_EDIT_STATE] = COMMAND_POLICY_STATE,      \
    [POLICY_EDIT_CUT] = COMMAND_POLICY_CUT,                                                        \
    [POLICY_EDIT_JSON] = OPTION_FLAG_ROW("json", "one JSON object")

/* One command's run. Zeros and the first member are a beginning. */
struct policy_edit {
    const struct command_call *call;      /* borrowed: with the options above, and the gate */
    char *path;                           /* owned: policy.yaml */
    struct policy_inputs inputs;          /* point into `path` */
    struct policy_store *store;           /* owned */
    struct policy *before, *after;        /* owned; after: once committed */
    struct policy_messages known;         /* owned: notices of the policy before */
    struct policy_messages fresh;         /* owned: notices of the policy after */
    struct policy_messages errors, notes; /* owned; notes: what the user is told of the change */
    bool changed;
    /* owned: what the command has done, as text and as members of the JSON object ("\"x\":1") */
    struct buffer text, members;
};
void policy_edit_clear(struct policy_edit *edit);

/* Opens the store of the policy that --config names. Returns -1 to go on, or the exit code after
 * the errors were printed. */
MUST_CHECK int policy_edit_open(struct policy_edit *edit);
/* The same, and reads the file and loads the present policy. */
MUST_CHECK int policy_edit_begin(struct policy_edit *edit);

/* Judges the policy that the edited tree makes, and writes it; without `changed` nothing is
 * written, and `after` is the policy before. Returns as above. */
MUST_CHECK int policy_edit_commit(struct policy_edit *edit, bool changed);
/* Judges the policy without the file, and removes it. */
MUST_CHECK int policy_edit_remove(struct policy_edit *edit);

/* Takes over to `notes` the notices of the new policy that the old one did not have, and those at
 * the rule `node` of the file, which may be NULL. */
void policy_edit_note_new(struct policy_edit *edit);
void policy_edit_note_rule(struct policy_edit *edit, const struct yaml_tree_node *node);
/* Takes over one message, unless it is there already. */
void policy_edit_note(struct policy_edit *edit, const struct policy_message *message);

/* The full name of the file that sources call `label` ("policy.yaml"); what is no file stays. Lives
 * as long as the store. */
const char *policy_edit_file(const struct policy_edit *edit, const char *label);

/* Wrong use of the command line: said on standard error. False, so that a failing function can say
 * `return policy_edit_usage(...)`. */
#define policy_edit_usage(command, ...) (command_fail(command, COMMAND_USAGE, __VA_ARGS__), false)

/* A client that only our file knows is perhaps a word mistyped. NULL = every client. */
void policy_edit_note_client(struct policy_edit *edit, const char *client);

/* Nothing was changed, because of what stands in `errors`: printed as text or JSON. Returns
 * `code`. */
MUST_CHECK int policy_edit_refuse(const struct policy_edit *edit, int code, const char *why);

/* The end: has the running gate obey, if there is one, and prints the notes, and `text` or, with
 * --json, an object of `changed`, `file`, `policy`, what `members` holds, `open` and the notices. Returns the exit code: COMMAND_PARTLY when --cut was asked for and the gate did not do
 * it. */
MUST_CHECK int policy_edit_finish(struct policy_edit *edit);

/* The lists of rules of a scope: of the client, or of the top level when it is NULL. `kind` is
 * "docker" or "network". find: NULL when there is none. make: NULL when the file has something else
 * in its place. */
struct yaml_tree_node *policy_edit_find_rules(const struct policy_edit *edit, const char *client,
                                              const char *kind);
struct yaml_tree_node *policy_edit_make_rules(const struct policy_edit *edit, const char *client,
                                              const char *kind);
/* Takes out what is empty of the scope: its lists, then the client, then `clients`. */
void policy_edit_prune(const struct policy_edit *edit, const char *client);

/* The scope that options and arguments name: a client, or NULL for all. `positional` is the older
 * spelling, the name in front of the resources; NULL = none. False after a message. */
struct policy_edit_scope {
    const struct option_value *client, *sandbox, *global;
    const char *positional;
};
MUST_CHECK bool policy_edit_scope(const char *command, const struct policy_edit_scope *words,
                                  const char **client_out);
/* Whether the word can be a scope in front of resources: a name without dots, in lower case. */
bool policy_edit_is_scope(const char *word);

/* Cuts the next resource off a list with commas. Commas between ports ("x:80,443") and those of an
 * expression ("~a{1,3}") do not divide. For `while (rest.ptr != NULL)`. */
struct slice policy_edit_next_resource(struct slice *rest);
/* Whether a resource, trimmed, is one and no list with blanks between; else that is said. */
bool policy_edit_is_one(const char *command, struct slice part);
