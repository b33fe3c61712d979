/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a request to a TCP listener was sent by a web page in somebody's browser, which is no
 * Docker client: a page of another site (Sec-Fetch-Site, Origin), or one whose name was made to
 * lead to this listener after it was loaded (DNS rebinding), which a foreign name in Host shows.
 * Pure: fields in, answer out. Unix sockets are out of a page's reach and not judged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* What one request says; the slices are borrowed from its head. */
struct browser_request {
    struct slice host;   /* ptr NULL = absent */
    struct slice origin; /* ptr NULL = absent */
    struct slice site;   /* a Sec-Fetch-Site that a page of another site has; ptr NULL = none */
    bool has_mark;       /* a field that browsers send and Docker clients do not */
};

/* Takes notice of one field. Cheap for those that mean nothing here. */
void browser_request_add_field(struct browser_request *request, struct slice name,
                               struct slice value);

/* A name that Host may have: `docker.example.com`, or every name below it. */
struct browser_host {
    struct slice name; /* canonical: lower case, no dot at its end */
    bool below;        /* `*.example.com`: every name below it, never itself */
};

/* What a listener's client lets pass. */
struct browser_trust {
    const struct browser_host *hosts;
    size_t host_count;
    const struct slice *origins; /* canonical, see browser_origin_write() */
    size_t origin_count;
    bool everything; /* the rule is lifted */
};

enum browser_verdict {
    BROWSER_NOT_SEEN,       /* no page sent it, or one that may */
    BROWSER_FOREIGN_SITE,   /* Sec-Fetch-Site: another site's page */
    BROWSER_FOREIGN_ORIGIN, /* Origin is not Host's and not trusted */
    BROWSER_FOREIGN_HOST,   /* Host is no name of this listener: rebinding */
};

/* Judges a request. Host is held against the names only on a listener that is bound to loopback
 * (`on_loopback`) or with a mark of a browser: other programs may call a machine by any name. */
enum browser_verdict browser_request_judge(const struct browser_request *request,
                                           const struct browser_trust *trust, bool on_loopback);

/* Appends an origin (RFC 6454: scheme://host[:port], nothing behind) in its one spelling: lower
 * case, without the scheme's own port. False with `error` when it is none; `null` is none. */
MUST_CHECK bool browser_origin_write(struct slice text, struct buffer *out, struct error *error);

/* Reads an entry of `hosts`: a name, `*.` and a name (*below_out), or an address, which passes
 * anyway. Appends the canonical name. False with `error`, in words that say how to mend it. */
MUST_CHECK bool browser_host_parse(struct slice text, struct buffer *text_out, bool *below_out,
                                   struct error *error);
