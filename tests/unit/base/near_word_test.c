/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/near_word.h"

static const char *nearest(const char *wanted)
{
    static const char *const words[] = {"ContainerCreate", "ContainerUpdate", "allow", "deny",
                                        "use"};
    struct near_word near;
    near_word_init(&near, slice_from_text(wanted));
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        near_word_offer(&near, words[i]);
    return near.best == NULL ? "-" : near.best;
}

Test(near_word, slips_are_understood_and_strangers_are_not)
{
    static const char *const rows[][2] = {
        {"ContainerCraete", "ContainerCreate"},
        {"containercreate", "ContainerCreate"},
        {"ContainerUpdat", "ContainerUpdate"},
        {"alow", "allow"},
        {"dney", "deny"},
        {"uses", "use"},
        {"frobnicate", "-"},
        {"", "-"},
        {"xyz", "-"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_str_eq(nearest(rows[i][0]), rows[i][1], "%s", rows[i][0]);
}

Test(near_word, an_overlong_word_is_near_nothing)
{
    char word[200];
    memset(word, 'a', sizeof(word));
    struct near_word near;
    near_word_init(&near, slice_of(word, sizeof(word)));
    near_word_offer(&near, "aaaa");
    cr_assert_null(near.best);
}

Test(near_word, a_hint_names_what_is_near_or_says_nothing)
{
    struct near_word near;
    near_word_init(&near, SLICE_LITERAL("alow"));
    cr_expect_str_eq(near_word_hint(&near).text, "");
    near_word_offer(&near, "deny");
    cr_expect_str_eq(near_word_hint(&near).text, "");
    near_word_offer(&near, "allow");
    cr_expect_str_eq(near_word_hint(&near).text, "; did you mean `allow`?");
}
