/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties: a line is read alike by the quick way and by the long way, which a space in front of
 * it forces; and a record that a filter made of its own fields wants is proposed by the search for
 * that filter's texts, however the record is spelled. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "policy/log/log_filter.h"
#include "policy/log/log_line.h"
#include "policy/log/log_needle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_proposed(const struct log_filter *filter, struct slice line)
{
    struct log_needles needles = {.group_count = 0};
    struct log_search search;
    struct slice found;
    AUTO_BUFFER struct buffer lines = BUFFER_EMPTY;
    buffer_append_literal(&lines, "{}\n");
    buffer_append_slice(&lines, line);
    buffer_append_literal(&lines, "\n{}\n");
    log_filter_needles(filter, &needles);
    log_search_begin(&search, &needles, buffer_slice(&lines));
    bool proposed = false;
    while (!proposed && log_search_next(&search, &found))
        proposed = slice_equal(found, line);
    log_needles_clear(&needles);
    return proposed;
}

/* Each condition that the record itself fulfils, one by one. */
static void check_filters(const struct log_line *line, struct slice text)
{
    struct slice host = line->fields[LOG_FIELD_HOST], operation = line->fields[LOG_FIELD_OPERATION];
    struct log_filter filters[] = {
        {.client = line->fields[LOG_FIELD_CLIENT]},
        {.via = line->fields[LOG_FIELD_VIA]},
        {.kind = line->fields[LOG_FIELD_KIND]},
        {.rule = line->fields[LOG_FIELD_RULE]},
        {.rule = line->fields[LOG_FIELD_SOURCE]},
        {.denied = true},
        {.allowed = true},
        {.client = {NULL, 0}},
        {.client = {NULL, 0}},
    };
    struct error error;
    AUTO_FREE char *host_text = slice_to_text(host.len > 0 ? host : SLICE_LITERAL("*"));
    AUTO_FREE char *name = slice_to_text(operation.len > 0 ? operation : SLICE_LITERAL("*"));
    (void)!log_filter_set_host(&filters[7], host_text, &error);
    (void)!log_filter_set_operation(&filters[8], name, &error);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        require(!log_filter_wants(&filters[i], line) || is_proposed(&filters[i], text));
        log_filter_clear(&filters[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_LOG_LINE struct log_line quick = LOG_LINE_EMPTY, slow = LOG_LINE_EMPTY;
    AUTO_BUFFER struct buffer spaced = BUFFER_EMPTY;
    struct slice text = slice_of((const char *)data, size);
    buffer_append_byte(&spaced, ' ');
    buffer_append_slice(&spaced, text);
    bool taken = log_line_parse(&quick, text);
    require(log_line_parse(&slow, buffer_slice(&spaced)) == taken);
    if (!taken)
        return 0;
    for (size_t i = 0; i < LOG_FIELDS; i++)
        require(slice_equal(quick.fields[i], slow.fields[i]) &&
                (quick.fields[i].ptr == NULL) == (slow.fields[i].ptr == NULL));
    check_filters(&quick, text);
    return 0;
}
