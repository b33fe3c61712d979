/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties: what the rule lets pass without a word of trust, no browser sends from a foreign
 * page: with a mark, a Host that passes is empty, an address, a local name, has no dot or is a
 * socket's path; an origin that passes reads as the one of Host. Trust and other listeners only
 * ever let more pass; an origin that is written reads back as itself; a name in `hosts` lets pass
 * that Host alone, or names below it alone, and the same name in any case and with a dot behind it.
 * Lines of `Name: value`; `hosts` is an entry of the policy. */
#include "rules/network/authority.h"
#include "rules/network/browser_request.h"
#include "tests/fuzz/fuzz.h"

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

/* The name in Host, as names are compared. */
static bool host_of(struct slice host, struct host_name *name_out)
{
    struct authority authority;
    struct error error;
    if (!authority_parse(host, 80, &authority, &error) || authority.host.is_address)
        return false;
    *name_out = authority.host;
    return true;
}

static void require_named(const struct browser_request *request, struct slice entry)
{
    static const struct browser_trust nobody;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct browser_host host = {.below = false};
    struct error error = {0};
    struct host_name name;
    if (!browser_host_parse(entry, &text, &host.below, &error)) {
        require(error.text[0] != '\0');
        return;
    }
    host.name = buffer_slice(&text);
    const struct browser_trust named = {.hosts = &host, .host_count = 1};
    enum browser_verdict bare = browser_request_judge(request, &nobody, true);
    enum browser_verdict trusted = browser_request_judge(request, &named, true);
    if (bare != BROWSER_FOREIGN_HOST || !host_of(request->host, &name)) {
        require(trusted == bare);
        return;
    }
    struct slice asked = host_name_slice(&name);
    bool same = slice_equal(asked, host.name);
    bool below = slice_ends_with(asked, host.name) && asked.len > host.name.len &&
                 asked.ptr[asked.len - host.name.len - 1] == '.';
    require((trusted == BROWSER_NOT_SEEN) == (host.below ? below : same));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct browser_trust nobody;
    struct browser_request request = {{NULL, 0}, {NULL, 0}, {NULL, 0}, false};
    struct slice rest = slice_of((const char *)data, size), entry = {NULL, 0};
    while (rest.ptr != NULL && size > 0) {
        struct slice value = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&value, ':');
        value = slice_trim_blanks(value);
        if (slice_equal_nocase(name, SLICE_LITERAL("host")))
            request.host = value;
        else if (slice_equal_nocase(name, SLICE_LITERAL("hosts")))
            entry = value;
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
    if (entry.ptr != NULL)
        require_named(&request, entry);
    if (request.origin.ptr == NULL)
        return 0;
    require_one_spelling(request.origin);
    const struct browser_trust named = {.origins = &request.origin, .origin_count = 1};
    enum browser_verdict trusted = browser_request_judge(&request, &named, true);
    require(trusted == inside || inside == BROWSER_FOREIGN_ORIGIN);
    return 0;
}
