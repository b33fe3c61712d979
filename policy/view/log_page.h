/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy log --html`: the log as one page for a reader without this program: totals, a timeline,
 * what was denied and what was allowed, each row with the rule behind it and its newest records.
 * The page loads nothing, and its content security policy forbids it to. It names no time and no
 * machine but those of the log: the same log gives the same page. */
#pragma once

#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "policy/view/log_page_data.h"

/* What the page is made of. All borrowed. */
struct log_page_request {
    const struct log_files *files;
    const struct log_filter *filter;
    const char *log_path;   /* as it is called */
    const char *conditions; /* the filter as it was typed: "--denied --since 2h"; "" = none */
};

/* Appends the page for what was gathered. False with `error` (code 1) when memory is out. */
MUST_CHECK bool log_page_append(const struct log_page_data *data,
                                const struct log_page_request *request, struct buffer *out,
                                struct error *error);

/* Gathers, and writes the page to `output` ("-" = standard output), which is replaced as a whole
 * and readable as the log is (mode 0640). False with `error`: code 2 when it is a file of the log
 * itself, else 1. */
MUST_CHECK bool log_page_write(const struct log_page_request *request, const char *output,
                               struct error *error);
