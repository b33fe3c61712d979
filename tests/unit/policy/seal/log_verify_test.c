/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "tests/unit/policy/seal/sealed_log_fixture.h"

/* A log of lines that can be changed one by one. */
enum { LINES_MAX = 64 };
struct lines {
    struct buffer line[LINES_MAX]; /* owned */
    unsigned count;
};

static void lines_free(struct lines *lines)
{
    for (unsigned i = 0; i < lines->count; i++)
        buffer_free(&lines->line[i]);
}

static void split(struct lines *lines, const struct sealed_log *log)
{
    struct slice rest = slice_of(log->text.data, log->text.len - 1);
    while (rest.ptr != NULL) {
        lines->line[lines->count] = BUFFER_EMPTY;
        buffer_append_slice(&lines->line[lines->count++], slice_cut(&rest, '\n'));
    }
}

/* Those of a log that was just made (sealed_log_make()). */
static struct lines sealed_lines(unsigned epochs, unsigned requests)
{
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    struct lines lines = {.count = 0};
    sealed_log_make(&log, epochs, requests);
    split(&lines, &log);
    return lines;
}

static void insert(struct lines *lines, unsigned at, struct buffer line)
{
    memmove(lines->line + at + 1, lines->line + at, (lines->count - at) * sizeof(line));
    lines->line[at] = line;
    lines->count++;
}

static struct buffer take(struct lines *lines, unsigned at)
{
    struct buffer line = lines->line[at];
    lines->count--;
    memmove(lines->line + at, lines->line + at + 1, (lines->count - at) * sizeof(line));
    return line;
}

static struct buffer copy(const struct lines *lines, unsigned at)
{
    struct buffer line = BUFFER_EMPTY;
    buffer_append_slice(&line, buffer_slice(&lines->line[at]));
    return line;
}

static const struct log_verdict *judge(struct log_verify *verify, const struct lines *lines,
                                       unsigned from, const char *keys)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    for (unsigned i = from; i < lines->count; i++) {
        buffer_append_slice(&text, buffer_slice(&lines->line[i]));
        buffer_append_byte(&text, '\n');
    }
    return sealed_log_judge(verify, buffer_slice(&text), keys);
}

/* Makes the chain of lines[from..] anew, with macs of the wrong key: what is left to who has no
 * key. */
static void chain_anew(struct lines *lines, unsigned from)
{
    struct log_sealed sealed, before;
    struct log_sealer sealer;
    struct log_seal_key key = sealed_log_first_key(99);
    for (unsigned i = from; i < lines->count; i++) {
        cr_assert(log_sealed_parse(&before, buffer_slice(&lines->line[i - 1])));
        cr_assert(log_sealed_parse(&sealed, buffer_slice(&lines->line[i])));
        key.epoch = sealed.epoch;
        log_sealer_init(&sealer, &key, &before.chain);
        struct buffer line = BUFFER_EMPTY;
        buffer_append_slice(&line, sealed.body);
        buffer_append_literal(&line, "}\n");
        cr_assert(buffer_reserve(&line, LOG_SEAL_FIELDS_MAX));
        log_sealer_seal(&sealer, &line, 0);
        line.len--;
        buffer_free(&lines->line[i]);
        lines->line[i] = line;
    }
}

static const char key[] = "\x07";

Test(log_verify, a_log_is_intact_from_any_line_on)
{
    CLEANUP(lines_free) struct lines lines = sealed_lines(3, 4);
    struct log_verify verify;
    for (unsigned from = 0; from < lines.count; from++) {
        const struct log_verdict *verdict = judge(&verify, &lines, from, key);
        cr_expect_eq(verdict->fault, LOG_FAULT_NONE, "from line %u: %s", from, verdict->why);
        cr_expect_eq(verdict->authentic, lines.count - from);
        cr_expect_eq(verdict->from_beginning, from == 0);
        cr_expect_eq(verdict->behind_proven, 0);
        cr_expect_eq(judge(&verify, &lines, from, "")->fault, LOG_FAULT_NONE);
    }
}

/* Every byte of every line: the fault is at that line, or the line is the last. */
Test(log_verify, no_byte_can_be_changed)
{
    CLEANUP(lines_free) struct lines lines = sealed_lines(2, 2);
    struct log_verify verify;
    for (unsigned i = 0; i < lines.count; i++) {
        for (size_t at = 0; at < lines.line[i].len; at++) {
            lines.line[i].data[at] ^= 1;
            const struct log_verdict *verdict = judge(&verify, &lines, 0, key);
            bool last = i + 1 == lines.count;
            cr_expect(verdict->fault != LOG_FAULT_NONE || (last && verdict->fragments == 1),
                      "line %u byte %zu", i, at);
            cr_expect(last || verdict->place.line == i + 1, "line %u byte %zu: at %d", i, at,
                      (int)verdict->place.line);
            cr_expect(last || verdict->fault == LOG_FAULT_CHANGED, "line %u byte %zu: %s", i, at,
                      verdict->why);
            cr_expect_leq(verdict->proven.line, i);
            lines.line[i].data[at] ^= 1;
        }
    }
}

enum change {
    REMOVE,
    COPY_BEHIND,
    COPY_BEFORE,
    FORGE,
    UNSEALED,
    SWAP,
    MOVE_DOWN,
    MOVE_UP,
    FOREIGN
};

static void make_change(struct lines *lines, enum change change, unsigned at)
{
    static const char unsealed[] = "{\"ts\":\"x\",\"seq\":1,\"event\":\"request\"}";
    struct buffer line = BUFFER_EMPTY;
    CLEANUP(sealed_log_free) struct sealed_log other = {.seq = 0};
    switch (change) {
    case REMOVE:
        line = take(lines, at);
        buffer_free(&line);
        break;
    case COPY_BEHIND:
        insert(lines, at, copy(lines, at - 1));
        break;
    case COPY_BEFORE:
        insert(lines, at, copy(lines, at + 3));
        break;
    case FORGE:
        line = copy(lines, at);
        line.data[line.len - 140] ^= 1;
        insert(lines, at, line);
        break;
    case UNSEALED:
        buffer_append_literal(&line, unsealed);
        insert(lines, at, line);
        break;
    case SWAP:
    case MOVE_DOWN:
        line = take(lines, at);
        insert(lines, at + (change == SWAP ? 1 : 3), line);
        break;
    case MOVE_UP:
        line = take(lines, at + 3);
        insert(lines, at, line);
        break;
    case FOREIGN:
        other.made = 1000;
        sealed_log_begin(&other, 50);
        sealed_log_add(&other, LOG_START);
        sealed_log_add(&other, LOG_REQUEST);
        buffer_append(&line, other.text.data, other.text.len - 1);
        struct buffer first = BUFFER_EMPTY;
        buffer_append(&first, line.data,
                      (size_t)((char *)memchr(line.data, '\n', line.len) - line.data));
        memmove(line.data, line.data + first.len + 1, line.len - first.len - 1);
        line.len -= first.len + 1;
        buffer_free(&first);
        insert(lines, at, line);
        break;
    }
}

Test(log_verify, tells_what_was_done_and_where)
{
    static const struct {
        const char *name;
        enum change change;
        enum log_fault fault;
    } rows[] = {
        {"removed", REMOVE, LOG_FAULT_REMOVED},
        {"a record twice", COPY_BEHIND, LOG_FAULT_INSERTED},
        {"a later record before", COPY_BEFORE, LOG_FAULT_INSERTED},
        {"a forged record", FORGE, LOG_FAULT_INSERTED},
        {"an unsealed record", UNSEALED, LOG_FAULT_INSERTED},
        {"swapped", SWAP, LOG_FAULT_REORDERED},
        {"moved down", MOVE_DOWN, LOG_FAULT_REORDERED},
        {"moved up", MOVE_UP, LOG_FAULT_REORDERED},
        {"of another log", FOREIGN, LOG_FAULT_INSERTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (unsigned at = 1; at < 12; at++) {
            CLEANUP(lines_free) struct lines lines = sealed_lines(3, 4);
            struct log_verify verify;
            make_change(&lines, rows[i].change, at);
            for (int keyed = 0; keyed < 2; keyed++) {
                const struct log_verdict *verdict = judge(&verify, &lines, 0, keyed ? key : "");
                cr_expect_eq(verdict->fault, rows[i].fault, "%s at %u%s: %s", rows[i].name, at,
                             keyed ? " with the key" : "", verdict->why);
                cr_expect_eq(verdict->place.line, at + 1, "%s at %u: at %d", rows[i].name, at,
                             (int)verdict->place.line);
            }
        }
    }
}

Test(log_verify, a_chain_made_anew_is_caught_by_the_key_alone)
{
    for (unsigned at = 1; at < 12; at++) {
        CLEANUP(lines_free) struct lines lines = sealed_lines(3, 4);
        struct log_verify verify;
        lines.line[at].data[30] ^= 1;
        chain_anew(&lines, at);
        cr_expect_eq(judge(&verify, &lines, 0, "")->fault, LOG_FAULT_NONE);
        const struct log_verdict *verdict = judge(&verify, &lines, 0, key);
        cr_expect_eq(verdict->fault, LOG_FAULT_FORGED, "at %u: %s", at, verdict->why);
        cr_expect_eq(verdict->place.line, at + 1);
        cr_expect_eq(verdict->proven.line,
                     at > 10  ? 11
                     : at > 5 ? 6
                              : 0,
                     "at %u: %d", at, (int)verdict->proven.line);
    }
}

/* Who holds the present key cuts the log in an earlier epoch and goes on with what the key makes. */
Test(log_verify, a_cut_log_cannot_be_gone_on_with)
{
    static const struct {
        const char *name;
        unsigned lines;
        bool good;
    } rows[] = {
        {"behind the last seal", 16, true},
        {"before the last seal", 15, false},
        {"behind an earlier seal", 11, false},
        {"in an earlier epoch", 8, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
        CLEANUP(lines_free) struct lines lines = {.count = 0};
        struct log_verify verify;
        struct log_sealed last;
        sealed_log_make(&log, 3, 4);
        split(&lines, &log);
        while (lines.count > rows[i].lines) {
            AUTO_BUFFER struct buffer line = take(&lines, lines.count - 1);
        }
        cr_assert(log_sealed_parse(&last, buffer_slice(&lines.line[lines.count - 1])));
        buffer_clear(&log.text);
        log.sealer.chain = last.chain;
        sealed_log_add(&log, LOG_START);
        split(&lines, &log);
        for (int keyed = 0; keyed < 2; keyed++) {
            const struct log_verdict *verdict = judge(&verify, &lines, 0, keyed ? key : "");
            cr_expect_eq(verdict->fault, rows[i].good ? LOG_FAULT_NONE : LOG_FAULT_REMOVED, "%s",
                         rows[i].name);
            cr_expect(rows[i].good || verdict->missing_to == 3, "%s", rows[i].name);
        }
    }
}

Test(log_verify, fragments_stand_before_a_start_or_at_the_end)
{
    static const struct {
        const char *name;
        enum log_event next;
        const char *line;
        enum log_fault fault;
    } rows[] = {
        {"before a start", LOG_START, "{\"ts\":\"2023", LOG_FAULT_NONE},
        {"cut in a text with brackets", LOG_START, "{\"ts\":\"20}\\\"}\",\"a\":[{}",
         LOG_FAULT_NONE},
        {"a record and a blank", LOG_START, "{\"ts\":\"2023\"} ", LOG_FAULT_INSERTED},
        {"a record and a carriage return", LOG_START, "{\"ts\":\"2023\"}\r", LOG_FAULT_INSERTED},
        {"a record and another", LOG_START, "{\"ts\":\"2023\"}{", LOG_FAULT_INSERTED},
        {"a record behind a blank", LOG_START, " {\"ts\":\"2023\"}", LOG_FAULT_INSERTED},
        {"a record of other types", LOG_START, "{\"ts\":{},\"ts\":[\"\xff\"]}", LOG_FAULT_INSERTED},
        {"a bracket that closes first", LOG_START, "}{\"ts\":\"2023\"}", LOG_FAULT_INSERTED},
        {"a list", LOG_START, "[{\"ts\":\"2023\"}", LOG_FAULT_INSERTED},
        {"text", LOG_START, "request by traefik denied", LOG_FAULT_INSERTED},
        {"an empty line before a start", LOG_START, "", LOG_FAULT_NONE},
        {"before a request", LOG_REQUEST, "{\"ts\":\"2023", LOG_FAULT_INSERTED},
        {"a whole record before a start", LOG_START, "{\"ts\":\"2023\"}", LOG_FAULT_INSERTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
        struct log_verify verify;
        sealed_log_make(&log, 2, 4);
        buffer_append_text(&log.text, rows[i].line);
        buffer_append_byte(&log.text, '\n');
        log.seq = 0;
        sealed_log_add(&log, rows[i].next);
        const struct log_verdict *verdict = sealed_log_judge(&verify, buffer_slice(&log.text), key);
        cr_expect_eq(verdict->fault, rows[i].fault, "%s: %s", rows[i].name, verdict->why);
        cr_expect(verdict->fault != LOG_FAULT_NONE ||
                      (verdict->fragments == 1 && verdict->crashes == 1),
                  "%s", rows[i].name);
    }
}

Test(log_verify, series_need_their_keys)
{
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    struct log_verify verify;
    sealed_log_make(&log, 2, 2);
    sealed_log_begin_another(&log, 8);
    sealed_log_add(&log, LOG_START);
    sealed_log_seal(&log);
    struct slice text = buffer_slice(&log.text);
    cr_expect_eq(sealed_log_judge(&verify, text, "\x07\x08")->fault, LOG_FAULT_NONE);
    cr_expect_eq(sealed_log_judge(&verify, text, "\x08\x07")->series, 2);
    cr_expect_eq(sealed_log_judge(&verify, text, "")->fault, LOG_FAULT_NONE);
    const struct log_verdict *verdict = sealed_log_judge(&verify, text, "\x07");
    cr_expect_eq(verdict->fault, LOG_FAULT_FORGED);
    cr_expect_eq(verdict->place.line, 8);
    cr_expect_eq(verdict->proven.line, 7);
    cr_expect_eq(sealed_log_judge(&verify, text, "\x09")->authentic, 0);
}

/* Who comes when the second series has begun has keys of neither's past. */
Test(log_verify, the_end_of_an_earlier_series_cannot_be_cut_off)
{
    static const struct {
        const char *name;
        unsigned left;
        bool chained, keyed;
        enum log_fault fault;
    } rows[] = {
        {"nothing cut", 7, true, true, LOG_FAULT_NONE},
        {"nothing cut, no key", 7, true, false, LOG_FAULT_NONE},
        {"a record and the seal", 5, true, true, LOG_FAULT_REMOVED},
        {"the last epoch", 4, true, true, LOG_FAULT_REMOVED},
        {"the last epoch, no key", 4, true, false, LOG_FAULT_CHANGED},
        {"all but one", 1, true, true, LOG_FAULT_REMOVED},
        {"the end, a series of another host behind it", 4, false, true, LOG_FAULT_FORGED},
        {"nothing, a series of another host behind it", 7, false, true, LOG_FAULT_FORGED},
        {"the same, no key", 7, false, false, LOG_FAULT_FORGED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
        CLEANUP(lines_free) struct lines lines = {.count = 0};
        struct log_verify verify;
        sealed_log_make(&log, 2, 2);
        if (rows[i].chained)
            sealed_log_begin_another(&log, 8);
        else
            sealed_log_begin(&log, 8);
        sealed_log_add(&log, LOG_START);
        sealed_log_add(&log, LOG_REQUEST);
        sealed_log_seal(&log);
        split(&lines, &log);
        for (unsigned line = rows[i].left; line < 7; line++) {
            AUTO_BUFFER struct buffer taken = take(&lines, rows[i].left);
        }
        const struct log_verdict *verdict =
            judge(&verify, &lines, 0, rows[i].keyed ? "\x07\x08" : "");
        cr_expect_eq(verdict->fault, rows[i].fault, "%s: %d", rows[i].name, (int)verdict->fault);
        cr_expect(rows[i].fault == LOG_FAULT_NONE || verdict->place.line == rows[i].left + 1, "%s",
                  rows[i].name);
    }
}

/* A crash of the first run in its first epoch, then another key: both are of epoch 1. */
Test(log_verify, a_series_may_follow_one_that_has_no_seal)
{
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    struct log_verify verify;
    sealed_log_begin(&log, 7);
    sealed_log_add(&log, LOG_START);
    sealed_log_add(&log, LOG_REQUEST);
    sealed_log_begin_another(&log, 8);
    sealed_log_add(&log, LOG_START);
    sealed_log_seal(&log);
    struct slice text = buffer_slice(&log.text);
    const struct log_verdict *verdict = sealed_log_judge(&verify, text, "\x07\x08");
    cr_expect_eq(verdict->fault, LOG_FAULT_NONE);
    cr_expect_eq(verdict->series, 2);
    cr_expect_eq(sealed_log_judge(&verify, text, "")->fault, LOG_FAULT_NONE);
    cr_expect_eq(sealed_log_judge(&verify, text, "\x07")->fault, LOG_FAULT_FORGED);
    cr_expect_neq(sealed_log_judge(&verify, text, "\x08")->fault, LOG_FAULT_NONE);
}

Test(log_verify, a_changed_first_record_does_not_hide_whose_the_others_are)
{
    static const char *const keys[] = {"\x07", "\x07\x08", "\x08\x07", "\x08\x09\x07"};
    for (unsigned from = 0; from < 9; from++) {
        CLEANUP(lines_free) struct lines lines = sealed_lines(3, 3);
        struct log_verify verify;
        char *digit = &lines.line[from].data[lines.line[from].len - 4]; /* of its mac */
        *digit = *digit == '0' ? '1' : '0';
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            const struct log_verdict *verdict = judge(&verify, &lines, from, keys[i]);
            cr_expect_eq(verdict->fault, LOG_FAULT_CHANGED, "%u %zu: %d", from, i,
                         (int)verdict->fault);
            cr_expect_eq(verdict->place.line, 1, "%u %zu", from, i);
            cr_expect_eq(verdict->authentic, verdict->records - 1, "%u %zu", from, i);
        }
    }
}

Test(log_verify, an_impossible_epoch_costs_no_time)
{
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    struct log_verify verify;
    sealed_log_make(&log, 1, 2);
    struct log_seal_key far = sealed_log_first_key(7);
    far.epoch = UINT64_C(9000000000000000000);
    log_sealer_set_key(&log.sealer, &far);
    for (int i = 0; i < 50; i++)
        sealed_log_add(&log, LOG_REQUEST);
    cr_expect_eq(sealed_log_judge(&verify, buffer_slice(&log.text), key)->fault, LOG_FAULT_FORGED);
    buffer_clear(&log.text);
    sealed_log_add(&log, LOG_REQUEST);
    cr_expect_eq(sealed_log_judge(&verify, buffer_slice(&log.text), key)->authentic, 0);
}
