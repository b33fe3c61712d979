/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy import`: another program's list as a policy document. Each source is read with its own
 * meaning, and the result never permits more than the source did: an allow that cannot be said
 * exactly is narrowed or left out, with a note; a deny that cannot be said is made wider or, where
 * it cannot even be that, ends the import without a document. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "policy/snapshot/policy_messages.h"

/* What to read. All borrowed for the call. */
struct policy_import_input {
    const char *file; /* how messages name it */
    struct slice text;
    unsigned generation; /* sbx: 2 or 3; 0 = not known: the narrower reading of each line */
    enum {
        POLICY_IMPORT_LIST_UNKNOWN,
        POLICY_IMPORT_LIST_ALLOWS, /* a list alone names what may be reached */
        POLICY_IMPORT_LIST_DENIES, /* … what may not */
    } list;                        /* tinyproxy: what a Filter file without its tinyproxy.conf is;
                                      domains: allows unless it is said */
    bool any_client;               /* squid: take conditions on the client's address as met */
    bool extended;                 /* tinyproxy: expressions are extended, whatever is not said */
    bool star_includes_root;       /* domains: `*.example.com` holds example.com, too */
    /* Appends the content of a file that the text names; false when it cannot be read. NULL: no
     * other file can be read. */
    bool (*read_file)(void *context, struct slice name, struct buffer *out);
    /* Appends the names of the files that the glob matches, each with a line end behind it; false when
     * there are none. */
    bool (*list_files)(void *context, struct slice glob, struct buffer *out);
    void *context;
};

struct import_draft; /* import_draft.h */

struct policy_import_source {
    const char *name; /* "tinyproxy" */
    void (*read)(struct import_draft *draft);
};

size_t policy_import_source_count(void);
const struct policy_import_source *policy_import_source_at(size_t index);
/* NULL when there is none of that name. */
const struct policy_import_source *policy_import_source_find(struct slice name);

/* Converts; the document is appended to `out`, with the notes as comments in it. False with
 * messages in `errors` and nothing appended when the source cannot be converted at all. */
MUST_CHECK bool policy_import(const struct policy_import_source *source,
                              const struct policy_import_input *input, struct buffer *out,
                              struct policy_messages *notes, struct policy_messages *errors);

/* The sources' readers (import_NAME.c). */
void import_domains(struct import_draft *draft);
void import_hosts(struct import_draft *draft);
void import_sbx(struct import_draft *draft);
void import_squid(struct import_draft *draft);
void import_tinyproxy(struct import_draft *draft);
