/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "tests/unit/policy/policy_fixture.h"
#include "tests/unit/policy/suggest/suggest_fixture.h"

enum { RECORDS_MAX = 12 };

struct row {
    const char *what, *records[RECORDS_MAX], *rules;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(suggest_fixture_clear) struct suggest_fixture fixture = {0};
        CLEANUP(policy_fixture_clear) struct policy_fixture loaded;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        for (size_t n = 0; n < RECORDS_MAX && rows[i].records[n] != NULL; n++)
            suggest_fixture_add(&fixture, rows[i].records[n]);
        suggest_fixture_make(&fixture);
        suggest_fixture_show(&fixture, &shown);
        cr_expect_str_eq(buffer_text(&shown), rows[i].rules, "%s: %s", rows[i].what,
                         buffer_text(&shown));
        suggest_fixture_write(&fixture, &text);
        cr_expect(policy_fixture_text(&loaded, buffer_text(&text)), "%s:\n%s%s", rows[i].what,
                  buffer_text(&text),
                  loaded.errors.count > 0 ? loaded.errors.items[0].error.text : "");
    }
}

#define DOCKER(operation, path) "kind=docker method=POST operation=" operation " path=" path
#define NAMED(operation, verb, name) DOCKER(operation, "/containers/" name "/" verb) " object=" name

Test(suggest, operations_are_grouped_where_all_members_of_a_set_were_used)
{
    static const struct row rows[] = {
        {"nothing", {NULL}, ""},
        {"one operation", {DOCKER("ContainerList", "/containers/json")}, "ContainerList"},
        {"ping and version are always allowed",
         {DOCKER("SystemPing", "/_ping"), DOCKER("SystemVersion", "/version")},
         ""},
        {"a whole set",
         {DOCKER("ContainerLogs", "/containers/a/logs"), DOCKER("ServiceLogs", "/services/a/logs"),
          DOCKER("TaskLogs", "/tasks/a/logs")},
         "@logs"},
        {"a set without one of its members",
         {DOCKER("ContainerLogs", "/containers/a/logs"), DOCKER("TaskLogs", "/tasks/a/logs")},
         "ContainerLogs | TaskLogs"},
        {"a set of one is the operation", {DOCKER("ImageCreate", "/images/create")}, "ImageCreate"},
        {"a set whose missing members are always allowed",
         {DOCKER("ContainerCreate", "/containers/create"), DOCKER("ContainerStart", "/x"),
          DOCKER("ContainerAttach", "/x"), DOCKER("ContainerWait", "/x"),
          DOCKER("ContainerResize", "/x"), DOCKER("ContainerDelete", "/x"),
          DOCKER("ContainerInspect", "/x")},
         "@run"},
        {"each client has its own",
         {DOCKER("ContainerList", "/containers/json") " client=b",
          DOCKER("ImageList", "/images/json") " client=a"},
         "a: ImageList | b: ContainerList"},
        {"an operation that is none", {DOCKER("Nonsense", "/x")}, ""},
        {"libpod is opened by path", {DOCKER("Libpod", "/libpod/info")}, ""},
        {"what a rule denies", {DOCKER("ImageList", "/images/json") " would_deny=rule"}, ""},
        {"what a guard refuses",
         {DOCKER("ImageCreate", "/images/create") " would_deny=guard.query"},
         ""},
        {"what was refused",
         {DOCKER("ImageList", "/images/json") " decision=deny -would_deny"},
         ""},
        {"an open stream counts",
         {DOCKER("SystemEvents", "/events") " event=open id=1"},
         "SystemEvents"},
    };
    check(rows, ARRAY_LEN(rows));
}

#define WEB " where: {\"name\": [\"web\"]}"

Test(suggest, what_changes_something_is_narrowed_to_the_names_it_was_used_on)
{
    static const struct row rows[] = {
        {"one container", {NAMED("ContainerStop", "stop", "web")}, "ContainerStop" WEB},
        {"looking is for all", {NAMED("ContainerInspect", "json", "web")}, "ContainerInspect"},
        {"two, sorted",
         {NAMED("ContainerStop", "stop", "web"), NAMED("ContainerStop", "stop", "app")},
         "ContainerStop where: {\"name\": [\"app\", \"web\"]}"},
        {"five are no longer few",
         {NAMED("ContainerStop", "stop", "wa"), NAMED("ContainerStop", "stop", "wb"),
          NAMED("ContainerStop", "stop", "wc"), NAMED("ContainerStop", "stop", "wd"),
          NAMED("ContainerStop", "stop", "we")},
         "ContainerStop"},
        {"an id names nothing that lasts",
         {NAMED("ContainerStop", "stop", "web"), NAMED("ContainerStop", "stop", "0123456789ab")},
         "ContainerStop"},
        {"a name that could be the beginning of an id",
         {NAMED("ContainerStop", "stop", "cafe")},
         "ContainerStop"},
        {"one that was not found", {NAMED("ContainerStop", "stop", "web") " status=404"}, ""},
        {"one that was not found does not open the rest",
         {NAMED("ContainerStop", "stop", "web"), NAMED("ContainerStop", "stop", "x") " status=404"},
         "ContainerStop" WEB},
        {"neither does an id of nothing",
         {NAMED("ContainerStop", "stop", "web"),
          NAMED("ContainerStop", "stop", "cafe") " status=404"},
         "ContainerStop" WEB},
        {"one that could not be changed was there",
         {NAMED("ContainerStop", "stop", "web") " status=409"},
         "ContainerStop" WEB},
        {"a name with a slash", {DOCKER("ContainerDelete", "/x") " object=/a/b"}, ""},
        {"names that are patterns do not open the rest",
         {NAMED("ContainerStop", "stop", "web"), DOCKER("ContainerStop", "/x") " object=*",
          DOCKER("ContainerStop", "/x") " object=~.*", DOCKER("ContainerStop", "/x") " object=w?b"},
         "ContainerStop" WEB},
        {"no name at all", {DOCKER("ContainerStop", "/x")}, "ContainerStop"},
        {"an image has many names",
         {DOCKER("ImageDelete", "/images/nginx") " object=nginx"},
         "ImageDelete"},
        {"the same names make one rule",
         {NAMED("ContainerStop", "stop", "web"), NAMED("ContainerStart", "start", "web"),
          NAMED("ContainerKill", "kill", "app")},
         "ContainerKill where: {\"name\": [\"app\"]} | ContainerStart" WEB " | ContainerStop" WEB},
    };
    check(rows, ARRAY_LEN(rows));
}

#define HOST(name, port) "host=" name " port=" port " sni=" name
#define PLAIN(method, name, path) "method=" method " host=" name " port=80 path=" path
#define GET_A " methods: [\"GET\"] paths: [\"/a\"]"

Test(suggest, hosts_are_gathered_under_a_star_at_three_siblings)
{
    static const struct row rows[] = {
        {"two siblings",
         {HOST("a.example.com", "443"), HOST("b.example.com", "443")},
         "a.example.com:443 | b.example.com:443"},
        {"three",
         {HOST("a.example.com", "443"), HOST("b.example.com", "443"), HOST("c.example.com", "443")},
         "*.example.com:443"},
        {"one three times",
         {HOST("a.example.com", "443"), HOST("a.example.com", "443"), HOST("a.example.com", "443")},
         "a.example.com:443"},
        {"three, and the apex, which no star holds",
         {HOST("a.example.com", "443"), HOST("b.example.com", "443"), HOST("c.example.com", "443"),
          HOST("example.com", "443")},
         "example.com:443 | *.example.com:443"},
        {"cousins are no siblings",
         {HOST("a.b.example.com", "443"), HOST("c.d.example.com", "443"),
          HOST("e.f.example.com", "443")},
         "a.b.example.com:443 | c.d.example.com:443 | e.f.example.com:443"},
        {"and are taken along",
         {HOST("a.example.com", "443"), HOST("b.example.com", "443"), HOST("c.example.com", "443"),
          HOST("x.y.example.com", "443")},
         "*.example.com:443"},
        {"a wide star takes what a narrow one would",
         {HOST("a.c.example.com", "443"), HOST("b.c.example.com", "443"),
          HOST("d.c.example.com", "443"), HOST("a.example.com", "443"),
          HOST("b.example.com", "443"), HOST("c.example.com", "443")},
         "*.example.com:443"},
        {"another port is another thing",
         {HOST("a.example.com", "443"), HOST("b.example.com", "443"), HOST("c.example.com", "80")},
         "a.example.com:443 | b.example.com:443 | c.example.com:80"},
        {"a star for each port",
         {HOST("a.example.com", "443"), HOST("b.example.com", "443"), HOST("c.example.com", "443"),
          HOST("a.example.com", "80"), HOST("b.example.com", "80"), HOST("c.example.com", "80")},
         "*.example.com"},
        {"one label behind the star",
         {HOST("a.test", "443"), HOST("b.test", "443"), HOST("c.test", "443")},
         "a.test:443 | b.test:443 | c.test:443"},
        {"a hosting domain",
         {HOST("a.github.io", "443"), HOST("b.github.io", "443"), HOST("c.github.io", "443")},
         "a.github.io:443 | b.github.io:443 | c.github.io:443"},
        {"a registry",
         {HOST("a.co.uk", "443"), HOST("b.co.uk", "443"), HOST("c.co.uk", "443")},
         "a.co.uk:443 | b.co.uk:443 | c.co.uk:443"},
        {"one site at it",
         {HOST("a.x.co.uk", "443"), HOST("b.x.co.uk", "443"), HOST("c.x.co.uk", "443")},
         "*.x.co.uk:443"},
        {"names that nothing answered for are no siblings",
         {HOST("a.example.com", "443") " status=502", HOST("b.example.com", "443") " status=504",
          HOST("c.example.com", "443"), HOST("d.example.com", "443")},
         "a.example.com:443 | b.example.com:443 | c.example.com:443 | d.example.com:443"},
        {"but are taken along",
         {HOST("a.example.com", "443") " status=502", HOST("b.example.com", "443"),
          HOST("c.example.com", "443"), HOST("d.example.com", "443"),
          "host=8.8.8.8 port=443 sni=0.example.com"},
         "8.8.8.8:443 | *.example.com:443"},
        {"one that was answered later is",
         {HOST("a.example.com", "443") " status=502", HOST("b.example.com", "443"),
          HOST("c.example.com", "443"), HOST("a.example.com", "443")},
         "*.example.com:443"},
        {"addresses are never gathered",
         {"host=8.8.8.1 port=443", "host=8.8.8.2 port=443", "host=8.8.8.3 port=443"},
         "8.8.8.1:443 | 8.8.8.2:443 | 8.8.8.3:443"},
        {"rules with paths name their hosts",
         {PLAIN("GET", "a.example.com", "/a"), PLAIN("GET", "b.example.com", "/a"),
          PLAIN("GET", "c.example.com", "/a")},
         "a.example.com:80" GET_A " | b.example.com:80" GET_A " | c.example.com:80" GET_A},
        {"names that only end alike",
         {HOST("a.example.com", "443"), HOST("b.example.com", "443"),
          HOST("c.notexample.com", "443"), HOST("d-example.com", "443")},
         "d-example.com:443 | a.example.com:443 | b.example.com:443 | c.notexample.com:443"},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(suggest, destinations_are_as_narrow_as_they_were_used)
{
    static const struct row rows[] = {
        {"one port", {HOST("a.test", "443")}, "a.test:443"},
        {"80 and 443 are what no port means",
         {HOST("a.test", "443"), HOST("a.test", "80")},
         "a.test"},
        {"more than these",
         {HOST("a.test", "443"), HOST("a.test", "80"), HOST("a.test", "81")},
         "a.test:80-81,443"},
        {"an IPv6 address", {"host=2606:4700::1 port=443"}, "[2606:4700::1]:443"},
        {"method and path", {PLAIN("GET", "a.test", "/a")}, "a.test:80" GET_A},
        {"methods and paths do not mix",
         {PLAIN("GET", "a.test", "/a"), PLAIN("POST", "a.test", "/b")},
         "a.test:80" GET_A " | a.test:80 methods: [\"POST\"] paths: [\"/b\"]"},
        {"methods of one path",
         {PLAIN("GET", "a.test", "/a"), PLAIN("HEAD", "a.test", "/a")},
         "a.test:80 methods: [\"GET\", \"HEAD\"] paths: [\"/a\"]"},
        {"nine paths are no longer few",
         {PLAIN("GET", "a.test", "/1"), PLAIN("GET", "a.test", "/2"), PLAIN("GET", "a.test", "/3"),
          PLAIN("GET", "a.test", "/4"), PLAIN("GET", "a.test", "/5"), PLAIN("GET", "a.test", "/6"),
          PLAIN("GET", "a.test", "/7"), PLAIN("GET", "a.test", "/8"), PLAIN("GET", "a.test", "/9")},
         "a.test:80 methods: [\"GET\"]"},
        {"a path with two readings",
         {PLAIN("GET", "a.test", "/a"), PLAIN("GET", "a.test", "/../b")},
         "a.test:80 methods: [\"GET\"]"},
        {"a path that is a pattern",
         {PLAIN("GET", "a.test", "/a*")},
         "a.test:80 methods: [\"GET\"] paths: [\"~/a\\\\x2a\"]"},
        {"a path that looks like an expression",
         {PLAIN("GET", "a.test", "/[a-z]+(x)")},
         "a.test:80 methods: [\"GET\"] paths: [\"/[a-z]+(x)\"]"},
        {"one with bytes that no path of a rule has",
         {PLAIN("GET", "a.test", "/a|b?")},
         "a.test:80 methods: [\"GET\"] paths: [\"~/a\\\\x7cb\\\\x3f\"]"},
        {"a method that is none", {"method=FOO host=a.test port=80 path=/a"}, ""},
        {"an escaped path is canonical",
         {PLAIN("GET", "a.test", "/%7euser/%41")},
         "a.test:80 methods: [\"GET\"] paths: [\"/~user/A\"]"},
        {"a tunnel admits what goes through it",
         {PLAIN("GET", "a.test", "/a"), HOST("a.test", "80")},
         "a.test:80"},
        {"a websocket",
         {PLAIN("GET", "a.test", "/a") " status=101"},
         "a.test:80 protocols: [\"any\"]" GET_A},
        {"no server name",
         {"host=a.test port=443 would_deny=sni-missing"},
         "a.test:443 require_sni: false"},
        {"something else than TLS",
         {"host=a.test port=443 would_deny=protocol"},
         "a.test:443 protocols: [\"any\"]"},
        {"plain HTTP on 443",
         {"method=GET host=a.test port=443 path=/a would_deny=protocol"},
         "a.test:443 protocols: [\"http\"]" GET_A},
        {"a rule allowed what nobody knows",
         {"host=a.test port=443 bytes_in=9 reason=rule -would_deny"},
         "a.test:443 require_sni: false protocols: [\"any\"]"},
        {"a tunnel in which nobody spoke", {"host=a.test port=443 bytes_in=0"}, "a.test:443"},
        {"another name in TLS", {"host=a.test port=443 sni=b.test"}, ""},
        {"a name in TLS to an address",
         {"host=8.8.8.8 port=443 sni=b.test"},
         "8.8.8.8:443 | b.test:443"},
        {"names that were only said are never gathered",
         {"host=8.8.8.8 port=443 sni=a.example.com", "host=8.8.8.8 port=443 sni=b.example.com",
          "host=8.8.8.8 port=443 sni=c.example.com"},
         "8.8.8.8:443 | a.example.com:443 | b.example.com:443 | c.example.com:443"},
        {"nor do they help others to be",
         {"host=8.8.8.8 port=443 sni=a.example.com", HOST("b.example.com", "443"),
          HOST("c.example.com", "443")},
         "8.8.8.8:443 | a.example.com:443 | b.example.com:443 | c.example.com:443"},
        {"but by what was connected to, too",
         {"host=8.8.8.8 port=443 sni=a.example.com", HOST("a.example.com", "443"),
          HOST("b.example.com", "443"), HOST("c.example.com", "443")},
         "8.8.8.8:443 | *.example.com:443"},
        {"a private address", {"host=10.0.0.1 port=5432"}, "10.0.0.1:5432"},
        {"a name at private addresses",
         {"host=db.test port=5432 address=10.0.0.1", "host=db.test port=5432 address=10.0.0.2"},
         "db.test:5432 addresses: [\"10.0.0.1\", \"10.0.0.2\"]"},
        {"this machine", {"host=localhost port=5432 address=127.0.0.1"}, "localhost:5432"},
        {"a cloud's metadata", {"host=169.254.169.254 port=80"}, ""},
        {"a name for it", {"host=a.test port=80 address=169.254.169.254"}, ""},
        {"a name that was only asked for", {"-method via=dns host=a.test question=A"}, ""},
        {"one that was then connected to",
         {"-method via=dns host=a.test question=A", HOST("a.test", "443")},
         "a.test:443"},
        {"no host", {"port=443"}, ""},
        {"a host that is not canonical", {HOST("A.test", "443")}, ""},
        {"no port", {"host=a.test"}, ""},
        {"a client that is none", {HOST("a.test", "443") " client=A\"b"}, ""},
        {"a stream that opened and closed",
         {HOST("a.test", "443") " event=open id=1",
          "host=a.test port=443 sni=b.test event=close id=1"},
         ""},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(suggest, refusals_are_taken_when_they_are_asked_for_and_a_rule_can_help)
{
    static const struct row rows[] = {
        {"the default", {HOST("a.test", "443") " decision=deny -would_deny"}, "a.test:443"},
        {"a rule", {HOST("a.test", "443") " decision=deny reason=rule -would_deny"}, ""},
        {"malformed",
         {HOST("a.test", "443") " decision=deny reason=malformed.host -would_deny"},
         ""},
        {"a limit", {HOST("a.test", "443") " decision=deny reason=limit.tunnels -would_deny"}, ""},
        {"a private address",
         {"host=10.0.0.1 port=22 decision=deny reason=address-class.private -would_deny"},
         "10.0.0.1:22"},
        {"metadata",
         {"host=169.254.169.254 port=80 decision=deny reason=address-class.metadata -would_deny"},
         ""},
        {"a name whose addresses are told",
         {"host=a.test port=22 decision=deny reason=address-class.private -would_deny "
          "refused_addresses=10.0.0.1"},
         "a.test:22 addresses: [\"10.0.0.1\"]"},
        {"an address of the own machine",
         {"host=198.20.0.7 port=22 decision=deny reason=address-class.own-host -would_deny"},
         "198.20.0.7:22"},
        {"and one where they are not",
         {"host=a.test port=22 decision=deny reason=address-class.private -would_deny"},
         ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(suggest_fixture_clear) struct suggest_fixture fixture = {0};
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        fixture.evidence.include_denied = true;
        suggest_fixture_add(&fixture, rows[i].records[0]);
        suggest_fixture_make(&fixture);
        suggest_fixture_show(&fixture, &shown);
        cr_expect_str_eq(buffer_text(&shown), rows[i].rules, "%s: %s", rows[i].what,
                         buffer_text(&shown));
    }
}

Test(suggest, the_evidence_stands_beside_each_line)
{
    CLEANUP(suggest_fixture_clear) struct suggest_fixture fixture = {0};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    suggest_fixture_add(&fixture, HOST("a.test", "443") " ts=2026-11-20T12:00:00Z");
    suggest_fixture_add(&fixture, HOST("a.test", "443") " ts=2026-11-19T12:00:00Z");
    suggest_fixture_add(&fixture, DOCKER("ContainerCreate", "/containers/create"));
    suggest_fixture_add(&fixture, "host=169.254.169.254 port=80");
    suggest_fixture_make(&fixture);
    suggest_fixture_write(&fixture, &text);
    static const char *const parts[] = {
        "- \"a.test:443\"  # 2 requests, 2026-11-19T12:00:00Z to 2026-11-20T12:00:00Z\n",
        "# WARNING: whoever may create containers is root",
        "#   default: 169.254.169.254:80: it is a cloud's metadata service (1 request, "
        "2026-11-20T12:00:00Z)\n",
        "default: {docker: deny, network: deny}\n"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        cr_expect_not_null(strstr(buffer_text(&text), parts[i]), "%s\n%s", parts[i],
                           buffer_text(&text));
}
