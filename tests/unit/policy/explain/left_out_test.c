/* SPDX-License-Identifier: Apache-2.0
 *
 * The hosts that the presets leave out, held against the preset that they are made of. */
#include <criterion/criterion.h>

#include <string.h>

#include "policy/document/preset.h"
#include "policy/explain/left_out.h"

static const char *reason_of(struct slice text)
{
    struct host_name host;
    struct error error;
    cr_assert(host_name_parse_dns(text, &host, &error), "%s", error.text);
    return left_out_reason(&host);
}

Test(left_out, says_what_a_host_is)
{
    static const struct {
        const char *name, *host, *says; /* says: NULL = nothing */
    } rows[] = {
        {"a host", "storage.googleapis.com", "Go's mirror"},
        {"below a domain", "bucket.s3.amazonaws.com", "S3"},
        {"not the domain itself", "amazonaws.com", NULL},
        {"not below a host", "x.pastebin.com", NULL},
        {"not what looks like it", "xamazonaws.com", NULL},
        {"another host", "example.com", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *said = reason_of(slice_from_text(rows[i].host));
        cr_expect(rows[i].says == NULL ? said == NULL
                                       : said != NULL && strstr(said, rows[i].says) != NULL,
                  "%s: %s", rows[i].name, said == NULL ? "nothing" : said);
    }
}

Test(left_out, no_host_of_the_preset_is_forgotten)
{
    const struct preset *preset = preset_find(SLICE_LITERAL("preset/upload-targets"));
    cr_assert_not_null(preset);
    struct slice rest = preset->text;
    unsigned count = 0;
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (memmem(line.ptr, line.len, "allow:", 6) == NULL)
            continue;
        slice_cut(&line, '"');
        struct slice host = slice_cut(&line, ':');
        if (host.ptr[0] == '*')
            host = slice_of(host.ptr + 2, host.len - 2);
        char below[80] = "x.";
        memcpy(below + 2, host.ptr, host.len);
        cr_expect(reason_of(host) != NULL || reason_of(slice_from_text(below)) != NULL, "%.*s",
                  (int)host.len, host.ptr);
        count++;
    }
    cr_expect_gt(count, 20);
}
