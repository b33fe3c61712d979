/* SPDX-License-Identifier: Apache-2.0
 *
 * A name server inside the test's own event loop, over UDP and TCP on one port of 127.0.0.1. What
 * it answers stands in a table; its lies are followed by the truth, so that who takes the lie is
 * seen. Truths are 192.0.2.N and 2001:db8::N, lies 203.0.113.66 and 2001:db8::66:66. */
#pragma once

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/attributes.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28 };

enum zone_kind {
    ZONE_RECORDS, /* `count` of them */
    ZONE_NXDOMAIN,
    ZONE_SERVFAIL,
    ZONE_SILENT,
    ZONE_HELD,      /* records, when name_server_release() is called */
    ZONE_TRUNCATED, /* UDP: TC; TCP: records */
    ZONE_TCP_WRONG_OWNER,
    ZONE_WRONG_ID,
    ZONE_WRONG_PEER, /* from a port that nobody asked */
    ZONE_WRONG_NAME, /* in the question too */
    ZONE_WRONG_TYPE, /* in the question */
    ZONE_WRONG_OWNER,
    ZONE_GARBAGE,
    ZONE_NO_BYTES,
    ZONE_CUT, /* in the middle of the records */
};

struct zone_row {
    const char *name;
    int type; /* 0 = A and AAAA */
    enum zone_kind kind;
    unsigned count;
    uint32_t ttl;
    const char *alias; /* records follow under this name, behind a CNAME of alias_ttl */
    uint32_t alias_ttl;
};

struct name_server {
    const struct zone_row *rows; /* ends with name NULL */
    struct event_base *base;
    int udp, tcp, stranger, connection;
    uint16_t port;
    struct event *udp_event, *tcp_event, *connection_event;
    unsigned questions, over_tcp;
    struct {
        struct sockaddr_in peer;
        unsigned char bytes[600];
        size_t len;
    } held[8];
    unsigned held_count;
};

struct wire {
    unsigned char bytes[8192];
    size_t len;
};

static void put(struct wire *wire, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0)
        wire->bytes[wire->len++] = (unsigned char)(number >> (8 * bytes));
}

static void put_name(struct wire *wire, const char *name)
{
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        put(wire, len, 1);
        memcpy(wire->bytes + wire->len, name, len);
        wire->len += len;
        name += len + (name[len] == '.');
    }
    put(wire, 0, 1);
}

static void put_record(struct wire *wire, const char *owner, int type, uint32_t ttl, bool lie,
                       unsigned number)
{
    put_name(wire, owner);
    put(wire, (unsigned)type, 2);
    put(wire, 1, 2);
    put(wire, ttl, 4);
    put(wire, type == TYPE_A ? 4 : 16, 2);
    if (type == TYPE_A) {
        put(wire, lie ? 0xcb007142 : 0xc0000200 + number, 4);
    } else {
        put(wire, 0x20010db800000000, 8);
        put(wire, lie ? 0x660066 : number, 8);
    }
}

/* One message: head, question, then records under `owner`, behind an alias where the row has one. */
static void put_message(struct wire *wire, unsigned id, unsigned flags, const char *name, int type,
                        const char *owner, const struct zone_row *row, unsigned count, bool lie)
{
    wire->len = 0;
    put(wire, id, 2);
    put(wire, flags, 2);
    put(wire, 1, 2);
    put(wire, count + (row->alias != NULL ? 1 : 0), 2);
    put(wire, 0, 4);
    put_name(wire, name);
    put(wire, (unsigned)type, 2);
    put(wire, 1, 2);
    if (row->alias != NULL) {
        struct wire target = {.len = 0};
        put_name(&target, row->alias);
        put_name(wire, owner);
        put(wire, TYPE_CNAME, 2);
        put(wire, 1, 2);
        put(wire, row->alias_ttl, 4);
        put(wire, target.len, 2);
        memcpy(wire->bytes + wire->len, target.bytes, target.len);
        wire->len += target.len;
        owner = row->alias;
    }
    for (unsigned i = 0; i < count; i++)
        put_record(wire, owner, type, row->ttl, lie, i + 1);
}

static const struct zone_row *zone_find(const struct name_server *server, const char *name,
                                        int type)
{
    for (const struct zone_row *row = server->rows; row->name != NULL; row++) {
        if (strcasecmp(row->name, name) == 0 && (row->type == 0 || row->type == type))
            return row;
    }
    cr_assert_fail("a question for %s that no test asks", name);
    return NULL;
}

static void send_udp(int fd, const struct sockaddr_in *peer, const unsigned char *bytes, size_t len)
{
    cr_assert_eq(sendto(fd, bytes, len, 0, (const struct sockaddr *)peer, sizeof(*peer)),
                 (ssize_t)len);
}

static void hold(struct name_server *server, const struct sockaddr_in *peer, unsigned id,
                 const char *name, int type, const struct zone_row *row)
{
    struct wire wire;
    put_message(&wire, id, 0x8180, name, type, name, row, row->count, false);
    cr_assert_lt(server->held_count, ARRAY_LEN(server->held));
    cr_assert_leq(wire.len, sizeof(server->held[0].bytes));
    server->held[server->held_count].peer = *peer;
    memcpy(server->held[server->held_count].bytes, wire.bytes, wire.len);
    server->held[server->held_count++].len = wire.len;
}

/* Sends what comes before the truth over UDP. False when no truth follows. */
static bool send_lie(struct name_server *server, const struct sockaddr_in *peer, unsigned id,
                     const char *name, int type, const struct zone_row *row)
{
    struct wire wire = {.len = 0};
    int fd = server->udp;
    unsigned flags = 0x8180;
    const char *question = name, *owner = name;
    int question_type = type;
    bool truth = true;
    switch (row->kind) {
    case ZONE_RECORDS:
        return true;
    case ZONE_SILENT:
        return false;
    case ZONE_NXDOMAIN:
    case ZONE_SERVFAIL:
        flags |= row->kind == ZONE_NXDOMAIN ? 3 : 2;
        truth = false;
        break;
    case ZONE_TRUNCATED:
    case ZONE_TCP_WRONG_OWNER:
        flags |= 0x200;
        truth = false;
        break;
    case ZONE_HELD:
        hold(server, peer, id, name, type, row);
        return false;
    case ZONE_WRONG_ID:
        id ^= 0x5a5a;
        break;
    case ZONE_WRONG_PEER:
        fd = server->stranger;
        break;
    case ZONE_WRONG_NAME:
        question = owner = "wrong.test";
        break;
    case ZONE_WRONG_TYPE:
        question_type = type == TYPE_A ? TYPE_AAAA : TYPE_A;
        break;
    case ZONE_WRONG_OWNER:
        owner = "wrong.test";
        truth = false;
        break;
    case ZONE_GARBAGE:
        for (unsigned i = 0; i < 300; i++)
            put(&wire, i * 37 + 11, 1);
        send_udp(fd, peer, wire.bytes, wire.len);
        return true;
    case ZONE_NO_BYTES:
        send_udp(fd, peer, wire.bytes, 0);
        return true;
    case ZONE_CUT:
        truth = false;
        break;
    }
    bool lies = flags == 0x8180;
    put_message(&wire, id, flags, question, question_type, owner, row, lies ? 1 : 0, lies);
    send_udp(fd, peer, wire.bytes, wire.len - (row->kind == ZONE_CUT ? 3 : 0));
    return truth;
}

/* Reads the name and type of a question. */
static int read_question(const unsigned char *bytes, size_t len, char *name, size_t size)
{
    size_t at = 12, out = 0;
    while (at < len && bytes[at] != 0) {
        size_t label = bytes[at++];
        cr_assert(at + label < len && out + label + 2 < size);
        if (out > 0)
            name[out++] = '.';
        memcpy(name + out, bytes + at, label);
        out += label;
        at += label;
    }
    name[out] = '\0';
    cr_assert_leq(at + 5, len);
    return bytes[at + 1] << 8 | bytes[at + 2];
}

static void on_udp_question(evutil_socket_t fd, short, void *context)
{
    struct name_server *server = context;
    unsigned char bytes[2048];
    char name[300];
    struct sockaddr_in peer;
    socklen_t peer_len = sizeof(peer);
    ssize_t len = recvfrom((int)fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&peer, &peer_len);
    cr_assert_gt(len, 12);
    int type = read_question(bytes, (size_t)len, name, sizeof(name));
    unsigned id = (unsigned)bytes[0] << 8 | bytes[1];
    server->questions++;
    const struct zone_row *row = zone_find(server, name, type);
    if (!send_lie(server, &peer, id, name, type, row))
        return;
    struct wire wire;
    put_message(&wire, id, 0x8180, name, type, name, row, row->count, false);
    send_udp((int)fd, &peer, wire.bytes, wire.len);
}

static void on_tcp_question(evutil_socket_t fd, short, void *context)
{
    struct name_server *server = context;
    unsigned char head[2], bytes[2048];
    char name[300];
    ssize_t got = recv((int)fd, head, 2, MSG_WAITALL);
    if (got <= 0) {
        event_free(server->connection_event);
        server->connection_event = NULL;
        close(server->connection);
        server->connection = -1;
        return;
    }
    size_t len = (size_t)head[0] << 8 | head[1];
    cr_assert_leq(len, sizeof(bytes));
    cr_assert_eq(recv((int)fd, bytes, len, MSG_WAITALL), (ssize_t)len);
    int type = read_question(bytes, len, name, sizeof(name));
    server->over_tcp++;
    struct wire wire, framed = {.len = 0};
    const struct zone_row *row = zone_find(server, name, type);
    bool lies = row->kind == ZONE_TCP_WRONG_OWNER;
    put_message(&wire, (unsigned)bytes[0] << 8 | bytes[1], 0x8180, name, type,
                lies ? "wrong.test" : name, row, row->count, lies);
    put(&framed, wire.len, 2);
    cr_assert_eq(send((int)fd, framed.bytes, 2, MSG_NOSIGNAL), 2);
    cr_assert_eq(send((int)fd, wire.bytes, wire.len, MSG_NOSIGNAL), (ssize_t)wire.len);
}

static void on_tcp_connection(evutil_socket_t fd, short, void *context)
{
    struct name_server *server = context;
    cr_assert_lt(server->connection, 0);
    server->connection = accept4((int)fd, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(server->connection, 0);
    server->connection_event =
        event_new(server->base, server->connection, EV_READ | EV_PERSIST, on_tcp_question, server);
    event_add(server->connection_event, NULL);
}

/* The kernel's choice of a port for UDP may be taken for TCP: then another one is tried. */
static void name_server_open(struct name_server *server, struct event_base *base,
                             const struct zone_row *rows)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *server = (struct name_server){.rows = rows, .base = base, .connection = -1};
    for (;;) {
        address.sin_port = 0;
        server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        server->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(server->udp, (struct sockaddr *)&address, sizeof(address)), 0);
        cr_assert_eq(getsockname(server->udp, (struct sockaddr *)&address, &len), 0);
        if (bind(server->tcp, (struct sockaddr *)&address, sizeof(address)) == 0)
            break;
        close(server->udp);
        close(server->tcp);
    }
    cr_assert_eq(listen(server->tcp, 4), 0);
    server->stranger = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    server->port = ntohs(address.sin_port);
    server->udp_event = event_new(base, server->udp, EV_READ | EV_PERSIST, on_udp_question, server);
    server->tcp_event =
        event_new(base, server->tcp, EV_READ | EV_PERSIST, on_tcp_connection, server);
    event_add(server->udp_event, NULL);
    event_add(server->tcp_event, NULL);
}

static void name_server_release(struct name_server *server)
{
    for (unsigned i = 0; i < server->held_count; i++)
        send_udp(server->udp, &server->held[i].peer, server->held[i].bytes, server->held[i].len);
    server->held_count = 0;
}

static void name_server_close(struct name_server *server)
{
    event_free(server->udp_event);
    event_free(server->tcp_event);
    if (server->connection_event != NULL)
        event_free(server->connection_event);
    close(server->udp);
    close(server->tcp);
    close(server->stranger);
    if (server->connection >= 0)
        close(server->connection);
}
