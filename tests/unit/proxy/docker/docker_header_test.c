/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers written anew, refusals of our own, and which content types and protocols are taken. */
#include <criterion/criterion.h>

#include "proxy/docker/docker_header.h"
#include "tests/unit/proxy/http_head_feed.h"
#include "tests/unit/proxy/plain_head.h"

enum { RESPONSES = 2000 };

static const struct {
    const char *line;
    bool kept;
} engine_fields[] = {
    {"Api-Version: 1.47", true},
    {"Content-Type: application/json", true},
    {"Docker-Experimental: false", true},
    {"X-Docker-Container-Path-Stat: eyJ9", true},
    {"Server: Docker/27.0 (linux)", true},
    {"Set-Cookie: a=1", true},
    {"Set-Cookie: b=2", true},
    {"Retry-After: 3", true},
    {"Empty:", true},
    {"Keep-Alive: timeout=5", false},
    {"keep-alive: max=1", false},
    {"TE: trailers", false},
    {"Trailer: X-End", false},
    {"Proxy-Connection: keep-alive", false},
    {"Proxy-Authenticate: Basic", false},
    {"X-Hop: named by Connection", false},
    {"x-hop: named by Connection", false},
};

/* Returns whether the random answer was a valid one. */
static bool check_response(uint64_t number)
{
    static struct plain_head plain;
    AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY, expected = BUFFER_EMPTY, written = BUFFER_EMPTY,
                              others = BUFFER_EMPTY;
    uint64_t state = number * 99991;
    char seed[40];
    snprintf(seed, sizeof(seed), "seed %llu", (unsigned long long)number);
    static const unsigned statuses[] = {200, 201, 304, 404, 500, 599};
    unsigned status = statuses[next_random(&state) % ARRAY_LEN(statuses)];
    buffer_printf(&bytes, "HTTP/1.1 %u Some reason\r\nConnection: close, X-Hop\r\n", status);
    for (unsigned count = (unsigned)next_random(&state) % 10; count > 0; count--) {
        size_t i = next_random(&state) % ARRAY_LEN(engine_fields);
        buffer_printf(&bytes, "%s\r\n", engine_fields[i].line);
        struct slice value = slice_from_text(engine_fields[i].line);
        struct slice name = slice_cut(&value, ':');
        value = slice_trim_blanks(value);
        if (engine_fields[i].kept)
            buffer_printf(&expected, "%.*s: %.*s\n", (int)name.len, name.ptr, (int)value.len,
                          value.len == 0 ? "" : value.ptr);
    }
    if (chance(&state, 50))
        buffer_append_literal(&bytes, "Transfer-Encoding: chunked\r\n\r\n");
    else
        buffer_append_literal(&bytes, "content-length: 77\r\n\r\n");
    struct outcome outcome = read_both_ways(seed, RESPONSE, buffer_slice(&bytes), &widest);
    if (outcome.result != HTTP_HEAD_OK)
        return false;
    struct docker_response answer = {
        .head = &outcome.head,
        .plan.framing = (enum http_framing)(next_random(&state) % 4),
        .plan.content_length = next_random(&state),
        .plan.close = chance(&state, 50),
    };
    docker_header_write_response(&answer, &written);
    plain_read(seed, buffer_text(&written), &plain);
    char number_text[24];
    snprintf(number_text, sizeof(number_text), "%u", status);
    cr_assert_str_eq(plain.first[0], "HTTP/1.1");
    cr_assert_str_eq(plain.first[1], number_text);
    cr_assert_str_eq(plain.first[2], "Some reason");
    snprintf(number_text, sizeof(number_text), "%llu",
             (unsigned long long)answer.plan.content_length);
    cr_assert_str_eq(plain_value(&plain, "content-length"),
                     answer.plan.framing == HTTP_FRAMING_LENGTH ? number_text : "(none)");
    cr_assert_str_eq(plain_value(&plain, "transfer-encoding"),
                     answer.plan.framing == HTTP_FRAMING_CHUNKED ? "chunked" : "(none)");
    cr_assert_str_eq(plain_value(&plain, "connection"), answer.plan.close ? "close" : "(none)",
                     "%s", seed);
    for (unsigned i = 0; i < plain.field_count; i++) {
        const char *name = plain.fields[i].name;
        if (strcmp(name, "Content-Length") != 0 && strcmp(name, "Transfer-Encoding") != 0 &&
            strcmp(name, "Connection") != 0)
            buffer_printf(&others, "%s: %s\n", name, plain.fields[i].value);
    }
    cr_assert_str_eq(buffer_text(&others), buffer_text(&expected), "%s", seed);
    return true;
}

Test(docker_header, an_answer_keeps_what_is_not_bound_to_one_hop)
{
    unsigned valid = 0;
    for (uint64_t number = 1; number <= RESPONSES; number++)
        valid += check_response(number);
    cr_assert_gt(valid, RESPONSES / 2, "only %u of %d answers were valid", valid, RESPONSES);
}

static const char *response(const char *head_text, struct docker_response answer,
                            struct buffer *out)
{
    struct outcome outcome =
        read_both_ways(head_text, RESPONSE, slice_from_text(head_text), &widest);
    cr_assert_eq(outcome.result, HTTP_HEAD_OK, "%s", outcome.error.text);
    answer.head = &outcome.head;
    buffer_clear(out);
    docker_header_write_response(&answer, out);
    return buffer_text(out);
}

Test(docker_header, streams_and_answers_without_body_are_framed_for_what_they_are)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct docker_response answer = {.upgrade = DOCKER_UPGRADE_TCP, .plan.close = true};
    cr_assert_str_eq(
        response("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
                 "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
                 answer, &out),
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    answer = (struct docker_response){
        .plan.framing = HTTP_FRAMING_CLOSE, .hijack = true, .plan.close = true};
    cr_assert_str_eq(response("HTTP/1.1 200 OK\r\nContent-Type: x/y\r\n\r\n", answer, &out),
                     "HTTP/1.1 200 OK\r\nContent-Type: x/y\r\n\r\n");
    answer = (struct docker_response){.plan.show_length = true, .plan.content_length = 12};
    cr_assert_str_eq(response("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", answer, &out),
                     "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n");
    answer = (struct docker_response){.plan.framing = HTTP_FRAMING_NONE};
    cr_assert_str_eq(response("HTTP/1.1 204 No Content\r\n\r\n", answer, &out),
                     "HTTP/1.1 204 No Content\r\n\r\n");
}

Test(docker_header, a_refusal_says_when_to_come_back_and_what_is_taken)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    docker_header_write_refusal(&out, 403, 12, false);
    cr_assert_str_eq(buffer_text(&out),
                     "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n"
                     "Cache-Control: no-store\r\nContent-Length: 12\r\n\r\n");
    buffer_clear(&out);
    docker_header_write_refusal(&out, 429, 0, true);
    cr_assert_not_null(strstr(buffer_text(&out), "\r\nRetry-After: 1\r\n"));
    cr_assert_not_null(strstr(buffer_text(&out), "\r\nConnection: close\r\n"));
    buffer_clear(&out);
    docker_header_write_refusal(&out, 503, 0, false);
    cr_assert_not_null(strstr(buffer_text(&out), "\r\nRetry-After: 1\r\n"));
    buffer_clear(&out);
    docker_header_write_refusal(&out, 405, 0, false);
    cr_assert_not_null(strstr(buffer_text(&out), "\r\nAllow: GET, HEAD, POST, PUT, DELETE\r\n"));
}

/* ---- Content types ---- */

Test(docker_header, only_the_operations_own_protocol_is_asked_for)
{
    static const struct {
        const char *name, *fields;
        enum docker_upgrade upgrade;
        bool asks;
    } rows[] = {
        {"tcp", "Connection: Upgrade\r\nUpgrade: tcp\r\n", DOCKER_UPGRADE_TCP, true},
        {"in capitals", "Connection: UPGRADE\r\nUpgrade: TCP\r\n", DOCKER_UPGRADE_TCP, true},
        {"without Connection", "Upgrade: tcp\r\n", DOCKER_UPGRADE_TCP, false},
        {"without Upgrade", "Connection: Upgrade\r\n", DOCKER_UPGRADE_TCP, false},
        {"another protocol", "Connection: Upgrade\r\nUpgrade: h2c\r\n", DOCKER_UPGRADE_TCP, false},
        {"one of a list", "Connection: Upgrade\r\nUpgrade: h2c, tcp\r\n", DOCKER_UPGRADE_TCP,
         false},
        {"of an operation that has none", "Connection: Upgrade\r\nUpgrade: tcp\r\n",
         DOCKER_UPGRADE_NONE, false},
        {"nothing of an operation that has none", "", DOCKER_UPGRADE_NONE, false},
        {"websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\n", DOCKER_UPGRADE_WEBSOCKET,
         true},
        {"h2c", "Connection: Upgrade\r\nUpgrade: h2c\r\n", DOCKER_UPGRADE_H2C, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer bytes = BUFFER_EMPTY;
        buffer_printf(&bytes, "POST /x HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);
        struct outcome outcome =
            read_both_ways(rows[i].name, REQUEST, buffer_slice(&bytes), &widest);
        cr_assert_eq(outcome.result, HTTP_HEAD_OK, "%s: %s", rows[i].name, outcome.error.text);
        cr_assert_eq(docker_header_asks_upgrade(&outcome.head, rows[i].upgrade), rows[i].asks, "%s",
                     rows[i].name);
    }
}
