/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing of listening sockets. */
#include "proxy/loop/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_write.h"
#include "proxy/io/listen_socket.h"
#include "proxy/io/own_host.h"
#include "proxy/loop/service_manager.h"
#include "proxy/io/socket_file.h"
#include "rules/network/address_class.h"

struct listener {
    struct loop *loop; /* borrowed */
    int fd;
    int udp_fd; /* of a service that has one, until it serves; else -1 */
    enum policy_role role;
    void *server;                 /* owned: what its service has opened; NULL = none */
    struct endpoint address;      /* as bound */
    char *text;                   /* owned: as the policy writes it; what a reload compares */
    enum policy_listen_kind kind; /* with port and wanted: where the policy wants it */
    uint16_t port;
    struct ip_address wanted;
    struct socket_file file;             /* that we made */
    struct socket_permissions permitted; /* the file's while a policy is prepared: to go back to */
    bool is_gone; /* while a policy is prepared: somebody took the file away, and a fresh listener
                     takes its place */
    struct client_state *client;        /* borrowed from the gate */
    const struct policy_client *policy; /* borrowed from loop->policy; NULL = taken away */
    struct event event;
    bool adopted; /* from the service manager: a reload keeps it as long as its client is in the
                     policy */
    unsigned uses;
    TAILQ_ENTRY(listener) link;
};

struct listener *listener_use(struct listener *listener)
{
    listener->uses++;
    return listener;
}

void listener_unuse(struct listener **listener)
{
    struct listener *left = steal_pointer(listener);
    if (left == NULL || --left->uses > 0)
        return;
    free(left->text);
    socket_file_clear(&left->file);
    free(left);
}

const struct policy_client *listener_policy_client(const struct listener *listener)
{
    return listener->policy;
}

struct client_state *listener_client(const struct listener *listener)
{
    return listener->client;
}

struct loop *listener_gate(const struct listener *listener)
{
    return listener->loop;
}

bool listener_is_tcp(const struct listener *listener)
{
    return !endpoint_is_unix(&listener->address);
}

bool listener_is_on_loopback(const struct listener *listener)
{
    return listener_is_tcp(listener) && endpoint_is_loopback(&listener->address);
}

enum policy_role listener_role(const struct listener *listener)
{
    return listener->role;
}

const struct listener_service *listener_service(const struct listener *listener)
{
    return &listener->loop->services[listener->role];
}

bool listener_any_docker(const struct loop *loop)
{
    const struct listener *listener;
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        if (listener_role(listener) == POLICY_ROLE_DOCKER)
            return true;
    }
    return false;
}

/* As bound, or as wanted where [::] has become 0.0.0.0. */
static bool is_named(const struct listener *listener, struct slice name)
{
    AUTO_BUFFER struct buffer bound = BUFFER_EMPTY, wanted = BUFFER_EMPTY;
    endpoint_write(&listener->address, &bound);
    if (listener_is_tcp(listener)) {
        struct endpoint endpoint;
        endpoint_from_ip(&endpoint, &listener->wanted, listener->port);
        endpoint_write(&endpoint, &wanted);
    }
    return slice_equal(name, buffer_slice(&bound)) || slice_equal(name, buffer_slice(&wanted));
}

bool listener_any_named(const struct loop *loop, struct slice name)
{
    const struct listener *listener;
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        if (is_named(listener, name))
            return true;
    }
    return false;
}

bool listener_all_in_place(const struct loop *loop, struct error *error)
{
    const struct listener *listener;
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        if (listener->file.path != NULL && !socket_file_is_in_place(&listener->file))
            return error_set(error, 1, "the socket %s was taken away", listener->file.path);
    }
    return true;
}

bool listener_any_at(const struct loop *loop, const struct ip_address *address, uint16_t port)
{
    const struct listener *listener;
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        if (!listener_is_tcp(listener) || endpoint_port(&listener->address) != port)
            continue;
        struct ip_address bound = endpoint_ip(&listener->address);
        if (memcmp(&bound, address, sizeof(bound)) == 0)
            return true;
        if (address_class_of(&bound) == ADDRESS_THIS_NETWORK &&
            (address_class_of(address) == ADDRESS_THIS_NETWORK ||
             own_host_holds(loop->own_host, address)))
            return true;
    }
    return false;
}

static void stop(struct listener *listener)
{
    if (listener->server != NULL)
        listener_service(listener)->close(steal_pointer(&listener->server));
    if (listener->fd < 0)
        return;
    event_del(&listener->event);
    close(listener->fd);
    listener->fd = -1;
    socket_file_remove(&listener->file);
}

/* Makes the missing folders of a socket's path, closed to others; the last one is the client's own. */
static bool make_folder(const char *path, struct error *error)
{
    AUTO_FREE char *folder = slice_to_text(slice_from_text(path));
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return error_set(error, 1, "cannot make the folder %s for a listening socket: %s",
                             folder, strerror(errno));
        *slash = '/';
    }
    return true;
}

static struct socket_permissions permissions_of(const struct policy_listen *listen_at)
{
    return (struct socket_permissions){listen_at->mode, listen_at->owner, listen_at->group};
}

/* A socket file has its mode, owner and group before anybody can connect. */
static bool permit(struct listener *listener, const struct policy_listen *listen_at,
                   struct error *error)
{
    const struct socket_permissions permissions = permissions_of(listen_at);
    return socket_file_claim(&listener->file, listen_at->path, error) &&
           socket_file_permit(&listener->file, &permissions, error);
}

/* Accepted sockets have what their listener has (Linux), which saves five calls for each. */
static void inherit_settings(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    endpoint_keep_alive(fd);
}

/* DNS is asked by UDP at the same address and port. */
static bool open_udp(struct listener *listener, const struct policy_listen *listen_at,
                     struct error *error)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    struct endpoint address = listener->address;
    buffer_printf(&name, "%s by UDP", listen_at->text);
    listener->udp_fd = listen_socket_bind(&address, SOCK_DGRAM, 0, buffer_text(&name), error);
    return listener->udp_fd >= 0;
}

static bool open_socket(struct listener *listener, const struct policy_listen *listen_at,
                        struct error *error)
{
    const char *name = listen_at->text;
    bool is_unix = listen_at->kind == POLICY_LISTEN_UNIX;
    if (is_unix && !endpoint_from_path(&listener->address, slice_from_text(listen_at->path)))
        return error_set(error, 2, "%s: %s is longer than the 107 bytes a socket path may have",
                         listen_at->source, name);
    if (!is_unix)
        endpoint_from_ip(&listener->address, &listen_at->address, listen_at->port);
    if (is_unix && !make_folder(listen_at->path, error))
        return false;
    listener->fd = listen_socket_bind(&listener->address, SOCK_STREAM, 0177, name, error);
    if (listener->fd < 0)
        return false;
    if (is_unix && !permit(listener, listen_at, error))
        return false;
    if (!is_unix)
        inherit_settings(listener->fd);
    return listen_socket_begin(listener->fd, name, error) &&
           (listener_service(listener)->open == NULL || open_udp(listener, listen_at, error));
}

static struct listener *make(struct loop *loop, const struct policy_client *client,
                             const struct policy_listen *listen_at)
{
    struct listener *listener = calloc_or_abort(1, sizeof(*listener));
    listener->loop = loop;
    listener->fd = listener->udp_fd = -1;
    listener->uses = 1;
    listener->client = loop_client_state(loop, client->name);
    listener->policy = client;
    listener->role = listen_at->role;
    listener->kind = listen_at->kind;
    listener->port = listen_at->port;
    listener->wanted = listen_at->address;
    listener->text = slice_to_text(slice_from_text(listen_at->text));
    return listener;
}

/* Whether the listener is what is asked for, however it is spelled. */
static bool is_at(const struct listener *listener, const struct policy_listen *listen_at)
{
    if (listener->adopted || listener->role != listen_at->role || listener->kind != listen_at->kind)
        return false;
    if (strcmp(listener->text, listen_at->text) == 0)
        return true;
    return listen_at->kind == POLICY_LISTEN_TCP && listener->port != 0 &&
           listener->port == listen_at->port &&
           memcmp(&listener->wanted, &listen_at->address, sizeof(listener->wanted)) == 0;
}

static struct listener *find(const struct loop *loop, const struct policy_client *client,
                             const struct policy_listen *listen_at)
{
    struct listener *listener;
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        if (is_at(listener, listen_at) && strcmp(listener->client->name, client->name) == 0)
            return listener;
    }
    return NULL;
}

static void discard(struct listener_list *fresh)
{
    struct listener *listener;
    while ((listener = TAILQ_FIRST(fresh)) != NULL) {
        TAILQ_REMOVE(fresh, listener, link);
        if (listener->fd >= 0)
            close(listener->fd);
        if (listener->udp_fd >= 0)
            close(listener->udp_fd);
        socket_file_remove(&listener->file);
        listener_unuse(&listener);
    }
}

static bool prepare_services(struct loop *loop, const struct policy *policy, struct error *error)
{
    struct policy_listen_walk walk = {0};
    while (policy_listen_next(policy, &walk)) {
        const struct listener_service *service = &loop->services[walk.listen->role];
        if (service->prepare != NULL && !service->prepare(loop, error))
            return false;
    }
    return true;
}

/* Opens what the gate does not have yet. */
static bool open_fresh(struct loop *loop, const struct policy *policy, struct listener_list *fresh,
                       struct error *error)
{
    struct policy_listen_walk walk = {0};
    while (policy_listen_next(policy, &walk)) {
        struct listener *present = find(loop, walk.client, walk.listen);
        if (present != NULL)
            present->is_gone =
                present->file.path != NULL && !socket_file_is_in_place(&present->file);
        if (present != NULL && !present->is_gone)
            continue;
        struct listener *listener = make(loop, walk.client, walk.listen);
        TAILQ_INSERT_TAIL(fresh, listener, link);
        if (!open_socket(listener, walk.listen, error))
            return false;
    }
    return true;
}

static void take_permissions_back(struct loop *loop)
{
    struct listener *listener;
    struct error error;
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        if (listener->file.path != NULL && !listener->is_gone &&
            !socket_file_permit(&listener->file, &listener->permitted, &error))
            fprintf(stderr, "dockreeve: %s\n", error.text);
    }
}

/* The socket files that stay get the mode, owner and group of the new policy. */
static bool change_permissions(struct loop *loop, const struct policy *policy, struct error *error)
{
    struct policy_listen_walk walk = {0};
    while (policy_listen_next(policy, &walk)) {
        const struct socket_permissions permissions = permissions_of(walk.listen);
        struct listener *listener = find(loop, walk.client, walk.listen);
        if (listener != NULL && listener->file.path != NULL && !listener->is_gone &&
            !socket_file_permit(&listener->file, &permissions, error))
            return false;
    }
    return true;
}

bool listener_prepare(struct loop *loop, const struct policy *policy, struct listener_list *fresh,
                      struct error *error)
{
    struct listener *listener;
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        listener->is_gone = false;
        listener->permitted = listener->file.now;
    }
    if (!prepare_services(loop, policy, error))
        return false;
    if (!open_fresh(loop, policy, fresh, error)) {
        discard(fresh);
        return false;
    }
    if (!change_permissions(loop, policy, error)) {
        take_permissions_back(loop);
        discard(fresh);
        return false;
    }
    return true;
}

static void on_ready(evutil_socket_t fd, short, void *context)
{
    struct listener *listener = context;
    listener_service(listener)->ready(listener, (int)fd);
}

static void start(struct listener *listener)
{
    const struct listener_service *service = listener_service(listener);
    if (service->open != NULL) {
        listener->server =
            service->open(listener, steal_fd(&listener->udp_fd), steal_fd(&listener->fd));
        return;
    }
    event_assign(&listener->event, listener->loop->base, listener->fd, EV_READ | EV_PERSIST,
                 on_ready, listener);
    event_add(&listener->event, NULL);
}

static bool asks_for(const struct policy_client *client, const struct listener *listener)
{
    for (size_t i = 0; client != NULL && i < client->listen_count; i++) {
        if (is_at(listener, &client->listens[i]))
            return true;
    }
    return false;
}

/* A listener for the same socket: connections that the one before has accepted are those of a
 * listener that is gone, and end. */
static struct listener *take_over(struct listener *before)
{
    struct listener *listener = calloc_or_abort(1, sizeof(*listener));
    *listener = (struct listener){
        .loop = before->loop,
        .fd = before->fd,
        .udp_fd = -1,
        .role = before->role,
        .kind = before->kind,
        .address = before->address,
        .text = slice_to_text(slice_from_text(before->text)),
        .file = before->file,
        .client = before->client,
        .policy = before->policy,
        .uses = 1,
    };
    event_del(&before->event);
    before->fd = -1;
    before->file = (struct socket_file){0};
    return listener;
}

static void close_listener(struct loop *loop, struct listener *listener)
{
    listener->policy = NULL;
    stop(listener);
    TAILQ_REMOVE(&loop->listeners, listener, link);
    listener_unuse(&listener);
}

/* Whether the file admits fewer than it did before the policy was prepared. */
static bool is_narrowed(const struct listener *listener)
{
    return listener->file.path != NULL &&
           !socket_permissions_include(&listener->file.now, &listener->permitted);
}

void listener_commit(struct loop *loop, const struct policy *policy, struct listener_list *fresh)
{
    struct listener *listener, *next;
    for (listener = TAILQ_FIRST(&loop->listeners); listener != NULL; listener = next) {
        next = TAILQ_NEXT(listener, link);
        const struct policy_client *client =
            policy_client_find(policy, slice_from_text(listener->client->name));
        bool stays = client != NULL &&
                     (listener->adopted || (asks_for(client, listener) && !listener->is_gone));
        listener->policy = client;
        if (stays && is_narrowed(listener)) {
            struct listener *successor = take_over(listener);
            TAILQ_INSERT_BEFORE(listener, successor, link);
            start(successor);
            stays = false;
        }
        if (!stays)
            close_listener(loop, listener);
    }
    while ((listener = TAILQ_FIRST(fresh)) != NULL) {
        TAILQ_REMOVE(fresh, listener, link);
        TAILQ_INSERT_TAIL(&loop->listeners, listener, link);
        start(listener);
    }
}

bool listener_adopt(struct loop *loop, const struct policy *policy, struct error *error)
{
    struct service_socket sockets[SERVICE_SOCKETS_MAX];
    unsigned count;
    if (!service_manager_sockets(sockets, &count, error))
        return false;
    for (unsigned i = 0; i < count; i++) {
        const char *name = sockets[i].name;
        const struct policy_client *client = policy_client_find(policy, slice_from_text(name));
        if (client == NULL)
            client = policy_client_find(policy, SLICE_LITERAL("default"));
        if (client == NULL)
            return error_set(error, 2,
                             "the service manager passed a socket named %s, and the policy has no "
                             "client of that name",
                             name);
        const struct policy_listen listen_at = {.role = POLICY_ROLE_DOCKER,
                                                .text = "service manager"};
        struct listener *listener = make(loop, client, &listen_at);
        listener->fd = sockets[i].fd;
        listener->adopted = true;
        listener->address.len = sizeof(listener->address.address);
        getsockname(listener->fd, &listener->address.address.any, &listener->address.len);
        fcntl(listener->fd, F_SETFL, O_NONBLOCK);
        if (listener_is_tcp(listener))
            inherit_settings(listener->fd);
        TAILQ_INSERT_TAIL(&loop->listeners, listener, link);
        start(listener);
    }
    return true;
}

void listener_close_all(struct loop *loop)
{
    struct listener *listener;
    while ((listener = TAILQ_FIRST(&loop->listeners)) != NULL) {
        TAILQ_REMOVE(&loop->listeners, listener, link);
        stop(listener);
        listener_unuse(&listener);
    }
}

/* "egress tcp:127.0.0.1:3128" */
static void write_place(const struct listener *listener, struct buffer *out)
{
    buffer_append_text(out, listener_service(listener)->label);
    endpoint_write(&listener->address, out);
}

void listener_write_all(const struct loop *loop, struct buffer *out)
{
    const struct listener *listener;
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        if (listener != TAILQ_FIRST(&loop->listeners))
            buffer_append_literal(out, ", ");
        buffer_append_text(out, listener->client->name);
        buffer_append_byte(out, ' ');
        write_place(listener, out);
    }
}

void listener_write_json(const struct loop *loop, const struct policy_client *client,
                         struct buffer *out)
{
    const struct listener *listener;
    json_write_array_begin(out);
    TAILQ_FOREACH(listener, &loop->listeners, link)
    {
        if (listener->policy != client)
            continue;
        AUTO_BUFFER struct buffer place = BUFFER_EMPTY;
        write_place(listener, &place);
        json_write_string(out, buffer_slice(&place));
    }
    json_write_array_end(out);
}

bool listener_admits(const struct listener *listener, const struct endpoint *peer)
{
    const struct policy_client *client = listener->policy;
    return client != NULL && endpoint_is_within(peer, client->from, client->from_count);
}

bool listener_admits_socket(const struct listener *listener, int fd)
{
    struct endpoint peer = {.len = sizeof(peer.address)};
    if (listener->policy == NULL || listener->policy->from_count == 0)
        return listener->policy != NULL;
    return getpeername(fd, &peer.address.any, &peer.len) != 0 || listener_admits(listener, &peer);
}
