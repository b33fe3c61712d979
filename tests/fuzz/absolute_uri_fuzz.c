/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what is sent to an origin for an accepted URI reads back as the same target; its
 * canonical path is a valid path, and canonical again it is the same, with the same answer. With an
 * odd first input byte "http://" is put in front, with a second bit set the input is an origin
 * form. */
#include <string.h>

#include "rules/network/url_target.h"
#include "tests/fuzz/fuzz.h"

static void require_canonical_path(struct slice path)
{
    AUTO_BUFFER struct buffer once = BUFFER_EMPTY, twice = BUFFER_EMPTY, room = BUFFER_EMPTY;
    struct url_target target;
    struct error error;
    bool one_reading = url_path_canonical(path, &once);
    require(url_target_parse_origin(buffer_slice(&once), &room, &target, &error));
    require(slice_equal(target.path, buffer_slice(&once)) && room.len == 0);
    require(url_path_canonical(buffer_slice(&once), &twice) == one_reading);
    require(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
    if (!one_reading)
        return;
    require(memmem(once.data, once.len, "//", 2) == NULL);
    require(memmem(once.data, once.len, "/../", 4) == NULL);
    require(memmem(once.data, once.len, "%2F", 3) == NULL);
}

static void append_origin_form(const struct url_target *target, struct buffer *out)
{
    if (target->leading_slash)
        buffer_append_byte(out, '/');
    buffer_append_slice(out, target->origin_form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY, form = BUFFER_EMPTY, again = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer room = BUFFER_EMPTY, untouched = BUFFER_EMPTY;
    struct url_target first = {.leading_slash = false}, second = {.leading_slash = false};
    struct error error = {0};
    bool origin = (data[0] & 2) != 0;
    if ((data[0] & 1) != 0)
        buffer_append_literal(&text, "http://");
    buffer_append(&text, (const char *)data + 1, size - 1);
    if (!(origin ? url_target_parse_origin(buffer_slice(&text), &room, &first, &error)
                 : url_target_parse(buffer_slice(&text), &room, &first, &error))) {
        require((error.status == 400 || error.status == 414) && error.text[0] != '\0');
        require(error.status == 414 ||
                strncmp(error.reason, "malformed.", strlen("malformed.")) == 0);
        return 0;
    }
    append_origin_form(&first, &form);
    for (size_t i = 0; i < form.len; i++) /* nothing raw is left */
        require(form.data[i] > 0x20 && form.data[i] < 0x7f &&
                strchr("\"#<>\\^`{|}", form.data[i]) == NULL);
    require(slice_starts_with(buffer_slice(&form), first.path) && first.path.ptr[0] == '/');
    require_canonical_path(first.path);
    require(url_target_parse_origin(buffer_slice(&form), &untouched, &second, &error));
    require(slice_equal(second.path, first.path));
    if (origin)
        return 0;
    buffer_append_literal(&again, "http://");
    authority_write(&first.authority, 80, &again);
    append_origin_form(&first, &again);
    require(url_target_parse(buffer_slice(&again), &untouched, &second, &error));
    require(authority_equal(&first.authority, &second.authority));
    require(slice_equal(second.path, first.path) && !second.leading_slash);
    require(slice_equal(second.origin_form, buffer_slice(&form)) && untouched.len == 0);
    return 0;
}
