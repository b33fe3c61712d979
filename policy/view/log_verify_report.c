/* SPDX-License-Identifier: Apache-2.0
 *
 * Words for a verdict. The log's own bytes are shown only where they are a time, a request id or a
 * number, escaped. */
#include "policy/view/log_verify_report.h"

#include <string.h>

#include "base/json_write.h"
#include "base/terminal_text.h"

static const char *const fault_names[] = {
    [LOG_FAULT_NONE] = "none",           [LOG_FAULT_CHANGED] = "changed",
    [LOG_FAULT_REMOVED] = "removed",     [LOG_FAULT_INSERTED] = "inserted",
    [LOG_FAULT_REORDERED] = "reordered", [LOG_FAULT_FORGED] = "forged",
};

static const char *const fault_texts[] = {
    [LOG_FAULT_NONE] = "",
    [LOG_FAULT_CHANGED] = "A record was changed",
    [LOG_FAULT_REMOVED] = "Records were removed before the record",
    [LOG_FAULT_INSERTED] = "A line was inserted",
    [LOG_FAULT_REORDERED] = "Records were reordered at the record",
    [LOG_FAULT_FORGED] = "Records were forged from the record on",
};

enum log_verify_result log_verify_result(const struct log_verify_report *report)
{
    const struct log_verdict *verdict = report->verdict;
    if (verdict->records == 0)
        return LOG_VERIFY_NEVER_SEALED;
    if (report->keyed && verdict->authentic == 0)
        return LOG_VERIFY_WRONG_KEY;
    if (verdict->fault != LOG_FAULT_NONE)
        return LOG_VERIFY_TAMPERED;
    return verdict->proven.epoch < report->expect_epoch ? LOG_VERIFY_CUT : LOG_VERIFY_INTACT;
}

static const char *result_name(enum log_verify_result result)
{
    static const char *const names[] = {
        [LOG_VERIFY_INTACT] = "intact",
        [LOG_VERIFY_TAMPERED] = "tampered",
        [LOG_VERIFY_WRONG_KEY] = "wrong-key",
        [LOG_VERIFY_NEVER_SEALED] = "never-sealed",
        [LOG_VERIFY_CUT] = "cut",
    };
    return names[result];
}

static void write_place(const struct log_verify_report *report, const struct log_place *place,
                        struct buffer *out)
{
    buffer_printf(out, "%s:%llu", report->files[place->file], (unsigned long long)place->line);
    if (place->ts[0] != '\0') {
        buffer_append_literal(out, ", ");
        terminal_text_append(out, slice_from_text(place->ts));
    }
    if (place->id[0] != '\0') {
        buffer_append_literal(out, ", id ");
        terminal_text_append(out, slice_from_text(place->id));
    }
    if (place->seq > 0)
        buffer_printf(out, ", seq %llu", (unsigned long long)place->seq);
}

static void write_fault(const struct log_verify_report *report, struct buffer *out)
{
    const struct log_verdict *verdict = report->verdict;
    buffer_printf(out, "TAMPERED. %s at ", fault_texts[verdict->fault]);
    write_place(report, &verdict->place, out);
    buffer_printf(out, ":\n  %s.\n", verdict->why);
    if (verdict->missing_from > 0)
        buffer_printf(out, "  Epochs %llu to %llu are missing, or their end is.\n",
                      (unsigned long long)verdict->missing_from,
                      (unsigned long long)verdict->missing_to);
    if (verdict->faults > 1)
        buffer_printf(out, "  %llu records in all do not follow the one before them.\n",
                      (unsigned long long)verdict->faults);
}

static void write_head(const struct log_verify_report *report, struct buffer *out)
{
    const struct log_verdict *verdict = report->verdict;
    switch (log_verify_result(report)) {
    case LOG_VERIFY_INTACT:
        buffer_append_text(out, report->keyed
                                    ? "Intact: every sealed record is as it was written.\n"
                                    : "The chain is unbroken.\n");
        break;
    case LOG_VERIFY_TAMPERED:
        write_fault(report, out);
        break;
    case LOG_VERIFY_WRONG_KEY:
        buffer_append_literal(out, "No record was sealed with this key: it is the key of another "
                                   "series or gate, or the whole log was written anew.\n");
        break;
    case LOG_VERIFY_NEVER_SEALED:
        buffer_append_text(
            out, report->keyed || report->expect_epoch > 0
                     ? "NOT SEALED. There is no sealed record in this log. If it was sealed with "
                       "this key before, all that was has been removed.\n"
                     : "This log is not sealed: nothing can be said of it. `dockreeve policy log "
                       "--seal-init` begins sealing.\n");
        break;
    case LOG_VERIFY_CUT:
        buffer_printf(out,
                      "CUT. The last seal is that of epoch %llu, and that of epoch %llu was "
                      "expected: the log's end is missing.\n",
                      (unsigned long long)verdict->proven.epoch,
                      (unsigned long long)report->expect_epoch);
        break;
    }
}

static void write_proof(const struct log_verify_report *report, struct buffer *out)
{
    const struct log_verdict *verdict = report->verdict;
    if (!report->keyed) {
        buffer_append_literal(out, "Without the key only the chain was checked. That proves less: "
                                   "who can write the log can make a whole chain anew.\n");
    } else if (verdict->proven.line == 0) {
        buffer_append_text(out, verdict->fault == LOG_FAULT_NONE
                                    ? "Nothing is proven yet: no seal stands in the log.\n"
                                    : "Nothing is proven: no seal stands before that.\n");
    } else {
        buffer_append_literal(out, "Proven up to the seal of epoch ");
        buffer_printf(out, "%llu at ", (unsigned long long)verdict->proven.epoch);
        write_place(report, &verdict->proven, out);
        buffer_append_literal(out, ":\n  who took the host over later cannot have changed what "
                                   "stands before it.\n");
        buffer_printf(out, "%llu record%s behind it %s chained and not proven yet.\n",
                      (unsigned long long)verdict->behind_proven,
                      verdict->behind_proven == 1 ? "" : "s",
                      verdict->behind_proven == 1 ? "is" : "are");
    }
    if (report->expect_epoch == 0 && verdict->proven.line > 0)
        buffer_printf(out,
                      "Whether more stood behind its end cannot be seen in the log: note this "
                      "epoch, and say --expect-epoch %llu the next time.\n",
                      (unsigned long long)verdict->proven.epoch);
}

static void write_facts(const struct log_verify_report *report, struct buffer *out)
{
    const struct log_verdict *verdict = report->verdict;
    buffer_printf(out, "%llu sealed records, %llu seals, epochs %llu to %llu.\n%s",
                  (unsigned long long)verdict->records, (unsigned long long)verdict->seals,
                  (unsigned long long)verdict->first.epoch, (unsigned long long)verdict->last.epoch,
                  verdict->from_beginning
                      ? "The log begins where sealing began, at "
                      : "What came before was rotated away, or removed; the log begins "
                        "at ");
    write_place(report, &verdict->first, out);
    buffer_append_literal(out, ".\nIt ends at ");
    write_place(report, &verdict->last, out);
    buffer_append_text(out, verdict->stopped ? ", with the gate's stop.\n"
                                             : ", without a stop: the gate runs, was killed, or "
                                               "the log was cut there.\n");
    if (verdict->unsealed > 0)
        buffer_printf(out, "%llu lines from before sealing began are not proven.\n",
                      (unsigned long long)verdict->unsealed);
    if (verdict->crashes > 0)
        buffer_printf(out,
                      "The gate started %llu times without having stopped (crash, power failure, "
                      "kill): what was not on the disk then is missing.\n",
                      (unsigned long long)verdict->crashes);
    if (report->missing_file != NULL)
        buffer_printf(out, "The file %s is not there, while older ones are%s.\n",
                      report->missing_file,
                      verdict->fault == LOG_FAULT_NONE
                          ? ": a rotation was cut short; the chain has no hole there"
                          : "");
    if (verdict->fragments > 0)
        buffer_printf(out, "%llu lines that a crash cut off, or that are being written.\n",
                      (unsigned long long)verdict->fragments);
    if (verdict->lost > 0)
        buffer_printf(out, "%llu records could not be written by the gate, which says so itself.\n",
                      (unsigned long long)verdict->lost);
    if (verdict->series > 1)
        buffer_printf(out, "%llu series begin in this log.\n", (unsigned long long)verdict->series);
    if (report->duration_us > 0)
        buffer_printf(out, "Read %.1f MB at %.0f MB/s.\n", (double)report->bytes / 1e6,
                      (double)report->bytes / (double)report->duration_us);
}

void log_verify_report_text(const struct log_verify_report *report, struct buffer *out)
{
    enum log_verify_result result = log_verify_result(report);
    write_head(report, out);
    if (result == LOG_VERIFY_NEVER_SEALED)
        return;
    if (result != LOG_VERIFY_WRONG_KEY)
        write_proof(report, out);
    write_facts(report, out);
}

static void json_place(const struct log_verify_report *report, const char *name,
                       const struct log_place *place, struct buffer *out)
{
    json_write_key(out, name);
    if (place->line == 0) {
        buffer_append_literal(out, "null");
        return;
    }
    json_write_object_begin(out);
    json_write_key_text(out, "file", report->files[place->file]);
    json_write_key_u64(out, "line", place->line);
    if (place->ts[0] != '\0')
        json_write_key_text(out, "ts", place->ts);
    if (place->id[0] != '\0')
        json_write_key_text(out, "id", place->id);
    if (place->seq > 0)
        json_write_key_u64(out, "seq", place->seq);
    if (place->epoch > 0)
        json_write_key_u64(out, "epoch", place->epoch);
    json_write_object_end(out);
}

static void json_fault(const struct log_verify_report *report, struct buffer *out)
{
    const struct log_verdict *verdict = report->verdict;
    if (verdict->fault != LOG_FAULT_NONE) {
        json_write_key_text(out, "fault", fault_names[verdict->fault]);
        json_write_key_text(out, "why", verdict->why);
        json_place(report, "at", &verdict->place, out);
    }
    if (verdict->missing_from > 0) {
        json_write_key_u64(out, "missing_epochs_from", verdict->missing_from);
        json_write_key_u64(out, "missing_epochs_to", verdict->missing_to);
    }
    if (report->missing_file != NULL)
        json_write_key_text(out, "missing_file", report->missing_file);
    json_write_key_u64(out, "faults", verdict->faults);
}

void log_verify_report_json(const struct log_verify_report *report, struct buffer *out)
{
    const struct log_verdict *verdict = report->verdict;
    json_write_object_begin(out);
    json_write_key_text(out, "result", result_name(log_verify_result(report)));
    json_write_key_bool(out, "key", report->keyed);
    json_fault(report, out);
    json_place(report, "proven", report->keyed ? &verdict->proven : &(struct log_place){0}, out);
    json_write_key_u64(out, "behind_proven", verdict->behind_proven);
    json_write_key_u64(out, "records", verdict->records);
    json_write_key_u64(out, "authentic", verdict->authentic);
    json_write_key_u64(out, "seals", verdict->seals);
    json_write_key_bool(out, "from_beginning", verdict->from_beginning);
    json_place(report, "first", &verdict->first, out);
    json_place(report, "last", &verdict->last, out);
    json_write_key_bool(out, "ends_with_stop", verdict->stopped);
    json_write_key_u64(out, "unsealed_before", verdict->unsealed);
    json_write_key_u64(out, "restarts", verdict->restarts);
    json_write_key_u64(out, "crashes", verdict->crashes);
    json_write_key_u64(out, "fragments", verdict->fragments);
    json_write_key_u64(out, "lost", verdict->lost);
    json_write_key_u64(out, "series", verdict->series);
    json_write_key_u64(out, "bytes", report->bytes);
    json_write_key_u64(out, "duration_us", report->duration_us);
    json_write_line_end(out);
}
