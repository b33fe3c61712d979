/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets: one client's name each. Unix sockets are made under a tight umask in a folder
 * of their own, only a dead one is unlinked; TCP peers outside `from` are closed at once. A reload
 * opens what is new before anything changes. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "policy/snapshot/policy.h"
#include "proxy/loop/loop.h"

struct listener; /* opaque, counted: it lives as long as a connection it accepted */

/* What is served at the listeners of one role. */
struct listener_service {
    const char *label;    /* "egress ": stands before an address where listeners are listed */
    enum share_gate loop; /* whose records tell of those that were turned away */
    bool speaks_http;     /* who is turned away can be told so */
    /* Readies what all of them need, once a policy has one; called again with each policy. NULL =
     * nothing. */
    bool (*prepare)(struct loop *loop, struct error *error);
    /* A connection can be accepted: admission_ready(), which hands on to `accept`. */
    void (*ready)(struct listener *listener, int listen_fd);
    /* Takes over a socket that was let in. */
    void (*accept)(struct listener *listener, struct arrival *arrival);
    /* In place of both: serves a UDP socket at the same address as well, both taken over. The
     * result is what is closed in the end. */
    void *(*open)(struct listener *listener, int udp_fd, int tcp_fd);
    void (*close)(void *server);
};

struct listener *listener_use(struct listener *listener);
void listener_unuse(struct listener **listener);

/* Whether some listener is for the Docker API: a gate to the internet alone has no engine. */
bool listener_any_docker(const struct loop *loop);
/* Whether the gate listens at the endpoint that endpoint_write() spells so. */
bool listener_any_named(const struct loop *loop, struct slice name);
/* Whether every socket file that the gate has made is where it was made. False with `error`. */
MUST_CHECK bool listener_all_in_place(const struct loop *loop, struct error *error);

/* The policy's client of this listener; NULL once a reload took the listener away. */
const struct policy_client *listener_policy_client(const struct listener *listener);
struct client_state *listener_client(const struct listener *listener);
struct loop *listener_gate(const struct listener *listener);
bool listener_is_tcp(const struct listener *listener);
/* Whether it is bound to an address of the loopback. */
bool listener_is_on_loopback(const struct listener *listener);
/* Whether the policy lets this peer be the listener's client (`from`). */
bool listener_admits(const struct listener *listener, const struct endpoint *peer);
/* The same for the peer of a connected socket. One that broke meanwhile is let be. */
bool listener_admits_socket(const struct listener *listener, int fd);
/* What is spoken at it. */
enum policy_role listener_role(const struct listener *listener);
const struct listener_service *listener_service(const struct listener *listener);

/* Whether a TCP connection to address:port of this host would reach a listener of the gate. One
 * that is bound to every address is reached by each of this host's. */
bool listener_any_at(const struct loop *loop, const struct ip_address *address, uint16_t port);

/* Opens the sockets that `policy` asks for and that the gate does not have yet, or whose file
 * somebody has taken away; they do not accept until listener_commit(). Gives the socket files that
 * stay their new mode, owner and group. False with `error`, and everything as before, when one of
 * these things cannot be done. */
MUST_CHECK bool listener_prepare(struct loop *loop, const struct policy *policy,
                                 struct listener_list *fresh, struct error *error);
/* Makes the prepared ones accept, ties all of them to the new policy's clients and closes those it
 * no longer has. Connections that came by a socket file which now admits fewer belong to a closed
 * listener from then on. */
void listener_commit(struct loop *loop, const struct policy *policy, struct listener_list *fresh);

/* Takes over listening sockets that the service manager passed (LISTEN_FDS): name = client. */
MUST_CHECK bool listener_adopt(struct loop *loop, const struct policy *policy, struct error *error);

/* Stops accepting and removes the socket files. */
void listener_close_all(struct loop *loop);

/* Appends "default unix:/run/…, agents tcp:…" for the start record. */
void listener_write_all(const struct loop *loop, struct buffer *out);
/* Appends those of one client as a JSON array: ["unix:/run/…","egress tcp:…"]. */
void listener_write_json(const struct loop *loop, const struct policy_client *client,
                         struct buffer *out);
