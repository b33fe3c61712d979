/* SPDX-License-Identifier: Apache-2.0
 *
 * A socket of the operator's: somebody connects, asks one thing, gets one answer, and the connection
 * ends. Connections, bytes and times are bounded: who holds one open holds nothing else up.
 *
 *   state     waits for           deadline     ends with
 *   READING   a whole question    5 s in all   an answer, or the asker's leaving
 *   WAITING   what is asked for   none         an answer, or the asker's leaving
 *   WRITING   room in the socket  5 s in all   the last byte */
#pragma once

#include "base/error.h"
#include "proxy/io/fd_watch.h"
#include "proxy/io/stream.h"
#include "proxy/loop/loop.h"

struct operator_socket; /* opaque; owns its file and its connections */

enum operator_conn_state { OPERATOR_CONN_READING, OPERATOR_CONN_WAITING, OPERATOR_CONN_WRITING };

/* To be embedded as the first member. */
struct operator_conn {
    struct operator_socket *socket; /* borrowed */
    struct loop *loop;              /* borrowed */
    struct stream stream;
    enum operator_conn_state state;
    struct fd_watch watch;
    struct event deadline;
    struct io_buffer in;  /* what was asked so far */
    struct buffer answer; /* owned */
    size_t answered;      /* bytes of it that were sent */
    TAILQ_ENTRY(operator_conn) link;
};

/* What is served at a socket. */
struct operator_service {
    size_t conn_size; /* of the struct that begins with struct operator_conn */
    unsigned most;    /* connections at once */
    struct slice too_many;
    struct slice
        stranger; /* what is said to who connects from elsewhere: operator_socket_admit() */
    mode_t umask; /* of the socket's file */
    /* NULL = everybody who connects is welcome. Else what a stranger is told; nothing for others. */
    struct slice (*turns_away)(int fd);
    /* More has come in. Answers, waits, or returns to read on. */
    void (*read)(struct operator_conn *conn);
    /* The connection ends: what it waits for is to be forgotten. */
    void (*closed)(struct operator_conn *conn);
};

/* Listens at `address`, which is called `name` when that fails. NULL with `error` (code 1), among
 * others when somebody listens there. */
struct operator_socket *operator_socket_open(struct loop *loop,
                                             const struct operator_service *service,
                                             const struct endpoint *address, const char *name,
                                             struct error *error);
/* From now on only TCP peers in one of these ranges are welcome; borrowed. */
void operator_socket_admit(struct operator_socket *socket, const struct ip_range *ranges,
                           size_t count);
void operator_socket_close(struct operator_socket **socket);
/* Where it listens; NULL without a socket. */
const struct endpoint *operator_socket_endpoint(const struct operator_socket *socket);

/* The answer takes as long as it takes. An asker that leaves or talks on is let go, and closed() says
 * so; one that ends its sending may still read. */
void operator_conn_wait(struct operator_conn *conn);
/* Sends what stands in `answer`. The connection may be gone afterwards. */
void operator_conn_answer(struct operator_conn *conn);
