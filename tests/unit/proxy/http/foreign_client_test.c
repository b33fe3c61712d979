/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "proxy/http/foreign_client.h"
#include "rules/reason.h"

Test(foreign_client, each_is_answered_in_its_own_protocol)
{
    static const struct {
        const char *what;
        char first;
        size_t len;
        const char *answer;
    } rows[] = {
        {"TLS: a fatal alert, unexpected_message", 0x16, 7, "\x15\x03\x03\0\x02\x02\x0a"},
        {"SOCKS 5: no acceptable method", 0x05, 2, "\x05\xff"},
        {"SOCKS 4: rejected", 0x04, 8, "\0\x5b\0\0\0\0\0\0"},
        {"HTTP", 'G', 0, ""},
        {"nothing", '\0', 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned char answer[FOREIGN_CLIENT_ANSWER_MAX];
        cr_assert_eq(foreign_client_answer(rows[i].first, answer), rows[i].len, "%s", rows[i].what);
        cr_expect_arr_eq(answer, rows[i].answer, rows[i].len, "%s", rows[i].what);
    }
}

Test(foreign_client, people_read_what_to_write_instead)
{
    cr_expect(strstr(foreign_client_advice(0x16, HTTP_TO_PROXY),
                     "this proxy speaks HTTP: write http://") != NULL);
    cr_expect(strstr(foreign_client_advice(0x05, HTTP_TO_PROXY),
                     "this proxy speaks HTTP: write http://") != NULL);
    cr_expect(strstr(foreign_client_advice(0x16, HTTP_TO_ENGINE), "DOCKER_TLS_VERIFY") != NULL);
    for (int to = HTTP_TO_ENGINE; to <= HTTP_TO_PROXY; to++) {
        cr_expect_neq(foreign_client_advice(0x04, (enum http_addressee)to), NULL);
        cr_expect_eq(foreign_client_advice('G', (enum http_addressee)to), NULL);
    }
}

Test(foreign_client, only_what_was_refused_for_it_is_foreign)
{
    cr_expect_eq(foreign_client_first(REASON_MALFORMED_TLS, SLICE_LITERAL("\x16\x03")), 0x16);
    cr_expect_eq(foreign_client_first(REASON_MALFORMED_SOCKS, SLICE_LITERAL("\x05")), 0x05);
    cr_expect_eq(foreign_client_first(REASON_MALFORMED_METHOD, SLICE_LITERAL("\x16")), '\0');
}
