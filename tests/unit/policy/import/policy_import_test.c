/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of other programs' lists: each row is a list, what must pass by its conversion, what
 * must not, and what must be said. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/import/policy_import.h"
#include "tests/unit/policy/policy_network_fixture.h"

enum { QUESTIONS_MAX = 8 };

struct row {
    const char *name, *text, *other; /* other: the content of any file that the text names */
    struct policy_import_input input;
    const char *allows[QUESTIONS_MAX], *denies[QUESTIONS_MAX];
    const char *says; /* in the notes, or in the errors of a conversion that fails */
    bool fails;
    bool open; /* ask with `default: {network: allow}`: for lists that refuse */
};

static bool read_other(void *context, struct slice name, struct buffer *out)
{
    const struct row *row = context;
    (void)name;
    if (row->other != NULL)
        buffer_append_text(out, row->other);
    return row->other != NULL;
}

static bool list_other(void *context, struct slice glob, struct buffer *out)
{
    const struct row *row = context;
    buffer_append_slice(out, glob);
    buffer_append_byte(out, '\n');
    return row->other != NULL;
}

static void check_verdicts(const struct row *row, struct buffer *document)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, "imported.yaml", buffer_text(document));
    policy_fixture_write(&fixture, "policy.yaml",
                         row->open
                             ? "version: 1\ndefault: {network: allow}\nuse: [./imported.yaml]\n"
                             : "version: 1\nuse: [./imported.yaml]\n");
    bool loads = policy_fixture_load(&fixture);
    cr_assert(loads, "%s: %s\n%s", row->name, policy_fixture_show(&fixture, &fixture.errors, &said),
              buffer_text(document));
    for (size_t i = 0; i < QUESTIONS_MAX && row->allows[i] != NULL; i++)
        cr_expect_eq(network_question_ask(fixture.policy, "default", row->allows[i], NULL).result,
                     VERDICT_ALLOW, "%s: %s\n%s", row->name, row->allows[i], buffer_text(document));
    for (size_t i = 0; i < QUESTIONS_MAX && row->denies[i] != NULL; i++)
        cr_expect_eq(network_question_ask(fixture.policy, "default", row->denies[i], NULL).result,
                     VERDICT_DENY, "%s: %s\n%s", row->name, row->denies[i], buffer_text(document));
}

static void check_rows(const char *source, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        CLEANUP(policy_messages_free)
        struct policy_messages notes = {NULL, 0, 0},
                               errors = {NULL, 0, 0};
        AUTO_BUFFER struct buffer document = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
        struct policy_import_input input = row->input;
        input.file = "list.txt";
        input.text = slice_from_text(row->text);
        input.read_file = read_other;
        input.list_files = list_other;
        input.context = (void *)(uintptr_t)row;
        bool done = policy_import(policy_import_source_find(slice_from_text(source)), &input,
                                  &document, &notes, &errors);
        policy_messages_write(&notes, &said);
        policy_messages_write(&errors, &said);
        cr_expect_eq(done, !row->fails, "%s: %s", row->name, buffer_text(&said));
        cr_expect(row->says == NULL || strstr(buffer_text(&said), row->says) != NULL, "%s: %s",
                  row->name, buffer_text(&said));
        cr_expect(done || document.len == 0, "%s: a failed import printed something", row->name);
        if (done)
            check_verdicts(row, &document);
        policy_messages_free(&errors);
    }
}

Test(policy_import, hosts_files_deny_what_they_lead_to_nowhere)
{
    static const struct row rows[] = {
        {.name = "names",
         .text = "0.0.0.0 ads.test track.test # no\n:: six.test\n127.0.0.1\tlo.test\r\n",
         .open = true,
         .allows = {"tunnel www.ads.test:443", "tunnel test:443"},
         .denies = {"tunnel ads.test:443", "tunnel ads.test:22", "tunnel track.test:443",
                    "tunnel six.test:443", "GET lo.test:80/"}},
        {.name = "nothing is permitted",
         .text = "0.0.0.0 ads.test\n",
         .denies = {"tunnel example.com:443", "tunnel ads.test:443"},
         .says = "permits nothing by itself"},
        {.name = "capitals and a dot",
         .text = "0.0.0.0 ADS.Test.\n",
         .open = true,
         .denies = {"tunnel ads.test:443"}},
        {.name = "an address for a name is no permission",
         .text = "10.1.2.3 intern.test\n93.184.215.14 example.com\n",
         .denies = {"tunnel intern.test:443", "tunnel example.com:443"},
         .says = "list.txt:2: left out: the line gives `example.com` an address"},
        {.name = "the machine's own names",
         .text = "127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n0.0.0.0 0.0.0.0\n",
         .open = true,
         .allows = {"tunnel example.com:443"}},
        {.name = "a list of names alone",
         .text = "ads.test\n",
         .open = true,
         .allows = {"tunnel ads.test:443"},
         .says = "list.txt:1: left out: `ads.test` is no address"},
        {.name = "no name",
         .text = "0.0.0.0 *.ads.test\n",
         .says = "list.txt:1: left out: `*.ads.test`"},
        {.name = "empty", .text = ""},
    };
    check_rows("hosts", rows, ARRAY_LEN(rows));
}

#define CONF "Filter \"/etc/tinyproxy/filter\"\n"

static const struct row tinyproxy_rows[] = {
    {.name = "permits",
     .text = CONF "FilterDefaultDeny Yes\nFilterType ere\nConnectPort 443\n",
     .other = "# ours\n^(.*\\.)?example\\.com$\n^api[0-9]\\.test$ # digits\n",
     .allows = {"tunnel example.com:443", "tunnel a.b.example.com:443", "tunnel api1.test:443",
                "GET example.com:80/"},
     .denies = {"tunnel notexample.com:443", "tunnel api11.test:443", "tunnel example.com:80",
                "tunnel example.com:8443", "GET example.com:8080/", "tunnel other.test:443"},
     .says = "here to 80 alone"},
    {.name = "refuses, by default",
     .text = CONF,
     .other = "ads\n",
     .open = true,
     .allows = {"tunnel example.com:443"},
     .denies = {"tunnel myads.test:443", "GET ADS.test:80/"},
     .says = "permits nothing by itself"},
    {.name = "basic expressions by default: a star of agent lists is none",
     .text = CONF "FilterDefaultDeny On\n",
     .other = "^(.*\\.)?example\\.com$\n",
     .denies = {"tunnel example.com:443", "tunnel a.example.com:443"}},
    {.name = "searched anywhere, as there",
     .text = CONF "FilterDefaultDeny Yes\n",
     .other = "example.com\n",
     .allows = {"tunnel example.com:443", "tunnel example.com.evil.test:443"},
     .denies = {"tunnel example.org:443"}},
    {.name = "shell patterns",
     .text = CONF "FilterDefaultDeny Yes\nFilterType fnmatch\n",
     .other = "*.example.com\nexample.org\n",
     .allows = {"tunnel a.b.example.com:443", "tunnel example.org:8443"},
     .denies = {"tunnel example.com:443", "tunnel a.example.org:443"}},
    {.name = "capitals where case counts",
     .text = CONF "FilterDefaultDeny Yes\nFilterCaseSensitive Yes\n",
     .other = "^Example\\.com$\n^example\\.org$\n",
     .allows = {"tunnel example.org:443"},
     .denies = {"tunnel example.com:443"},
     .says = "asks for capitals"},
    {.name = "no tunnels",
     .text = CONF "FilterDefaultDeny Yes\nConnectPort 0\n",
     .other = "^example\\.com$\n",
     .allows = {"GET example.com:80/"},
     .denies = {"tunnel example.com:443", "tunnel example.com:80"}},
    {.name = "an allow that cannot be said is left out",
     .text = CONF "FilterDefaultDeny Yes\n",
     .other = "\\(a\\)\\1\n^b\\.test$\n",
     .allows = {"tunnel b.test:443"},
     .denies = {"tunnel aa.test:443"},
     .says = "/etc/tinyproxy/filter:1: left out: "},
    {.name = "an allow that does not compile is left out",
     .text = CONF "FilterDefaultDeny Yes\nFilterType ere\n",
     .other = "a{3,2}\n^b\\.test$\n",
     .allows = {"tunnel b.test:443"},
     .says = "/etc/tinyproxy/filter:1: left out: "},
    {.name = "a deny that cannot be said ends it",
     .text = CONF,
     .other = "\\(a\\)\\1\n",
     .fails = true,
     .says = "/etc/tinyproxy/filter:1: "},
    {.name = "URLs",
     .text = CONF "FilterURLs On\n",
     .other = "x\n",
     .fails = true,
     .says = "FilterURLs"},
    {.name = "no list", .text = "Port 8888\n", .fails = true, .says = "no `Filter` line"},
    {.name = "a list that cannot be read", .text = CONF, .fails = true, .says = "cannot be read"},
    {.name = "a list alone", .text = "^example\\.com$\n", .fails = true, .says = "--list"},
    {.name = "a list alone that permits",
     .text = "^example\\.com$\n",
     .input = {.list = POLICY_IMPORT_LIST_ALLOWS},
     .allows = {"tunnel example.com:443"},
     .denies = {"tunnel a.example.com:443"}},
    {.name = "a list alone that refuses",
     .text = "^example\\.com$\n",
     .input = {.list = POLICY_IMPORT_LIST_DENIES},
     .open = true,
     .allows = {"tunnel a.example.com:443"},
     .denies = {"tunnel example.com:443"}},
    {.name = "a setting that is neither",
     .text = CONF "FilterDefaultDeny Maybe\n",
     .other = "a\n",
     .fails = true,
     .says = "list.txt:2: `Maybe` is neither yes nor no"},
    {.name = "an expression that bounds nothing is named, and so are its ports",
     .text = "github.com\n^api\\.test$\n",
     .input = {.list = POLICY_IMPORT_LIST_ALLOWS},
     .allows = {"tunnel github.com:443", "tunnel github.com.evil.test:22", "tunnel api.test:443"},
     .says = "list.txt:1: `github.com` matches anywhere in a name, here as there, and so other "
             "domains"},
    {.name = "every port is named",
     .text = "^api\\.test$\n",
     .input = {.list = POLICY_IMPORT_LIST_ALLOWS},
     .allows = {"tunnel api.test:22"},
     .says = "list.txt: every port is permitted"},
    {.name = "a list of names",
     .text = "github.com\n*.example.com\n",
     .input = {.list = POLICY_IMPORT_LIST_ALLOWS},
     .allows = {"tunnel github.com:443"},
     .denies = {"tunnel a.example.com:443"},
     .says = "list.txt: this looks like a list of names"},
    {.name = "a dead line",
     .text = "*.example.com\n^x\\.test$\n",
     .input = {.list = POLICY_IMPORT_LIST_ALLOWS},
     .denies = {"tunnel a.example.com:443"},
     .says = "list.txt:1: left out: no host matches `*.example.com`"},
    {.name = "extended expressions in a basic list",
     .text = "^(.*\\.)?example\\.com$\n",
     .input = {.list = POLICY_IMPORT_LIST_ALLOWS},
     .denies = {"tunnel example.com:443"},
     .says = "--extended reads them as operators"},
    {.name = "extended expressions",
     .text = "^(.*\\.)?example\\.com$\n",
     .input = {.list = POLICY_IMPORT_LIST_ALLOWS, .extended = true},
     .allows = {"tunnel example.com:443", "tunnel a.example.com:443"},
     .denies = {"tunnel notexample.com:443"}},
    {.name = "what looks alike in a deny",
     .text = "ads.test\n",
     .input = {.list = POLICY_IMPORT_LIST_DENIES},
     .open = true,
     .denies = {"tunnel ads.test:443", "tunnel bads.test:443"},
     .says = "list.txt:1: `ads.test` matches anywhere in a name"},
};

Test(policy_import, tinyproxy_means_what_its_settings_make_of_a_list)
{
    check_rows("tinyproxy", tinyproxy_rows, ARRAY_LEN(tinyproxy_rows));
}

#define PORTS                                                                                      \
    "acl SSL_ports port 443\nacl Safe_ports port 80 443\nacl Safe_ports port 1025-65535\n"         \
    "http_access deny !Safe_ports\nhttp_access deny CONNECT !SSL_ports\n"

static const struct row squid_rows[] = {
    {.name = "a dot is the name and all below",
     .text = "acl good dstdomain .example.com api.example.org\n" PORTS
             "http_access allow good\nhttp_access deny all\n",
     .allows = {"tunnel example.com:443", "tunnel a.b.example.com:443",
                "tunnel api.example.org:443", "GET example.com:80/", "GET example.com:8080/"},
     .denies = {"tunnel x.api.example.org:443", "tunnel example.com:80", "tunnel example.com:8443",
                "GET example.com:22/", "tunnel notexample.com:443"}},
    {.name = "a deny in front",
     .text = "acl bad dstdomain .bad.example.com\nacl good dstdomain .example.com\n"
             "http_access deny bad\nhttp_access allow good\nhttp_access deny all\n",
     .allows = {"tunnel example.com:443"},
     .denies = {"tunnel bad.example.com:443", "tunnel x.bad.example.com:443"}},
    {.name = "a deny behind narrows",
     .text = "acl bad dstdomain .bad.example.com\nacl good dstdomain .example.com\n"
             "http_access allow good\nhttp_access deny bad\nhttp_access deny all\n",
     .allows = {"tunnel example.com:443"},
     .denies = {"tunnel bad.example.com:443"},
     .says = "list.txt:4: narrowed"},
    {.name = "behind deny all nothing counts",
     .text = "acl good dstdomain .example.com\nhttp_access deny all\nhttp_access allow good\n",
     .denies = {"tunnel example.com:443"}},
    {.name = "deny all but a list",
     .text = "acl good dstdomain .example.com\nhttp_access deny !good\nhttp_access allow all\n",
     .allows = {"tunnel example.com:443"},
     .denies = {"tunnel example.org:443"}},
    {.name = "allow all but a list",
     .text = "acl bad dstdomain .example.com\nhttp_access allow !bad\nhttp_access deny all\n",
     .allows = {"tunnel example.org:443"},
     .denies = {"tunnel example.com:443"}},
    {.name = "the default is the opposite of the last line",
     .text = "acl bad dstdomain .example.com\nhttp_access deny bad\n",
     .allows = {"tunnel example.org:443"},
     .denies = {"tunnel example.com:443"}},
    {.name = "no line denies", .text = "acl a port 80\n", .denies = {"tunnel example.com:443"}},
    {.name = "clients",
     .text = "acl localnet src 10.0.0.0/8\nacl good dstdomain .example.com\n"
             "http_access allow localnet good\nhttp_access deny all\n",
     .denies = {"tunnel example.com:443"},
     .says = "list.txt:3: left out: it permits some clients alone"},
    {.name = "any client",
     .text = "acl localnet src 10.0.0.0/8\nacl good dstdomain .example.com\n"
             "http_access deny !localnet\nhttp_access allow localnet good\n"
             "http_access allow localhost\nhttp_access deny all\n",
     .input = {.any_client = true},
     .allows = {"tunnel example.com:443"},
     .denies = {"tunnel example.org:443"},
     .says = "list.txt:5: left out: it permits the proxy's own machine"},
    {.name = "a deny of clients",
     .text = "acl some src 10.0.0.0/8\nhttp_access deny some\nhttp_access allow all\n",
     .fails = true,
     .says = "list.txt:2: the line denies some clients"},
    {.name = "methods",
     .text = "acl read method GET HEAD\nacl good dstdomain example.com\n"
             "http_access allow read good\nhttp_access deny all\n",
     .allows = {"GET example.com:80/"},
     .denies = {"POST example.com:80/", "tunnel example.com:443"}},
    {.name = "expressions",
     .text = "acl good dstdom_regex -i ^API[0-9]\\.test$\nhttp_access allow good\nhttp_access "
             "deny all\n",
     .allows = {"tunnel api1.test:443"},
     .denies = {"tunnel api12.test:443"}},
    {.name = "addresses",
     .text = "acl inside dst 10.0.0.0/8\nhttp_access deny inside\nhttp_access deny to_localhost\n"
             "http_access allow all\n",
     .allows = {"tunnel example.com:443 at=93.184.215.14"},
     .denies = {"tunnel example.com:443 at=10.1.2.3", "tunnel 10.1.2.3:443",
                "tunnel 127.0.0.1:80"}},
    {.name = "an allow with a time",
     .text = "acl day time 08:00-18:00\nacl good dstdomain example.com\n"
             "http_access allow day good\nhttp_access deny all\n",
     .denies = {"tunnel example.com:443"},
     .says = "list.txt:3: left out"},
    {.name = "a deny by URL",
     .text = "acl url url_regex evil\nhttp_access deny url\nhttp_access allow all\n",
     .fails = true,
     .says = "list.txt:2: the line denies by what no rule can say"},
    {.name = "two lists at once",
     .text = "acl a dstdomain .example.com\nacl b dstdomain .test\nhttp_access allow a "
             "b\nhttp_access deny all\n",
     .denies = {"tunnel x.example.com:443", "tunnel x.test:443"}},
    {.name = "a file of names",
     .text = "acl good dstdomain \"/etc/squid/good\"\nhttp_access allow good\nhttp_access deny "
             "all\n",
     .other = "# ours\n.example.com\n\nexample.org\n",
     .allows = {"tunnel a.example.com:443", "tunnel example.org:443"},
     .denies = {"tunnel a.example.org:443"}},
    {.name = "a joined line",
     .text = "acl good dstdomain \\\n  example.com\nhttp_access allow good\nhttp_access deny all\n",
     .allows = {"tunnel example.com:443"}},
    {.name = "an unknown list",
     .text = "http_access allow nobody\n",
     .fails = true,
     .says = "`nobody`"},
    {.name = "include",
     .text = "include /etc/squid/conf.d/x\n",
     .fails = true,
     .says = "list.txt:1: no file is `/etc/squid/conf.d/x`"},
    {.name = "what is included stands where the line stands",
     .text = "acl good dstdomain .example.com\ninclude /etc/squid/conf.d/*.conf # ours\n"
             "http_access allow good\nhttp_access deny all\n",
     .other = "acl bad dstdomain bad.example.com\nhttp_access deny bad\n",
     .allows = {"tunnel a.example.com:443"},
     .denies = {"tunnel bad.example.com:443"}},
    {.name = "a file that includes itself",
     .text = "include /etc/squid/conf.d/*.conf\n",
     .other = "include /etc/squid/conf.d/*.conf /etc/squid/conf.d/*.conf\n",
     .fails = true,
     .says = "deeper than 16"},
    {.name = "deny what is in neither list",
     .text = "acl a dstdomain .a.test\nacl b dstdomain b.test\nacl c dstdomain .c.test\n"
             "http_access deny !a !b\nhttp_access allow all\n",
     .allows = {"tunnel a.test:443", "tunnel x.a.test:22", "tunnel b.test:443", "GET b.test:80/"},
     .denies = {"tunnel x.b.test:443", "tunnel c.test:443"}},
    {.name = "deny what is in neither list, then allow one",
     .text = "acl a dstdomain .a.test\nacl b dstdomain b.test\n"
             "http_access deny !a !b\nhttp_access deny !b !a\nhttp_access allow b\n"
             "http_access deny all\n",
     .allows = {"tunnel b.test:443"},
     .denies = {"tunnel a.test:443"}},
    {.name = "two limits, one inside the other",
     .text = "acl a dstdomain .a.test\nacl b dstdomain b.test\n"
             "http_access deny !a !b\nhttp_access deny !a\nhttp_access allow all\n",
     .allows = {"tunnel a.test:443"},
     .denies = {"tunnel b.test:443"}},
    {.name = "two limits that share what is not known",
     .text = "acl a dstdomain .a.test\nacl b dstdomain x.a.test\n"
             "http_access deny !a\nhttp_access deny !b\nhttp_access allow all\n",
     .denies = {"tunnel x.a.test:443", "tunnel a.test:443"},
     .says = "left out"},
    {.name = "a method that no rule can name, denied",
     .text = "acl dav method FROBNICATE\nhttp_access deny dav\nhttp_access allow all\n",
     .allows = {"GET example.com:80/", "tunnel example.com:443"},
     .says = "list.txt:1: narrowed: no rule can name the method `FROBNICATE`"},
    {.name = "a method that no rule can name, permitted",
     .text = "acl dav method FROBNICATE GET\nhttp_access allow dav\nhttp_access deny all\n",
     .allows = {"GET example.com:80/"},
     .denies = {"POST example.com:80/", "tunnel example.com:443"},
     .says = "no rule can name the method `FROBNICATE`"},
    {.name = "replies that are refused",
     .text = "http_access allow all\nhttp_reply_access deny all\n",
     .fails = true,
     .says = "`http_reply_access` is not read"},
    {.name = "replies that are not",
     .text = "http_access allow all\nhttp_reply_access allow all # as ever\n",
     .allows = {"tunnel example.com:443"}},
    {.name = "an expression that bounds nothing",
     .text = "acl good dstdom_regex github\\.com\nhttp_access allow good\nhttp_access deny all\n",
     .allows = {"tunnel github.com:443"},
     .says = "list.txt:1: `github\\x5c.com` matches anywhere in a name"},
};

Test(policy_import, squid_lists_keep_the_order_s_meaning_or_narrow_it)
{
    check_rows("squid", squid_rows, ARRAY_LEN(squid_rows));
}

static const struct row domain_rows[] = {
    {.name = "names",
     .text = "# ours\nexample.com\n*.example.org # below it\n\n "
             "API.Test:8443\n10.1.2.3\n[::ffff:0:0]:x",
     .allows = {"tunnel example.com:443", "GET example.com:80/", "tunnel a.b.example.org:443",
                "tunnel api.test:8443", "tunnel 10.1.2.3:443"},
     .denies = {"tunnel example.com:22", "tunnel a.example.com:443", "tunnel api.test:443"},
     .says = "list.txt:7: left out"},
    {.name = "a star without its root",
     .text = "*.example.com\n.example.org\n",
     .allows = {"tunnel a.example.com:443", "tunnel a.example.org:443"},
     .denies = {"tunnel example.com:443", "tunnel example.org:443"},
     .says = "list.txt: narrowed: `*.example.com` is taken for the names below"},
    {.name = "a star with its root",
     .text = "*.example.com\n",
     .input = {.star_includes_root = true},
     .allows = {"tunnel example.com:443", "tunnel a.b.example.com:443"},
     .denies = {"tunnel notexample.com:443", "tunnel example.com.evil.test:443"}},
    {.name = "a list that refuses",
     .text = "*.example.com\nads.test\n",
     .input = {.list = POLICY_IMPORT_LIST_DENIES},
     .open = true,
     .allows = {"tunnel a.ads.test:443"},
     .denies = {"tunnel example.com:443", "tunnel a.example.com:22", "tunnel ads.test:8080"},
     .says = "permits nothing by itself"},
    {.name = "every host", .text = "*\n", .allows = {"tunnel example.com:443"}},
    {.name = "a URL",
     .text = "https://example.com/\n",
     .denies = {"tunnel example.com:443"},
     .says = "list.txt:1: left out: `https://example.com/` is a URL"},
    {.name = "two on a line",
     .text = "example.com example.org\n",
     .denies = {"tunnel example.com:443", "tunnel example.org:443"},
     .says = "list.txt:1: left out: one host a line"},
    {.name = "this machine",
     .text = "host.docker.internal\nlocalhost\n",
     .denies = {"tunnel host.docker.internal:80", "tunnel localhost:80"},
     .says = "another name of this machine"},
    {.name = "an expression", .text = "^github\\.com$\n", .says = "list.txt:1: left out"},
    {.name = "a range that holds this machine",
     .text = "0.0.0.0/0\n",
     .denies = {"tunnel 127.0.0.1:443", "tunnel 8.8.8.8:443"},
     .says = "special-purpose addresses are in this range"},
};

Test(policy_import, plain_lists_are_names)
{
    check_rows("domains", domain_rows, ARRAY_LEN(domain_rows));
}

static const struct row sbx_rows[] = {
    {.name = "one label since v0.35",
     .text = "sbx policy allow network '*.example.com,**.example.org:443'\n",
     .input = {.generation = 3},
     .allows = {"tunnel a.example.com:443", "tunnel a.example.com:22",
                "tunnel a.b.example.org:443"},
     .denies = {"tunnel a.b.example.com:443", "tunnel example.com:443", "tunnel example.org:443",
                "tunnel a.example.org:80"}},
    {.name = "any depth before",
     .text = "sbx policy allow network -g \"*.example.com\"\n",
     .input = {.generation = 2},
     .allows = {"tunnel a.b.example.com:443"},
     .denies = {"tunnel example.com:443"}},
    {.name = "the narrower of the two",
     .text = "sbx policy allow network *.example.com\n",
     .allows = {"tunnel a.example.com:443"},
     .denies = {"tunnel a.b.example.com:443"},
     .says = "--generation 2"},
    {.name = "the wider of the two, denied",
     .text = "sbx policy deny network *.example.com\n",
     .open = true,
     .allows = {"tunnel example.com:443"},
     .denies = {"tunnel a.b.example.com:443", "tunnel a.example.com:22"}},
    {.name = "everything",
     .text = "sbx policy init allow-all\n",
     .allows = {"tunnel example.com:22"},
     .denies = {"tunnel example.com:443 at=10.0.0.1"}},
    {.name = "a glob in a label",
     .text = "sbx policy allow network crl*.example.com:80\n",
     .allows = {"GET crl3.example.com:80/"},
     .denies = {"GET crl3.a.example.com:80/", "GET ocsp.example.com:80/"}},
    {.name = "one sandbox",
     .text = "sbx policy allow network --sandbox me example.com\nsbx policy allow network me "
             "example.org\n"
             "sbx policy deny network --sandbox=me evil.test\n",
     .denies = {"tunnel example.com:443", "tunnel example.org:443"},
     .says = "list.txt:1: left out: it permits in `me` alone"},
    {.name = "a limit without its value",
     .text = "sbx policy allow network example.com --sandbox\n",
     .fails = true},
    {.name = "an empty limit",
     .text = "sbx policy allow network example.com --sandbox=\"\"\n",
     .fails = true},
    {.name = "methods and paths",
     .text = "sbx policy allow network example.com --method GET,HEAD --path '/x/**'\n",
     .allows = {"GET example.com:80/x/y"},
     .denies = {"GET example.com:80/y", "POST example.com:80/x/y", "tunnel example.com:443"},
     .says = "plain HTTP alone"},
    {.name = "this machine",
     .text = "sbx policy allow network localhost:5432,localhost,host.docker.internal:80\n",
     .allows = {"tunnel localhost:5432"},
     .denies = {"tunnel localhost:80", "tunnel host.docker.internal:80"},
     .says = "another name of this machine"},
    {.name = "ranges",
     .text = "sbx policy allow network 10.1.0.0/16,0.0.0.0/0,[2001:db8::1]:443\n",
     .allows = {"tunnel 10.1.2.3:443"},
     .denies = {"tunnel 127.0.0.1:443", "tunnel 169.254.169.254:80", "tunnel 8.8.8.8:443"},
     .says = "special-purpose addresses are in this range"},
    {.name = "UDP",
     .text = "sbx policy allow network example.com --protocol udp\n",
     .denies = {"tunnel example.com:443"}},
    {.name = "a listing of the second generation",
     .text = "NAME      TYPE     ORIGIN      DECISION  STATUS    RESOURCES\n"
             "default   network  local       allow     active    a.test:443, *.b.test\n"
             "                                                   c.test\n"
             "mine      network  sandbox:x   allow     active    d.test\n"
             "off       network  local       allow     inactive  e.test\n"
             "no        network  local       deny      active    *.b.b.test\n",
     .allows = {"tunnel a.test:443", "tunnel x.y.b.test:443", "tunnel c.test:443"},
     .denies = {"tunnel a.test:80", "tunnel d.test:443", "tunnel e.test:443",
                "tunnel x.b.b.test:443"},
     .says = "list.txt:4: left out: it permits in `sandbox:x` alone"},
    {.name = "a wide listing of the third, with tabs",
     .text = "SOURCE\tAPPLIES TO\tPOLICY\tTYPE\tMETHOD\tPATH\tDECISION\tRESOURCES\n"
             "local\tall\tp\tnetwork\t-\t-\tallow\t*.b.test\n"
             "local\tall\tp\thttp\tGET\t/x\tallow\tc.test\n"
             "local\tall\tp\tfilesystem\t-\t-\tallow\t/tmp\n",
     .allows = {"tunnel x.b.test:443", "GET c.test:80/x"},
     .denies = {"tunnel x.y.b.test:443", "tunnel c.test:443"},
     .says = "list.txt:4: left out: a rule of the type `filesystem`"},
    {.name = "a listing without resources",
     .text = "POLICY  SOURCE  APPLIES TO  SUMMARY\np       local   all         3 rules\n",
     .fails = true,
     .says = "--wide"},
    {.name = "a row out of its columns",
     .text = "NAME  DECISION  RESOURCES\nlonger-than-it allow  a.test\n",
     .fails = true},
    {.name = "a removal", .text = "sbx policy rm network --resource a.test\n", .fails = true},
    {.name = "more than words", .text = "sbx policy allow network \"$HOSTS\"\n", .fails = true},
};

Test(policy_import, sbx_rules_keep_their_generation_s_meaning)
{
    check_rows("sbx", sbx_rows, ARRAY_LEN(sbx_rows));
}

/* ---- Squid by its own rule: the first line that matches decides ---- */

enum { RANDOM_LINES_MAX = 6, TERMS_MAX = 3, RANDOM_CONFIGS = 1500 };

static const char *const squid_hosts[] = {"a.test", "x.a.test", "b.a.test", "b.test", "c.test"};
static const struct {
    const char *name, *values;
    bool hosts[5]; /* which of squid_hosts it holds */
} squid_lists[] = {
    {"one", ".a.test", {true, true, true, false, false}},
    {"two", "b.a.test b.test", {false, false, true, true, false}},
    {"three", "c.test", {false, false, false, false, true}},
};
enum { ACL_PORTS = 3, ACL_CONNECT, ACL_POST, ACL_ALL, ACL_COUNT };
static const char *const squid_acl_names[ACL_COUNT] = {"one",     "two",  "three", "ports",
                                                       "CONNECT", "post", "all"};

struct squid_question {
    const char *kind; /* "tunnel", "GET", "POST" */
    size_t host;
    unsigned port;
};

struct squid_line {
    bool allows;
    struct {
        unsigned acl;
        bool negated;
    } terms[TERMS_MAX];
    unsigned term_count;
};

static bool term_holds(unsigned acl, const struct squid_question *question)
{
    if (acl < ACL_PORTS)
        return squid_lists[acl].hosts[question->host];
    if (acl == ACL_PORTS)
        return question->port == 80 || question->port == 443;
    if (acl == ACL_CONNECT)
        return strcmp(question->kind, "tunnel") == 0;
    return acl == ACL_ALL || strcmp(question->kind, "POST") == 0;
}

static bool squid_permits(const struct squid_line *lines, unsigned count,
                          const struct squid_question *question)
{
    for (unsigned i = 0; i < count; i++) {
        bool matches = true;
        for (unsigned j = 0; j < lines[i].term_count; j++)
            matches &= term_holds(lines[i].terms[j].acl, question) != lines[i].terms[j].negated;
        if (matches)
            return lines[i].allows;
    }
    return !lines[count - 1].allows;
}

static unsigned write_random(unsigned *seed, struct squid_line *lines, struct buffer *out)
{
    unsigned count = 1 + (unsigned)rand_r(seed) % RANDOM_LINES_MAX;
    for (size_t i = 0; i < ARRAY_LEN(squid_lists); i++)
        buffer_printf(out, "acl %s dstdomain %s\n", squid_lists[i].name, squid_lists[i].values);
    buffer_append_literal(out, "acl ports port 80 443\nacl post method POST\n");
    for (unsigned i = 0; i < count; i++) {
        lines[i].allows = rand_r(seed) % 2 == 0;
        lines[i].term_count = 1 + (unsigned)rand_r(seed) % TERMS_MAX;
        buffer_printf(out, "http_access %s", lines[i].allows ? "allow" : "deny");
        for (unsigned j = 0; j < lines[i].term_count; j++) {
            lines[i].terms[j].acl = (unsigned)rand_r(seed) % ACL_COUNT;
            lines[i].terms[j].negated = rand_r(seed) % 3 == 0;
            buffer_printf(out, " %s%s", lines[i].terms[j].negated ? "!" : "",
                          squid_acl_names[lines[i].terms[j].acl]);
        }
        buffer_append_byte(out, '\n');
    }
    return count;
}

/* Counts what both permit, so that a conversion that permits nothing does not pass for a good one. */
static unsigned compare(const struct policy_fixture *fixture, const struct squid_line *lines,
                        unsigned count, const char *list, const char *document)
{
    static const char *const kinds[] = {"tunnel", "GET", "POST"};
    static const unsigned ports[] = {80, 443, 8080};
    unsigned permitted = 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds) * ARRAY_LEN(ports) * ARRAY_LEN(squid_hosts); i++) {
        const struct squid_question question = {kinds[i % 3], i / 9, ports[i / 3 % 3]};
        char text[96];
        snprintf(text, sizeof(text), "%s %s:%u%s", question.kind, squid_hosts[question.host],
                 question.port, i % 3 == 0 ? "" : "/");
        if (network_question_ask(fixture->policy, "default", text, NULL).result != VERDICT_ALLOW)
            continue;
        permitted++;
        cr_assert(squid_permits(lines, count, &question), "%s\n%s\n%s", text, list, document);
    }
    return permitted;
}

Test(policy_import, squid_s_first_match_never_permits_less_than_the_document)
{
    unsigned seed = 20, permitted = 0;
    struct policy_fixture fixture;
    policy_fixture_init(&fixture);
    for (unsigned n = 0; n < RANDOM_CONFIGS; n++) {
        struct squid_line lines[RANDOM_LINES_MAX];
        AUTO_BUFFER struct buffer list = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer document = BUFFER_EMPTY;
        struct policy_messages notes = {NULL, 0, 0}, errors = {NULL, 0, 0};
        unsigned count = write_random(&seed, lines, &list);
        const struct policy_import_input input = {.file = "squid.conf",
                                                  .text = buffer_slice(&list)};
        bool done = policy_import(policy_import_source_find(SLICE_LITERAL("squid")), &input,
                                  &document, &notes, &errors);
        policy_messages_free(&notes);
        policy_messages_free(&errors);
        if (!done)
            continue;
        policy_fixture_write(&fixture, "policy.yaml", buffer_text(&document));
        cr_assert(policy_fixture_load(&fixture), "%s\n%s", buffer_text(&list),
                  buffer_text(&document));
        permitted += compare(&fixture, lines, count, buffer_text(&list), buffer_text(&document));
    }
    policy_fixture_clear(&fixture);
    cr_expect_gt(permitted, RANDOM_CONFIGS, "%u", permitted);
}
