/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client's connection lets out and when, and what it knows of its request, tried on a pair of
 * sockets. Its life in the loop is tried with whole gates. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/exchange/http_conn.h"

struct pair {
    struct loop loop;
    struct exchange exchange;
    struct http_conn conn;
    int client; /* the other end */
};

static void on_event(evutil_socket_t, short, void *)
{
}

static void open_pair(struct pair *pair)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *pair = (struct pair){.client = fds[1]};
    pair->loop.base = event_base_new();
    pair->loop.blocks = io_pool_new();
    pair->conn.loop = &pair->loop;
    pair->conn.exchange = &pair->exchange;
    pair->conn.expires_us = INT64_MAX;
    pair->conn.stream = stream_of_socket(fds[0]);
    pair->conn.state = HTTP_CONN_FORWARD;
    fd_watch_init(&pair->conn.watch, pair->loop.base, fds[0], on_event, NULL);
}

static void close_pair(struct pair *pair)
{
    fd_watch_set(&pair->conn.watch, 0);
    io_buffer_reset(pair->loop.blocks, &pair->conn.in);
    io_buffer_reset(pair->loop.blocks, &pair->conn.out);
    stream_close(&pair->conn.stream);
    close(pair->client);
    io_pool_free(&pair->loop.blocks);
    event_base_free(pair->loop.base);
}

static void put(struct pair *pair, struct io_buffer *buffer, const char *text)
{
    cr_assert(io_buffer_append(pair->loop.blocks, buffer, text, strlen(text)));
}

/* What the client has got since it was last asked for must be this. */
static void expect_got(const struct pair *pair, const char *text, const char *row)
{
    char bytes[256] = "";
    ssize_t got = recv(pair->client, bytes, sizeof(bytes) - 1, 0);
    cr_assert(got > 0 || errno == EAGAIN, "%s: the connection ended", row);
    cr_expect_str_eq(bytes, text, "%s", row);
}

Test(http_conn, answer_that_waits_for_its_record_is_not_sent)
{
    struct pair pair;
    open_pair(&pair);
    put(&pair, &pair.conn.out, "HTTP/1.1 204 No Content\r\n\r\n");
    pair.conn.http.hold = true;
    http_conn_want_write(&pair.conn);
    cr_expect(http_conn_send(&pair.conn, false));
    expect_got(&pair, "", "held");
    cr_expect_eq(fd_watch_interest(&pair.conn.watch), 0, "a writable socket would wake it forever");
    pair.conn.http.hold = false;
    cr_expect(http_conn_send(&pair.conn, false));
    expect_got(&pair, "HTTP/1.1 204 No Content\r\n\r\n", "let go");
    close_pair(&pair);
}

Test(http_conn, continue_is_sent_once_and_only_to_a_client_that_waits_for_it)
{
    static const char sent[] = "HTTP/1.1 100 Continue\r\n\r\n";
    static const struct {
        const char *name;
        bool expects;
        enum http_conn_state state;
        const char *in, *got;
    } rows[] = {
        {"while it is forwarded", true, HTTP_CONN_FORWARD, "", sent},
        {"while its body is collected", true, HTTP_CONN_COLLECT, "", sent},
        {"while its body is dropped", true, HTTP_CONN_DROP_BODY, "", sent},
        {"not asked for", false, HTTP_CONN_FORWARD, "", ""},
        {"the body has come already", true, HTTP_CONN_FORWARD, "{", ""},
        {"behind an answer that has begun", true, HTTP_CONN_RELAY, "", ""},
        {"behind an answer that is being logged", true, HTTP_CONN_LOG_RESPONSE, "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair pair;
        open_pair(&pair);
        pair.conn.http.expects_continue = rows[i].expects;
        pair.conn.state = rows[i].state;
        if (rows[i].in[0] != '\0')
            put(&pair, &pair.conn.in, rows[i].in);
        cr_expect(http_conn_send_continue(&pair.conn), "%s", rows[i].name);
        expect_got(&pair, rows[i].got, rows[i].name);
        cr_expect(http_conn_send_continue(&pair.conn), "%s", rows[i].name);
        expect_got(&pair, "", rows[i].name);
        close_pair(&pair);
    }
}

Test(http_conn, verdict_holds_for_the_policy_in_force_until_it_may_say_otherwise)
{
    char now[1], before[1]; /* only whether they are the same is looked at */
    const struct {
        const char *name;
        void *judged_by;
        int64_t expires_us;
        bool holds;
    } rows[] = {
        {"that policy, for ever", now, INT64_MAX, true},
        {"that policy, for an hour more", now, timestamp_now_us() + 3600000000, true},
        {"that policy, whose rule has expired", now, timestamp_now_us() - 1, false},
        {"another policy", before, INT64_MAX, false},
        {"no policy yet", NULL, INT64_MAX, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct loop loop = {.policy = (struct policy *)(void *)now};
        struct exchange exchange = {.policy = rows[i].judged_by};
        struct http_conn conn = {
            .loop = &loop, .exchange = &exchange, .expires_us = rows[i].expires_us};
        cr_expect_eq(http_conn_verdict_holds(&conn), rows[i].holds, "%s", rows[i].name);
    }
}

Test(http_conn, early_input_is_what_follows_a_whole_request_that_could_begin_a_stream)
{
    static const struct {
        const char *name;
        bool may_stream, finished;
        const char *in, *in_socket;
        bool early;
    } rows[] = {
        {"nothing follows", true, true, "", "", false},
        {"read already", true, true, "x", "", true},
        {"still in the socket", true, true, "", "x", true},
        {"the body is still on its way", true, false, "x", "", false},
        {"no stream could begin", false, true, "x", "x", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair pair;
        open_pair(&pair);
        pair.conn.http.may_stream = rows[i].may_stream;
        pair.conn.http.request_body.finished = rows[i].finished;
        if (rows[i].in[0] != '\0')
            put(&pair, &pair.conn.in, rows[i].in);
        cr_assert_eq(send(pair.client, rows[i].in_socket, strlen(rows[i].in_socket), 0),
                     (ssize_t)strlen(rows[i].in_socket));
        cr_expect_eq(http_conn_has_early_input(&pair.conn), rows[i].early, "%s", rows[i].name);
        close_pair(&pair);
    }
}
