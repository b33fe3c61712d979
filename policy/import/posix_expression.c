/* SPDX-License-Identifier: Apache-2.0
 *
 * Written by the grammar of POSIX (XBD chapter 9, XCU 2.13) with the extensions that glibc and musl
 * share. Only what certainly means the same in PCRE2 is written; the rest is an error, since a
 * doubtful expression in an allow is a hole. */
#include "policy/import/posix_expression.h"

#include <string.h>

#include "rules/network/host_name.h"

/* ---- plain names ---- */

static const struct name_frame {
    enum posix_expression_kind kind;
    const char *before, *after;
    bool apex, subdomains;
} name_frames[] = {
    {POSIX_EXPRESSION_BASIC, "^\\(.*\\.\\)\\?", "$", true, true},
    {POSIX_EXPRESSION_BASIC, "^\\(.*\\.\\)*", "$", true, true},
    {POSIX_EXPRESSION_BASIC, "\\(^\\|\\.\\)", "$", true, true},
    {POSIX_EXPRESSION_BASIC, "^.*\\.", "$", false, true},
    {POSIX_EXPRESSION_BASIC, "\\.", "$", false, true},
    {POSIX_EXPRESSION_BASIC, "^", "$", true, false},
    {POSIX_EXPRESSION_EXTENDED, "^(.*\\.)?", "$", true, true},
    {POSIX_EXPRESSION_EXTENDED, "^(.+\\.)?", "$", true, true},
    {POSIX_EXPRESSION_EXTENDED, "^(.*\\.)*", "$", true, true},
    {POSIX_EXPRESSION_EXTENDED, "(^|\\.)", "$", true, true},
    {POSIX_EXPRESSION_EXTENDED, "^.*\\.", "$", false, true},
    {POSIX_EXPRESSION_EXTENDED, "^.+\\.", "$", false, true},
    {POSIX_EXPRESSION_EXTENDED, "\\.", "$", false, true},
    {POSIX_EXPRESSION_EXTENDED, "^", "$", true, false},
    {POSIX_EXPRESSION_FNMATCH, "*.", "", false, true},
    {POSIX_EXPRESSION_FNMATCH, "", "", true, false},
};

/* Reads the name that `text` spells, dots escaped unless in a shell pattern. A dot at the end is
 * more than the name: such an expression means that one spelling. */
static bool read_name(bool escaped, struct slice text, struct host_name *host)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    struct error error;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == '.')
            i++;
        else if (text.ptr[i] == '.' && escaped)
            return false;
        buffer_append_byte(&name, text.ptr[i]);
    }
    return name.len > 0 && name.data[name.len - 1] != '.' &&
           host_name_parse(buffer_slice(&name), host, &error);
}

/* Fills the patterns when the expression is a name in one of the frames. */
static bool read_framed(enum posix_expression_kind kind, struct slice text,
                        struct posix_expression_patterns *patterns)
{
    for (size_t i = 0; i < ARRAY_LEN(name_frames); i++) {
        const struct name_frame *frame = &name_frames[i];
        struct slice before = slice_from_text(frame->before);
        struct slice after = slice_from_text(frame->after);
        if (frame->kind != kind || text.len < before.len + after.len ||
            !slice_starts_with(text, before) ||
            !slice_equal(slice_of(text.ptr + text.len - after.len, after.len), after))
            continue;
        struct slice name = slice_of(text.ptr + before.len, text.len - before.len - after.len);
        struct host_name host;
        /* the last labels of an address: an expression may mean them, a name cannot */
        if (!read_name(kind != POSIX_EXPRESSION_FNMATCH, name, &host) ||
            (frame->subdomains && host.is_address))
            continue;
        if (frame->apex)
            buffer_append_slice(&patterns->items[patterns->count++], host_name_slice(&host));
        if (frame->subdomains)
            buffer_printf(&patterns->items[patterns->count++], "*.%s", host.text);
        return true;
    }
    return false;
}

bool posix_expression_read(enum posix_expression_kind kind, struct slice text, bool fold,
                           struct posix_expression_patterns *patterns, struct error *error)
{
    *patterns = (struct posix_expression_patterns){.count = 0};
    return read_framed(kind, text, patterns) ||
           posix_expression_write(kind, text, fold, &patterns->items[patterns->count++],
                                  &patterns->bounds, error);
}

void posix_expression_patterns_free(struct posix_expression_patterns *patterns)
{
    for (size_t i = 0; i < ARRAY_LEN(patterns->items); i++)
        buffer_free(&patterns->items[i]);
}

/* ---- expressions ---- */

/* Where a quantifier may not stand, and what `^` and `$` are. */
enum position {
    AT_START, /* of the expression or an alternative */
    AFTER_ANCHOR,
    AFTER_ATOM,
    AFTER_REPEAT,
};

enum { DEPTH_MAX = 31 };

struct translation {
    enum posix_expression_kind kind;
    struct slice rest;
    struct buffer *out;
    struct error *error;
    enum position position;
    unsigned
        depth; /* groups that are open: one too few or too many would change the frame's meaning */
    /* What bounds are told from: */
    uint32_t leads; /* a bit for each open group: nothing stands before it */
    bool leading;   /* nothing stands before the next item */
    bool led;       /* nothing stood before the last one */
    bool ended;     /* the last item was a `$` outside of groups */
    bool foreign;   /* the last item was a character that no host has, outside of groups */
    bool dead;      /* this alternative has one that it cannot do without */
    bool lives;     /* an alternative has none */
    struct posix_expression_bounds *bounds;
};

static bool refuse(struct translation *t, const char *what)
{
    return error_set(t->error, 2, "%s has no sure counterpart here", what);
}

/* Before an item is written. `bounded`: in front of it no label goes on. */
static void begin_item(struct translation *t, bool bounded)
{
    t->bounds->open_before = t->bounds->open_before || (t->leading && !bounded);
    t->led = t->leading;
    t->leading = t->ended = false;
    t->dead = t->dead || t->foreign;
    t->foreign = false;
}

static void end_alternative(struct translation *t)
{
    t->bounds->open_before = t->bounds->open_before || t->leading;
    t->bounds->open_after = t->bounds->open_after || !t->ended;
    t->lives = t->lives || !(t->dead || t->foreign);
    t->dead = t->foreign = t->ended = false;
}

static bool is_host_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == ':';
}

static bool write_literal(struct translation *t, char byte)
{
    if (byte < 0x20 || byte > 0x7e)
        return refuse(t, "a byte that is no printable ASCII");
    begin_item(t, byte == '.');
    t->foreign = t->depth == 0 && !is_host_byte(byte);
    if (strchr("\\^$.[]|()?*+{}", byte) != NULL)
        buffer_append_byte(t->out, '\\');
    buffer_append_byte(t->out, byte);
    t->position = AFTER_ATOM;
    return true;
}

static bool write_atom(struct translation *t, const char *text)
{
    begin_item(t, false);
    buffer_append_text(t->out, text);
    t->position = AFTER_ATOM;
    return true;
}

static bool write_repeat(struct translation *t, struct slice text)
{
    if (t->position != AFTER_ATOM)
        return refuse(t, "a quantifier that stands behind no single item");
    t->bounds->open_before = t->bounds->open_before || t->led; /* perhaps no time at all */
    t->foreign = t->foreign && text.ptr[0] == '+';
    buffer_append_slice(t->out, text);
    t->position = AFTER_REPEAT;
    return true;
}

/* "[:alpha:]" inside brackets; `rest` begins behind "[:". */
static bool write_class(struct translation *t)
{
    static const char *const names[] = {"alpha",  "digit", "alnum", "upper", "lower",
                                        "xdigit", "punct", "space", "blank"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct slice name = slice_from_text(names[i]);
        struct slice behind = slice_of(t->rest.ptr + name.len, t->rest.len - name.len);
        if (t->rest.len < name.len + 2 || !slice_starts_with(t->rest, name) ||
            !slice_starts_with(behind, SLICE_LITERAL(":]")))
            continue;
        buffer_printf(t->out, "[:%s:]", names[i]);
        t->rest = slice_of(behind.ptr + 2, behind.len - 2);
        return true;
    }
    return refuse(t, "this class of characters");
}

static char take(struct translation *t)
{
    char byte = t->rest.ptr[0];
    t->rest = slice_of(t->rest.ptr + 1, t->rest.len - 1);
    return byte;
}

static bool next_is(const struct translation *t, char byte)
{
    return t->rest.len > 0 && t->rest.ptr[0] == byte;
}

/* A bracket expression; the opening bracket was taken. In POSIX a backslash stands for itself in
 * it, in fnmatch() it escapes. */
static bool write_bracket(struct translation *t)
{
    begin_item(t, false);
    buffer_append_byte(t->out, '[');
    if (next_is(t, '^') || (t->kind == POSIX_EXPRESSION_FNMATCH && next_is(t, '!'))) {
        take(t);
        buffer_append_byte(t->out, '^');
    }
    for (bool first = true; t->rest.len > 0; first = false) {
        char byte = take(t);
        if (byte == ']' && !first) {
            buffer_append_byte(t->out, ']');
            t->position = AFTER_ATOM;
            return true;
        }
        if (byte == '[' && (next_is(t, '.') || next_is(t, '=')))
            return refuse(t, "a collating element");
        if (byte == '[' && next_is(t, ':')) {
            take(t);
            if (!write_class(t))
                return false;
            continue;
        }
        if (byte < 0x20 || byte > 0x7e || (byte == '\\' && t->kind == POSIX_EXPRESSION_FNMATCH))
            return refuse(t, "this character between brackets");
        if (byte == '[' || byte == ']' || byte == '\\' || byte == '^')
            buffer_append_byte(t->out, '\\');
        buffer_append_byte(t->out, byte);
    }
    return refuse(t, "a bracket that is not closed");
}

/* An interval; what opens it was taken. `close` is "}" or "\}". */
static bool write_interval(struct translation *t, struct slice close)
{
    const char *end = memmem(t->rest.ptr, t->rest.len, close.ptr, close.len);
    if (end == NULL)
        return refuse(t, "a brace");
    struct slice whole = slice_of(t->rest.ptr, (size_t)(end - t->rest.ptr));
    struct slice high = whole;
    uint64_t number;
    struct slice low = slice_cut(&high, ',');
    if (!slice_to_u64(low, &number) || number > 255 ||
        (high.len > 0 && (!slice_to_u64(high, &number) || number > 255)))
        return refuse(t, "this interval");
    t->rest = slice_of(end + close.len, t->rest.len - whole.len - close.len);
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_printf(&text, "{%.*s}", (int)whole.len, whole.ptr);
    return write_repeat(t, buffer_slice(&text));
}

static bool write_group_start(struct translation *t)
{
    bool leading = t->leading;
    if (t->depth == DEPTH_MAX)
        return refuse(t, "a group inside so many others");
    begin_item(t, true);
    t->leading = leading;
    t->depth++;
    t->leads = (t->leads & ~(1u << t->depth)) | (unsigned)leading << t->depth;
    buffer_append_literal(t->out, "(?:");
    t->position = AT_START;
    return true;
}

static bool write_bar(struct translation *t)
{
    if (t->depth == 0)
        end_alternative(t);
    t->bounds->open_before = t->bounds->open_before || t->leading;
    t->leading = (t->leads >> t->depth & 1) != 0;
    buffer_append_byte(t->out, '|');
    t->position = AT_START;
    return true;
}

static bool write_group_end(struct translation *t)
{
    if (t->depth == 0)
        return refuse(t, "a parenthesis that closes nothing");
    begin_item(t, false);
    t->led = (t->leads >> t->depth-- & 1) != 0;
    buffer_append_byte(t->out, ')');
    t->position = AFTER_ATOM;
    return true;
}

static bool write_caret(struct translation *t)
{
    if (t->kind == POSIX_EXPRESSION_BASIC && t->position != AT_START)
        return write_literal(t, '^');
    begin_item(t, true);
    buffer_append_byte(t->out, '^');
    t->position = AFTER_ANCHOR;
    return true;
}

static bool write_dollar(struct translation *t)
{
    if (t->kind == POSIX_EXPRESSION_BASIC && t->rest.len > 0 &&
        !slice_starts_with(t->rest, SLICE_LITERAL("\\)")) &&
        !slice_starts_with(t->rest, SLICE_LITERAL("\\|")))
        return write_literal(t, '$');
    begin_item(t, false);
    t->ended = t->depth == 0;
    buffer_append_byte(t->out, '$');
    t->position = AFTER_ANCHOR;
    return true;
}

/* Behind a backslash. What is an operator without one in extended expressions is one with it in
 * basic ones. */
static bool write_escaped(struct translation *t)
{
    if (t->rest.len == 0)
        return refuse(t, "a backslash at the end");
    char byte = take(t);
    bool basic = t->kind == POSIX_EXPRESSION_BASIC;
    if (basic && byte == '(')
        return write_group_start(t);
    if (basic && byte == '|')
        return write_bar(t);
    if (basic && byte == ')')
        return write_group_end(t);
    if (basic && (byte == '?' || byte == '+'))
        return write_repeat(t, slice_of(&byte, 1));
    if (basic && byte == '{')
        return write_interval(t, SLICE_LITERAL("\\}"));
    if (strchr("\\^$.[]|()?*+{}-/", byte) == NULL || byte == '\0' || (basic && byte == '}'))
        return refuse(t, "a backslash before a letter, a digit or this sign");
    return write_literal(t, byte);
}

static bool write_extended_operator(struct translation *t, char byte)
{
    switch (byte) {
    case '(':
        return write_group_start(t);
    case '|':
        return write_bar(t);
    case ')':
        return write_group_end(t);
    case '?':
    case '+':
        return write_repeat(t, slice_of(&byte, 1));
    default:
        return write_interval(t, SLICE_LITERAL("}"));
    }
}

static bool write_next_regex(struct translation *t)
{
    char byte = take(t);
    switch (byte) {
    case '\\':
        return write_escaped(t);
    case '[':
        return write_bracket(t);
    case '.':
        return write_atom(t, ".");
    case '^':
        return write_caret(t);
    case '$':
        return write_dollar(t);
    case '*':
        if (t->kind == POSIX_EXPRESSION_BASIC && t->position <= AFTER_ANCHOR)
            return write_literal(t, '*');
        return write_repeat(t, SLICE_LITERAL("*"));
    default:
        if (t->kind == POSIX_EXPRESSION_EXTENDED && strchr("()|?+{", byte) != NULL && byte != '\0')
            return write_extended_operator(t, byte);
        return write_literal(t, byte);
    }
}

static bool write_next_glob(struct translation *t)
{
    char byte = take(t);
    if (byte == '*')
        return write_atom(t, ".*");
    if (byte == '?')
        return write_atom(t, ".");
    if (byte == '[')
        return write_bracket(t);
    if (byte != '\\')
        return write_literal(t, byte);
    return t->rest.len > 0 ? write_literal(t, take(t)) : refuse(t, "a backslash at the end");
}

bool posix_expression_write(enum posix_expression_kind kind, struct slice text, bool fold,
                            struct buffer *out, struct posix_expression_bounds *bounds_out,
                            struct error *error)
{
    struct translation t = {.kind = kind,
                            .rest = text,
                            .out = out,
                            .error = error,
                            .leads = 1,
                            .leading = true,
                            .bounds = bounds_out};
    *bounds_out = (struct posix_expression_bounds){.dead = false};
    bool glob = kind == POSIX_EXPRESSION_FNMATCH;
    buffer_append_text(out, fold ? "~(?i)" : "~");
    if (!glob)
        buffer_append_literal(out, ".*(?:");
    while (t.rest.len > 0) {
        if (!(glob ? write_next_glob(&t) : write_next_regex(&t)))
            return false;
    }
    if (t.depth > 0)
        return refuse(&t, "a parenthesis that is not closed");
    end_alternative(&t);
    bounds_out->dead = !t.lives;
    if (glob) /* the whole host, whatever its stars stand for */
        bounds_out->open_before = bounds_out->open_after = false;
    else
        buffer_append_literal(out, ").*");
    return true;
}
