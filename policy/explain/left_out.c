/* SPDX-License-Identifier: Apache-2.0
 *
 * The list is made of preset/upload-targets when the program is built: each of its hosts with the
 * comment behind it. Some thirty rows, looked through only when a refusal is put into words. */
#include "policy/explain/left_out.h"

#include "base/attributes.h"
#include "base/slice.h"

static const struct {
    const char pattern[40], *reason;
} rows[] = {
#include "policy/explain/left_out_rows.inc"
};

static bool matches(const char *pattern, struct slice host)
{
    struct slice wanted = slice_from_text(pattern);
    if (pattern[0] != '*')
        return slice_equal(wanted, host);
    wanted = slice_of(wanted.ptr + 1, wanted.len - 1); /* ".example.com" */
    return host.len > wanted.len &&
           slice_equal(wanted, slice_of(host.ptr + host.len - wanted.len, wanted.len));
}

const char *left_out_reason(const struct host_name *host)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!host->is_address && matches(rows[i].pattern, host_name_slice(host)))
            return rows[i].reason;
    }
    return NULL;
}
