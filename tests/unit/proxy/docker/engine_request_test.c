/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of the gate's own, to an engine that this test plays, on the same loop: whole answers,
 * answers byte by byte, answers that are none, and giving up at every moment. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/docker/engine_request.h"

struct stage {
    struct event_base *base;
    struct io_pool *blocks;
    struct engine *engine;
    char folder[64], path[80];
    int listener;
    struct engine_request *request;
    char told[64];           /* a letter an event */
    unsigned status;         /* of the head that was told */
    struct error error;      /* of the failure that was told */
    struct buffer body;      /* as it lay there at the end, or as it was streamed */
    char gives_up_at;        /* the event in which the request is freed */
    bool streams;            /* takes the body as it comes */
    bool takes_over;         /* takes the connection at its head */
    struct engine_conn *raw; /* the one that was taken */
};

static void stage_open(struct stage *stage)
{
    *stage = (struct stage){.base = event_base_new(), .blocks = io_pool_new()};
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/engine_request_test.XXXXXX");
    cr_assert_not_null(mkdtemp(stage->folder));
    snprintf(stage->path, sizeof(stage->path), "%s/s", stage->folder);
    struct engine_options options = {
        .connect_timeout_ms = 5000, .max_idle = 8, .idle_timeout_ms = 30000};
    cr_assert(endpoint_from_path(&options.address, slice_from_text(stage->path)));
    stage->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(stage->listener, &options.address.address.any, options.address.len), 0);
    cr_assert_eq(listen(stage->listener, 8), 0);
    stage->engine = engine_new(stage->base, stage->blocks, &options);
    cr_assert_not_null(stage->engine);
}

static void stage_close(struct stage *stage)
{
    engine_request_free(&stage->request);
    engine_drop(&stage->raw);
    engine_free(&stage->engine);
    io_pool_free(&stage->blocks);
    event_base_free(stage->base);
    buffer_free(&stage->body);
    close(stage->listener);
    unlink(stage->path);
    rmdir(stage->folder);
}
#define AUTO_STAGE CLEANUP(stage_close)

static void note(void *context, enum engine_request_event event)
{
    static const char letters[] = {[ENGINE_REQUEST_HEAD] = 'H',
                                   [ENGINE_REQUEST_BODY] = 'b',
                                   [ENGINE_REQUEST_END] = 'E',
                                   [ENGINE_REQUEST_UNREACHABLE] = 'U',
                                   [ENGINE_REQUEST_FAILED] = 'F'};
    struct stage *stage = context;
    struct buffer *body = engine_request_body(stage->request);
    size_t count = strlen(stage->told);
    bool again = letters[event] == 'b' && count > 0 && stage->told[count - 1] == 'b';
    if (!again) /* how often a body comes depends on its pieces */
        stage->told[count] = letters[event];
    if (event == ENGINE_REQUEST_HEAD) {
        stage->status = engine_request_head(stage->request)->status;
        if (stage->takes_over)
            stage->raw = engine_request_take_stream(stage->request);
    }
    if (event == ENGINE_REQUEST_END || (event == ENGINE_REQUEST_BODY && stage->streams)) {
        buffer_append_slice(&stage->body, buffer_slice(body));
        buffer_clear(body);
    }
    if (event == ENGINE_REQUEST_FAILED || event == ENGINE_REQUEST_UNREACHABLE)
        stage->error = *engine_request_error(stage->request);
    if (letters[event] == stage->gives_up_at)
        engine_request_free(&stage->request);
}

static void turn(struct stage *stage)
{
    event_base_loop(stage->base, EVLOOP_NONBLOCK);
}

static void ask(struct stage *stage, const struct engine_question *question)
{
    struct error error = {0};
    stage->request = engine_request_new(stage->engine, question, note, stage, &error);
    cr_assert_not_null(stage->request, "%s", error.text);
    cr_assert_str_empty(stage->told, "nothing is told from within engine_request_new()");
}

static const struct engine_question plain = {
    .method = HTTP_METHOD_GET, .target = {"/info", 5}, .answer_max = 1 << 20};

static int accept_one(struct stage *stage)
{
    int peer = accept(stage->listener, NULL, NULL);
    cr_assert_geq(peer, 0);
    return peer;
}

/* What the engine has received by now. */
static const char *received(int peer, struct buffer *text)
{
    char bytes[8192];
    ssize_t got;
    while ((got = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        buffer_append(text, bytes, (size_t)got);
    return buffer_text(text);
}

/* The engine says `text` in pieces of that size, 0 = at once. */
static void say(struct stage *stage, int peer, const char *text, size_t piece)
{
    size_t len = strlen(text);
    for (size_t at = 0; at < len; at += piece) {
        if (piece == 0 || piece > len - at)
            piece = len - at;
        if (send(peer, text + at, piece, MSG_NOSIGNAL) < 0)
            return; /* it was given up */
        turn(stage);
    }
}

static bool is_closed_by_us(int peer)
{
    char bytes[4096];
    ssize_t got;
    while ((got = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        continue;
    return got == 0;
}

/* What is answered, whether the engine closes behind it, and what is told of it. */
struct row {
    const char *name, *answer;
    bool closes;
    const char *told;
    unsigned status;
    const char *body, *reason; /* with F */
    bool kept;                 /* the connection may serve another request */
};

static const struct row rows[] = {
    {"a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, "HE", 200, "hello",
     NULL, true},
    {"no body", "HTTP/1.1 204 No Content\r\n\r\n", false, "HE", 204, "", NULL, true},
    {"chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", false,
     "HE", 200, "hello", NULL, true},
    {"the end of the connection", "HTTP/1.1 200 OK\r\n\r\nhello", true, "HE", 200, "hello", NULL,
     false},
    {"an engine that wants to close",
     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", false, "HE", 200, "hi",
     NULL, false},
    {"an error in the engine's words",
     "HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n{\"message\":\"none\"}", false, "HE", 404,
     "{\"message\":\"none\"}", NULL, true},
    {"1xx first", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
     false, "HE", 200, "hi", NULL, true},
    {"bytes behind the answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!", false, "HE", 200,
     "hi", NULL, false},
    {"nothing", "", true, "F", 0, "", "upstream.closed", false},
    {"half a head", "HTTP/1.1 200 OK\r\nConte", true, "F", 0, "", "upstream.closed", false},
    {"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true, "HF", 200, "",
     "upstream.closed", false},
    {"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", true, "HF",
     200, "", "upstream.closed", false},
    {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", false, "F", 0, "", "upstream.malformed", false},
    {"a wrong chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, "HF",
     200, "", "malformed.chunk-size", false},
    {"a switch nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: tcp\r\n\r\n", false, "F", 0,
     "", "upstream.unasked-upgrade", false},
    {"nothing but 1xx",
     "HTTP/1.1 102 a\r\n\r\nHTTP/1.1 102 a\r\n\r\nHTTP/1.1 102 a\r\n\r\nHTTP/1.1 102 a\r\n\r\n"
     "HTTP/1.1 102 a\r\n\r\nHTTP/1.1 102 a\r\n\r\nHTTP/1.1 102 a\r\n\r\nHTTP/1.1 102 a\r\n\r\n"
     "HTTP/1.1 102 a\r\n\r\n",
     false, "F", 0, "", "upstream.informational", false},
};

/* Whether the next request goes out on the same connection. */
static bool is_kept(struct stage *stage, int peer)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    turn(stage);
    engine_request_free(&stage->request);
    memset(stage->told, 0, sizeof(stage->told));
    ask(stage, &plain);
    return strncmp(received(peer, &text), "GET /info HTTP/1.1\r\n", 20) == 0;
}

static void check_row(const struct row *row, size_t piece)
{
    AUTO_STAGE struct stage stage;
    AUTO_BUFFER struct buffer asked = BUFFER_EMPTY;
    stage_open(&stage);
    ask(&stage, &plain);
    int peer = accept_one(&stage);
    cr_assert_str_eq(received(peer, &asked),
                     "GET /info HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockreeve\r\n\r\n");
    say(&stage, peer, row->answer, piece);
    if (row->closes) {
        shutdown(peer, SHUT_WR);
        turn(&stage);
    }
    char *body_told = strchr(stage.told, 'b');
    if (body_told != NULL)
        memmove(body_told, body_told + 1, strlen(body_told));
    cr_assert_str_eq(stage.told, row->told, "%s by %zu: %s", row->name, piece, stage.error.text);
    cr_assert_eq(stage.status, row->status, "%s by %zu", row->name, piece);
    cr_assert_str_eq(buffer_text(&stage.body), row->body, "%s by %zu", row->name, piece);
    if (row->reason != NULL)
        cr_assert_str_eq(stage.error.reason, row->reason, "%s by %zu", row->name, piece);
    cr_assert_eq(engine_error_count(stage.engine), row->reason != NULL, "%s", row->name);
    cr_assert_eq(is_kept(&stage, peer), row->kept, "%s by %zu", row->name, piece);
    close(peer);
}

Test(engine_request, each_answer_is_told_in_the_same_way_whatever_its_pieces)
{
    static const size_t pieces[] = {0, 1, 7};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(pieces); j++)
            check_row(&rows[i], pieces[j]);
    }
}

Test(engine_request, it_can_be_given_up_at_every_event_and_between_any_two_bytes)
{
    static const char answer[] = "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                 "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    for (const char *at = "HbE"; *at != '\0'; at++) {
        AUTO_STAGE struct stage stage;
        stage_open(&stage);
        stage.gives_up_at = *at;
        ask(&stage, &plain);
        int peer = accept_one(&stage);
        say(&stage, peer, answer, 1);
        cr_assert_null(stage.request);
        cr_assert_eq(stage.told[strlen(stage.told) - 1], *at, "nothing is told afterwards");
        cr_assert_eq(is_closed_by_us(peer), *at != 'E');
        close(peer);
    }
    for (size_t len = 0; len < sizeof(answer) - 1; len++) {
        AUTO_STAGE struct stage stage;
        stage_open(&stage);
        ask(&stage, &plain);
        int peer = accept_one(&stage);
        cr_assert_eq(send(peer, answer, len, 0), (ssize_t)len);
        turn(&stage);
        engine_request_free(&stage.request);
        cr_assert(is_closed_by_us(peer), "given up behind %zu bytes", len);
        close(peer);
    }
}

Test(engine_request, failures_may_free_it_too)
{
    AUTO_STAGE struct stage stage;
    stage_open(&stage);
    stage.gives_up_at = 'F';
    ask(&stage, &plain);
    close(accept_one(&stage));
    turn(&stage);
    cr_assert_str_eq(stage.told, "F");
    cr_assert_null(stage.request);
}

Test(engine_request, a_body_longer_than_is_kept_is_a_failure_unless_it_is_taken_as_it_comes)
{
    for (int streams = 0; streams <= 1; streams++) {
        AUTO_STAGE struct stage stage;
        struct engine_question question = plain;
        question.answer_max = 8;
        stage_open(&stage);
        stage.streams = streams;
        ask(&stage, &question);
        int peer = accept_one(&stage);
        say(&stage, peer, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, world", 4);
        cr_assert_str_eq(stage.told, streams ? "HbE" : "HbF");
        cr_assert_str_eq(streams ? buffer_text(&stage.body) : stage.error.reason,
                         streams ? "hello, world" : "upstream.malformed");
        close(peer);
    }
}

Test(engine_request, what_is_paused_is_not_read)
{
    AUTO_STAGE struct stage stage;
    stage_open(&stage);
    ask(&stage, &plain);
    int peer = accept_one(&stage);
    say(&stage, peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 0);
    engine_request_pause(stage.request);
    say(&stage, peer, "llo", 0);
    cr_assert_str_eq(stage.told, "Hb");
    engine_request_resume(stage.request);
    turn(&stage);
    cr_assert_str_eq(stage.told, "HbE");
    cr_assert_str_eq(buffer_text(&stage.body), "hello");
    close(peer);
}

Test(engine_request, the_deadline_is_one_for_the_whole_answer)
{
    static const char *const said[] = {"", "HTTP/1.1 200 OK\r\nContent-Le",
                                       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"};
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        AUTO_STAGE struct stage stage;
        struct engine_question question = plain;
        question.timeout_ms = 20;
        stage_open(&stage);
        ask(&stage, &question);
        int peer = accept_one(&stage);
        cr_assert_eq(send(peer, said[i], strlen(said[i]), 0), (ssize_t)strlen(said[i]));
        while (strchr(stage.told, 'F') == NULL)
            event_base_loop(stage.base, EVLOOP_ONCE);
        cr_assert_eq(stage.error.status, 504);
        cr_assert_str_eq(stage.error.reason, "upstream.lookup-timeout");
        cr_assert(is_closed_by_us(peer));
        cr_assert_eq(engine_error_count(stage.engine), 0, "the engine may take its time");
        close(peer);
    }
}

Test(engine_request, a_body_goes_out_as_the_engine_takes_it)
{
    AUTO_STAGE struct stage stage;
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY, asked = BUFFER_EMPTY;
    stage_open(&stage);
    for (int i = 0; i < 300000; i++)
        buffer_append_literal(&body, "0123456789");
    ask(&stage, &(struct engine_question){.method = HTTP_METHOD_POST,
                                          .target = SLICE_LITERAL("/images/load"),
                                          .body = buffer_slice(&body),
                                          .body_type = "application/x-tar",
                                          .answer_max = 100});
    int peer = accept_one(&stage);
    static const char head[] =
        "POST /images/load HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockreeve\r\n"
        "Content-Type: application/x-tar\r\nContent-Length: 3000000\r\n\r\n";
    while (asked.len < sizeof(head) - 1 + body.len) {
        received(peer, &asked);
        turn(&stage);
    }
    cr_assert_eq(memcmp(asked.data, head, sizeof(head) - 1), 0);
    cr_assert_eq(memcmp(asked.data + sizeof(head) - 1, body.data, body.len), 0);
    say(&stage, peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0);
    cr_assert_str_eq(stage.told, "HE");
    cr_assert(is_kept(&stage, peer));
    close(peer);
}

Test(engine_request, an_answer_before_the_end_of_the_body_is_heard_and_ends_the_connection)
{
    AUTO_STAGE struct stage stage;
    AUTO_BUFFER struct buffer body = BUFFER_EMPTY;
    stage_open(&stage);
    for (int i = 0; i < 300000; i++)
        buffer_append_literal(&body, "0123456789");
    ask(&stage, &(struct engine_question){.method = HTTP_METHOD_POST,
                                          .target = SLICE_LITERAL("/images/load"),
                                          .body = buffer_slice(&body),
                                          .body_type = "application/x-tar"});
    int peer = accept_one(&stage);
    say(&stage, peer, "HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n", 0);
    cr_assert_str_eq(stage.told, "HE");
    cr_assert_eq(stage.status, 507);
    cr_assert(is_closed_by_us(peer));
    close(peer);
}

Test(engine_request, a_raw_stream_is_handed_over_with_what_came_behind_the_head)
{
    AUTO_STAGE struct stage stage;
    AUTO_BUFFER struct buffer asked = BUFFER_EMPTY;
    stage_open(&stage);
    stage.takes_over = true;
    ask(&stage, &(struct engine_question){.method = HTTP_METHOD_POST,
                                          .target = SLICE_LITERAL("/exec/1/start"),
                                          .body = SLICE_LITERAL("{}"),
                                          .body_type = "application/json",
                                          .upgrade = "tcp"});
    int peer = accept_one(&stage);
    cr_assert_not_null(strstr(received(peer, &asked), "Connection: Upgrade\r\nUpgrade: tcp\r\n"));
    say(&stage, peer, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n$ ", 0);
    cr_assert_str_eq(stage.told, "H");
    cr_assert_eq(stage.status, 101);
    cr_assert_not_null(stage.raw);
    cr_assert(slice_equal_text(
        slice_of(io_buffer_bytes(&stage.raw->upstream.in), io_buffer_len(&stage.raw->upstream.in)),
        "$ "));
    engine_request_free(&stage.request);
    cr_assert_not(is_closed_by_us(peer), "the request is gone, its stream is not");
    close(peer);
}

Test(engine_request, a_kept_connection_that_has_gone_stale_is_replaced_once_for_a_read)
{
    AUTO_STAGE struct stage stage;
    stage_open(&stage);
    ask(&stage, &plain);
    int stale = accept_one(&stage);
    say(&stage, stale, "HTTP/1.1 204 No Content\r\n\r\n", 0);
    cr_assert(is_kept(&stage, stale));
    close(stale);
    turn(&stage);
    cr_assert_str_empty(stage.told);
    int peer = accept_one(&stage);
    say(&stage, peer, "HTTP/1.1 204 No Content\r\n\r\n", 0);
    cr_assert_str_eq(stage.told, "HE");
    close(peer);
}

Test(engine_request, what_replaces_a_stale_connection_gets_the_body_too)
{
    AUTO_STAGE struct stage stage;
    AUTO_BUFFER struct buffer asked = BUFFER_EMPTY;
    struct engine_question question = plain;
    question.body = SLICE_LITERAL("hello");
    question.body_type = "text/plain";
    stage_open(&stage);
    ask(&stage, &plain);
    int stale = accept_one(&stage);
    say(&stage, stale, "HTTP/1.1 204 No Content\r\n\r\n", 0);
    engine_request_free(&stage.request);
    stage.told[0] = stage.told[1] = '\0';
    ask(&stage, &question);
    (void)received(stale, &asked);
    close(stale);
    turn(&stage);
    int peer = accept_one(&stage);
    buffer_clear(&asked);
    cr_assert_not_null(strstr(received(peer, &asked), "\r\n\r\nhello"));
    close(peer);
}

Test(engine_request, one_of_its_own_is_asked_to_close)
{
    AUTO_STAGE struct stage stage;
    AUTO_BUFFER struct buffer asked = BUFFER_EMPTY;
    struct engine_question question = plain;
    question.fresh = true;
    stage_open(&stage);
    ask(&stage, &question);
    int peer = accept_one(&stage);
    cr_assert_not_null(strstr(received(peer, &asked), "\r\nConnection: close\r\n"));
    say(&stage, peer, "HTTP/1.1 204 No Content\r\n\r\n", 0);
    cr_assert_str_eq(stage.told, "HE");
    cr_assert(is_closed_by_us(peer));
    close(peer);
}

Test(engine_request, without_an_engine_there_is_none)
{
    AUTO_STAGE struct stage stage;
    struct error error = {0};
    stage_open(&stage);
    unlink(stage.path);
    cr_assert_null(engine_request_new(stage.engine, &plain, note, &stage, &error));
    cr_assert_eq(error.status, 502);
    cr_assert_str_eq(error.reason, "upstream.unreachable");
}
