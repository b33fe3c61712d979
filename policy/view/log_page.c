/* SPDX-License-Identifier: Apache-2.0
 *
 * The page as a whole: totals, notes on what is left out, and the file it is written to. */
#include "policy/view/log_page.h"

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/view/log_page_parts.h"
#include "base/cli/output_file.h"

enum { PAGE_MODE = 0640 };

/* "2026-11-21 01:43 to 03:12 UTC"; the day of the end only where it is another one. */
static void append_range(const struct log_page_data *data, struct buffer *out)
{
    if (data->last_us == 0) {
        buffer_append_literal(out, "no requests");
        return;
    }
    AUTO_BUFFER struct buffer end = BUFFER_EMPTY;
    size_t begin = out->len;
    log_page_append_time(data->first_us, LOG_PAGE_MINUTE, out);
    log_page_append_time(data->last_us, LOG_PAGE_MINUTE, &end);
    if (out->failed || end.failed)
        return;
    const char *first = out->data + begin;
    bool same_day = memcmp(first, end.data, LOG_PAGE_DAY) == 0;
    if (memcmp(first, end.data, LOG_PAGE_MINUTE) != 0) {
        buffer_printf(out, " to %s", buffer_text(&end) + (same_day ? LOG_PAGE_DAY + 1 : 0));
    }
    buffer_append_literal(out, " UTC");
}

static void append_section_title(const struct log_page_section *section, struct buffer *out)
{
    if (section->all_rows == 0)
        return;
    log_page_append_count(section->requests, "request", "requests", out);
    buffer_append_literal(out, " in ");
    log_page_append_count(section->all_rows, "row", "rows", out);
}

static const char *const page_slots[] = {
    "style-hash", "script-hash", "style",    "script",   "range",        "log",
    "conditions", "facts",       "requests", "denied",   "denied-share", "denied-class",
    "would",      "would-class", "clients",  "bytes-in", "bytes-out",    "notes",
    "timeline",   "sections",    "version"};
enum page_slot {
    PAGE_STYLE_HASH,
    PAGE_SCRIPT_HASH,
    PAGE_STYLE,
    PAGE_SCRIPT,
    PAGE_RANGE,
    PAGE_LOG,
    PAGE_CONDITIONS,
    PAGE_FACTS,
    PAGE_REQUESTS,
    PAGE_DENIED,
    PAGE_DENIED_SHARE,
    PAGE_DENIED_CLASS,
    PAGE_WOULD,
    PAGE_WOULD_CLASS,
    PAGE_CLIENTS,
    PAGE_BYTES_IN,
    PAGE_BYTES_OUT,
    PAGE_NOTES,
    PAGE_TIMELINE,
    PAGE_SECTIONS,
    PAGE_VERSION
};

/* The rows of each decision: its word in the address of the page, its title, and of what. */
static const struct {
    const char *id, *title, *name, *caption, *none;
} sections[LOG_DECISIONS] = {
    [LOG_DENIED] = {"denied", "Denied", "denied", "What was denied", "Nothing was denied."},
    [LOG_WOULD_DENY] = {"would-deny", "Would be denied, let pass by report mode",
                        "let pass by report mode", "What report mode let pass", NULL},
    [LOG_ALLOWED] = {"allowed", "Allowed", "allowed", "What was allowed", "Nothing was allowed."},
};

static void append_sections(struct log_page *page, struct buffer *out)
{
    for (size_t i = 0; i < LOG_DECISIONS; i++) {
        const struct log_page_section *section = &page->data->sections[i];
        if (section->all_rows == 0 && sections[i].none == NULL)
            continue;
        buffer_printf(out,
                      "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s <span class=\"total\">",
                      sections[i].id, sections[i].id, sections[i].title);
        append_section_title(section, out);
        buffer_append_literal(out, "</span></h2>\n");
        log_page_append_section(page, section, sections[i].caption, sections[i].none, out);
        buffer_append_literal(out, "\n</section>\n");
    }
}

static void append_fact(const char *name, struct slice value, struct buffer *out)
{
    buffer_printf(out, "<div><dt>%s</dt><dd>", name);
    html_text_append(out, value);
    buffer_append_literal(out, "</dd></div>");
}

static void write_sealing(const struct log_scan_notes *notes, struct buffer *out)
{
    if (notes->sealed == 0) {
        buffer_append_literal(out, "not sealed");
        return;
    }
    buffer_printf(out, "%s, epoch %llu", notes->unsealed > 0 ? "sealed in part" : "sealed",
                  (unsigned long long)notes->first_epoch);
    if (notes->last_epoch != notes->first_epoch)
        buffer_printf(out, " to %llu", (unsigned long long)notes->last_epoch);
    buffer_append_literal(out, ", not verified here");
}

/* What the log says of the gate that wrote it. */
static void append_facts(const struct log_scan_notes *notes, struct buffer *out)
{
    AUTO_BUFFER struct buffer gate = BUFFER_EMPTY, policy = BUFFER_EMPTY, sealing = BUFFER_EMPTY,
                              lost = BUFFER_EMPTY;
    buffer_printf(&gate, notes->version[0] == '\0' ? "not in this log" : "Dockreeve %s",
                  notes->version);
    buffer_append_text(&policy, notes->policy[0] == '\0' ? "not in this log" : notes->policy);
    if (notes->policies > 1)
        buffer_printf(&policy, ", the last of %llu", (unsigned long long)notes->policies);
    write_sealing(notes, &sealing);
    buffer_append_u64(&lost, notes->lost);
    append_fact("Gate", buffer_slice(&gate), out);
    append_fact("Policy", buffer_slice(&policy), out);
    append_fact("Log", buffer_slice(&sealing), out);
    append_fact("Records lost", buffer_slice(&lost), out);
}

static void append_left_out(const struct log_page_section *section, const char *name,
                            struct buffer *out)
{
    if (section->all_rows == section->row_count)
        return;
    buffer_append_literal(out, "<li>Of ");
    log_page_append_count(section->all_rows, "row", "rows", out);
    buffer_printf(out, " of what was %s only the ", name);
    html_text_append_number(out, section->row_count);
    buffer_append_literal(out, " with the most requests are shown; the totals count all. Other "
                               "rows are seen with --client, --host, --since and the like.</li>");
}

/* What is not on the page although it is in the log. */
static void append_notes(const struct log_page_data *data, struct buffer *out)
{
    AUTO_BUFFER struct buffer items = BUFFER_EMPTY;
    for (size_t i = 0; i < LOG_DECISIONS; i++)
        append_left_out(&data->sections[i], sections[i].name, &items);
    if (data->notes.lost > 0) {
        buffer_append_literal(&items, "<li>The gate could not write ");
        log_page_append_count(data->notes.lost, "record", "records", &items);
        buffer_append_literal(&items, ": what they were is not known.</li>");
    }
    if (data->without_records)
        buffer_printf(&items,
                      "<li>The page shows %d records at most, the newest %d of each row, beginning "
                      "with the first row; rows further down show fewer or none.</li>",
                      LOG_PAGE_RECORDS, LOG_PAGE_ROW_RECORDS);
    if (data->not_kept > 0) {
        buffer_append_literal(&items, "<li>");
        log_page_append_count(data->not_kept, "record is", "records are", &items);
        buffer_append_literal(&items, " too long to be shown; the rows count them.</li>");
    }
    if (data->notes.unreadable > 0) {
        buffer_append_literal(&items, "<li>");
        log_page_append_count(data->notes.unreadable, "line", "lines", &items);
        buffer_append_literal(&items, " of the log could not be read and are left out.</li>");
    }
    if (data->notes.torn)
        buffer_append_literal(&items, "<li>The last line of the log has no end and is left out: it "
                                      "was being written, or a crash cut it off.</li>");
    if (items.len > 0) {
        buffer_append_literal(out, "<ul class=\"notes\">");
        buffer_append_slice(out, buffer_slice(&items));
        buffer_append_literal(out, "</ul>");
    }
    out->failed |= items.failed;
}

/* "4.5 %" of all requests. */
static void append_share(uint64_t part, uint64_t whole, struct buffer *out)
{
    if (part == 0 || whole == 0)
        return;
    double share = (double)part / (double)whole * 100;
    buffer_printf(out, share < 0.1 ? "under 0.1 %%" : share < 10 ? "%.1f %%" : "%.0f %%", share);
}

static uint64_t requests_of(const struct log_page_data *data)
{
    uint64_t requests = 0;
    for (size_t i = 0; i < LOG_DECISIONS; i++)
        requests += data->sections[i].requests;
    return requests;
}

/* What has several parts. */
static void write_part(struct log_page *page, enum page_slot slot, struct buffer *out)
{
    const struct log_page_data *data = page->data;
    if (slot == PAGE_RANGE) {
        append_range(data, out);
    } else if (slot == PAGE_CONDITIONS && page->request->conditions[0] != '\0') {
        buffer_append_literal(out, " with <code>");
        html_text_append(out, slice_from_text(page->request->conditions));
        buffer_append_literal(out, "</code>");
    } else if (slot == PAGE_DENIED_SHARE) {
        append_share(data->sections[LOG_DENIED].requests, requests_of(data), out);
    } else if (slot == PAGE_NOTES) {
        append_notes(data, out);
    } else if (slot == PAGE_TIMELINE) {
        log_page_append_timeline(page, out);
    } else if (slot == PAGE_SECTIONS) {
        append_sections(page, out);
    } else if (slot == PAGE_FACTS) {
        append_facts(&data->notes, out);
    }
}

static void write_page_slot(void *context, unsigned slot, struct buffer *out)
{
    struct log_page *page = context;
    const struct log_page_data *data = page->data;
    const uint64_t *denied = &data->sections[LOG_DENIED].requests;
    const uint64_t *would_deny = &data->sections[LOG_WOULD_DENY].requests;
    const uint64_t requests = requests_of(data);
    const struct {
        const char *html, *text;
        const uint64_t *number, *bytes;
    } plain[ARRAY_LEN(page_slots)] = {
        [PAGE_STYLE_HASH] = {.html = log_page_css_hash},
        [PAGE_SCRIPT_HASH] = {.html = log_page_js_hash},
        [PAGE_STYLE] = {.html = log_page_css},
        [PAGE_SCRIPT] = {.html = log_page_js},
        [PAGE_LOG] = {.text = page->request->log_path},
        [PAGE_REQUESTS] = {.number = &requests},
        [PAGE_DENIED] = {.number = denied},
        [PAGE_DENIED_CLASS] = {.html = *denied > 0 ? "denied" : ""},
        [PAGE_WOULD] = {.number = would_deny},
        [PAGE_WOULD_CLASS] = {.html = *would_deny > 0 ? "would" : ""},
        [PAGE_CLIENTS] = {.number = &data->clients},
        [PAGE_BYTES_IN] = {.bytes = &data->bytes_in},
        [PAGE_BYTES_OUT] = {.bytes = &data->bytes_out},
        [PAGE_VERSION] = {.html = PACKAGE_VERSION},
    };
    if (plain[slot].html != NULL)
        buffer_append_text(out, plain[slot].html);
    else if (plain[slot].text != NULL)
        html_text_append(out, slice_from_text(plain[slot].text));
    else if (plain[slot].number != NULL)
        html_text_append_number(out, *plain[slot].number);
    else if (plain[slot].bytes != NULL)
        html_text_append_bytes(out, *plain[slot].bytes);
    else
        write_part(page, slot, out);
}

bool log_page_append(const struct log_page_data *data, const struct log_page_request *request,
                     struct buffer *out, struct error *error)
{
    struct log_page page = {.data = data, .request = request};
    LOG_PAGE_FILL(&page, out, log_page_html, page_slots, write_page_slot, &page);
    log_line_free(&page.line);
    if (page.wrong_template)
        return error_set(error, COMMAND_FAILED, "a template of the page is wrong");
    return !out->failed || error_set(error, COMMAND_FAILED, "out of memory");
}

/* A page in place of the log would be the end of the evidence. */
static bool is_part_of_log(const struct log_files *files, const char *output)
{
    struct stat page, log;
    for (unsigned i = 0; stat(output, &page) == 0 && i < files->count; i++) {
        if (fstat(files->fds[i], &log) == 0 && log.st_dev == page.st_dev &&
            log.st_ino == page.st_ino)
            return true;
    }
    return false;
}

bool log_page_write(const struct log_page_request *request, const char *output, struct error *error)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    CLEANUP(log_page_data_free) struct log_page_data data = {.clients = 0};
    if (is_part_of_log(request->files, output))
        return error_set(error, COMMAND_USAGE,
                         "the page would take the place of the log; name another file");
    if (!log_page_data_gather(&data, request->files, request->filter, error) ||
        !log_page_append(&data, request, &out, error))
        return false;
    if (strcmp(output, "-") != 0)
        return output_file_write(output, buffer_slice(&out), PAGE_MODE, error);
    return (fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0) ||
           error_set(error, COMMAND_FAILED, "cannot write: %s", strerror(errno));
}
