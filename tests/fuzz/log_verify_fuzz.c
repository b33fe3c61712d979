/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: whatever is done to a sealed log, what is called proven is as it was written. The input
 * is a list of edits of a sealed log (overwrite, remove, insert, copy of bytes); then either a
 * fault is named, or every record up to the proven seal is one of the log's, in its order, and
 * lines that are none of the log's are counted. And any text at all can be judged. */
#include "tests/unit/policy/seal/sealed_log_fixture.h"
#include "tests/fuzz/fuzz.h"

/* One edit: kind, place and length in two bytes each, then the bytes that it puts in. */
static size_t edit(const uint8_t *data, size_t size, struct buffer *text)
{
    enum { HEAD = 6 };
    if (size < HEAD || text->len == 0)
        return size;
    size_t at = (size_t)(data[1] << 8 | data[2]) % text->len;
    size_t len = (size_t)(data[3] << 8 | data[4]) % (text->len - at) + 1;
    size_t put = data[5] % 64;
    const char *bytes = (const char *)data + HEAD;
    if (put > size - HEAD)
        put = size - HEAD;
    AUTO_BUFFER struct buffer changed = BUFFER_EMPTY;
    buffer_append(&changed, text->data, at);
    switch (data[0] % 4) {
    case 0: /* overwrite */
        buffer_append(&changed, bytes, put);
        at += put < text->len - at ? put : text->len - at;
        break;
    case 1: /* remove */
        at += len;
        break;
    case 2: /* insert */
        buffer_append(&changed, bytes, put);
        break;
    default: /* twice */
        buffer_append(&changed, text->data + at, len);
        break;
    }
    buffer_append(&changed, text->data + at, text->len - at);
    buffer_clear(text);
    buffer_append_slice(text, buffer_slice(&changed));
    return HEAD + put;
}

/* The first `count` lines of both, lines of `changed` that are not sealed passed over. */
static void require_same(struct slice whole, struct slice changed, uint64_t count)
{
    bool begun = false;
    for (uint64_t i = 0; i < count; i++) {
        struct slice line = slice_cut(&changed, '\n');
        struct log_sealed sealed;
        if (!log_sealed_parse(&sealed, line))
            continue;
        struct slice wanted;
        /* The beginning may be missing, as rotation leaves it; nothing in the middle may. */
        do {
            require(whole.len > 0);
            wanted = slice_cut(&whole, '\n');
        } while (!begun && !slice_equal(wanted, line));
        require(slice_equal(wanted, line));
        begun = true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    AUTO_BUFFER struct buffer changed = BUFFER_EMPTY;
    struct log_verify verify;
    sealed_log_make(&log, 4, 3);
    (void)sealed_log_judge(&verify, slice_of((const char *)data, size), size % 2 ? "\x07" : "");
    buffer_append_slice(&changed, buffer_slice(&log.text));
    for (size_t used = 0; used < size;)
        used += edit(data + used, size - used, &changed);
    const struct log_verdict *verdict = sealed_log_judge(&verify, buffer_slice(&changed), "\x07");
    require_same(buffer_slice(&log.text), buffer_slice(&changed), verdict->proven.line);
    if (verdict->fault != LOG_FAULT_NONE || verdict->records == 0)
        return 0;
    /* Nothing is wrong: then it is a part of the log without a hole, and what else is there stands
     * before its beginning, before a start or at the end. */
    size_t lines = 0;
    for (size_t i = 0; i < changed.len; i++)
        lines += changed.data[i] == '\n';
    lines += changed.len > 0 && changed.data[changed.len - 1] != '\n';
    require_same(buffer_slice(&log.text), buffer_slice(&changed), lines);
    require(lines == verdict->records + verdict->unsealed + verdict->fragments);
    return 0;
}
