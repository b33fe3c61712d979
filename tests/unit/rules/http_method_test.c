/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/http_method.h"

Test(http_method, names_are_read_back_and_case_counts)
{
    for (int i = HTTP_METHOD_GET; i < HTTP_METHOD_COUNT; i++) {
        const char *name = http_method_name((enum http_method)i);
        cr_expect_eq((int)http_method_from_name(slice_from_text(name)), i, "%s", name);
    }
    static const char *const unknown[] = {"", "get", "Get", "GETS", "GE", "PROPFIND", "?"};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        cr_expect_eq(http_method_from_name(slice_from_text(unknown[i])), HTTP_METHOD_UNKNOWN);
}

Test(http_method, only_get_and_head_are_for_reading)
{
    for (int i = HTTP_METHOD_UNKNOWN; i < HTTP_METHOD_COUNT; i++)
        cr_expect_eq(http_method_is_read((enum http_method)i),
                     i == HTTP_METHOD_GET || i == HTTP_METHOD_HEAD);
}
