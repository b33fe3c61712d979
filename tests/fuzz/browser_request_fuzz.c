/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties: what the rule lets pass without a word of trust, no browser sends from a foreign
 * page: with a mark, a Host that passes is empty, an address, a local name, has no dot or is a
 * socket's path; an origin that passes reads as the one of Host. Trust and other listeners only
 * ever let more pass; an origin that is written reads back as itself. Lines of `Name: value`. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "rules/network/authority.h"
#include "rules/network/browser_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_local(struct slice host)
{
    struct authority authority;
    struct error error;
    if (host.len == 0 || host.ptr[0] == '%' || !memchr(host.ptr, '.', host.len))
        return;
    require(authority_parse(host, 80, &authority, &error));
    require(authority.host.is_address || host_name_is_local(&authority.host) ||
            memchr(authority.host.text, '.', authority.host.len) == NULL);
}

static void require_one_spelling(struct slice origin)
{
    AUTO_BUFFER struct buffer once = BUFFER_EMPTY, twice = BUFFER_EMPTY;
    struct error error = {0};
    if (!browser_origin_write(origin, &once, &error)) {
        require(error.text[0] != '\0');
        return;
    }
    require(browser_origin_write(buffer_slice(&once), &twice, &error));
    require(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct browser_trust nobody;
    struct browser_request request = {{NULL, 0}, {NULL, 0}, {NULL, 0}, false};
    struct slice rest = slice_of((const char *)data, size);
    while (rest.ptr != NULL && size > 0) {
        struct slice value = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&value, ':');
        value = slice_trim_blanks(value);
        if (slice_equal_nocase(name, SLICE_LITERAL("host")))
            request.host = value;
        else
            browser_request_add_field(&request, name, value);
    }
    enum browser_verdict inside = browser_request_judge(&request, &nobody, true);
    enum browser_verdict outside = browser_request_judge(&request, &nobody, false);
    require(outside == inside || (outside == BROWSER_NOT_SEEN && inside == BROWSER_FOREIGN_HOST));
    if (inside == BROWSER_NOT_SEEN) {
        require_local(request.host);
        require(request.site.ptr == NULL);
    }
    if (request.origin.ptr == NULL)
        return 0;
    require_one_spelling(request.origin);
    const struct browser_trust named = {.origins = &request.origin, .origin_count = 1};
    enum browser_verdict trusted = browser_request_judge(&request, &named, true);
    require(trusted == inside || inside == BROWSER_FOREIGN_ORIGIN);
    return 0;
}
