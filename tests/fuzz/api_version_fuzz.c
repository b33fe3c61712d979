/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: what is lowered is as long as the original but for versions, says no version that is
 * newer than the table where the original was read, and is lowered to itself. */
#include "base/json_token.h"
#include "rules/docker/api_version.h"
#include "tests/fuzz/fuzz.h"

/* The number of tokens; 0 = not JSON. */
static size_t count_tokens(struct slice json)
{
    struct json_reader reader;
    json_reader_init(&reader, json);
    for (size_t count = 1;; count++) {
        enum json_token_kind kind = json_next(&reader).kind;
        if (kind == JSON_END)
            return count;
        if (kind == JSON_BAD)
            return 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice json = slice_of((const char *)data, size);
    AUTO_BUFFER struct buffer once = BUFFER_EMPTY, twice = BUFFER_EMPTY;
    (void)api_version_of_refusal(json);
    (void)api_version_minimum(json);
    if (!api_version_lower(json, &once)) {
        require(once.len == 0);
        return 0;
    }
    require(count_tokens(json) > 0 && count_tokens(json) == count_tokens(buffer_slice(&once)));
    require(api_version_lower(buffer_slice(&once), &twice));
    require(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
    return 0;
}
