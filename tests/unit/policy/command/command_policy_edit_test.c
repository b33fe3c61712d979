/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "policy/command/command_policy_edit.h"

Test(command_policy_edit, resources_are_divided_at_commas_that_divide)
{
    static const struct {
        const char *name, *text, *parts;
    } rows[] = {
        {"one", "a.example", "[a.example]"},
        {"several", "a.example,b.example", "[a.example][b.example]"},
        {"blanks", " a.example , b.example ", "[a.example][b.example]"},
        {"nothing between", "a,,b,", "[a][][b][]"},
        {"ports", "a:22,80,8000-8100,b", "[a:22,80,8000-8100][b]"},
        {"a port and a name of digits", "a:22,80x", "[a:22][80x]"},
        {"an address behind a name", "a,10.0.0.1,b", "[a][10.0.0.1][b]"},
        {"a star behind ports", "a:22,*,b:1", "[a:22][*][b:1]"},
        {"digits behind a name", "a,80", "[a][80]"},
        {"an address with colons", "[2001:db8::1]:443,22,x", "[[2001:db8::1]:443,22][x]"},
        {"an expression", "~a{1,3},b", "[~a{1,3},b]"},
        {"an expression behind another", "a,~b{1,3}", "[a][~b{1,3}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer parts = BUFFER_EMPTY;
        struct slice rest = slice_from_text(rows[i].text);
        while (rest.ptr != NULL) {
            struct slice part = policy_edit_next_resource(&rest);
            buffer_printf(&parts, "[%.*s]", (int)part.len, part.ptr);
        }
        cr_expect_str_eq(buffer_text(&parts), rows[i].parts, "%s: %s", rows[i].name,
                         buffer_text(&parts));
    }
}

Test(command_policy_edit, a_word_in_front_is_a_scope_when_it_can_be_no_resource)
{
    static const struct {
        const char *word;
        bool is_scope;
    } rows[] = {
        {"agents", true},
        {"box-1", true},
        {"a_b", true},
        {"", false},
        {"12", false},
        {"a.b", false},
        {"ContainerStart", false},
        {"*", false},
        {"a:1", false},
        {"@read", false},
        {"a,b", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(policy_edit_is_scope(rows[i].word), rows[i].is_scope, "%s", rows[i].word);
}

Test(command_policy_edit, all_spellings_of_a_scope_must_agree, .init = cr_redirect_stderr)
{
    static const struct {
        const char *name, *client, *sandbox, *positional, *found;
        bool global, good;
    } rows[] = {
        {"none", NULL, NULL, NULL, NULL, false, true},
        {"client", "a", NULL, NULL, "a", false, true},
        {"sandbox", NULL, "a", NULL, "a", false, true},
        {"in front", NULL, NULL, "a", "a", false, true},
        {"all alike", "a", "a", "a", "a", false, true},
        {"two names", "a", "b", NULL, NULL, false, false},
        {"another in front", "a", NULL, "b", NULL, false, false},
        {"global", NULL, NULL, NULL, NULL, true, true},
        {"global and a name", "a", NULL, NULL, NULL, true, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct option_value client = {.text = rows[i].client};
        const struct option_value sandbox = {.text = rows[i].sandbox};
        const struct option_value global = {.flag = rows[i].global};
        const struct policy_edit_scope words = {&client, &sandbox, &global, rows[i].positional};
        const char *found;
        bool good = policy_edit_scope("policy allow", &words, &found);
        cr_expect_eq(good, rows[i].good, "%s", rows[i].name);
        if (good)
            cr_expect(found == rows[i].found || strcmp(found, rows[i].found) == 0, "%s",
                      rows[i].name);
    }
}
