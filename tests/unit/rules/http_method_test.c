/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/http_method.h"

Test(http_method, names_are_read_back_and_case_counts)
{
    for (int i = HTTP_METHOD_GET; i < HTTP_METHOD_COUNT; i++) {
        const char *name = http_method_name((enum http_method)i);
        cr_expect_eq((int)http_method_from_name(slice_from_text(name)), i, "%s", name);
    }
    static const char *const unknown[] = {"", "get", "Get", "GETS", "GE", "Propfind", "FETCH", "?"};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        cr_expect_eq(http_method_from_name(slice_from_text(unknown[i])), HTTP_METHOD_UNKNOWN);
}

Test(http_method, a_method_is_a_token_without_small_letters)
{
    static const struct {
        const char *name;
        bool is;
    } rows[] = {
        {"GET", true},  {"M-SEARCH", true}, {"BREW2", true},  {"*", true},
        {"", false},    {"get", false},     {"Get", false},   {"A B", false},
        {"A\t", false}, {"A:", false},      {"A\xe9", false}, {"(", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(http_method_is_token(slice_from_text(rows[i].name)), rows[i].is, "%s",
                     rows[i].name);
    char longest[HTTP_METHOD_LEN_MAX + 1];
    memset(longest, 'A', sizeof(longest));
    cr_expect(http_method_is_token(slice_of(longest, HTTP_METHOD_LEN_MAX)));
    cr_expect_not(http_method_is_token(slice_of(longest, sizeof(longest))));
    cr_expect_not(http_method_is_token(SLICE_LITERAL("A\0B")));
}

Test(http_method, only_get_and_head_are_for_reading)
{
    for (int i = HTTP_METHOD_UNKNOWN; i < HTTP_METHOD_COUNT; i++)
        cr_expect_eq(http_method_is_read((enum http_method)i),
                     i == HTTP_METHOD_GET || i == HTTP_METHOD_HEAD);
}
