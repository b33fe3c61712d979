/* SPDX-License-Identifier: Apache-2.0
 *
 * What `sbx policy ls` prints: a head that names the columns, then rows below it, cells aligned
 * with blanks or divided by tabs; where resources go on in the next line its other cells are empty. */
#include "policy/import/import_sbx_listing.h"

#include "base/error.h"
#include "policy/import/import_sbx_rule.h"

enum { COLUMNS_MAX = 16 };

enum column_name {
    COLUMN_APPLIES_TO,
    COLUMN_DECISION,
    COLUMN_METHOD,
    COLUMN_ORIGIN,
    COLUMN_PATH,
    COLUMN_PROTOCOL,
    COLUMN_RESOURCES,
    COLUMN_STATUS,
    COLUMN_TYPE,
    COLUMN_OTHER,
};

static const char *const column_names[COLUMN_OTHER] = {
    [COLUMN_APPLIES_TO] = "APPLIES TO",
    [COLUMN_DECISION] = "DECISION",
    [COLUMN_METHOD] = "METHOD",
    [COLUMN_ORIGIN] = "ORIGIN",
    [COLUMN_PATH] = "PATH",
    [COLUMN_PROTOCOL] = "PROTOCOL",
    [COLUMN_RESOURCES] = "RESOURCES",
    [COLUMN_STATUS] = "STATUS",
    [COLUMN_TYPE] = "TYPE",
};

struct listing {
    struct import_draft *draft;
    unsigned head_generation;
    bool tabs;
    struct {
        enum column_name name;
        size_t start;
    } columns[COLUMNS_MAX];
    size_t column_count;
    struct slice cells[COLUMN_OTHER];    /* of the row */
    struct slice previous[COLUMN_OTHER]; /* of the row that resources may go on from */
};

static enum column_name find_column(struct slice text)
{
    return (enum column_name)slice_find(text, column_names, COLUMN_OTHER);
}

/* The end of the head's cell that starts at `start`: a tab, two blanks, or the line's end. */
static size_t cell_end(struct slice line, size_t start)
{
    size_t end = start;
    while (end < line.len && line.ptr[end] != '\t' &&
           !(line.ptr[end] == ' ' && (end + 1 == line.len || line.ptr[end + 1] == ' ')))
        end++;
    return end;
}

static bool read_head(struct listing *listing, struct slice line)
{
    bool seen[COLUMN_OTHER + 1] = {false};
    listing->column_count = 0;
    listing->tabs = memchr(line.ptr, '\t', line.len) != NULL;
    for (size_t at = 0; at < line.len && listing->column_count < COLUMNS_MAX;) {
        if (line.ptr[at] == ' ' || line.ptr[at] == '\t') {
            at++;
            continue;
        }
        size_t end = cell_end(line, at);
        enum column_name name = find_column(slice_of(line.ptr + at, end - at));
        seen[name] = true;
        listing->columns[listing->column_count].name = name;
        listing->columns[listing->column_count++].start = at;
        at = end;
    }
    listing->head_generation = seen[COLUMN_ORIGIN] ? 2 : seen[COLUMN_APPLIES_TO] ? 3 : 0;
    return seen[COLUMN_DECISION] && seen[COLUMN_RESOURCES];
}

static bool is_short_head(struct slice line)
{
    return memmem(line.ptr, line.len, "APPLIES TO", 10) != NULL &&
           memmem(line.ptr, line.len, "SUMMARY", 7) != NULL;
}

static bool is_head(struct slice line)
{
    struct listing listing = {.column_count = 0};
    return line.len > 0 && (is_short_head(line) || read_head(&listing, line));
}

bool import_sbx_has_listing(struct slice text)
{
    while (text.ptr != NULL) {
        if (is_head(slice_cut(&text, '\n')))
            return true;
    }
    return false;
}

/* Fills the cells by place. False when the row does not stand in the head's columns. */
static bool read_aligned(struct listing *listing, struct slice line)
{
    for (size_t i = 0; i < listing->column_count; i++) {
        size_t start = listing->columns[i].start;
        size_t end = i + 1 < listing->column_count ? listing->columns[i + 1].start : line.len;
        if (start >= line.len)
            return true;
        if (start > 0 && line.ptr[start - 1] != ' ')
            return false;
        end = end > line.len ? line.len : end;
        struct slice cell = slice_trim_blanks(slice_of(line.ptr + start, end - start));
        if (listing->columns[i].name != COLUMN_OTHER)
            listing->cells[listing->columns[i].name] = cell;
    }
    return true;
}

static bool read_tabbed(struct listing *listing, struct slice line)
{
    for (size_t i = 0; i < listing->column_count && line.ptr != NULL; i++) {
        struct slice cell = slice_trim_blanks(slice_cut(&line, '\t'));
        if (listing->columns[i].name != COLUMN_OTHER)
            listing->cells[listing->columns[i].name] = cell;
    }
    return line.ptr == NULL;
}

/* The sandbox that a rule is for; empty for a rule of all. */
static struct slice sandbox_of(const struct slice *cells)
{
    static const char *const everywhere[] = {"",      "-",      "all", "global",
                                             "local", "remote", "org", "all sandboxes"};
    struct slice scope =
        cells[COLUMN_APPLIES_TO].len > 0 ? cells[COLUMN_APPLIES_TO] : cells[COLUMN_ORIGIN];
    bool is_everywhere =
        slice_find_nocase(scope, everywhere, ARRAY_LEN(everywhere)) < ARRAY_LEN(everywhere);
    return is_everywhere ? (struct slice){NULL, 0} : scope;
}

static struct slice unless_dash(struct slice cell)
{
    return slice_equal_text(cell, "-") ? (struct slice){NULL, 0} : cell;
}

static void add_row(struct listing *listing, struct import_place place)
{
    const struct slice *cells = listing->cells;
    struct slice type = unless_dash(cells[COLUMN_TYPE]);
    bool allows = slice_equal_nocase(cells[COLUMN_DECISION], SLICE_LITERAL("allow"));
    if (!allows && !slice_equal_nocase(cells[COLUMN_DECISION], SLICE_LITERAL("deny"))) {
        import_fail(listing->draft, place, "the decision is allow or deny, not %s",
                    quote(cells[COLUMN_DECISION]).text);
        return;
    }
    if (slice_equal_nocase(cells[COLUMN_STATUS], SLICE_LITERAL("inactive"))) {
        import_note(listing->draft, place, "left out: the rule is not active");
        return;
    }
    if (type.len > 0 && !slice_equal_nocase(type, SLICE_LITERAL("network")) &&
        !slice_equal_nocase(type, SLICE_LITERAL("http"))) {
        import_note(listing->draft, place, "left out: a rule of the type %s", quote(type).text);
        return;
    }
    const struct sbx_rule rule = {.allows = allows,
                                  .resources = cells[COLUMN_RESOURCES],
                                  .sandbox = sandbox_of(cells),
                                  .methods = unless_dash(cells[COLUMN_METHOD]),
                                  .path = unless_dash(cells[COLUMN_PATH]),
                                  .protocols = unless_dash(cells[COLUMN_PROTOCOL])};
    unsigned generation = listing->draft->input->generation;
    import_sbx_rule(listing->draft, place, generation != 0 ? generation : listing->head_generation,
                    &rule);
}

static void read_row(struct listing *listing, struct import_place place, struct slice line)
{
    memset(listing->cells, 0, sizeof(listing->cells));
    if (!(listing->tabs ? read_tabbed(listing, line) : read_aligned(listing, line))) {
        import_fail(listing->draft, place, "the row does not stand in the columns of the head");
        return;
    }
    if (listing->cells[COLUMN_DECISION].len == 0 && listing->previous[COLUMN_DECISION].len > 0) {
        struct slice more = listing->cells[COLUMN_RESOURCES];
        memcpy(listing->cells, listing->previous, sizeof(listing->cells));
        listing->cells[COLUMN_RESOURCES] = more;
    }
    memcpy(listing->previous, listing->cells, sizeof(listing->previous));
    add_row(listing, place);
}

void import_sbx_listing(struct import_draft *draft)
{
    struct listing listing = {.draft = draft};
    struct import_lines lines = import_lines(draft->input->file, draft->input->text);
    while (import_lines_next(&lines)) {
        if (lines.line.len == 0)
            continue;
        if (is_short_head(lines.raw)) {
            import_fail(draft, lines.place,
                        "this list does not show the resources: print it with `sbx policy ls "
                        "--wide`");
            return;
        }
        if (is_head(lines.raw)) {
            memset(listing.previous, 0, sizeof(listing.previous));
            (void)read_head(&listing, lines.raw);
        } else if (listing.column_count == 0) {
            import_fail(draft, lines.place, "the line stands before the head of the table");
        } else {
            read_row(&listing, lines.place, lines.raw);
        }
    }
}
