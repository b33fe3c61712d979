/* SPDX-License-Identifier: Apache-2.0
 *
 * Who gets in: an accepted socket takes its peer's place among the connections, or is told at once
 * that there is none. Nobody waits for the head of a connection that is refused. */
#pragma once

#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "proxy/io/endpoint.h"
#include "proxy/share/share.h"

struct loop;
struct listener;

/* A socket that was accepted. */
struct arrival {
    int fd;
    struct endpoint endpoint;
    struct ucred credentials; /* of a unix peer; pid -1 = none */
    struct share_peer *peer;  /* a use; the connection's once it is let in */
};

/* A connection can be accepted: lets in as many as one turn takes, each with a place of its peer's, where
 * need be from a connection that has not sent a whole request yet (share_make_room()). Descriptor, use
 * of `peer` and place are the service's then; the place is to be given back with admission_leave(). Who
 * gets none is told so, counted for the log, and gone. */
void admission_ready(struct listener *listener, int listen_fd);
/* Gives the place back, and the use of *peer. */
void admission_leave(struct share_peer **peer);
/* Records that an address is not in `from` of the listener's client, or counts it where there are
 * too many. */
void admission_note_stranger(struct listener *listener, struct share_peer *peer,
                             const struct endpoint *endpoint);
/* An arrival that is not wanted for another reason. */
void admission_drop(struct arrival *arrival);

/* Those that were told to come back and may still be reading that. */
struct admission_told;
TAILQ_HEAD(admission_told_list, admission_told);
/* Closes them all. */
void admission_close_told(struct loop *loop);
