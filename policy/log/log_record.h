/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of the audit log (docs/design.md 5): the fields, their names and order. Written by the gate,
 * read by `policy log`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "base/timestamp.h"

enum log_event {
    LOG_REQUEST,
    LOG_OPEN,
    LOG_CLOSE,
    LOG_POLICY,
    LOG_START,
    LOG_STOP,
    LOG_SUPPRESSED,
    LOG_LOST, /* records before this one could not be written */
    LOG_SEAL  /* closes an epoch of a sealed log: policy/seal/log_seal.h */
};

/* Every field may be absent (ptr NULL, or the flag beside it false) and is then not written. All
 * borrowed. */
struct log_record {
    int64_t time_us;
    struct slice id;
    uint64_t seq;
    enum log_event event;
    struct slice kind; /* "docker"; empty for start, stop, policy */
    struct slice client, peer, via;
    struct slice method, path, operation, object;
    const struct slice *judged; /* what the object's name stood for, as it is sent on */
    unsigned judged_count;
    struct slice object_name;          /* what the engine calls the one object that was looked at */
    const struct slice *object_labels; /* which project and service of compose it is of */
    unsigned object_label_count;
    struct slice host; /* network: canonical */
    unsigned port;     /* 0 = none */
    struct slice address, sni, alpn;
    bool ech;           /* the ClientHello carried an ECH extension */
    bool host_mismatch; /* the Host field of a CONNECT named something else; it decides nothing */
    struct slice question;                 /* dns: "A", "AAAA", "TYPE64" */
    const struct slice *refused_addresses; /* "127.0.0.1 address-class.loopback" */
    unsigned refused_address_count;
    const struct slice *cnames; /* by which aliases the host has its addresses */
    unsigned cname_count;
    struct slice cname_denied; /* the one of them that the rule denies */
    /* the proxy that resolves the name; its addresses were not judged */
    struct slice upstream_proxy;
    bool has_decision, allowed;
    struct slice rule, source, reason;
    const struct slice *dropped_query;
    unsigned dropped_query_count;
    unsigned dropped_more;       /* parameters and fields that are not named; 0 = none */
    struct slice dropped_fields; /* of a JSON body: their paths, a NUL between them */
    uint64_t dropped_body;       /* 0 = none */
    const struct slice *dropped_headers;
    unsigned dropped_header_count;
    struct slice would_deny;
    unsigned status;  /* 0 = none yet */
    bool has_outcome; /* bytes and duration are written */
    uint64_t bytes_in, bytes_out;
    uint64_t duration_us;
    struct slice close; /* why a stream or connection ended */
    struct slice policy;
    struct slice text; /* policy, start, stop and lost events: a sentence */
    uint64_t count;    /* suppressed events: how many denials were not written one by one; lost: how
                          many records */
};

/* Appends the record as one line with its line end, or nothing at all when memory is out
 * (out->failed). `cache` belongs to the one log. */
void log_record_write(const struct log_record *record, struct timestamp_cache *cache,
                      struct buffer *out);
