/* SPDX-License-Identifier: Apache-2.0
 *
 * The translation is held against the C library's own regexec() and fnmatch(): whatever it accepts
 * must match just the same hosts. */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <regex.h>

#include "policy/import/posix_expression.h"
#include "rules/pattern.h"

static const char *const hosts[] = {
    "example.com",
    "www.example.com",
    "a.b.example.com",
    "notexample.com",
    "example.com.test",
    "examplexcom",
    "api1.test",
    "api.test",
    "api22.test",
    "ads.test",
    "10.0.0.1",
    "a",
    "aa",
    "aaa",
    "ab.test",
    "x-y.test",
    "under_score.test",
    "b",
    "com",
    "xn--bcher-kva.test",
    "track.ads.test",
    "2001:db8::1",
    "a.test",
    "caret.test",
    "+.test",
};

static bool native(enum posix_expression_kind kind, const char *text, const char *host)
{
    regex_t regex;
    if (kind == POSIX_EXPRESSION_FNMATCH)
        return fnmatch(text, host, 0) == 0;
    int flags = REG_NOSUB | (kind == POSIX_EXPRESSION_EXTENDED ? REG_EXTENDED : 0);
    cr_assert_eq(regcomp(&regex, text, flags), 0, "%s", text);
    bool matches = regexec(&regex, host, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

static bool ours(const struct buffer *pattern, const char *host)
{
    struct pattern compiled;
    struct error error;
    struct slice text = slice_of(pattern->data + 1, pattern->len - 1);
    cr_assert(pattern_compile(&compiled, PATTERN_VALUE, buffer_slice(pattern), &error), "%.*s: %s",
              (int)text.len, text.ptr, error.text);
    bool matches = pattern_match(&compiled, slice_from_text(host)) == PATTERN_YES;
    pattern_clear(&compiled);
    return matches;
}

Test(posix_expression, what_is_accepted_matches_as_the_c_library_does)
{
    static const struct {
        enum posix_expression_kind kind;
        const char *text;
    } rows[] = {
        {POSIX_EXPRESSION_BASIC, "example.com"},
        {POSIX_EXPRESSION_BASIC, "^example\\.com$"},
        {POSIX_EXPRESSION_BASIC, "example\\.com$"},
        {POSIX_EXPRESSION_BASIC, "(.*\\.)?example\\.com"},
        {POSIX_EXPRESSION_BASIC, "\\(^\\|\\.\\)example\\.com$"},
        {POSIX_EXPRESSION_BASIC, "^*a"},
        {POSIX_EXPRESSION_BASIC, "a\\{2,3\\}"},
        {POSIX_EXPRESSION_BASIC, "a\\+b\\?"},
        {POSIX_EXPRESSION_BASIC, "a^b"},
        {POSIX_EXPRESSION_BASIC, "a$b"},
        {POSIX_EXPRESSION_BASIC, "[+]"},
        {POSIX_EXPRESSION_BASIC, "+"},
        {POSIX_EXPRESSION_BASIC, "[^a-z.]"},
        {POSIX_EXPRESSION_BASIC, "[]a]"},
        {POSIX_EXPRESSION_BASIC, "^[[:alpha:]]*$"},
        {POSIX_EXPRESSION_EXTENDED, "^(.*\\.)?example\\.com$"},
        {POSIX_EXPRESSION_EXTENDED, "(^|\\.)ads\\.test$"},
        {POSIX_EXPRESSION_EXTENDED, "^api[0-9]+\\.test$"},
        {POSIX_EXPRESSION_EXTENDED, "a|b"},
        {POSIX_EXPRESSION_EXTENDED, "^(a|b)$"},
        {POSIX_EXPRESSION_EXTENDED, "^a{2}$"},
        {POSIX_EXPRESSION_EXTENDED, "^[a\\]]"},
        {POSIX_EXPRESSION_EXTENDED, "\\+\\.test"},
        {POSIX_EXPRESSION_EXTENDED, "_"},
        {POSIX_EXPRESSION_EXTENDED, "."},
        {POSIX_EXPRESSION_EXTENDED, "^.$"},
        {POSIX_EXPRESSION_FNMATCH, "*.example.com"},
        {POSIX_EXPRESSION_FNMATCH, "example.com"},
        {POSIX_EXPRESSION_FNMATCH, "a?.test"},
        {POSIX_EXPRESSION_FNMATCH, "[!a]*"},
        {POSIX_EXPRESSION_FNMATCH, "api[0-9].test"},
        {POSIX_EXPRESSION_FNMATCH, "\\a*"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer pattern = BUFFER_EMPTY;
        struct posix_expression_bounds bounds;
        struct error error = {0};
        cr_assert(posix_expression_write(rows[i].kind, slice_from_text(rows[i].text), false,
                                         &pattern, &bounds, &error),
                  "%s: %s", rows[i].text, error.text);
        for (size_t j = 0; j < ARRAY_LEN(hosts); j++)
            cr_expect_eq(ours(&pattern, hosts[j]), native(rows[i].kind, rows[i].text, hosts[j]),
                         "%s (%s) on %s", rows[i].text, buffer_text(&pattern), hosts[j]);
    }
}

Test(posix_expression, what_has_no_sure_counterpart_is_refused)
{
    static const struct {
        const char *name;
        enum posix_expression_kind kind;
        const char *text;
    } rows[] = {
        {"a back reference", POSIX_EXPRESSION_BASIC, "\\(a\\)\\1"},
        {"a word's boundary", POSIX_EXPRESSION_EXTENDED, "\\bads"},
        {"a word's start", POSIX_EXPRESSION_EXTENDED, "\\<ads"},
        {"a quantifier on a quantifier", POSIX_EXPRESSION_EXTENDED, "a+?"},
        {"a quantifier first", POSIX_EXPRESSION_EXTENDED, "*a"},
        {"a quantifier on an anchor", POSIX_EXPRESSION_EXTENDED, "^*a"},
        {"a verb of PCRE2", POSIX_EXPRESSION_EXTENDED, "(*FAIL)"},
        {"a group of PCRE2", POSIX_EXPRESSION_EXTENDED, "(?=a)"},
        {"a parenthesis too many", POSIX_EXPRESSION_EXTENDED, "a)|(b"},
        {"a parenthesis too few", POSIX_EXPRESSION_BASIC, "\\(a"},
        {"a bracket that stays open", POSIX_EXPRESSION_BASIC, "[a"},
        {"a collating element", POSIX_EXPRESSION_BASIC, "[[.a.]]"},
        {"an unknown class", POSIX_EXPRESSION_BASIC, "[[:word:]]"},
        {"a brace that is none", POSIX_EXPRESSION_EXTENDED, "a{x}"},
        {"a backslash at the end", POSIX_EXPRESSION_BASIC, "a\\"},
        {"a byte that is no ASCII", POSIX_EXPRESSION_BASIC, "\xc3\xa4"},
        {"an escaped bracket of fnmatch", POSIX_EXPRESSION_FNMATCH, "[\\a]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer pattern = BUFFER_EMPTY;
        struct posix_expression_bounds bounds;
        struct error error = {0};
        cr_expect_not(posix_expression_write(rows[i].kind, slice_from_text(rows[i].text), false,
                                             &pattern, &bounds, &error),
                      "%s: %s", rows[i].name, buffer_text(&pattern));
    }
}

Test(posix_expression, plain_names_are_found_and_nothing_else)
{
    static const struct {
        enum posix_expression_kind kind;
        const char *text, *first, *second; /* NULL = an expression */
    } rows[] = {
        {POSIX_EXPRESSION_BASIC, "^example\\.com$", "example.com", NULL},
        {POSIX_EXPRESSION_BASIC, "\\.example\\.com$", "*.example.com", NULL},
        {POSIX_EXPRESSION_BASIC, "\\(^\\|\\.\\)example\\.com$", "example.com", "*.example.com"},
        {POSIX_EXPRESSION_BASIC, "^Example\\.COM$", "example.com", NULL},
        {POSIX_EXPRESSION_BASIC, "^(.*\\.)?example\\.com$", NULL, NULL},
        {POSIX_EXPRESSION_BASIC, "example\\.com", NULL, NULL},
        {POSIX_EXPRESSION_BASIC, "^example.com$", NULL, NULL},
        {POSIX_EXPRESSION_EXTENDED, "^(.*\\.)?example\\.com$", "example.com", "*.example.com"},
        {POSIX_EXPRESSION_EXTENDED, "(^|\\.)example\\.com$", "example.com", "*.example.com"},
        {POSIX_EXPRESSION_EXTENDED, "^10\\.0\\.0\\.1$", "10.0.0.1", NULL},
        {POSIX_EXPRESSION_EXTENDED, "\\.0\\.0\\.1$", NULL, NULL},
        {POSIX_EXPRESSION_EXTENDED, "^a|b$", NULL, NULL},
        {POSIX_EXPRESSION_FNMATCH, "example.com", "example.com", NULL},
        {POSIX_EXPRESSION_FNMATCH, "*.example.com", "*.example.com", NULL},
        {POSIX_EXPRESSION_FNMATCH, "*example.com", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_POSIX_PATTERNS struct posix_expression_patterns patterns;
        struct error error = {0};
        cr_assert(posix_expression_read(rows[i].kind, slice_from_text(rows[i].text), false,
                                        &patterns, &error),
                  "%s: %s", rows[i].text, error.text);
        cr_expect_eq(patterns.count, rows[i].second != NULL ? 2 : 1, "%s", rows[i].text);
        const char *first = buffer_text(&patterns.items[0]);
        if (rows[i].first == NULL)
            cr_expect_eq(first[0], '~', "%s: %s", rows[i].text, first);
        else
            cr_expect_str_eq(first, rows[i].first, "%s", rows[i].text);
        if (rows[i].second != NULL)
            cr_expect_str_eq(buffer_text(&patterns.items[1]), rows[i].second, "%s", rows[i].text);
    }
}

Test(posix_expression, what_is_open_and_what_is_dead)
{
    enum { BEFORE = 1, AFTER = 2, BOTH = 3, DEAD = 4 };
    static const struct {
        const char *text;
        enum posix_expression_kind kind;
        unsigned bounds;
    } rows[] = {
        {"github.com", POSIX_EXPRESSION_BASIC, BOTH},
        {"^github.com$", POSIX_EXPRESSION_BASIC, 0},
        {"^github.com", POSIX_EXPRESSION_BASIC, AFTER},
        {"github.com$", POSIX_EXPRESSION_BASIC, BEFORE},
        {"\\.github.com$", POSIX_EXPRESSION_BASIC, 0},
        {"\\(^\\|\\.\\)github.com$", POSIX_EXPRESSION_BASIC, 0},
        {"^(.*\\.)?github\\.com$", POSIX_EXPRESSION_BASIC, DEAD},
        {"*.github.com", POSIX_EXPRESSION_BASIC, BOTH | DEAD},
        {"^https://github\\.com/", POSIX_EXPRESSION_BASIC, AFTER | DEAD},
        {"a\\|/", POSIX_EXPRESSION_BASIC, BOTH},
        {"(^|\\.)api[0-9]\\.test$", POSIX_EXPRESSION_EXTENDED, 0},
        {"(^|\\.)?api[0-9]\\.test$", POSIX_EXPRESSION_EXTENDED, BEFORE},
        {"(|\\.)api[0-9]\\.test$", POSIX_EXPRESSION_EXTENDED, BEFORE},
        {"((^|\\.)a|b)[0-9]\\.test$", POSIX_EXPRESSION_EXTENDED, BEFORE},
        {"^a$|b$", POSIX_EXPRESSION_EXTENDED, BEFORE},
        {"^a|^b$", POSIX_EXPRESSION_EXTENDED, AFTER},
        {"\\.?a[0-9]$", POSIX_EXPRESSION_EXTENDED, BEFORE},
        {"^a/?b$", POSIX_EXPRESSION_EXTENDED, 0},
        {"^a/{0,1}b$", POSIX_EXPRESSION_EXTENDED, 0},
        {"^a/+b$", POSIX_EXPRESSION_EXTENDED, DEAD},
        {"^a(/|)b$", POSIX_EXPRESSION_EXTENDED, 0},
        {"a*", POSIX_EXPRESSION_FNMATCH, 0},
        {"https://a*", POSIX_EXPRESSION_FNMATCH, DEAD},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer pattern = BUFFER_EMPTY;
        struct posix_expression_bounds bounds;
        struct error error = {0};
        cr_assert(posix_expression_write(rows[i].kind, slice_from_text(rows[i].text), false,
                                         &pattern, &bounds, &error),
                  "%s: %s", rows[i].text, error.text);
        cr_expect_eq((bounds.open_before ? BEFORE : 0) | (bounds.open_after ? AFTER : 0) |
                         (bounds.dead ? DEAD : 0),
                     rows[i].bounds, "%s", rows[i].text);
        for (size_t j = 0; j < ARRAY_LEN(hosts) && bounds.dead; j++)
            cr_expect_not(native(rows[i].kind, rows[i].text, hosts[j]), "%s on %s", rows[i].text,
                          hosts[j]);
    }
}
