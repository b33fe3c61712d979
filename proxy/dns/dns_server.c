/* SPDX-License-Identifier: Apache-2.0
 *
 * UDP questions and the accepting of TCP connections. The kernel says for each datagram which
 * address of ours was asked (RFC 3542 section 6.1, ip(7)): that one is answered as the gate's, and
 * the answer leaves from it, else the asker would not know it again. */
#include "proxy/dns/dns_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/loop/admission.h"
#include "proxy/dns/dns_conn.h"
#include "proxy/dns/dns_exchange.h"

/* With so many questions under way no more are read: they wait in the socket, and the kernel drops
 * what does not fit there. */
enum { DATAGRAMS_MAX = 512, READS_PER_TURN = 64 };

struct datagram {
    struct dns_exchange exchange;
    struct client_conn client;
    struct dns_server *server; /* borrowed */
    unsigned interface;        /* index; 0 = any */
    TAILQ_ENTRY(datagram) link;
};

struct dns_server {
    struct loop *loop;         /* borrowed */
    struct listener *listener; /* borrowed */
    int udp_fd, tcp_fd;
    int family;
    struct event udp_event, tcp_event;
    TAILQ_HEAD(, datagram) datagrams;
    unsigned datagram_count;
    struct dns_conns conns;
};

/* Room for either kind of packet information, aligned for cmsghdr. */
union ancillary {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* --- UDP --- */

static void drop_datagram(struct datagram *datagram)
{
    struct dns_server *server = datagram->server;
    if (server->datagram_count-- == DATAGRAMS_MAX)
        event_add(&server->udp_event, NULL);
    TAILQ_REMOVE(&server->datagrams, datagram, link);
    share_give_back(datagram->exchange.peer_share, SHARE_QUESTIONS, 1);
    share_peer_unuse(&datagram->exchange.peer_share);
    client_conn_closed(server->loop, &datagram->client);
}

static void forget_datagram(struct datagram *datagram)
{
    dns_exchange_cancel(&datagram->exchange);
    drop_datagram(datagram);
}

static void end_unadmitted(struct client_conn *client)
{
    struct datagram *datagram = container_of(client, struct datagram, client);
    if (!listener_admits(datagram->server->listener, &datagram->exchange.peer))
        forget_datagram(datagram);
}

static void close_client(struct client_conn *client, const char *)
{
    forget_datagram(container_of(client, struct datagram, client));
}

static void free_client(struct client_conn *client)
{
    free(container_of(client, struct datagram, client));
}

static const struct client_conn_kind kind = {
    .end_unadmitted = end_unadmitted, .close = close_client, .free = free_client};

/* The address that was asked; false when the kernel did not say. */
static bool read_local(struct msghdr *message, struct datagram *datagram)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(part), sizeof(info));
            datagram->exchange.local = ip_address_from_v4(&info.ipi_spec_dst);
            return true;
        }
        if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(part), sizeof(info));
            memcpy(datagram->exchange.local.bytes, &info.ipi6_addr, 16);
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                datagram->interface = info.ipi6_ifindex;
            return true;
        }
    }
    return false;
}

static void write_local(const struct datagram *datagram, int family, struct msghdr *message)
{
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    const uint8_t *local = datagram->exchange.local.bytes;
    if (family == AF_INET) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local + 12, 4);
        part->cmsg_level = IPPROTO_IP;
        part->cmsg_type = IP_PKTINFO;
        part->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(part), &info, sizeof(info));
        message->msg_controllen = CMSG_SPACE(sizeof(info));
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = datagram->interface};
        memcpy(&info.ipi6_addr, local, 16);
        part->cmsg_level = IPPROTO_IPV6;
        part->cmsg_type = IPV6_PKTINFO;
        part->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(part), &info, sizeof(info));
        message->msg_controllen = CMSG_SPACE(sizeof(info));
    }
}

/* An answer that cannot be sent now is lost, as any datagram may be: the asker asks again. */
static void send_answer(const struct dns_server *server, const struct datagram *datagram,
                        const void *bytes, size_t len)
{
    struct endpoint peer = datagram->exchange.peer;
    union ancillary control = {0};
    struct iovec answer = {(void *)bytes, len};
    struct msghdr message = {
        .msg_name = &peer.address,
        .msg_namelen = peer.len,
        .msg_iov = &answer,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    write_local(datagram, server->family, &message);
    (void)!sendmsg(server->udp_fd, &message, MSG_DONTWAIT);
}

static void on_answered(struct dns_exchange *exchange)
{
    struct datagram *datagram = (struct datagram *)exchange; /* its first member */
    send_answer(datagram->server, datagram, exchange->answer, exchange->answer_len);
    drop_datagram(datagram);
}

/* A peer that has its share of questions under way is told at once, so that nobody else waits
 * behind it, and counted. False when it is. */
static bool has_share(const struct dns_server *server, const struct datagram *received,
                      const struct dns_question *question, struct share_peer *peer)
{
    unsigned char answer[DNS_MESSAGE_MAX];
    if (share_take(peer, SHARE_QUESTIONS, 1) == SHARE_GRANTED)
        return true;
    size_t len = dns_answer_write(question, DNS_FAILURE, NULL, 0, 0, question->udp_size, answer);
    share_count_refused(peer, SHARE_REFUSED_QUESTIONS, SHARE_NETWORK);
    send_answer(server, received, answer, len);
    return false;
}

static bool admits(struct dns_server *server, const struct endpoint *peer)
{
    if (listener_admits(server->listener, peer))
        return true;
    struct share_peer *share = share_peer_use(listener_client(server->listener)->share, peer, 0);
    admission_note_stranger(server->listener, share, peer);
    share_peer_unuse(&share);
    return false;
}

/* What came in bytes[0..len) from the datagram's peer. */
static void take_datagram(struct dns_server *server, const struct datagram *received,
                          const unsigned char *bytes, size_t len)
{
    struct dns_question question;
    enum dns_code code;
    if (!admits(server, &received->exchange.peer) ||
        dns_question_read(bytes, len, &question, &code) == DNS_QUESTION_DROP)
        return;
    struct share_peer *peer =
        share_peer_use(listener_client(server->listener)->share, &received->exchange.peer, 0);
    bool may = has_share(server, received, &question, peer);
    struct datagram *datagram = may ? calloc(1, sizeof(*datagram)) : NULL;
    if (datagram == NULL) {
        if (may)
            share_give_back(peer, SHARE_QUESTIONS, 1);
        share_peer_unuse(&peer);
        return;
    }
    datagram->server = server;
    datagram->exchange.peer_share = peer;
    datagram->interface = received->interface;
    datagram->exchange.loop = server->loop;
    datagram->exchange.listener = server->listener;
    datagram->exchange.peer = received->exchange.peer;
    datagram->exchange.local = received->exchange.local;
    datagram->exchange.question = question;
    datagram->exchange.question_len = len;
    datagram->exchange.limit = question.udp_size;
    datagram->exchange.answered = on_answered;
    TAILQ_INSERT_TAIL(&server->datagrams, datagram, link);
    client_conn_opened(server->loop, &datagram->client, &kind);
    if (++server->datagram_count == DATAGRAMS_MAX)
        event_del(&server->udp_event);
    dns_exchange_start(&datagram->exchange, code);
}

static void on_datagrams(evutil_socket_t fd, short, void *context)
{
    struct dns_server *server = context;
    unsigned char bytes[DNS_MESSAGE_MAX];
    for (int i = 0; i < READS_PER_TURN && server->datagram_count < DATAGRAMS_MAX; i++) {
        struct datagram received = {0};
        union ancillary control;
        struct iovec room = {bytes, sizeof(bytes)};
        struct msghdr message = {
            .msg_name = &received.exchange.peer.address,
            .msg_namelen = sizeof(received.exchange.peer.address),
            .msg_iov = &room,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof(control),
        };
        ssize_t got = recvmsg((int)fd, &message, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) /* EAGAIN, or an error of an earlier answer that is reported here */
            return;
        received.exchange.peer.len = message.msg_namelen;
        if ((message.msg_flags & MSG_TRUNC) == 0 && read_local(&message, &received))
            take_datagram(server, &received, bytes, (size_t)got);
    }
}

/* --- TCP --- */

static void on_connections(evutil_socket_t listen_fd, short, void *context)
{
    struct dns_server *server = context;
    for (int i = 0; i < READS_PER_TURN; i++) {
        struct endpoint peer = {.len = sizeof(peer.address)};
        int fd =
            accept4((int)listen_fd, &peer.address.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0 && (errno == EMFILE || errno == ENFILE))
            loop_refuse_with_spare(server->loop, (int)listen_fd, SLICE_LITERAL(""));
        if (fd < 0)
            return;
        if (admits(server, &peer))
            dns_conn_accept(&server->conns, fd, &peer);
        else
            close(fd);
    }
}

/* --- life --- */

/* Asks the kernel for packet information. On an IPv6 socket it tells IPv4 addresses in mapped form. */
static void want_local(const struct dns_server *server)
{
    int on = 1;
    if (server->family == AF_INET)
        setsockopt(server->udp_fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
    else
        setsockopt(server->udp_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
}

void *dns_server_open(struct listener *listener, int udp_fd, int tcp_fd)
{
    struct loop *loop = listener_gate(listener);
    struct dns_server *server = calloc(1, sizeof(*server));
    struct endpoint bound = {.len = sizeof(bound.address)};
    if (server == NULL)
        abort();
    getsockname(udp_fd, &bound.address.any, &bound.len);
    server->loop = loop;
    server->listener = listener;
    server->udp_fd = udp_fd;
    server->tcp_fd = tcp_fd;
    server->family = bound.address.any.sa_family;
    TAILQ_INIT(&server->datagrams);
    dns_conns_init(&server->conns, loop, listener);
    want_local(server);
    event_assign(&server->udp_event, loop->base, udp_fd, EV_READ | EV_PERSIST, on_datagrams,
                 server);
    event_assign(&server->tcp_event, loop->base, tcp_fd, EV_READ | EV_PERSIST, on_connections,
                 server);
    event_add(&server->udp_event, NULL);
    event_add(&server->tcp_event, NULL);
    return server;
}

void dns_server_close(void *server)
{
    struct dns_server *closed = server;
    dns_conns_close(&closed->conns);
    while (!TAILQ_EMPTY(&closed->datagrams))
        forget_datagram(TAILQ_FIRST(&closed->datagrams));
    event_del(&closed->udp_event);
    event_del(&closed->tcp_event);
    close(closed->udp_fd);
    close(closed->tcp_fd);
    free(closed);
}
