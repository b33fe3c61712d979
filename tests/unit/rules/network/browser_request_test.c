/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/browser_request.h"

/* A request as "Name: value" lines. */
static struct browser_request request_of(const char *lines)
{
    struct browser_request request = {{NULL, 0}, {NULL, 0}, {NULL, 0}, false};
    for (struct slice rest = slice_from_text(lines); rest.ptr != NULL;) {
        struct slice value = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&value, ':');
        value = slice_trim_blanks(value);
        if (slice_equal_nocase(name, SLICE_LITERAL("host")))
            request.host = value;
        else
            browser_request_add_field(&request, name, value);
    }
    return request;
}

static const struct browser_host hosts[] = {
    {{"docker.example.com", 18}, false},
    {{"lan.example", 11}, true},
};
static const struct slice origins[] = {
    {"https://portainer.example.com", 29},
    {"http://[fd00::5]:9000", 21},
};
static const struct browser_trust some = {hosts, ARRAY_LEN(hosts), origins, ARRAY_LEN(origins),
                                          false};
static const struct browser_trust nobody;
static const struct browser_trust everybody = {.everything = true};

struct row {
    const char *name, *lines;
    enum browser_verdict inside, outside; /* on a loopback listener, on another */
};

static void check(const struct row *rows, size_t count, const struct browser_trust *trust)
{
    for (size_t i = 0; i < count; i++) {
        struct browser_request request = request_of(rows[i].lines);
        cr_expect_eq(browser_request_judge(&request, trust, true), rows[i].inside, "%s, loopback",
                     rows[i].name);
        cr_expect_eq(browser_request_judge(&request, trust, false), rows[i].outside, "%s",
                     rows[i].name);
        cr_expect_eq(browser_request_judge(&request, &everybody, true), BROWSER_NOT_SEEN,
                     "%s, with everything allowed", rows[i].name);
    }
}

Test(browser_request, the_name_in_host_tells_a_rebound_page)
{
    static const struct row rows[] = {
        {"no Host", "", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"empty Host", "Host:", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"a page's marks without Host", "Host:\nCookie: a=b", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"IPv4", "Host: 127.0.0.1:2375", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"IPv4 of a page", "Host: 10.0.0.5\nCookie: a", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"IPv6", "Host: [::1]:2375\nReferer: x", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"localhost", "Host: LocalHost:2375\nReferer: x", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"below localhost", "Host: api.moby.localhost", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"one label", "Host: docker\nCookie: a", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"one label with a dot", "Host: docker.:80", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"a socket's path", "Host: %2Fvar%2Frun%2Fdocker.sock", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"a name", "Host: evil.rebind.test:2375", BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
        {"a name with a dot behind", "Host: evil.test.", BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
        {"looks like localhost", "Host: localhost.evil.test", BROWSER_FOREIGN_HOST,
         BROWSER_NOT_SEEN},
        {"ends like localhost", "Host: a.notlocalhost", BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
        {"an address of a name server", "Host: 127.0.0.1.nip.test", BROWSER_FOREIGN_HOST,
         BROWSER_NOT_SEEN},
        {"no name at all", "Host: a!b.evil.test", BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
        {"an address in another spelling", "Host: 0x7f.1", BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
        {"a bad port", "Host: docker:99999", BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
        {"Accept-Language", "Host: a.test\nAccept-Language: en", BROWSER_FOREIGN_HOST,
         BROWSER_FOREIGN_HOST},
        {"Cookie", "Host: a.test\ncookie:", BROWSER_FOREIGN_HOST, BROWSER_FOREIGN_HOST},
        {"Referer", "Host: a.test\nREFERER: http://a.test/", BROWSER_FOREIGN_HOST,
         BROWSER_FOREIGN_HOST},
        {"Sec-Fetch-Mode", "Host: a.test\nSec-Fetch-Mode: cors", BROWSER_FOREIGN_HOST,
         BROWSER_FOREIGN_HOST},
        {"Sec-CH-UA", "Host: a.test\nSec-CH-UA: x", BROWSER_FOREIGN_HOST, BROWSER_FOREIGN_HOST},
        {"Mozilla/5.0", "Host: a.test\nUser-Agent: Mozilla/5.0 (X11)", BROWSER_FOREIGN_HOST,
         BROWSER_FOREIGN_HOST},
        {"a Docker client", "Host: a.test\nUser-Agent: Docker-Client/28.2.2 (linux)",
         BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
        {"a websocket's fields", "Host: a.test\nSec-WebSocket-Key: x", BROWSER_FOREIGN_HOST,
         BROWSER_NOT_SEEN},
        {"same origin and rebound",
         "Host: a.test\nOrigin: http://a.test\nSec-Fetch-Site: same-origin", BROWSER_FOREIGN_HOST,
         BROWSER_FOREIGN_HOST},
    };
    check(rows, ARRAY_LEN(rows), &nobody);
}

Test(browser_request, listed_names_are_the_listeners_own)
{
    static const struct row rows[] = {
        {"listed", "Host: Docker.Example.com:2375\nCookie: a", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"listed, with a dot", "Host: docker.example.com.", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"below a listed one", "Host: a.docker.example.com", BROWSER_FOREIGN_HOST,
         BROWSER_NOT_SEEN},
        {"below a star", "Host: a.b.lan.example\nCookie: a", BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"the star's own name", "Host: lan.example", BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
        {"ends like the star", "Host: evil-lan.example", BROWSER_FOREIGN_HOST, BROWSER_NOT_SEEN},
    };
    check(rows, ARRAY_LEN(rows), &some);
}

Test(browser_request, a_page_of_another_origin_must_be_listed)
{
    static const struct row rows[] = {
        {"own", "Host: localhost:2375\nOrigin: http://localhost:2375", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"own, in capitals", "Host: LOCALHOST:2375\nOrigin: HTTP://Localhost:2375",
         BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"own IPv6", "Host: [::1]:2375\nOrigin: http://[0::1]:2375", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"own port left away", "Host: docker\nOrigin: http://docker", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"behind a gateway with TLS", "Host: docker\nOrigin: https://docker", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"TLS, its port written", "Host: docker:443\nOrigin: https://docker", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"another port", "Host: docker:2375\nOrigin: http://docker:8080", BROWSER_FOREIGN_ORIGIN,
         BROWSER_FOREIGN_ORIGIN},
        {"another host", "Host: docker:2375\nOrigin: http://evil.test:2375", BROWSER_FOREIGN_ORIGIN,
         BROWSER_FOREIGN_ORIGIN},
        {"no Host to be the same", "Host:\nOrigin: http://evil.test", BROWSER_FOREIGN_ORIGIN,
         BROWSER_FOREIGN_ORIGIN},
        {"null", "Host: docker\nOrigin: null", BROWSER_FOREIGN_ORIGIN, BROWSER_FOREIGN_ORIGIN},
        {"Host is null", "Host: null\nOrigin: null", BROWSER_FOREIGN_ORIGIN,
         BROWSER_FOREIGN_ORIGIN},
        {"empty", "Host: docker\nOrigin:", BROWSER_FOREIGN_ORIGIN, BROWSER_FOREIGN_ORIGIN},
        {"two", "Host: docker\nOrigin: http://docker http://evil.test", BROWSER_FOREIGN_ORIGIN,
         BROWSER_FOREIGN_ORIGIN},
        {"with a path", "Host: docker\nOrigin: http://docker/", BROWSER_FOREIGN_ORIGIN,
         BROWSER_FOREIGN_ORIGIN},
        {"with a user", "Host: docker\nOrigin: http://docker@evil.test", BROWSER_FOREIGN_ORIGIN,
         BROWSER_FOREIGN_ORIGIN},
        {"no scheme", "Host: docker\nOrigin: docker", BROWSER_FOREIGN_ORIGIN,
         BROWSER_FOREIGN_ORIGIN},
        {"listed", "Host: docker:2375\nOrigin: https://Portainer.example.com:443", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"listed, same-origin for the dashboard",
         "Host: docker:2375\nOrigin: https://portainer.example.com\nSec-Fetch-Site: same-origin",
         BROWSER_NOT_SEEN, BROWSER_NOT_SEEN},
        {"listed address", "Host: docker:2375\nOrigin: http://[fd00:0::5]:9000", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"listed with another scheme", "Host: docker\nOrigin: http://portainer.example.com",
         BROWSER_FOREIGN_ORIGIN, BROWSER_FOREIGN_ORIGIN},
        {"listed with another port", "Host: docker\nOrigin: https://portainer.example.com:8443",
         BROWSER_FOREIGN_ORIGIN, BROWSER_FOREIGN_ORIGIN},
        {"an extension", "Host: docker\nOrigin: chrome-extension://abcdefgh",
         BROWSER_FOREIGN_ORIGIN, BROWSER_FOREIGN_ORIGIN},
    };
    check(rows, ARRAY_LEN(rows), &some);
}

Test(browser_request, a_page_of_another_site_says_so_itself)
{
    static const struct row rows[] = {
        {"cross-site", "Host: localhost\nSec-Fetch-Site: cross-site", BROWSER_FOREIGN_SITE,
         BROWSER_FOREIGN_SITE},
        {"same-site", "Host: localhost\nsec-fetch-site: same-site", BROWSER_FOREIGN_SITE,
         BROWSER_FOREIGN_SITE},
        {"same-origin", "Host: localhost\nSec-Fetch-Site: same-origin", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"typed by a person", "Host: localhost\nSec-Fetch-Site: none", BROWSER_NOT_SEEN,
         BROWSER_NOT_SEEN},
        {"another word", "Host: localhost\nSec-Fetch-Site: near-site", BROWSER_FOREIGN_SITE,
         BROWSER_FOREIGN_SITE},
        {"empty", "Host: localhost\nSec-Fetch-Site:", BROWSER_FOREIGN_SITE, BROWSER_FOREIGN_SITE},
        {"two of them", "Host: localhost\nSec-Fetch-Site: cross-site\nSec-Fetch-Site: none",
         BROWSER_FOREIGN_SITE, BROWSER_FOREIGN_SITE},
        {"without Host", "Sec-Fetch-Site: cross-site", BROWSER_FOREIGN_SITE, BROWSER_FOREIGN_SITE},
        {"a listed origin is not asked",
         "Host: a\nOrigin: https://portainer.example.com\nSec-Fetch-Site: cross-site",
         BROWSER_FOREIGN_SITE, BROWSER_FOREIGN_SITE},
    };
    check(rows, ARRAY_LEN(rows), &some);
}

Test(browser_request, origins_have_one_spelling)
{
    static const struct {
        const char *text, *written; /* NULL = none */
    } rows[] = {
        {"https://portainer.example.com", "https://portainer.example.com"},
        {"HTTPS://Portainer.Example.Com:443", "https://portainer.example.com"},
        {"http://portainer:80", "http://portainer"},
        {"http://portainer:443", "http://portainer:443"},
        {"http://portainer.:9000", "http://portainer:9000"},
        {"http://[FD00:0::1]:9000", "http://[fd00::1]:9000"},
        {"http://[fd00::1]", "http://[fd00::1]"},
        {"chrome-extension://abc", "chrome-extension://abc"},
        {"null", NULL},
        {"", NULL},
        {"portainer.example.com", NULL},
        {"https:portainer", NULL},
        {"https:///portainer", NULL},
        {"https://portainer/", NULL},
        {"https://portainer/ui", NULL},
        {"https://user@portainer", NULL},
        {"https://*.example.com", NULL},
        {"https://", NULL},
        {"1http://a", NULL},
        {"a23456789012345678901234567890123://a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        struct error error = {0};
        bool good = browser_origin_write(slice_from_text(rows[i].text), &out, &error);
        cr_expect_eq(good, rows[i].written != NULL, "%s", rows[i].text);
        if (good && rows[i].written != NULL)
            cr_expect(slice_equal_text(buffer_slice(&out), rows[i].written), "%s: %.*s",
                      rows[i].text, (int)out.len, out.data);
        cr_expect(good || error.text[0] != '\0', "%s", rows[i].text);
    }
}

Test(browser_request, hosts_are_names_without_ports)
{
    static const struct {
        const char *text, *name; /* NULL = an error */
        bool below;
    } rows[] = {
        {"Docker.example.COM", "docker.example.com", false},
        {"*.Lan.example", "lan.example", true},
        {"docker", "docker", false},
        {"10.0.0.5", "10.0.0.5", false},
        {"10.0.0.0/8", NULL, false},
        {"fd00::/8", NULL, false},
        {"*", NULL, false},
        {"~.*", NULL, false},
        {"docker.example.com:2375", NULL, false},
        {"http://docker.example.com", NULL, false},
        {"", NULL, false},
        {"a.*.test", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        struct error error = {0};
        bool below = false;
        bool good = browser_host_parse(slice_from_text(rows[i].text), &out, &below, &error);
        cr_expect_eq(good, rows[i].name != NULL, "%s", rows[i].text);
        cr_expect(!good || slice_equal_text(buffer_slice(&out), rows[i].name), "%s", rows[i].text);
        cr_expect_eq(below, rows[i].below, "%s", rows[i].text);
        cr_expect(good || error.text[0] != '\0', "%s", rows[i].text);
    }
}
