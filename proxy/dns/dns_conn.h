/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS over TCP (RFC 7766) at one listener: questions behind a length of two bytes, answered one
 * after the other. */
/* clang-format off */
/*
 * state    waits for                      deadline                     ended by
 * READ     a whole question               header_timeout, its whole    the question; room needed, being idle
 * ANSWER   the resolver, then the log     none of its own              the record of the question
 * SEND     the client to take the answer  header_timeout               its last byte
 * CLOSED   the end of the turn            -                            being freed
 *
 * Beside that a connection ends DNS_CONN_LIFETIME_S after it began, whatever it does. */
/* clang-format on */
#pragma once

#include <sys/queue.h>

#include <event2/event_struct.h>

#include "proxy/io/endpoint.h"
#include "proxy/loop/loop.h"
#include "proxy/loop/listener.h"

enum { DNS_CONNS_MAX = 64, DNS_CONN_LIFETIME_S = 120 };

struct dns_conn;
TAILQ_HEAD(dns_conn_list, dns_conn);

/* The connections of one listener. */
struct dns_conns {
    struct loop *loop;         /* borrowed */
    struct listener *listener; /* borrowed: outlives them */
    struct dns_conn_list open;
    unsigned count;
};

void dns_conns_init(struct dns_conns *conns, struct loop *loop, struct listener *listener);

/* Takes over an accepted socket. When there are DNS_CONNS_MAX already the oldest of those that
 * wait for a question makes room, or one of the peer that has the most, or else this one is closed. */
void dns_conn_accept(struct dns_conns *conns, int fd, const struct endpoint *peer);

/* Closes all of them. */
void dns_conns_close(struct dns_conns *conns);
