/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties: the verdict on a request is the one that a second reading of the manual's words gives
 * (dockreeve-policy(5), Browsers), with and without trust, on a loopback listener and on another;
 * an origin that is written reads back as itself. Lines of `Name: value`; `hosts` and `origins` are
 * entries of the policy. */
#include <strings.h>

#include "rules/network/browser_request.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/place_model.h"

/* The input as text: what the second reading knows. */
struct asked {
    char host[512], origin[512], site[64], hosts[512], origins[512];
    bool has_host, has_origin, has_site, has_mark, has_hosts, has_origins;
};

static void keep(char *text, size_t size, bool *has, const char *value)
{
    *has = true;
    snprintf(text, size, "%s", value);
}

static void add_line(struct asked *asked, const char *name, const char *value)
{
    bool of_fetch = strncasecmp(name, "Sec-Fetch-", 10) == 0;
    if (strcasecmp(name, "Host") == 0)
        keep(asked->host, sizeof(asked->host), &asked->has_host, value);
    else if (strcasecmp(name, "hosts") == 0)
        keep(asked->hosts, sizeof(asked->hosts), &asked->has_hosts, value);
    else if (strcasecmp(name, "origins") == 0)
        keep(asked->origins, sizeof(asked->origins), &asked->has_origins, value);
    else if (strcasecmp(name, "Origin") == 0)
        keep(asked->origin, sizeof(asked->origin), &asked->has_origin, value);
    else if (strcasecmp(name, "User-Agent") == 0)
        asked->has_mark |= strncasecmp(value, "Mozilla/", 8) == 0;
    asked->has_mark |= of_fetch || strncasecmp(name, "Sec-CH-", 7) == 0 ||
                       strcasecmp(name, "Referer") == 0 || strcasecmp(name, "Cookie") == 0 ||
                       strcasecmp(name, "Accept-Language") == 0;
    if (strcasecmp(name, "Sec-Fetch-Site") == 0 && strcmp(value, "same-origin") != 0 &&
        strcmp(value, "none") != 0)
        keep(asked->site, sizeof(asked->site), &asked->has_site, value);
}

/* ---- the second reading ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* An origin as a scheme and a place; without a port it is the scheme's own, *own_port. */
static bool read_origin(const char *text, char *scheme, unsigned *own_port, struct place *place)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = strcspn(text, ":");
    if (strncmp(text + len, "://", 3) != 0 || len == 0 || len > 32 ||
        strchr(letters, text[0]) == NULL)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (strchr(letters, text[i]) == NULL && strchr("0123456789+-.", text[i]) == NULL)
            return false;
    }
    snprintf(scheme, 33, "%.*s", (int)len, text);
    *own_port = strcasecmp(scheme, "https") == 0 || strcasecmp(scheme, "wss") == 0 ? 443 : 80;
    return place_read(slice_from_text(text + len + 3), *own_port, place);
}

static bool is_of_origin(const struct asked *asked)
{
    char scheme[33];
    unsigned port;
    struct place from, to;
    return read_origin(asked->origin, scheme, &port, &from) &&
           place_read(slice_from_text(asked->host), port, &to) && place_same(&from, &to);
}

static bool is_trusted_origin(const struct asked *asked)
{
    char scheme[33], trusted[33];
    unsigned port, ignored;
    struct place from, listed;
    return asked->has_origins && read_origin(asked->origin, scheme, &port, &from) &&
           read_origin(asked->origins, trusted, &ignored, &listed) &&
           strcasecmp(scheme, trusted) == 0 && place_same(&from, &listed);
}

static bool is_in_hosts(const struct asked *asked, const struct place *place)
{
    size_t stars = strspn(asked->hosts, "*"); /* `**.` says the same as `*.` */
    bool below = stars > 0;
    struct place listed;
    char end[260];
    if (!asked->has_hosts || !place_read(slice_from_text(asked->hosts + stars + below), 80, &listed))
        return false;
    snprintf(end, sizeof(end), ".%s", listed.name);
    return below ? ends_with(place->name, end) && place->name[0] != '.'
                 : strcmp(place->name, listed.name) == 0;
}

static bool is_own_name(const struct asked *asked)
{
    struct place place;
    if (asked->host[0] == '\0' || strncasecmp(asked->host, "%2f", 3) == 0)
        return true;
    return place_read(slice_from_text(asked->host), 80, &place) &&
           (strchr(place.name, '.') == NULL || ends_with(place.name, ".localhost") ||
            is_in_hosts(asked, &place));
}

static enum browser_verdict judge_again(const struct asked *asked, bool on_loopback)
{
    if (asked->has_site)
        return BROWSER_FOREIGN_SITE;
    if (asked->has_origin && !is_of_origin(asked) && !is_trusted_origin(asked))
        return BROWSER_FOREIGN_ORIGIN;
    return (on_loopback || asked->has_mark) && !is_own_name(asked) ? BROWSER_FOREIGN_HOST
                                                                   : BROWSER_NOT_SEEN;
}

/* ---- what is compared ---- */

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

static void require_same_verdicts(const struct browser_request *request,
                                  const struct browser_trust *trust, const struct asked *asked)
{
    static const struct browser_trust everything = {.everything = true};
    for (int on_loopback = 0; on_loopback < 2; on_loopback++) {
        require(browser_request_judge(request, trust, on_loopback) ==
                judge_again(asked, on_loopback));
        require(browser_request_judge(request, &everything, on_loopback) == BROWSER_NOT_SEEN);
    }
}

/* With what the policy lists, as it is read from there; what it would not take is nobody's. */
static void require_same_with_trust(const struct browser_request *request, struct asked *asked)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY, origin = BUFFER_EMPTY;
    struct browser_host host = {.below = false};
    struct error error = {0};
    asked->has_hosts = asked->has_hosts && browser_host_parse(slice_from_text(asked->hosts), &name,
                                                              &host.below, &error);
    asked->has_origins = asked->has_origins && browser_origin_write(slice_from_text(asked->origins),
                                                                    &origin, &error);
    host.name = buffer_slice(&name);
    struct slice listed = buffer_slice(&origin);
    const struct browser_trust trust = {.hosts = &host,
                                        .host_count = asked->has_hosts,
                                        .origins = &listed,
                                        .origin_count = asked->has_origins};
    require_same_verdicts(request, &trust, asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct browser_trust nobody;
    struct browser_request request = {{NULL, 0}, {NULL, 0}, {NULL, 0}, false};
    struct asked asked = {.has_host = false};
    char text[2048];
    if (size >= 512 || memchr(data, '\0', size) != NULL)
        return 0;
    snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)data);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *value = line, *name = strsep(&value, ":");
        value = value == NULL ? name + strlen(name) : value + strspn(value, " \t");
        for (char *end = value + strlen(value); end > value && strchr(" \t", end[-1]) != NULL;)
            *--end = '\0';
        add_line(&asked, name, value);
        if (strcasecmp(name, "Host") == 0)
            request.host = slice_from_text(value);
        else
            browser_request_add_field(&request, slice_from_text(name), slice_from_text(value));
    }
    require_same_with_trust(&request, &asked);
    asked.has_hosts = asked.has_origins = false;
    require_same_verdicts(&request, &nobody, &asked);
    if (asked.has_origin)
        require_one_spelling(request.origin);
    return 0;
}
