/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>

#include "policy/log/log_line.h"
#include "policy/log/log_record.h"

static const struct slice dropped[] = {SLICE_LITERAL("size"), SLICE_LITERAL("x\"y")};

static const struct slice judged[] = {SLICE_LITERAL("5f3a")};
static const struct slice labels[] = {SLICE_LITERAL("com.docker.compose.project=shop")};

static const struct slice aliases[] = {SLICE_LITERAL("cdn.example"), SLICE_LITERAL("x.test")};

static struct log_record full_record(void)
{
    return (struct log_record){
        .time_us = INT64_C(1795225412123456),
        .id = SLICE_LITERAL("4f1c"),
        .seq = 7,
        .event = LOG_CLOSE,
        .kind = SLICE_LITERAL("docker"),
        .client = SLICE_LITERAL("traefik"),
        .peer = SLICE_LITERAL("uid=1000 pid=42"),
        .via = SLICE_LITERAL("docker"),
        .method = SLICE_LITERAL("POST"),
        .path = SLICE_LITERAL("/containers/web/attach"),
        .operation = SLICE_LITERAL("ContainerAttach"),
        .object = SLICE_LITERAL("web"),
        .judged = judged,
        .judged_count = 1,
        .object_name = SLICE_LITERAL("shop_web_1"),
        .object_labels = labels,
        .object_label_count = 1,
        .cnames = aliases,
        .cname_count = 2,
        .cname_denied = SLICE_LITERAL("x.test"),
        .has_decision = true,
        .allowed = true,
        .rule = SLICE_LITERAL("attach to web"),
        .source = SLICE_LITERAL("/etc/dockreeve/policy.yaml:14"),
        .reason = SLICE_LITERAL("rule"),
        .dropped_query = dropped,
        .dropped_query_count = 2,
        .dropped_fields = SLICE_LITERAL("A\0B.C,D"),
        .dropped_more = 9,
        .dropped_body = 17,
        .dropped_headers = dropped,
        .dropped_header_count = 1,
        .would_deny = SLICE_LITERAL("default"),
        .status = 101,
        .has_outcome = true,
        .bytes_in = 0,
        .bytes_out = UINT64_MAX,
        .duration_us = 99,
        .close = SLICE_LITERAL("client closed"),
        .policy = SLICE_LITERAL("3f2a91c0"),
        .text = SLICE_LITERAL("a sentence"),
        .count = 12,
    };
}

static const char *write_one(const struct log_record *record, struct buffer *out)
{
    struct timestamp_cache cache = {0};
    log_record_write(record, &cache, out);
    return buffer_text(out);
}

Test(log_record, every_field_stands_in_its_place)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct log_record record = full_record();
    cr_assert_str_eq(
        write_one(&record, &out),
        "{\"ts\":\"2026-11-21T01:43:32.123456Z\",\"id\":\"4f1c\",\"seq\":7,\"event\":\"close\","
        "\"kind\":\"docker\",\"client\":\"traefik\",\"peer\":\"uid=1000 "
        "pid=42\",\"via\":\"docker\","
        "\"method\":\"POST\",\"path\":\"/containers/web/attach\",\"operation\":\"ContainerAttach\","
        "\"object\":\"web\",\"judged\":[\"5f3a\"],"
        "\"object_name\":\"shop_web_1\",\"object_labels\":[\"com.docker.compose.project=shop\"],"
        "\"cname\":[\"cdn.example\",\"x.test\"],"
        "\"cname_denied\":\"x.test\",\"decision\":\"allow\",\"rule\":\"attach to web\","
        "\"source\":\"/etc/dockreeve/policy.yaml:14\",\"reason\":\"rule\","
        "\"dropped_query\":[\"size\",\"x\\\"y\"],\"dropped_fields\":[\"A\",\"B.C,D\"],"
        "\"dropped_more\":9,\"dropped_body\":17,\"dropped_headers\":[\"size\"],\"would_deny\":"
        "\"default\","
        "\"status\":101,\"bytes_in\":0,\"bytes_out\":18446744073709551615,\"duration_us\":99,"
        "\"close\":\"client closed\",\"policy\":\"3f2a91c0\",\"text\":\"a "
        "sentence\",\"count\":12}\n");
}

Test(log_record, absent_fields_are_not_written)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct log_record record = {.event = LOG_START};
    cr_assert_str_eq(write_one(&record, &out),
                     "{\"ts\":\"1970-01-01T00:00:00.000000Z\",\"seq\":0,\"event\":\"start\"}\n");
}

Test(log_record, events_and_decisions_have_their_names)
{
    static const struct {
        enum log_event event;
        const char *name;
    } rows[] = {{LOG_REQUEST, "request"},       {LOG_OPEN, "open"},   {LOG_CLOSE, "close"},
                {LOG_POLICY, "policy"},         {LOG_START, "start"}, {LOG_STOP, "stop"},
                {LOG_SUPPRESSED, "suppressed"}, {LOG_LOST, "lost"},   {LOG_SEAL, "seal"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
        struct log_record record = {.event = rows[i].event, .has_decision = true};
        write_one(&record, &out);
        cr_assert(log_line_parse(&line, slice_of(out.data, out.len - 1)));
        cr_assert(slice_equal_text(line.fields[LOG_FIELD_EVENT], rows[i].name), "%s", rows[i].name);
        cr_assert(slice_equal_text(line.fields[LOG_FIELD_DECISION], "deny"), "%s", rows[i].name);
    }
}

Test(log_record, hostile_bytes_stay_inside_one_line_and_come_back_as_they_were)
{
    static const char hostile[] = "a\nb\r\"c\\\x1b[2J\x7f\xc2\x9b\t{},\xff";
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    struct slice bytes = slice_of(hostile, sizeof(hostile)); /* with its NUL */
    struct log_record record = full_record();
    struct slice *fields[] = {&record.id,     &record.kind,   &record.client,     &record.peer,
                              &record.via,    &record.method, &record.path,       &record.object,
                              &record.rule,   &record.source, &record.would_deny, &record.close,
                              &record.policy, &record.text,   &record.reason};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        *fields[i] = bytes;
    record.dropped_query = &bytes;
    record.dropped_query_count = 1;
    write_one(&record, &out);
    cr_assert_eq(memchr(out.data, '\n', out.len), out.data + out.len - 1);
    for (size_t i = 0; i + 1 < out.len; i++)
        cr_assert(out.data[i] >= 0x20 && out.data[i] < 0x7f, "byte %zu", i);
    cr_assert(log_line_parse(&line, slice_of(out.data, out.len - 1)));
    /* The one byte that is not UTF-8 comes back as U+FFFD. */
    static const char meant[] = "a\nb\r\"c\\\x1b[2J\x7f\xc2\x9b\t{},\xef\xbf\xbd";
    static const enum log_field read[] = {
        LOG_FIELD_ID,     LOG_FIELD_KIND,   LOG_FIELD_CLIENT,        LOG_FIELD_PEER,
        LOG_FIELD_VIA,    LOG_FIELD_METHOD, LOG_FIELD_PATH,          LOG_FIELD_OBJECT,
        LOG_FIELD_RULE,   LOG_FIELD_SOURCE, LOG_FIELD_WOULD_DENY,    LOG_FIELD_CLOSE,
        LOG_FIELD_POLICY, LOG_FIELD_TEXT,   LOG_FIELD_DROPPED_QUERY, LOG_FIELD_REASON};
    for (size_t i = 0; i < ARRAY_LEN(read); i++)
        cr_assert(slice_equal(line.fields[read[i]], slice_of(meant, sizeof(meant))), "%s",
                  log_field_name(read[i]));
}

Test(log_record, every_field_that_is_written_is_read_back)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    struct log_record record = full_record();
    record.host = SLICE_LITERAL("a.test");
    record.port = 443;
    record.question = SLICE_LITERAL("AAAA");
    record.address = SLICE_LITERAL("192.0.2.1");
    const struct slice refused = SLICE_LITERAL("10.0.0.1 address-class.private");
    record.refused_addresses = &refused;
    record.refused_address_count = 1;
    record.sni = SLICE_LITERAL("a.test");
    write_one(&record, &out);
    cr_assert(log_line_parse(&line, slice_of(out.data, out.len - 1)));
    for (enum log_field field = LOG_FIELD_TS; field <= LOG_FIELD_COUNT; field++)
        cr_assert_not_null(line.fields[field].ptr, "%s", log_field_name(field));
    cr_assert(slice_equal_text(line.fields[LOG_FIELD_DROPPED_QUERY], "size,x\"y"));
    cr_assert(slice_equal_text(line.fields[LOG_FIELD_BYTES_OUT], "18446744073709551615"));
}

Test(log_record, records_follow_each_other_in_the_same_buffer)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct timestamp_cache cache = {0};
    struct log_record record = {.event = LOG_STOP};
    for (record.seq = 1; record.seq <= 3; record.seq++)
        log_record_write(&record, &cache, &out);
    struct slice rest = buffer_slice(&out);
    for (int i = 0; i < 3; i++)
        cr_assert(slice_starts_with(slice_cut(&rest, '\n'), SLICE_LITERAL("{\"ts\":")));
    cr_assert_eq(rest.len, 0);
}
