/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/pattern.h"

static enum pattern_result match(const char *pattern_text, const char *subject)
{
    struct pattern pattern;
    struct error error;
    cr_assert(pattern_compile(&pattern, PATTERN_VALUE, slice_from_text(pattern_text), &error), "%s",
              error.text);
    enum pattern_result result = pattern_match(&pattern, slice_from_text(subject));
    pattern_clear(&pattern);
    return result;
}

Test(pattern, values_match_as_literal_glob_or_anchored_expression)
{
    static const struct {
        const char *name, *pattern, *subject;
        enum pattern_result result;
    } rows[] = {
        {"literal", "web", "web", PATTERN_YES},
        {"literal is whole", "web", "web1", PATTERN_NO},
        {"dot is a dot", "a.c", "abc", PATTERN_NO},
        {"question mark is itself", "a?", "ab", PATTERN_NO},
        {"star at the end", "web-*", "web-1", PATTERN_YES},
        {"star may be nothing", "web*", "web", PATTERN_YES},
        {"star stops at a slash", "ghcr.io/*", "ghcr.io/a/b", PATTERN_NO},
        {"two stars go on", "ghcr.io/**", "ghcr.io/a/b", PATTERN_YES},
        {"star then literal", "*-prod", "a-prod-prod", PATTERN_YES},
        {"star after stars", "**/a*c", "x/abd/y/aac", PATTERN_YES},
        {"star between slashes", "a/*/c", "a/b/c", PATTERN_YES},
        {"star between slashes takes no slash", "a/*/c", "a/b/b/c", PATTERN_NO},
        {"many stars", "*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", PATTERN_NO},
        {"empty subject", "*", "", PATTERN_YES},
        {"expression", "~[0-9]+", "123", PATTERN_YES},
        {"anchored at the start", "~b", "ab", PATTERN_NO},
        {"anchored at the end", "~a", "ab", PATTERN_NO},
        {"alternatives are anchored too", "~a|ab", "ab", PATTERN_YES},
        {"dollar is the very end", "~a$", "a\n", PATTERN_NO},
        {"dot takes a line end", "~a.b", "a\nb", PATTERN_YES},
        {"optional last of the prefix", "~ab?c", "ac", PATTERN_YES},
        {"bytes, not characters", "~..", "\xc3\xa9", PATTERN_YES},
        {"limit", "~(a|aa)+", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", PATTERN_LIMIT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(match(rows[i].pattern, rows[i].subject), rows[i].result, "%s", rows[i].name);
}

Test(pattern, paths_match_by_segments_and_a_name_is_one)
{
    static const struct {
        const char *name, *pattern, *path, *object;
        bool matches;
    } rows[] = {
        {"literal", "/containers/json", "/containers/json", "", true},
        {"one segment", "/containers/*/json", "/containers/web/json", "web", true},
        {"whole name with slashes", "/images/*/json", "/images/docker.io/library/nginx/json",
         "docker.io/library/nginx", true},
        {"slashes divide as well", "/images/docker.io/*/nginx/json",
         "/images/docker.io/library/nginx/json", "docker.io/library/nginx", true},
        {"part of a name", "/containers/web-*/json", "/containers/web-1/json", "web-1", true},
        {"part of a name takes no slash", "/images/a*/json", "/images/ab/c/json", "ab/c", false},
        {"any number", "/containers/**", "/containers/web/json", "web", true},
        {"none included", "/networks/**", "/networks", "", true},
        {"not another beginning", "/networks/**", "/networksx", "", false},
        {"in the middle", "/**/json", "/images/a/b/json", "a/b", true},
        {"no more segments", "/containers/*", "/containers/web/json", "web", false},
        {"expression over the whole path", "~/containers/[0-9a-f]{12}/json",
         "/containers/0123456789ab/json", "0123456789ab", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(pattern_clear) struct pattern pattern;
        struct error error;
        cr_assert(
            pattern_compile(&pattern, PATTERN_PATH, slice_from_text(rows[i].pattern), &error));
        const char *at = strstr(rows[i].path, rows[i].object);
        bool matches =
            pattern_match_path(&pattern, slice_from_text(rows[i].path), (size_t)(at - rows[i].path),
                               strlen(rows[i].object)) == PATTERN_YES;
        cr_expect_eq(matches, rows[i].matches, "%s", rows[i].name);
    }
}

Test(pattern, templates_say_what_can_never_match)
{
    static const struct {
        const char *pattern, *path_template;
        bool may;
    } rows[] = {
        {"/containers/*/json", "/containers/{id}/json", true},
        {"/containers/a/b/json", "/containers/{id}/json", true},
        {"/containers/json", "/containers/{id}/json", false},
        {"/containers/**", "/containers/json", true},
        {"/**/json", "/containers/{id}/json", true},
        {"/**/x/**/y/**", "/containers/{id}/json", true},
        {"/**/x/**/y", "/containers/{id}/json", false},
        {"/container/*", "/containers/{id}", false},
        {"~/containers/[a-z]+", "/containers/{id}", true},
        {"~/images/.*", "/containers/{id}", false},
        {"~/a|/containers/x", "/containers/{id}", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(pattern_clear) struct pattern pattern;
        struct error error;
        cr_assert(
            pattern_compile(&pattern, PATTERN_PATH, slice_from_text(rows[i].pattern), &error));
        cr_expect_eq(pattern_may_match_template(&pattern, rows[i].path_template), rows[i].may,
                     "%s on %s", rows[i].pattern, rows[i].path_template);
    }
}

Test(pattern, what_does_not_compile_is_refused_with_its_place)
{
    struct pattern pattern;
    struct error error;
    cr_assert_not(pattern_compile(&pattern, PATTERN_VALUE, SLICE_LITERAL("~ab("), &error));
    cr_assert_eq(error.column, 5);
    cr_assert_not(pattern_compile(&pattern, PATTERN_VALUE, SLICE_LITERAL("~(*UTF)a"), &error));
    cr_assert_not(pattern_compile(&pattern, PATTERN_VALUE, SLICE_LITERAL("a\0b"), &error));
    cr_assert_not(pattern_compile(&pattern, PATTERN_PATH, SLICE_LITERAL("/a**"), &error));
}
