/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/docker/api_version.h"

Test(api_version, newer_than_the_table)
{
    static const struct {
        const char *text;
        bool newer;
    } rows[] = {
        {"1.24", false},
        {"1.55", false},
        {"1.56", true},
        {"1.100", true},
        {"2.0", true},
        {"1.9", false},
        {"0.99", false},
        {"", false},
        {"1", false},
        {"1.", false},
        {"v1.56", false},
        {"1.56 ", false},
        {"1.56.0", false},
        {"1.99999", true},
        {"1.100000000000000000000", true},
        {"99999999999999999999.0", true},
        {"0.99999999999999999999", false},
        {"1.99999999999x", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(api_version_is_newer(slice_from_text(rows[i].text)), rows[i].newer, "%s",
                     rows[i].text);
}

Test(api_version, minor_versions_are_read)
{
    unsigned minor = 7;
    cr_expect(api_version_parse(SLICE_LITERAL("1.41"), &minor));
    cr_expect_eq(minor, 41);
    static const char *const bad[] = {"",      "1",     "1.",    "2.0",          "1.x",
                                      "1.41.", " 1.41", "10.41", "4294967297.41"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        cr_expect_not(api_version_parse(slice_from_text(bad[i]), &minor), "%s", bad[i]);
    cr_expect_eq(minor, 41);
}

Test(api_version, an_answer_is_lowered_and_else_stays_byte_for_byte)
{
    static const struct {
        const char *name, *json, *lowered; /* NULL = not JSON */
    } rows[] = {
        {"newer", "{\"ApiVersion\":\"1.56\",\"MinAPIVersion\":\"1.40\"}",
         "{\"ApiVersion\":\"1.55\",\"MinAPIVersion\":\"1.40\"}"},
        {"another length", "{ \"ApiVersion\" : \"1.100\" }\n", "{ \"ApiVersion\" : \"1.55\" }\n"},
        {"another major version", "{\"ApiVersion\":\"2.0\"}", "{\"ApiVersion\":\"1.55\"}"},
        {"not newer", "{\"ApiVersion\":\"1.55\", \"x\": 1.10, \"y\": [ ]}",
         "{\"ApiVersion\":\"1.55\", \"x\": 1.10, \"y\": [ ]}"},
        {"components",
         "{\"Components\":[{\"Name\":\"Engine\",\"Details\":{\"ApiVersion\":\"1.56\",\"Os\":\"l\"}}"
         ","
         "{\"Details\":{\"GitCommit\":\"\\u00e9\"}}, {}, 5],\"ApiVersion\":\"1.56\"}",
         "{\"Components\":[{\"Name\":\"Engine\",\"Details\":{\"ApiVersion\":\"1.55\",\"Os\":\"l\"}}"
         ","
         "{\"Details\":{\"GitCommit\":\"\\u00e9\"}}, {}, 5],\"ApiVersion\":\"1.55\"}"},
        {"elsewhere", "{\"a\":{\"ApiVersion\":\"1.56\"},\"b\":\"1.56\",\"c\":[\"ApiVersion\"]}",
         "{\"a\":{\"ApiVersion\":\"1.56\"},\"b\":\"1.56\",\"c\":[\"ApiVersion\"]}"},
        {"an escaped key", "{\"\\u0041piVersion\":\"1.56\"}", "{\"\\u0041piVersion\":\"1.55\"}"},
        {"twice", "{\"ApiVersion\":\"1.56\",\"ApiVersion\":\"1.57\"}",
         "{\"ApiVersion\":\"1.55\",\"ApiVersion\":\"1.55\"}"},
        {"no text", "{\"ApiVersion\":1.56}", "{\"ApiVersion\":1.56}"},
        {"empty", "{}", "{}"},
        {"cut short", "{\"ApiVersion\":\"1.56\"", NULL},
        {"a list", "[\"ApiVersion\",\"1.56\"]", NULL},
        {"nothing", "", NULL},
        {"text behind", "{\"ApiVersion\":\"1.56\"} x", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        bool good = api_version_lower(slice_from_text(rows[i].json), &out);
        cr_expect_eq(good, rows[i].lowered != NULL, "%s", rows[i].name);
        cr_expect(slice_equal_text(buffer_slice(&out), good ? rows[i].lowered : ""), "%s: %.*s",
                  rows[i].name, (int)out.len, out.data);
    }
}

Test(api_version, the_oldest_that_an_engine_serves)
{
    cr_expect_eq(api_version_minimum(SLICE_LITERAL("{\"MinAPIVersion\":\"1.44\"}")), 44);
    cr_expect_eq(api_version_minimum(SLICE_LITERAL("{\"MinAPIVersion\":\"x\"}")), 0);
    cr_expect_eq(api_version_minimum(SLICE_LITERAL("no")), 0);
    cr_expect_eq(api_version_of_refusal(SLICE_LITERAL(
                     "client version 1.55 is too old. Minimum supported API version is 1.60, "
                     "please upgrade your client to a newer version")),
                 60);
    cr_expect_eq(api_version_of_refusal(SLICE_LITERAL("Minimum supported API version is ")), 0);
    cr_expect_eq(api_version_of_refusal(SLICE_LITERAL("OK")), 0);
    cr_expect_eq(api_version_of_refusal(SLICE_LITERAL("")), 0);
}
