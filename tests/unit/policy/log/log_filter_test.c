/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <string.h>

#include "base/timestamp.h"
#include "policy/log/log_filter.h"

static bool wants(const struct log_filter *filter, const char *json)
{
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    cr_assert(log_line_parse(&line, slice_from_text(json)), "%s", json);
    return log_filter_wants(filter, &line);
}

Test(log_filter, an_empty_filter_wants_everything)
{
    cr_assert(wants(&(struct log_filter){0}, "{}"));
    cr_assert(wants(&(struct log_filter){0}, "{\"event\":\"start\",\"text\":\"x\"}"));
}

Test(log_filter, denied_and_allowed_divide_what_was_decided)
{
    static const struct {
        const char *json;
        bool denied, allowed;
    } rows[] = {
        {"{\"decision\":\"allow\"}", false, true},
        {"{\"decision\":\"deny\"}", true, false},
        {"{\"decision\":\"allow\",\"would_deny\":\"default\"}", true, false},
        {"{\"event\":\"suppressed\",\"count\":3}", true, false},
        {"{\"event\":\"start\"}", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_assert_eq(wants(&(struct log_filter){.denied = true}, rows[i].json), rows[i].denied,
                     "%s", rows[i].json);
        cr_assert_eq(wants(&(struct log_filter){.allowed = true}, rows[i].json), rows[i].allowed,
                     "%s", rows[i].json);
    }
}

Test(log_filter, texts_must_be_equal)
{
    struct log_filter filter = {.client = SLICE_LITERAL("ci"),
                                .via = SLICE_LITERAL("dns"),
                                .kind = SLICE_LITERAL("network")};
    cr_assert(wants(&filter, "{\"client\":\"ci\",\"via\":\"dns\",\"kind\":\"network\"}"));
    cr_assert(wants(&filter, "{\"client\":\"c\\u0069\",\"via\":\"dns\",\"kind\":\"network\"}"));
    cr_assert_not(wants(&filter, "{\"client\":\"ci2\",\"via\":\"dns\",\"kind\":\"network\"}"));
    cr_assert_not(wants(&filter, "{\"client\":\"ci\",\"via\":\"forward\",\"kind\":\"network\"}"));
    cr_assert_not(wants(&filter, "{\"client\":\"ci\",\"via\":\"dns\",\"kind\":\"docker\"}"));
    cr_assert_not(wants(&filter, "{\"via\":\"dns\",\"kind\":\"network\"}"));
}

Test(log_filter, a_rule_is_its_name_its_source_or_its_file)
{
    static const struct {
        const char *wanted;
        bool found;
    } rows[] = {
        {"look at them", true},
        {"look at", false},
        {"policy.yaml:14", true},
        {"/etc/d/policy.yaml", true},
        {"policy.yaml", true},
        {"d/policy.yaml:14", true},
        {"policy.yaml:1", false},
        {"other-policy.yaml", false},
        {"icy.yaml:14", false},
        {"", false},
        {"14", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct log_filter filter = {.rule = slice_from_text(rows[i].wanted)};
        cr_assert_eq(wants(&filter, "{\"rule\":\"look at them\","
                                    "\"source\":\"/etc/d/policy.yaml:14\"}"),
                     rows[i].found, "%s", rows[i].wanted);
    }
    cr_assert(wants(&(struct log_filter){.rule = SLICE_LITERAL("preset/npm")},
                    "{\"rule\":\"x\",\"source\":\"preset/npm:3\"}"));
    cr_assert(wants(&(struct log_filter){.rule = SLICE_LITERAL("default")},
                    "{\"rule\":\"default\",\"source\":\"default\"}"));
    cr_assert_not(wants(&(struct log_filter){.rule = SLICE_LITERAL("default")}, "{}"));
}

Test(log_filter, hosts_are_matched_as_in_rules)
{
    static const struct {
        const char *pattern, *json;
        bool found;
    } rows[] = {
        {"a.test", "{\"host\":\"a.test\",\"port\":443}", true},
        {"A.TEST", "{\"host\":\"a.test\",\"port\":8443}", true},
        {"a.test", "{\"host\":\"b.a.test\",\"port\":443}", false},
        {"a.test:443", "{\"host\":\"a.test\",\"port\":443}", true},
        {"a.test:80,8000-8100", "{\"host\":\"a.test\",\"port\":8050}", true},
        {"a.test:80", "{\"host\":\"a.test\",\"port\":443}", false},
        {"a.test:80", "{\"host\":\"a.test\"}", false},
        {"a.test", "{\"host\":\"a.test\",\"question\":\"A\"}", true},
        {"*.a.test", "{\"host\":\"c.b.a.test\",\"port\":443}", true},
        {"*.a.test", "{\"host\":\"a.test\",\"port\":443}", false},
        {"*.a.test", "{\"host\":\"ba.test\",\"port\":443}", false},
        {"**.a.test", "{\"host\":\"b.a.test\"}", true},
        {"*", "{\"host\":\"not a name\"}", true},
        {"*", "{\"operation\":\"SystemInfo\"}", false},
        {"a.test", "{\"host\":\"not a name\"}", false},
        {"~[a-z]\\.test", "{\"host\":\"b.test\"}", true},
        {"~[a-z]\\.test:443", "{\"host\":\"b.test\",\"port\":443}", true},
        {"~[a-z]\\.test:443", "{\"host\":\"b.test\",\"port\":80}", false},
        {"~[a-z]\\.test", "{\"host\":\"bb.test\"}", false},
        {"10.0.0.0/8", "{\"host\":\"10.1.2.3\",\"port\":80}", true},
        {"10.0.0.0/8", "{\"host\":\"a.test\",\"address\":\"10.1.2.3\"}", true},
        {"10.0.0.0/8", "{\"host\":\"a.test\",\"address\":\"192.0.2.1,10.1.2.3\"}", true},
        {"10.0.0.0/8", "{\"host\":\"a.test\",\"address\":\"192.0.2.1\"}", false},
        {"[2001:db8::1]:443", "{\"host\":\"2001:db8::1\",\"port\":443}", true},
        {"2001:db8::/32", "{\"host\":\"2001:db8::1\",\"port\":443}", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_LOG_FILTER struct log_filter filter = {.denied = false};
        struct error error = {0};
        cr_assert(log_filter_set_host(&filter, rows[i].pattern, &error), "%s", error.text);
        cr_assert_eq(wants(&filter, rows[i].json), rows[i].found, "%s in %s", rows[i].pattern,
                     rows[i].json);
    }
}

Test(log_filter, operations_are_names_globs_and_sets)
{
    static const struct {
        const char *selector, *operation;
        bool found;
    } rows[] = {
        {"ContainerCreate", "ContainerCreate", true},
        {"ContainerCreate", "ContainerStart", false},
        {"Container*", "ContainerStart", true},
        {"Container*", "ImageList", false},
        {"@read", "ImageList", true},
        {"@read", "ContainerStart", false},
        {"@lifecycle, ImageList", "ContainerStart", true},
        {"@lifecycle, ImageList", "ImageList", true},
        {"@lifecycle, ImageList", "ImageInspect", false},
        {"@all", "NoSuchOperation", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_LOG_FILTER struct log_filter filter = {.denied = false};
        AUTO_BUFFER struct buffer json = BUFFER_EMPTY;
        struct error error = {0};
        buffer_printf(&json, "{\"operation\":\"%s\"}", rows[i].operation);
        cr_assert(log_filter_set_operation(&filter, rows[i].selector, &error), "%s", error.text);
        cr_assert_eq(wants(&filter, buffer_text(&json)), rows[i].found, "%s: %s", rows[i].selector,
                     rows[i].operation);
    }
}

Test(log_filter, what_no_condition_can_be_is_refused)
{
    static const struct {
        const char *text, *said;
        bool host;
    } rows[] = {
        {"ContainerCraete", "did you mean `ContainerCreate`?", false},
        {"@raed", "did you mean `@read`?", false},
        {"nothing-like-it", "a set like @read", false},
        {"", "a set like @read", false},
        {"ContainerCreate,", "a set like @read", false},
        {"https://a.test/x", "--host", true},
        {"a.test:0", "--host", true},
        {"~(", "--host", true},
        {"", "--host", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_LOG_FILTER struct log_filter filter = {.denied = false};
        struct error error = {0};
        cr_assert_not(rows[i].host ? log_filter_set_host(&filter, rows[i].text, &error)
                                   : log_filter_set_operation(&filter, rows[i].text, &error),
                      "%s", rows[i].text);
        cr_assert_eq(error.exit_code, 2);
        cr_assert_not_null(strstr(error.text, rows[i].said), "%s: %s", rows[i].text, error.text);
    }
}

Test(log_filter, the_end_of_a_time_is_exclusive)
{
    struct log_filter filter = {0};
    cr_assert(timestamp_parse(SLICE_LITERAL("2026-11-20T10:00:00Z"), &filter.since_us));
    cr_assert(timestamp_parse(SLICE_LITERAL("2026-11-20T11:00:00Z"), &filter.until_us));
    cr_assert(wants(&filter, "{\"ts\":\"2026-11-20T10:00:00.000000Z\"}"));
    cr_assert(wants(&filter, "{\"ts\":\"2026-11-20T10:59:59.999999Z\"}"));
    cr_assert_not(wants(&filter, "{\"ts\":\"2026-11-20T11:00:00.000000Z\"}"));
    cr_assert_not(wants(&filter, "{\"ts\":\"2026-11-20T09:59:59.999999Z\"}"));
    cr_assert_not(wants(&filter, "{\"ts\":\"yesterday\"}"));
    cr_assert_not(wants(&filter, "{}"));
}

Test(log_filter, what_is_no_time_is_said_with_the_option_and_what_would_be_one)
{
    const int64_t now_us = 1795225412000000;
    int64_t time_us = 0;
    struct error error = {0};
    cr_assert(log_filter_read_time("since", "2h", now_us, &time_us, &error), "%s", error.text);
    cr_expect_eq(time_us, now_us - INT64_C(7200000000));
    cr_assert_not(log_filter_read_time("until", "so\x1bon", now_us, &time_us, &error));
    cr_expect_eq(error.exit_code, 2);
    cr_expect_not_null(strstr(error.text, "--until `so\\x1bon` is no time"), "%s", error.text);
    cr_expect_not_null(strstr(error.text, "yesterday"), "%s", error.text);
}
