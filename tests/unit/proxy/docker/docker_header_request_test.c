/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests written anew. The property: whatever odd but valid spelling a request has, what is
 * written to the engine is read back as the same canonical request by our reader, by http-parser,
 * and by a small reader that shares nothing with either; and it holds no field but those of the
 * table. Requests are made from a fixed pseudo-random sequence, whose seed a failure names. */
#include <criterion/criterion.h>

/* http-parser and this program both have an `enum http_method`. */
#define http_method http_parser_method
#include <http_parser.h>
#undef http_method

#include "proxy/docker/docker_header.h"
#include "rules/docker/docker_names.h"
#include "tests/unit/proxy/http_head_feed.h"
#include "tests/unit/proxy/plain_head.h"

enum { REQUESTS = 6000 };

static int hex(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, digit >= 'A' && digit <= 'F' ? digit + 32 : digit);
    return digit == '\0' || at == NULL ? -1 : (int)(at - digits);
}

/* Decodes text[0..len) as a path, or as part of a query, where `+` is a space. */
static void plain_decode(const char *text, size_t len, bool query, struct buffer *out)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '%') {
            cr_assert(i + 2 < len && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0,
                      "broken escape in %s", text);
            buffer_append_byte(out, (char)(hex(text[i + 1]) * 16 + hex(text[i + 2])));
            i += 2;
        } else {
            buffer_append_byte(out, query && text[i] == '+' ? ' ' : text[i]);
        }
    }
}

/* Writes a byte raw or escaped, in small or capital digits. */
static void write_byte(uint64_t *state, struct buffer *out, char byte, const char *raw_too)
{
    bool alnum = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                 (byte >= 'A' && byte <= 'Z');
    bool may_be_raw = byte != '\0' && (alnum || strchr(raw_too, byte) != NULL);
    if (may_be_raw && !chance(state, 10))
        buffer_append_byte(out, byte);
    else
        buffer_printf(out, chance(state, 50) ? "%%%02x" : "%%%02X", (unsigned)(unsigned char)byte);
}

static void write_value(uint64_t *state, struct buffer *out)
{
    static const char odd[] = " &=+%/?#;\"<>{}[]\\|^`~'\x01\x7f\x80\xff";
    for (size_t len = next_random(state) % 12; len > 0; len--) {
        char byte = chance(state, 30) ? odd[next_random(state) % (sizeof(odd) - 1)]
                                      : (char)('a' + next_random(state) % 26);
        write_byte(state, out, byte, "-._~,:@/");
    }
}

static void write_name(uint64_t *state, struct buffer *out)
{
    static const char *const names[] = {
        "web", "a.b-c_d", "reg.io:5000/ns/img:tag", "caf\xc3\xa9", "x%2Fy", "sha256:00ff", "s p"};
    for (const char *at = names[next_random(state) % ARRAY_LEN(names)]; *at != '\0'; at++)
        write_byte(state, out, *at, "-._:@/");
}

static void write_query(uint64_t *state, const struct docker_operation_info *info,
                        struct buffer *out)
{
    char separator = '?';
    for (unsigned p = 0; info->parameters[p].name.ptr != NULL; p++) {
        struct slice key = info->parameters[p].name;
        bool repeatable = info->parameters[p].repeats;
        for (unsigned times = (unsigned)next_random(state) % (repeatable ? 3 : 2); times > 0;
             times--) {
            buffer_append_byte(out, separator);
            separator = '&';
            for (size_t i = 0; i < key.len; i++)
                write_byte(state, out, key.ptr[i], "");
            buffer_append_byte(out, '=');
            write_value(state, out);
        }
    }
    if (chance(state, 30)) {
        buffer_append_byte(out, separator);
        buffer_append_literal(out, "unheard-of=1");
    }
}

static void write_random_target(uint64_t *state, const struct docker_operation_info *info,
                                struct buffer *out)
{
    if (chance(state, 70))
        buffer_printf(out, "/v1.%u", 24 + (unsigned)next_random(state) % 32);
    struct slice rest = slice_from_text(info->path);
    while (rest.ptr != NULL) {
        struct slice before = slice_cut(&rest, '{');
        for (size_t i = 0; i < before.len; i++) {
            if (before.ptr[i] == '/')
                buffer_append_byte(out, '/');
            else
                write_byte(state, out, before.ptr[i], "-._*");
        }
        if (rest.ptr == NULL)
            break;
        write_name(state, out);
        (void)slice_cut(&rest, '}');
    }
    write_query(state, info, out);
}

/* What may stand in a request, and what becomes of it; `sent_as` NULL = never sent on. */
static const struct {
    const char *line, *sent_as;
    char when; /* 'a'lways, 'b'ody, 's'ession, 'w'ebsocket */
} client_fields[] = {
    {"User-Agent: Docker-Client/27.0", "User-Agent", 'a'},
    {"USER-AGENT:\ttwo  words\t", "User-Agent", 'a'},
    {"accept: */*", "Accept", 'a'},
    {"x-registry-auth: eyJ9", "X-Registry-Auth", 'a'},
    {"X-Registry-Config:", "X-Registry-Config", 'a'},
    {"x-docker-expose-session-uuid: 1", "X-Docker-Expose-Session-Uuid", 's'},
    {"X-Docker-Expose-Session-Grpc-Method: /a", "X-Docker-Expose-Session-Grpc-Method", 's'},
    {"X-Docker-Expose-Session-Grpc-Method: /b", "X-Docker-Expose-Session-Grpc-Method", 's'},
    {"Sec-WebSocket-Key: abc", "Sec-WebSocket-Key", 'w'},
    {"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version", 'w'},
    {"X-Unknown: 1", NULL, 0},
    {"X-HTTP-Method-Override: DELETE", NULL, 0},
    {"X-Forwarded-For: 10.0.0.1", NULL, 0},
    {"Authorization: Basic Zm9v", NULL, 0},
    {"Cookie: a=b", NULL, 0},
    {"Keep-Alive: timeout=5", NULL, 0},
    {"Proxy-Connection: keep-alive", NULL, 0},
    {"Proxy-Authorization: Basic Zm9v", NULL, 0},
    {"TE: trailers", NULL, 0},
    {"Trailer: X-Unknown", NULL, 0},
    {"Content-Encoding: gzip", NULL, 0},
    {"Content-Encodings: gzip", NULL, 0},
    {"X_Registry-Auth: underscore", NULL, 0},
    {"User-Agents: plural", NULL, 0},
};

/* A request as a client writes it, and what of its fields the engine is to see. */
struct sample {
    struct buffer bytes, target, expected; /* owned; expected: "Name: value\n" a line */
};

static void sample_free(struct sample *sample)
{
    buffer_free(&sample->bytes);
    buffer_free(&sample->target);
    buffer_free(&sample->expected);
}

static void expect_field(struct sample *sample, const char *line, const char *sent_as)
{
    struct slice value = slice_from_text(line);
    (void)slice_cut(&value, ':');
    value = slice_trim_blanks(value);
    buffer_printf(&sample->expected, "%s: %.*s\n", sent_as, (int)value.len,
                  value.len == 0 ? "" : value.ptr);
}

static void write_random_fields(uint64_t *state, struct sample *sample,
                                const struct docker_operation_info *info,
                                const struct docker_forward *plan)
{
    bool body = plan->framing != HTTP_FRAMING_NONE;
    enum docker_upgrade upgrade = plan->upgrade;
    for (unsigned count = (unsigned)next_random(state) % 12; count > 0; count--) {
        size_t i = next_random(state) % ARRAY_LEN(client_fields);
        buffer_printf(&sample->bytes, "%s\r\n", client_fields[i].line);
        if (client_fields[i].when == 'a' ||
            (client_fields[i].when == 's' && upgrade == DOCKER_UPGRADE_H2C) ||
            (client_fields[i].when == 'w' && upgrade == DOCKER_UPGRADE_WEBSOCKET))
            expect_field(sample, client_fields[i].line, client_fields[i].sent_as);
    }
    if (chance(state, 60)) {
        static const char line[] = "content-type: application/json; charset=utf-8";
        buffer_printf(&sample->bytes, "%s\r\n", line);
        if (body)
            expect_field(sample, info->body == DOCKER_BODY_JSON ? ":application/json" : line,
                         "Content-Type");
    }
}

static const char *const upgrade_words[] = {[DOCKER_UPGRADE_NONE] = "",
                                            [DOCKER_UPGRADE_TCP] = "tcp",
                                            [DOCKER_UPGRADE_H2C] = "h2c",
                                            [DOCKER_UPGRADE_WEBSOCKET] = "websocket"};

/* Makes the request and says what the plan for it is, but for what has to be read from its bytes
 * first. */
static void make_sample(uint64_t *state, struct sample *sample,
                        const struct docker_operation_info *info, struct docker_forward *plan)
{
    bool asks = info->upgrade != DOCKER_UPGRADE_NONE && chance(state, 70);
    plan->upgrade = asks ? info->upgrade : DOCKER_UPGRADE_NONE;
    plan->framing = info->body == DOCKER_BODY_NONE ? HTTP_FRAMING_NONE
                                                   : (enum http_framing)(next_random(state) % 3);
    plan->content_length = plan->framing == HTTP_FRAMING_LENGTH ? next_random(state) : 0;
    plan->object_name =
        info->object != DOCKER_OBJECT_NONE && chance(state, 30)
            ? SLICE_LITERAL("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
            : slice_of(NULL, 0);
    buffer_printf(&sample->bytes, "%s %s HTTP/1.1\r\nHost: gate.example:2375\r\n",
                  http_method_name(info->method), buffer_text(&sample->target));
    write_random_fields(state, sample, info, plan);
    if (plan->framing == HTTP_FRAMING_LENGTH)
        buffer_printf(&sample->bytes, "content-length: %llu\r\n",
                      (unsigned long long)plan->content_length);
    if (plan->framing == HTTP_FRAMING_CHUNKED)
        buffer_append_literal(&sample->bytes, "TRANSFER-ENCODING: chunked\r\n");
    if (asks)
        buffer_printf(&sample->bytes, "Connection: keep-alive, upgrade\r\nUpgrade: %s\r\n",
                      upgrade_words[info->upgrade]);
    else
        buffer_append_literal(&sample->bytes, "Connection: keep-alive, X-Unknown\r\n");
    buffer_append_literal(&sample->bytes, "\r\n");
}

/* The target of the written request, read by the plain reader, must be the canonical one. */
static void check_target_plainly(const char *seed, const char *target,
                                 const struct docker_forward *plan)
{
    const struct docker_request *request = plan->request;
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY, expected = BUFFER_EMPTY;
    const char *query = strchr(target, '?');
    plain_decode(target, query == NULL ? strlen(target) : (size_t)(query - target), false, &path);
    if (request->version.len > 0)
        buffer_printf(&expected, "/%.*s", (int)request->version.len, request->version.ptr);
    if (plan->object_name.ptr == NULL) {
        buffer_append_slice(&expected, request->path);
    } else {
        size_t at = (size_t)(request->object_name.ptr - request->path.ptr);
        buffer_append(&expected, request->path.ptr, at);
        buffer_append_slice(&expected, plan->object_name);
        at += request->object_name.len;
        buffer_append(&expected, request->path.ptr + at, request->path.len - at);
    }
    cr_assert_str_eq(buffer_text(&path), buffer_text(&expected), "%s", seed);
    for (unsigned i = 0; i < request->parameter_count; i++) {
        AUTO_BUFFER struct buffer pair = BUFFER_EMPTY, wanted = BUFFER_EMPTY;
        cr_assert_not_null(query, "%s: parameters are missing in %s", seed, target);
        size_t len = strcspn(query + 1, "&");
        cr_assert_not_null(memchr(query + 1, '=', len), "%s", seed);
        plain_decode(query + 1, len, true, &pair);
        buffer_append_slice(&wanted, request->parameters[i].key);
        buffer_append_byte(&wanted, '=');
        buffer_append_slice(&wanted, request->parameters[i].value);
        cr_assert(slice_equal(buffer_slice(&pair), buffer_slice(&wanted)),
                  "%s: `%s` instead of `%s`", seed, buffer_text(&pair), buffer_text(&wanted));
        query = query[1 + len] == '&' ? query + 1 + len : NULL;
    }
    cr_assert_null(query, "%s: more parameters than were judged in %s", seed, target);
}

/* Every field is one of the table's in its order, or one of ours. */
static void check_fields_plainly(const char *seed, const struct plain_head *head,
                                 const struct docker_forward *plan, const char *expected)
{
    static const char *const ours[] = {"Host", "Content-Length", "Transfer-Encoding", "Connection",
                                       "Upgrade"};
    AUTO_BUFFER struct buffer others = BUFFER_EMPTY;
    for (unsigned i = 0; i < head->field_count; i++) {
        bool is_ours = false;
        for (size_t j = 0; j < ARRAY_LEN(ours); j++)
            is_ours = is_ours || strcmp(head->fields[i].name, ours[j]) == 0;
        if (!is_ours)
            buffer_printf(&others, "%s: %s\n", head->fields[i].name, head->fields[i].value);
    }
    cr_assert_str_eq(buffer_text(&others), expected, "%s", seed);
    cr_assert_eq(plain_count(head, "host"), 1, "%s", seed);
    cr_assert_str_eq(plain_value(head, "host"), "docker", "%s", seed);
    unsigned asks = plan->upgrade != DOCKER_UPGRADE_NONE;
    cr_assert_eq(plain_count(head, "connection"), asks, "%s", seed);
    cr_assert_eq(plain_count(head, "upgrade"), asks, "%s", seed);
    if (asks) {
        cr_assert_str_eq(plain_value(head, "connection"), "Upgrade", "%s", seed);
        cr_assert_str_eq(plain_value(head, "upgrade"), upgrade_words[plan->upgrade], "%s", seed);
    }
    char length[32];
    snprintf(length, sizeof(length), "%llu", (unsigned long long)plan->content_length);
    bool writes =
        plan->request->method == HTTP_METHOD_POST || plan->request->method == HTTP_METHOD_PUT;
    bool sized =
        plan->framing == HTTP_FRAMING_LENGTH || (plan->framing == HTTP_FRAMING_NONE && writes);
    cr_assert_str_eq(plain_value(head, "content-length"), sized ? length : "(none)", "%s", seed);
    cr_assert_leq(plain_count(head, "content-length"), 1, "%s", seed);
    cr_assert_eq(plain_count(head, "transfer-encoding"), plan->framing == HTTP_FRAMING_CHUNKED,
                 "%s", seed);
    if (plan->framing == HTTP_FRAMING_CHUNKED)
        cr_assert_str_eq(plain_value(head, "transfer-encoding"), "chunked", "%s", seed);
}

static int note_url(http_parser *parser, const char *at, size_t len)
{
    buffer_append(parser->data, at, len);
    return 0;
}

static int stop_at_body(http_parser *parser)
{
    http_parser_pause(parser, 1);
    return 0;
}

static void check_with_http_parser(const char *seed, struct slice bytes,
                                   const struct docker_forward *plan, const char *target)
{
    AUTO_BUFFER struct buffer url = BUFFER_EMPTY;
    http_parser parser;
    http_parser_settings settings;
    http_parser_init(&parser, HTTP_REQUEST);
    http_parser_settings_init(&settings);
    settings.on_url = note_url;
    settings.on_headers_complete = stop_at_body;
    parser.data = &url;
    http_parser_execute(&parser, &settings, bytes.ptr, bytes.len);
    cr_assert_eq(HTTP_PARSER_ERRNO(&parser), HPE_PAUSED, "%s: %s", seed,
                 http_errno_name(HTTP_PARSER_ERRNO(&parser)));
    cr_assert_str_eq(http_method_str((enum http_parser_method)parser.method),
                     http_method_name(plan->request->method), "%s", seed);
    cr_assert_str_eq(buffer_text(&url), target, "%s", seed);
    cr_assert_eq((parser.flags & F_CHUNKED) != 0, plan->framing == HTTP_FRAMING_CHUNKED, "%s",
                 seed);
    if (plan->framing == HTTP_FRAMING_LENGTH)
        cr_assert_eq(parser.content_length, plan->content_length, "%s", seed);
    cr_assert_eq(parser.upgrade, plan->upgrade != DOCKER_UPGRADE_NONE, "%s", seed);
}

/* Our own reader makes the same canonical request of it, from which the same bytes are written
 * again. */
static void check_read_back(const char *seed, const struct buffer *bytes,
                            const struct docker_forward *plan)
{
    static struct docker_request again;
    const struct docker_request *request = plan->request;
    struct error error = {0};
    struct outcome outcome = read_both_ways(seed, REQUEST, buffer_slice(bytes), &widest);
    cr_assert_eq(outcome.result, HTTP_HEAD_OK, "%s: %s", seed, outcome.error.text);
    cr_assert_eq(outcome.consumed, bytes->len, "%s", seed);
    cr_assert(docker_request_parse(&again, outcome.head.method, outcome.head.target, true, &error),
              "%s: %s", seed, error.text);
    cr_assert_eq(again.operation, request->operation, "%s", seed);
    cr_assert(slice_equal(again.version, request->version), "%s", seed);
    cr_assert(slice_equal(again.object_name,
                          plan->object_name.ptr == NULL ? request->object_name : plan->object_name),
              "%s", seed);
    cr_assert_eq(again.dropped_count, 0, "%s", seed);
    cr_assert_eq(again.parameter_count, request->parameter_count, "%s", seed);
    AUTO_BUFFER struct buffer second = BUFFER_EMPTY;
    struct docker_forward second_plan = *plan;
    second_plan.request = &again;
    second_plan.head = &outcome.head;
    second_plan.object_name = slice_of(NULL, 0);
    docker_header_write_request(&second_plan, &second);
    cr_assert(slice_equal(buffer_slice(&second), buffer_slice(bytes)),
              "%s: written differently the second time", seed);
}

/* Returns whether the random request was a valid one. */
static bool check_request(uint64_t number)
{
    static struct docker_request request;
    static struct plain_head plain;
    CLEANUP(sample_free) struct sample sample = {BUFFER_EMPTY, BUFFER_EMPTY, BUFFER_EMPTY};
    AUTO_BUFFER struct buffer written = BUFFER_EMPTY;
    uint64_t state = number * 77777;
    char seed[40];
    snprintf(seed, sizeof(seed), "seed %llu", (unsigned long long)number);
    struct docker_forward plan = {.request = &request};
    struct error error;
    enum docker_operation operation =
        (enum docker_operation)(1 + next_random(&state) % (DOCKER_OPERATION_COUNT - 1));
    const struct docker_operation_info *info = docker_operation_info(operation);
    write_random_target(&state, info, &sample.target);
    if (!docker_request_parse(&request, info->method, buffer_slice(&sample.target), false, &error))
        return false;
    if (request.object_name.len == 0)
        info = docker_operation_info(request.operation);
    make_sample(&state, &sample, info, &plan);
    if (request.object_name.len == 0 || docker_name_of_object(request.operation).ptr != NULL)
        plan.object_name = slice_of(NULL, 0);
    struct outcome outcome = read_both_ways(seed, REQUEST, buffer_slice(&sample.bytes), &widest);
    if (outcome.result != HTTP_HEAD_OK)
        return false;
    plan.head = &outcome.head;
    cr_assert_eq(outcome.head.framing, plan.framing, "%s", seed);
    cr_assert_eq(docker_header_asks_upgrade(&outcome.head, info->upgrade),
                 plan.upgrade != DOCKER_UPGRADE_NONE, "%s", seed);

    docker_header_write_request(&plan, &written);
    plain_read(seed, buffer_text(&written), &plain);
    cr_assert_str_eq(plain.first[0], http_method_name(request.method), "%s", seed);
    cr_assert_str_eq(plain.first[2], "HTTP/1.1", "%s", seed);
    check_target_plainly(seed, plain.first[1], &plan);
    check_fields_plainly(seed, &plain, &plan, buffer_text(&sample.expected));
    check_with_http_parser(seed, buffer_slice(&written), &plan, plain.first[1]);
    check_read_back(seed, &written, &plan);
    return true;
}

Test(docker_header, a_request_is_written_so_that_every_reader_reads_what_was_judged)
{
    unsigned valid = 0;
    for (uint64_t number = 1; number <= REQUESTS; number++)
        valid += check_request(number);
    cr_assert_gt(valid, REQUESTS / 2, "only %u of %d requests were valid", valid, REQUESTS);
}
