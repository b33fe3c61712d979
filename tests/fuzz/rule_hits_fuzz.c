/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties: a refused file of counts leaves the table empty; an accepted one, written again, is
 * accepted and written the same. */
#include "policy/document/rule_hits.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(rule_hits_free) struct rule_hits *first = rule_hits_new();
    CLEANUP(rule_hits_free) struct rule_hits *second = rule_hits_new();
    AUTO_BUFFER struct buffer once = BUFFER_EMPTY, twice = BUFFER_EMPTY;
    struct error error;
    if (!rule_hits_parse(first, slice_of((const char *)data, size), &error)) {
        require(rule_hits_len(first) == 0);
        return 0;
    }
    rule_hits_serialize(first, &once);
    require(rule_hits_parse(second, buffer_slice(&once), &error));
    rule_hits_serialize(second, &twice);
    require(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
    return 0;
}
