/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways through folders and links, and characters that do not show. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hidden_character.h"
#include "base/path_walk.h"
#include "tests/unit/policy/policy_fixture.h"

static void in_folder(const struct policy_fixture *fixture, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", fixture->folder, name);
}

Test(path_walk, a_link_that_leads_nowhere_is_not_absent)
{
    static const struct {
        const char *name, *path;
        enum path_walk_result wanted;
    } rows[] = {
        {"a file", "file", PATH_WALK_FOUND},
        {"nothing", "none", PATH_WALK_ABSENT},
        {"nothing in nothing", "none/none", PATH_WALK_ABSENT},
        {"a dangling link", "dangling", PATH_WALK_FAILED},
        {"behind a dangling link", "dangling/x", PATH_WALK_FAILED},
        {"a dangling link behind a link", "twice", PATH_WALK_FAILED},
        {"nothing behind a good link", "good/none", PATH_WALK_ABSENT},
        {"below a file", "file/x", PATH_WALK_FAILED},
        {"a circle", "circle", PATH_WALK_FAILED},
        {"up and down", "folder/../file", PATH_WALK_FOUND},
        {"a link of two steps", "deep", PATH_WALK_FAILED},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    char path[256];
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, "file", "x");
    in_folder(&fixture, "folder", path);
    cr_assert_eq(mkdir(path, 0755), 0);
    static const char *const links[][2] = {{"dangling", "nowhere"},
                                           {"twice", "dangling"},
                                           {"good", "folder"},
                                           {"circle", "circle"},
                                           {"deep", "folder/none"}};
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        in_folder(&fixture, links[i][0], path);
        cr_assert_eq(symlink(links[i][1], path), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        in_folder(&fixture, rows[i].path, path);
        cr_expect_eq(path_walk(path, NULL, NULL), rows[i].wanted, "%s", rows[i].name);
    }
}

Test(hidden_character, places_are_counted_in_characters)
{
    static const char text[] = "a\r\nb\xc2\x85"
                               "c\xe2\x80\xa8\n\xc3\xa4\xe2\x80\x8b\r";
    static const struct hidden_character wanted[] = {
        {HIDDEN_CHARACTER_BREAK, 0x85, 2, 2},
        {HIDDEN_CHARACTER_BREAK, 0x2028, 2, 4},
        {HIDDEN_CHARACTER_INVISIBLE, 0x200b, 3, 2},
        {HIDDEN_CHARACTER_BREAK, '\r', 3, 3},
    };
    struct hidden_character_search search;
    struct hidden_character found;
    hidden_character_begin(&search, text, sizeof(text) - 1);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        cr_assert(hidden_character_next(&search, &found));
        cr_expect_eq(found.kind, wanted[i].kind, "%zu", i);
        cr_expect_eq(found.point, wanted[i].point, "%zu", i);
        cr_expect_eq(found.line, wanted[i].line, "%zu", i);
        cr_expect_eq(found.column, wanted[i].column, "%zu", i);
    }
    cr_expect_not(hidden_character_next(&search, &found));
}
