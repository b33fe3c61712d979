/* SPDX-License-Identifier: Apache-2.0
 *
 * What a log says was used, and by whom: operations of the Engine API, destinations, requests in
 * plain HTTP, each once, with how often and when. Beside it what cannot become a rule and why.
 * Nothing of a record is taken over unless it is in its canonical form: the log may have been
 * written by anybody. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "policy/log/log_line.h"
#include "base/text_map.h"
#include "rules/docker/docker_operation.h"
#include "rules/network/host_name.h"
#include "rules/http_method.h"

/* How often and when. Unix time; 0 = the records have no time. */
struct suggest_span {
    uint64_t count;
    int64_t first_us, last_us;
};
void suggest_span_add(struct suggest_span *span, const struct suggest_span *other);

/* Compose gives it to all that it makes for a project. */
#define SUGGEST_PROJECT_LABEL "com.docker.compose.project="

enum { SUGGEST_OBJECTS_MAX = 4, SUGGEST_REQUESTS_MAX = 64, SUGGEST_ADDRESSES_MAX = 64 };

/* Whether rules for the operation may go by the names of what it changes. Looking does no harm, and
 * images have several names, of which an allow wants all. */
bool suggest_goes_by_name(enum docker_operation operation);

/* One operation of one client. */
struct suggest_operation {
    const char *client;
    enum docker_operation operation;
    struct suggest_span span;
    const char *objects[SUGGEST_OBJECTS_MAX]; /* names, as the client wrote them */
    unsigned object_count;
    bool nameable; /* of every request the object's name is known, and they are few */
    const char *
        project; /* a label that every object had, "com.docker.compose.project=shop"; NULL = none */
    const char *path; /* of one of the requests; NULL = the log has none */
    bool permitted;   /* the log has it as permitted by the policy in force, every time */
};

/* How a destination was used, which is what a rule has to admit. */
enum suggest_way {
    SUGGEST_TUNNEL,         /* a tunnel, TLS with the target's name on port 443 */
    SUGGEST_TUNNEL_NO_NAME, /* port 443: TLS without a server name */
    SUGGEST_TUNNEL_ANY,     /* port 443: something else than TLS */
    SUGGEST_TUNNEL_UNKNOWN, /* port 443: one of the two, and the log does not say which */
    SUGGEST_PLAIN,          /* plain HTTP */
    SUGGEST_UPGRADED,       /* plain HTTP that became another protocol */
};

/* One kind of request in plain HTTP. */
struct suggest_request {
    enum http_method method;
    const char *path; /* canonical */
    struct suggest_span span;
};

/* One destination of one client, used in one way. */
struct suggest_target {
    const char *client;
    struct host_name host;
    uint16_t port;
    enum suggest_way way;
    bool server_name;          /* what TLS to a bare address said, never connected to by itself */
    bool unanswered;           /* every request failed in the network: the host may not exist */
    bool special;              /* reached at a special-purpose address: */
    struct ip_address address; /* … this one */
    bool own;                  /* … which was one of the own machine's */
    struct suggest_span span;
    struct suggest_request *requests; /* owned: plain HTTP */
    size_t request_count, request_capacity;
    uint32_t methods; /* bit 1 << enum http_method */
    bool any_path;    /* some path has two readings or was cut off, or there are very many */
    bool permitted;   /* as for operations */
};

/* What is not suggested. Texts are printable ASCII. */
struct suggest_left_out {
    const char *client;
    const char *what; /* "ContainerStart", "a.example.org:443" */
    const char *why;  /* static */
    struct suggest_span span;
};

struct suggest_evidence {
    struct arena arena;                    /* owned: texts */
    struct suggest_operation **operations; /* owned, and what they point to */
    size_t operation_count, operation_capacity;
    struct suggest_target **targets; /* owned, and what they point to */
    size_t target_count, target_capacity;
    struct suggest_left_out **left_out; /* owned, and what they point to */
    size_t left_out_count, left_out_capacity;
    struct text_map known;    /* what is there already */
    struct text_map open;     /* by id: records of what was open when the log ended */
    struct text_map allows;   /* rules of the present policy, "SOURCE RULE" as in the log */
    struct text_map used;     /* those of them that permitted something */
    struct suggest_span span; /* of everything that was used */
    bool include_denied;      /* set by the caller */
    bool any_object;          /* set by the caller: it does not matter what objects were called */
};

/* Takes one record; `text` is its line. */
void suggest_evidence_add(struct suggest_evidence *evidence, const struct log_line *line,
                          struct slice text);
/* Takes what was still open, and sorts everything by client and name. */
void suggest_evidence_seal(struct suggest_evidence *evidence);
void suggest_evidence_free(struct suggest_evidence *evidence);
#define AUTO_SUGGEST_EVIDENCE CLEANUP(suggest_evidence_free)

/* Notes that something of that client is left out. */
void suggest_evidence_leave_out(struct suggest_evidence *evidence, const char *client,
                                const char *what, const char *why, const struct suggest_span *span);

/* "example.com:443", "[2001:db8::1]:443". Appended. */
void suggest_target_write(const struct suggest_target *target, struct buffer *out);
