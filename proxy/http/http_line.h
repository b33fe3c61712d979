/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a message head, byte by byte: request line, status line, field line (RFC 9112
 * sections 3, 4 and 5), with every freedom taken away that readers of HTTP use differently. A
 * scanner may be called on a line that has only partly arrived; it then judges what is there, and
 * can go on later from where it stopped. Whole and piecewise reading agree because both are the
 * same function: the place in the grammar is found again from the bytes before `from`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"
#include "proxy/http/http_fault.h"
#include "rules/http_method.h"

enum http_line_result {
    HTTP_LINE_MORE, /* nothing wrong so far; the line has not ended */
    HTTP_LINE_BAD,  /* `error` is filled */
    HTTP_LINE_OK,   /* the line is whole and well-formed */
    HTTP_LINE_LAST, /* field lines: the empty line that ends the head */
};

/* Whom a request is for, which decides what is taken. */
enum http_addressee {
    HTTP_TO_ENGINE, /* the core methods but CONNECT and TRACE; bytes of RFC 3986 in the target */
    HTTP_TO_ORIGIN, /* any method but these two; what is typed into URLs in the target, too */
    HTTP_TO_PROXY,  /* the same and CONNECT; the target in any form */
};

/* The bytes of one line. */
struct http_line {
    const char *start;
    const char *from; /* start..from was judged before: `start` at first */
    const char *end;  /* behind the last byte that has arrived */
    enum http_side side;
    enum http_addressee addressee; /* of a request */
};

struct http_request_line {
    enum http_method method;
    struct slice method_name, target; /* the target as it was written */
    struct slice authority;           /* of an absolute form; ptr NULL for the origin form */
    struct slice origin; /* to a proxy: as written; else the target in origin form: without scheme
                            and authority, at least "/" */
    unsigned minor_version;
    const char *next; /* behind the line */
};

struct http_status_line {
    unsigned status, minor_version;
    struct slice reason;
    const char *next;
};

struct http_field_line {
    struct slice name, value;   /* value without blanks at its ends */
    struct slice blanks_behind; /* the blanks between value and line end */
    const char *next;
};

/* `METHOD SP target SP HTTP/x.y CRLF`. Targets are in origin form, or in absolute form with scheme
 * http; to the engine a query may have any byte but blanks and control bytes. Methods that are not
 * taken are refused as soon as their name is complete, a target as soon as it is longer than
 * target_max. To origins a target may have bytes that RFC 3986 wants escaped (`"<>\^{|}`, back quotes,
 * those above 0x7f), which rules/network/url_target escapes. */
MUST_CHECK enum http_line_result http_line_scan_request(const struct http_line *line,
                                                        size_t target_max,
                                                        struct http_request_line *request_out,
                                                        struct error *error);

/* `HTTP/1.x SP status [SP reason] CRLF`, status 100 to 599. */
MUST_CHECK enum http_line_result http_line_scan_status(const struct http_line *line,
                                                       struct http_status_line *status_out,
                                                       struct error *error);

/* `name ":" OWS value OWS CRLF`, or the empty line (HTTP_LINE_LAST, only `next` is set). */
MUST_CHECK enum http_line_result http_line_scan_field(const struct http_line *line,
                                                      struct http_field_line *field_out,
                                                      struct error *error);

/* Whether `host` is `host[:port]` of RFC 3986 section 3.2: a name of unreserved, sub-delims and
 * escaped bytes or a bracketed IPv6 address, a port up to 65535. No userinfo, no path, not empty.
 */
bool http_line_is_host(struct slice host);

