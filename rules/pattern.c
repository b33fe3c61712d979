/* SPDX-License-Identifier: Apache-2.0
 *
 * Matching of literals, the two globs and PCRE2 expressions. The globs are matched with one or two
 * places to go back to, never by recursion, so that a hostile subject costs at most its length
 * times the pattern's. An expression gets its working memory from an arena on the stack: no
 * allocation, no sharing between threads, and a bound on memory that cannot be forgotten. */
#include "rules/pattern.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

enum {
    SEGMENTS_MAX = 64,            /* in a path pattern */
    TEMPLATE_SEGMENTS_MAX = 16,   /* in an operation's path */
    MATCH_STEPS_MAX = 20000,      /* PCRE2's match limit */
    MATCH_DEPTH_MAX = 1000,       /* and its limit on nested backtracking */
    MATCH_ARENA_BYTES = 72 * 1024 /* the first frames are 20 kB, doubled once */
};

/* The value glob. `*` never takes a slash, so when the last `*` is stuck an earlier one cannot
 * help: only the last `**` can. */
static bool value_glob_match(struct slice glob, struct slice subject)
{
    size_t g = 0, s = 0;
    size_t star_g = SIZE_MAX, star_s = 0, deep_g = SIZE_MAX, deep_s = 0;
    for (;;) {
        if (g < glob.len && glob.ptr[g] == '*') {
            bool deep = false;
            size_t run = g;
            while (run < glob.len && glob.ptr[run] == '*')
                run++;
            deep = run - g >= 2;
            g = run;
            if (deep) {
                deep_g = g;
                deep_s = s;
                star_g = SIZE_MAX;
            } else {
                star_g = g;
                star_s = s;
            }
            continue;
        }
        if (s == subject.len && g == glob.len)
            return true;
        if (s < subject.len && g < glob.len && glob.ptr[g] == subject.ptr[s]) {
            g++;
            s++;
            continue;
        }
        if (star_g != SIZE_MAX && star_s < subject.len && subject.ptr[star_s] != '/') {
            s = ++star_s;
            g = star_g;
            continue;
        }
        if (deep_g != SIZE_MAX && deep_s < subject.len) {
            s = ++deep_s;
            g = deep_g;
            star_g = SIZE_MAX;
            continue;
        }
        return false;
    }
}

/* One segment of a path pattern against one segment of a path, or against a whole name. */
static bool segment_match(struct slice glob, struct slice segment)
{
    if (slice_equal_text(glob, "*"))
        return segment.len > 0;
    return value_glob_match(glob, segment);
}

/* Cuts the segment that starts behind the slash at `at`; *at moves to the next slash or the end. A
 * name is one segment. */
static struct slice next_segment(struct slice path, size_t *at, size_t name_at, size_t name_len)
{
    size_t from = *at + 1;
    size_t to = from;
    if (name_len > 0 && from == name_at)
        to = name_at + name_len;
    while (to < path.len && path.ptr[to] != '/')
        to++;
    *at = to;
    return slice_of(path.ptr + from, to - from);
}

static bool path_glob_match(struct slice glob, struct slice path, size_t name_at, size_t name_len)
{
    size_t g = 0, p = 0;
    size_t deep_g = SIZE_MAX, deep_p = 0;
    for (;;) {
        if (g < glob.len) {
            size_t g_next = g;
            struct slice wanted = next_segment(glob, &g_next, 0, 0);
            if (slice_equal_text(wanted, "**")) {
                deep_g = g = g_next;
                deep_p = p;
                continue;
            }
            size_t p_next = p;
            if (p < path.len &&
                segment_match(wanted, next_segment(path, &p_next, name_at, name_len))) {
                g = g_next;
                p = p_next;
                continue;
            }
        } else if (p >= path.len) {
            return true;
        }
        if (deep_g == SIZE_MAX || deep_p >= path.len)
            return false;
        (void)next_segment(path, &deep_p, name_at, name_len);
        p = deep_p;
        g = deep_g;
    }
}

/* A bump allocator for one match. */
struct arena {
    size_t used;
    alignas(max_align_t) unsigned char bytes[MATCH_ARENA_BYTES];
};

static void *arena_allocate(size_t size, void *context)
{
    struct arena *arena = context;
    size_t rounded =
        (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (rounded < size || rounded > sizeof(arena->bytes) - arena->used)
        return NULL;
    void *block = arena->bytes + arena->used;
    arena->used += rounded;
    return block;
}

static void arena_release(void *, void *)
{
}

static enum pattern_result regex_match(const struct pattern *pattern, struct slice subject)
{
    if (!slice_starts_with(subject, slice_of(pattern->prefix, pattern->prefix_len)))
        return PATTERN_NO;
    struct arena arena;
    arena.used = 0;
    pcre2_general_context *memory =
        pcre2_general_context_create(arena_allocate, arena_release, &arena);
    pcre2_match_data *data = memory == NULL ? NULL : pcre2_match_data_create(1, memory);
    if (data == NULL)
        return PATTERN_LIMIT;
    int result = pcre2_match(pattern->code, (PCRE2_SPTR)(subject.ptr == NULL ? "" : subject.ptr),
                             subject.len, 0, 0, data, pattern->limits);
    if (result >= 0)
        return PATTERN_YES;
    return result == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_LIMIT;
}

/* How many bytes behind the `~` stand for themselves at the start of every match: none where an
 * alternative could begin anew. */
static size_t regex_prefix_len(struct slice expression)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-:@=,";
    if (expression.len == 0 || memchr(expression.ptr, '|', expression.len) != NULL)
        return 0;
    size_t len = 0;
    while (len < expression.len && memchr(plain, expression.ptr[len], sizeof(plain) - 1) != NULL)
        len++;
    if (len > 0 && len < expression.len && strchr("?*{", expression.ptr[len]) != NULL)
        len--;
    return len;
}

static bool compile_regex(struct pattern *pattern, struct error *error)
{
    struct slice expression = slice_of(pattern->text.ptr + 1, pattern->text.len - 1);
    int code = 0;
    PCRE2_SIZE offset = 0;
    pattern->code = pcre2_compile((PCRE2_SPTR)expression.ptr, expression.len,
                                  PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY |
                                      PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C,
                                  &code, &offset, NULL);
    if (pattern->code == NULL) {
        char reason[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
        error_set(error, 2, "%s is not a regular expression: %s, at its character %zu",
                  quote(pattern->text).text, reason, (size_t)offset + 1);
        error->column = (unsigned)offset + 2;
        return false;
    }
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (limits == NULL)
        abort();
    pcre2_set_match_limit(limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(limits, MATCH_DEPTH_MAX);
    pattern->limits = limits;
    pattern->prefix = expression.ptr;
    pattern->prefix_len = regex_prefix_len(expression);
    return true;
}

static bool check_path_glob(struct slice text, struct error *error)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++) {
        struct slice segment = next_segment(text, &at, 0, 0);
        for (size_t i = 0; i + 1 < segment.len; i++) {
            if (segment.len > 2 && segment.ptr[i] == '*' && segment.ptr[i + 1] == '*')
                return error_set(error, 2,
                                 "`**` stands for whole segments: write it between slashes");
        }
    }
    if (count > SEGMENTS_MAX)
        return error_set(error, 2, "a path pattern has at most %d segments", SEGMENTS_MAX);
    return true;
}

/* The parts of a glob that stand for themselves at both ends. "/a/" before a segment `**` is only
 * "/a": it may match nothing. */
static void measure_glob(struct pattern *pattern)
{
    struct slice text = pattern->text;
    const char *first = memchr(text.ptr, '*', text.len);
    pattern->prefix = text.ptr;
    if (first == NULL) {
        pattern->prefix_len = pattern->suffix_len = text.len;
        return;
    }
    pattern->prefix_len = (size_t)(first - text.ptr);
    if (pattern->flavour == PATTERN_PATH && pattern->prefix_len > 0 && first[1] == '*')
        pattern->prefix_len--;
    while (text.ptr[text.len - 1 - pattern->suffix_len] != '*')
        pattern->suffix_len++;
}

bool pattern_compile(struct pattern *pattern, enum pattern_flavour flavour, struct slice text,
                     struct error *error)
{
    memset(pattern, 0, sizeof(*pattern));
    if (text.len > PATTERN_TEXT_MAX)
        return error_set(error, 2, "a pattern has at most %d bytes", PATTERN_TEXT_MAX);
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
        return error_set(error, 2, "a pattern cannot hold a NUL byte");
    bool regex = text.len > 0 && text.ptr[0] == '~';
    if (!regex && flavour == PATTERN_PATH && !check_path_glob(text, error))
        return false;
    /* A star alone stands for any value: who denies it means all, not just those without a slash. */
    if (flavour == PATTERN_VALUE && slice_equal_text(text, "*"))
        text = SLICE_LITERAL("**");
    pattern->flavour = flavour;
    pattern->text = slice_of(slice_to_text(text), text.len);
    if (regex) {
        pattern->kind = PATTERN_REGEX;
        if (!compile_regex(pattern, error)) {
            pattern_clear(pattern);
            return false;
        }
        return true;
    }
    bool star = text.len > 0 && memchr(text.ptr, '*', text.len) != NULL;
    pattern->kind = star ? PATTERN_GLOB : PATTERN_LITERAL;
    measure_glob(pattern);
    return true;
}

void pattern_clear(struct pattern *pattern)
{
    pcre2_code_free(pattern->code);
    pcre2_match_context_free(pattern->limits);
    free((char *)pattern->text.ptr);
    memset(pattern, 0, sizeof(*pattern));
}

enum pattern_result pattern_match(const struct pattern *pattern, struct slice subject)
{
    switch (pattern->kind) {
    case PATTERN_LITERAL:
        return slice_equal(pattern->text, subject) ? PATTERN_YES : PATTERN_NO;
    case PATTERN_GLOB:
        return value_glob_match(pattern->text, subject) ? PATTERN_YES : PATTERN_NO;
    case PATTERN_REGEX:
        return regex_match(pattern, subject);
    }
    return PATTERN_LIMIT;
}

enum pattern_result pattern_match_path(const struct pattern *pattern, struct slice path,
                                       size_t name_at, size_t name_len)
{
    if (pattern->kind != PATTERN_GLOB)
        return pattern_match(pattern, path);
    bool matches = path_glob_match(pattern->text, path, 0, 0);
    if (!matches && name_len > 0 && name_at + name_len <= path.len &&
        memchr(path.ptr + name_at, '/', name_len) != NULL)
        matches = path_glob_match(pattern->text, path, name_at, name_len);
    return matches ? PATTERN_YES : PATTERN_NO;
}

static size_t split(struct slice path, struct slice *segments, size_t max)
{
    size_t count = 0;
    for (size_t at = 0; at < path.len && count < max;)
        segments[count++] = next_segment(path, &at, 0, 0);
    return count;
}

static bool is_variable(struct slice segment)
{
    return segment.len > 0 && (segment.ptr[0] == '{' || slice_equal_text(segment, "**"));
}

/* Whether what every match begins with agrees with what every path of the template begins with. */
static bool prefix_fits(const struct pattern *pattern, struct slice path_template)
{
    const char *brace = memchr(path_template.ptr, '{', path_template.len);
    size_t fixed = brace == NULL ? path_template.len : (size_t)(brace - path_template.ptr);
    size_t common = pattern->prefix_len < fixed ? pattern->prefix_len : fixed;
    if (brace == NULL && pattern->prefix_len > fixed)
        return false;
    return memcmp(pattern->prefix, path_template.ptr, common) == 0;
}

bool pattern_may_match_template(const struct pattern *pattern, const char *path_template)
{
    struct slice template_path = slice_from_text(path_template);
    bool fits = prefix_fits(pattern, template_path);
    if (pattern->kind == PATTERN_REGEX || !fits)
        return fits;
    struct slice globs[SEGMENTS_MAX], fixed[TEMPLATE_SEGMENTS_MAX];
    size_t glob_count = split(pattern->text, globs, SEGMENTS_MAX);
    size_t fixed_count = split(template_path, fixed, TEMPLATE_SEGMENTS_MAX);
    /* reach[t] after g pattern segments: the first t template segments can be spelled so far. A
     * variable segment may be entered (t -> t+1) and, once entered, take more segments (t+1 ->
     * t+1). */
    bool reach[TEMPLATE_SEGMENTS_MAX + 1] = {true};
    for (size_t g = 0; g < glob_count; g++) {
        bool next[TEMPLATE_SEGMENTS_MAX + 1] = {false};
        bool deep = slice_equal_text(globs[g], "**");
        for (size_t t = 0; t <= fixed_count; t++) {
            if (!reach[t] && !(deep && t > 0 && next[t - 1]))
                continue;
            if (deep)
                next[t] = true;
            else if (t > 0 && is_variable(fixed[t - 1]))
                next[t] = true;
            if (!deep && t < fixed_count &&
                (is_variable(fixed[t]) || segment_match(globs[g], fixed[t])))
                next[t + 1] = true;
        }
        memcpy(reach, next, sizeof(reach));
    }
    return reach[fixed_count];
}
