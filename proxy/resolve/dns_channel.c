/* SPDX-License-Identifier: Apache-2.0
 *
 * Setting c-ares up, and waiting for it: it names the sockets it cares for and the time at which it
 * wants to be called, and is called when either comes. */
#include "proxy/resolve/dns_channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event_struct.h>

enum {
    SOCKETS_MAX = 4 * RESOLVER_SERVERS_MAX, /* UDP and TCP, and those that replace a broken one */
    TRIES = 3,
    DNS_PORT = 53,
};

static const char resolv_conf[] = "/etc/resolv.conf";

struct watch {
    ares_socket_t fd; /* c-ares'; ARES_SOCKET_BAD = free */
    struct dns_channel *channel;
    struct event event;
};

struct dns_channel {
    struct event_base *base; /* borrowed */
    ares_channel ares;       /* owned */
    struct event retry;      /* when c-ares wants to be called */
    struct watch watches[SOCKETS_MAX];
};

/* --- on the loop --- */

static void schedule_retry(struct dns_channel *channel)
{
    struct timeval wait;
    if (ares_timeout(channel->ares, NULL, &wait) != NULL)
        event_add(&channel->retry, &wait);
    else
        event_del(&channel->retry);
}

static void on_retry(evutil_socket_t, short, void *context)
{
    struct dns_channel *channel = context;
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    schedule_retry(channel);
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct dns_channel *channel = ((struct watch *)context)->channel;
    ares_process_fd(channel->ares, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    schedule_retry(channel);
}

static struct watch *watch_of(struct dns_channel *channel, ares_socket_t fd)
{
    for (unsigned i = 0; i < SOCKETS_MAX; i++) {
        if (channel->watches[i].fd == fd)
            return &channel->watches[i];
    }
    return NULL;
}

/* c-ares says what it wants to know of a socket; nothing before it closes it. */
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct dns_channel *channel = context;
    struct watch *watch = watch_of(channel, fd);
    if (watch != NULL)
        event_del(&watch->event);
    else
        watch = watch_of(channel, ARES_SOCKET_BAD);
    if (watch == NULL)
        return; /* more sockets than servers can have: its questions run into their timeout */
    watch->fd = readable || writable ? fd : ARES_SOCKET_BAD;
    short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    if (what == 0)
        return;
    event_assign(&watch->event, channel->base, fd, (short)(what | EV_PERSIST), on_socket, watch);
    event_add(&watch->event, NULL);
}

/* --- setting up --- */

/* c-ares takes 127.0.0.1 when /etc/resolv.conf names no server it can read. Nobody asked for that
 * one, so it must stand there. */
static bool resolv_conf_names_loopback(void)
{
    AUTO_FCLOSE FILE *file = fopen(resolv_conf, "re");
    AUTO_FREE char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (file != NULL && !found && getline(&line, &size, file) >= 0) {
        char address[64];
        found =
            sscanf(line, "nameserver %63[0-9.]", address) == 1 && strcmp(address, "127.0.0.1") == 0;
    }
    return found;
}

static bool cares_fault(struct error *error, int status)
{
    return error_set(error, 1, "the resolver cannot be set up: %s", ares_strerror(status));
}

/* Checks what c-ares found, and takes the first RESOLVER_SERVERS_MAX of it. */
static bool check_found_servers(struct dns_channel *channel, struct error *error)
{
    struct ares_addr_port_node *servers = NULL;
    int status = ares_get_servers_ports(channel->ares, &servers);
    if (status != ARES_SUCCESS)
        return cares_fault(error, status);
    bool defaulted = servers == NULL || (servers->next == NULL && servers->family == AF_INET &&
                                         servers->addr.addr4.s_addr == htonl(INADDR_LOOPBACK) &&
                                         !resolv_conf_names_loopback());
    struct ares_addr_port_node *last = servers;
    for (int i = 1; last != NULL && i < RESOLVER_SERVERS_MAX; i++)
        last = last->next;
    if (last != NULL && last->next != NULL) {
        struct ares_addr_port_node *rest = last->next;
        last->next = NULL;
        status = ares_set_servers_ports(channel->ares, servers);
        last->next = rest;
    }
    ares_free_data(servers);
    if (defaulted)
        return error_set(error, 2, "%s names no name server: give one with --resolver ADDRESS",
                         resolv_conf);
    return status == ARES_SUCCESS || cares_fault(error, status);
}

static bool set_servers(struct dns_channel *channel, const struct resolver_options *options,
                        struct error *error)
{
    struct ares_addr_port_node nodes[RESOLVER_SERVERS_MAX];
    memset(nodes, 0, sizeof(nodes));
    for (unsigned i = 0; i < options->server_count; i++) {
        const struct endpoint *server = &options->servers[i];
        struct ip_address ip = endpoint_ip(server);
        bool v4 = ip_address_is_v4(&ip);
        nodes[i].family = v4 ? AF_INET : AF_INET6;
        memcpy(&nodes[i].addr, ip.bytes + (v4 ? 12 : 0), v4 ? 4 : 16);
        nodes[i].udp_port = nodes[i].tcp_port = endpoint_port(server);
        nodes[i].next = i + 1 < options->server_count ? &nodes[i + 1] : NULL;
    }
    int status = ares_set_servers_ports(channel->ares, nodes);
    return status == ARES_SUCCESS || cares_fault(error, status);
}

/* Before version 1.19.1 the ids of questions, which an answer must have, are drawn by rand() and
 * without a word when there is no /dev/urandom. */
static bool check_randomness(struct error *error)
{
    enum { FIRST_WITHOUT_RAND = 1 << 16 | 19 << 8 | 1 };
    int version;
    ares_version(&version);
    if (version >= FIRST_WITHOUT_RAND || access("/dev/urandom", R_OK) == 0)
        return true;
    return error_set(error, 1, "the resolver needs /dev/urandom, which cannot be read: %s",
                     strerror(errno));
}

static bool open_ares(struct dns_channel *channel, const struct resolver_options *options,
                      uint64_t try_ms, struct error *error)
{
    char dns_only[] = "b", no_file[] = "/dev/null";
    struct ares_options ares = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_USEVC,
        .timeout = (int)try_ms, /* doubled with each round, cut by the name's own time */
        .tries = TRIES,
        .lookups = dns_only,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
        .resolvconf_path = no_file,
    };
    /* Servers are asked in their order; no domains, no lists for sorting, no /etc/hosts. */
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS |
               ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
#ifdef ARES_OPT_QUERY_CACHE
    ares.qcache_max_ttl = 0; /* what is kept, and for how long, is decided here */
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    if (options->server_count > 0)
        mask |= ARES_OPT_RESOLVCONF;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS) {
        status = ares_init_options(&channel->ares, &ares, mask);
        if (status != ARES_SUCCESS) {
            channel->ares = NULL;
            ares_library_cleanup();
        }
    }
    if (status != ARES_SUCCESS)
        return cares_fault(error, status);
    return options->server_count > 0 ? set_servers(channel, options, error)
                                     : check_found_servers(channel, error);
}

struct dns_channel *dns_channel_new(struct event_base *base, const struct resolver_options *options,
                                    uint64_t try_ms, struct error *error)
{
    struct dns_channel *channel = calloc_or_abort(1, sizeof(*channel));
    channel->base = base;
    for (unsigned i = 0; i < SOCKETS_MAX; i++)
        channel->watches[i] = (struct watch){.fd = ARES_SOCKET_BAD, .channel = channel};
    event_assign(&channel->retry, base, -1, 0, on_retry, channel);
    if (!check_randomness(error) || !open_ares(channel, options, try_ms, error))
        dns_channel_free(&channel);
    return channel;
}

void dns_channel_free(struct dns_channel **channel)
{
    struct dns_channel *left = steal_pointer(channel);
    if (left == NULL)
        return;
    if (left->ares != NULL) {
        ares_destroy(left->ares);
        ares_library_cleanup();
    }
    event_del(&left->retry);
    for (unsigned i = 0; i < SOCKETS_MAX; i++) {
        if (left->watches[i].fd != ARES_SOCKET_BAD)
            event_del(&left->watches[i].event);
    }
    free(left);
}

unsigned dns_channel_servers(const struct dns_channel *channel, struct endpoint *servers_out)
{
    struct ares_addr_port_node *found = NULL;
    unsigned count = 0;
    if (ares_get_servers_ports(channel->ares, &found) != ARES_SUCCESS)
        abort(); /* out of memory */
    for (const struct ares_addr_port_node *node = found;
         node != NULL && count < RESOLVER_SERVERS_MAX; node = node->next) {
        struct ip_address ip;
        if (node->family == AF_INET)
            ip = ip_address_from_v4(&node->addr.addr4);
        else
            memcpy(ip.bytes, &node->addr.addr6, sizeof(ip.bytes));
        endpoint_from_ip(&servers_out[count++], &ip,
                         node->udp_port == 0 ? DNS_PORT : (uint16_t)node->udp_port);
    }
    ares_free_data(found);
    return count;
}

void dns_channel_ask(struct dns_channel *channel, const char *name, int type,
                     ares_callback answered, void *context)
{
    ares_query(channel->ares, name, 1 /* IN */, type, answered, context);
    schedule_retry(channel);
}
