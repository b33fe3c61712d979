/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <ctype.h>

#include "rules/docker/docker_request.h"

/* The parsed target written anew, or "code reason" when it was refused. */
static const char *outcome(struct docker_request *request, enum http_method method,
                           const char *target, bool strict, struct buffer *out)
{
    struct error error;
    buffer_clear(out);
    if (!docker_request_parse(request, method, slice_from_text(target), strict, &error))
        buffer_printf(out, "%d %s", error.status, error.reason);
    else
        docker_request_write_target(request, slice_of(NULL, 0), out);
    return buffer_text(out);
}

struct path_row {
    const char *name;
    enum http_method method;
    const char *target, *expected;
};

#define GET HTTP_METHOD_GET
#define POST HTTP_METHOD_POST

static const struct path_row path_rows[] = {
    {"plain", GET, "/containers/json", "/containers/json"},
    {"version", GET, "/v1.41/containers/json", "/v1.41/containers/json"},
    {"escaped slash", GET, "/containers%2fjson", "/containers/json"},
    {"escaped slash behind the version", GET, "/v1.41%2f_ping", "/v1.41/_ping"},
    {"escaped letter", GET, "/%63ontainers/json", "/containers/json"},
    {"lower hex", GET, "/%5fping", "/_ping"},
    {"upper hex", GET, "/%5Fping", "/_ping"},
    {"decoded once only", GET, "/%255fping", "403 unknown.operation"},
    {"double escape of a slash stays a name", GET, "/containers/a%252Fb/json",
     "/containers/a%252Fb/json"},
    {"double escape of dots stays a name", GET, "/containers/%252e%252e/json",
     "/containers/%252e%252e/json"},
    {"name with slashes", POST, "/images/reg.io%3A5000%2Fns%2Fimg:1/push",
     "/images/reg.io:5000/ns/img:1/push?tag=1"},
    {"networks with a slash is a route", GET, "/networks/", "/networks"},
    {"version and networks with a slash", GET, "/v1.41/networks/", "/v1.41/networks"},
    {"networks without", GET, "/networks", "/networks"},
    {"bytes that are no UTF-8", GET, "/volumes/%ff%fe", "/volumes/%FF%FE"},
    {"non-ASCII name", GET, "/volumes/caf%c3%a9", "/volumes/caf%C3%A9"},
    {"libpod", POST, "/libpod/pods/x/start?a=1&a=2", "/libpod/pods/x/start?a=1&a=2"},
    {"libpod with a version of three parts", GET, "/v5.0.0/libpod/info", "/v5.0.0/libpod/info"},
    {"libpod under v1", GET, "/v1.40/libpod/info", "/v1.40/libpod/info"},
    {"oldest version", GET, "/v1.12/info", "/v1.12/info"},
    {"old version", GET, "/v1.23/info", "/v1.23/info"},
    {"the table's version", GET, "/v1.55/info", "/v1.55/info"},
    {"version newer than the table", GET, "/v1.56/info", "400 version.too-new"},
    {"version much newer than the table", GET, "/v1.9999/info", "400 version.too-new"},
    {"libpod of such a version", GET, "/v1.56/libpod/info", "/v1.56/libpod/info"},
    {"debug tree", GET, "/debug/pprof/heap?debug=1", "/debug/pprof/heap?debug=1"},

    {"version too old", GET, "/v1.11/info", "400 version.too-old"},
    {"version zero", GET, "/v1.0/info", "400 version.too-old"},
    {"version with a dot at the end", GET, "/v1.41./_ping", "400 version.unknown"},
    {"version of dots", GET, "/v...../_ping", "400 version.unknown"},
    {"version with a dot in front", GET, "/v.1.41/_ping", "400 version.unknown"},
    {"version with two dots", GET, "/v1..41/_ping", "400 version.unknown"},
    {"version with zeros in front", GET, "/v001.41/_ping", "400 version.unknown"},
    {"minor version with a zero in front", GET, "/v1.041/_ping", "400 version.unknown"},
    {"version without minor", GET, "/v1/_ping", "400 version.unknown"},
    {"other major version", GET, "/v2.0/_ping", "400 version.unknown"},
    {"large number", GET, "/v9999/_ping", "400 version.unknown"},
    {"overlong minor version", GET, "/v1.4100000000000000000041/_ping", "400 version.unknown"},
    {"three parts without libpod", GET, "/v5.0.0/containers/json", "400 version.unknown"},
    {"three parts before libpod as a prefix", GET, "/v5.0.0/libpodx/info", "400 version.unknown"},
    {"four parts", GET, "/v5.0.0.0/libpod/info", "400 version.unknown"},
    {"major zero before libpod", GET, "/v0.0.0/libpod/info", "400 version.unknown"},
    {"upper-case version", GET, "/V1.41/_ping", "403 unknown.operation"},
    {"two versions", GET, "/v1.41/v1.41/_ping", "403 unknown.operation"},
    {"version alone", GET, "/v1.41", "403 unknown.operation"},
    {"version and slash alone", GET, "/v1.41/", "403 unknown.operation"},

    {"empty target", GET, "", "400 malformed.path-form"},
    {"no slash", GET, "containers/json", "400 malformed.path-form"},
    {"asterisk form", HTTP_METHOD_OPTIONS, "*", "400 malformed.path-form"},
    {"query only", GET, "?all=1", "400 malformed.path-form"},
    {"escape without digits", GET, "/containers/%zz/json", "400 malformed.path-escape"},
    {"escape cut off", GET, "/_ping%2", "400 malformed.path-escape"},
    {"percent at the end", GET, "/_ping%", "400 malformed.path-escape"},
    {"NUL", GET, "/_ping%00", "400 malformed.path-control"},
    {"line feed", GET, "/_ping%0a", "400 malformed.path-control"},
    {"DEL", GET, "/volumes/a%7f", "400 malformed.path-control"},
    {"space where there is no name", GET, "/_ping%20", "403 unknown.operation"},
    {"space in a name", GET, "/networks/my%20net", "/networks/my%20net"},
    {"spaces around a name", HTTP_METHOD_DELETE, "/volumes/%20a%20", "/volumes/%20a%20"},
    {"raw space", GET, "/_ping x", "400 malformed.path-raw-byte"},
    {"raw 8-bit byte", GET, "/volumes/\xc3\xa9", "400 malformed.path-raw-byte"},
    {"fragment", GET, "/x#/_ping", "400 malformed.path-raw-byte"},
    {"backslash", GET, "/containers%5cjson", "400 malformed.path-backslash"},
    {"two slashes", GET, "//_ping", "301 malformed.path-empty-segment"},
    {"two slashes inside", GET, "/containers//json", "301 malformed.path-empty-segment"},
    {"escaped second slash", GET, "/containers/%2fjson", "301 malformed.path-empty-segment"},
    {"two slashes at the end", GET, "/networks//", "301 malformed.path-empty-segment"},
    {"two slashes behind a version that is not served", GET, "/v1.99//info",
     "301 malformed.path-empty-segment"},
    {"two slashes in what is no path", POST, "/no//such", "301 malformed.path-empty-segment"},
    {"two slashes and dots", GET, "/containers//../json", "400 malformed.path-dot-segment"},
    {"two slashes and a NUL", GET, "//_ping%00", "400 malformed.path-control"},
    {"two slashes and a backslash", GET, "/%5c//_ping", "400 malformed.path-backslash"},
    {"two slashes and a broken escape", GET, "//_ping%", "400 malformed.path-escape"},
    {"dot", GET, "/./_ping", "400 malformed.path-dot-segment"},
    {"dots", GET, "/_ping/../containers/json", "400 malformed.path-dot-segment"},
    {"escaped dots", GET, "/_ping/%2e%2E/containers/json", "400 malformed.path-dot-segment"},
    {"dots at the end", GET, "/containers/..", "400 malformed.path-dot-segment"},
    {"dot at the end", GET, "/containers/.", "400 malformed.path-dot-segment"},
    {"three dots are a name", GET, "/volumes/...", "/volumes/..."},

    {"root", GET, "/", "403 unknown.operation"},
    {"slash at the end", POST, "/containers/create/", "403 unknown.operation"},
    {"parameters in the path", GET, "/containers/json;x=1", "403 unknown.operation"},
    {"other case", POST, "/Containers/Create", "403 unknown.operation"},
    {"longer first segment", GET, "/containersfoo", "403 unknown.operation"},
    {"longer last segment", POST, "/containers/x/startfoo", "403 unknown.operation"},
    {"libpod alone", GET, "/libpod", "403 unknown.operation"},
    {"copy is gone since 1.24", POST, "/containers/x/copy", "403 unknown.operation"},
    {"wrong method", HTTP_METHOD_PUT, "/version", "405 unknown.method"},
    {"method of no route", HTTP_METHOD_OPTIONS, "/_ping", "405 unknown.method"},
    {"TRACE", HTTP_METHOD_TRACE, "/containers/json", "405 unknown.method"},
    {"unknown method", HTTP_METHOD_UNKNOWN, "/containers/json", "405 unknown.method"},
    {"unknown method on libpod", HTTP_METHOD_UNKNOWN, "/libpod/info", "405 unknown.method"},
    {"unknown method on an unknown path", HTTP_METHOD_UNKNOWN, "/x", "403 unknown.operation"},
};

Test(docker_request, every_spelling_of_a_path_has_one_outcome)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(path_rows); i++) {
        const struct path_row *row = &path_rows[i];
        const char *got = outcome(&request, row->method, row->target, false, &out);
        cr_expect_str_eq(got, row->expected, "%s: %s gave %s", row->name, row->target, got);
    }
}

static const struct path_row query_rows[] = {
    {"known parameters keep their order", GET, "/containers/json?limit=1&all=1",
     "/containers/json?limit=1&all=1"},
    {"unknown ones are dropped", GET, "/containers/json?trunc_cmd=0&all=1&x",
     "/containers/json?all=1"},
    {"case makes another name", GET, "/containers/json?All=1", "/containers/json"},
    {"plus is a space", GET, "/containers/x/top?ps_args=a+b", "/containers/x/top?ps_args=a%20b"},
    {"escaped key", GET, "/containers/json?%61ll=1", "/containers/json?all=1"},
    {"no value", GET, "/containers/json?all", "/containers/json?all="},
    {"empty pairs", GET, "/containers/json?&&all=1&", "/containers/json?all=1"},
    {"empty query", GET, "/containers/json?", "/containers/json"},
    {"empty key", GET, "/containers/json?=1", "/containers/json"},
    {"second question mark and equals sign are value", GET, "/containers/x/top?ps_args=a?b=c",
     "/containers/x/top?ps_args=a%3Fb%3Dc"},
    {"escaped semicolon", GET, "/containers/x/top?ps_args=a%3Ball%3D1",
     "/containers/x/top?ps_args=a%3Ball%3D1"},
    {"raw semicolon", GET, "/containers/x/top?ps_args=a;all=1", "400 malformed.query-semicolon"},
    {"raw semicolon in a key", GET, "/containers/json?a;b", "400 malformed.query-semicolon"},
    {"raw JSON", GET, "/containers/json?filters={\"health\":[\"unhealthy\"]}",
     "/containers/json?filters=%7B%22health%22%3A%5B%22unhealthy%22%5D%7D"},
    {"raw bytes", GET, "/containers/json?filters=|\\^<>`#\xc3\xa9\xff",
     "/containers/json?filters=%7C%5C%5E%3C%3E%60%23%C3%A9%FF"},
    {"raw bytes in a key", GET, "/containers/json?{\"}=1&all=1", "/containers/json?all=1"},
    {"control bytes are kept escaped", GET, "/containers/x/top?ps_args=%0d%0a%ff",
     "/containers/x/top?ps_args=%0D%0A%FF"},
    {"repeatable", POST, "/build?t=a&t=b", "/build?t=a&t=b"},
    {"HEAD has the parameters of GET", HTTP_METHOD_HEAD, "/containers/json?all=1",
     "/containers/json?all=1"},
    {"single given twice", GET, "/containers/json?all=1&limit=2&all=true",
     "/containers/json?all=1&limit=2"},
    {"single given twice in two spellings", POST, "/build?dockerfile=A&docker%66ile=B&t=x",
     "/build?dockerfile=A&t=x"},
    {"single given twice, the first empty", POST, "/build?remote=&remote=http://x",
     "/build?remote="},
    {"single given twice, the first without a value", POST, "/build?remote&remote=http://x",
     "/build?remote="},
    {"reference given twice", POST, "/images/create?fromImage=a:1&fromImage=b:2&tag=3",
     "/images/create?fromImage=a&tag=3"},
    {"repeatable and single", POST, "/build?t=a&q=1&t=b&q=2&t=a", "/build?t=a&q=1&t=b&t=a"},
    {"dropped ones may repeat", GET, "/containers/json?x=1&x=2", "/containers/json"},
    {"broken escape in a value", GET, "/containers/json?all=%g0", "400 malformed.query-escape"},
    {"broken escape in a dropped one", GET, "/containers/json?x=%", "400 malformed.query-escape"},
    {"NUL", GET, "/containers/json?all=%00", "400 malformed.query-nul"},
    {"newest version drops", GET, "/v1.55/containers/json?all=1&x=1",
     "/v1.55/containers/json?all=1"},
};

Test(docker_request, every_query_has_one_outcome)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(query_rows); i++) {
        const struct path_row *row = &query_rows[i];
        const char *got = outcome(&request, row->method, row->target, false, &out);
        cr_expect_str_eq(got, row->expected, "%s: %s gave %s", row->name, row->target, got);
    }
    const char *got = outcome(&request, GET, "/containers/json?trunc_cmd=0", true, &out);
    cr_expect_str_eq(got, "400 malformed.query-unknown", "strict gave %s", got);
    got = outcome(&request, GET, "/containers/json?all=1&all=1", true, &out);
    cr_expect_str_eq(got, "400 malformed.query-repeated", "strict gave %s", got);
}

/* What net/url makes of each byte that stands raw in a query: itself, or this. The request line
 * takes none of the first ones. */
static const char *raw_byte_expected(unsigned byte, struct buffer *out)
{
    buffer_clear(out);
    if (byte == ';')
        return "400 malformed.query-semicolon";
    if (byte == '%')
        return "400 malformed.query-escape";
    buffer_append_literal(out, "/containers/json?filters=a");
    if (byte == '+')
        buffer_append_literal(out, "%20");
    else if (byte != '&' && (isalnum((int)byte) != 0 || strchr("-._~", (int)byte) != NULL))
        buffer_append_byte(out, (char)byte);
    else if (byte != '&')
        buffer_printf(out, "%%%02X", byte);
    if (byte != '&') /* else it is a parameter of its own, which nobody knows */
        buffer_append_byte(out, 'z');
    return buffer_text(out);
}

Test(docker_request, every_raw_byte_of_a_query_means_what_the_engine_takes_it_for)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY, expected = BUFFER_EMPTY;
    for (unsigned byte = 0x21; byte <= 0xff; byte++) {
        char target[] = "/containers/json?filters=a?z";
        if (byte == 0x7f)
            continue;
        target[sizeof(target) - 3] = (char)byte;
        const char *got = outcome(&request, GET, target, false, &out);
        const char *wanted = raw_byte_expected(byte, &expected);
        cr_expect_str_eq(got, wanted, "0x%02x gave %s, not %s", byte, got, wanted);
    }
}

Test(docker_request, what_comes_again_is_dropped_by_its_name)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    cr_assert(docker_request_parse(&request, POST,
                                   SLICE_LITERAL("/build?dockerfile=A&x=1&dockerfile=B&x=2&t=a&t=b"
                                                 "&dockerfile=C"),
                                   false, &error));
    cr_assert_eq(request.dropped_count, 2);
    cr_assert(slice_equal_text(request.dropped[0], "x"));
    cr_assert(slice_equal_text(request.dropped[1], "dockerfile"));
}

/* Recorded from Engine 20.10: its Location. */
static const struct {
    const char *target, *location;
} clean_rows[] = {
    {"/containers//web/json", "/containers/web/json"},
    {"//containers/json?all=1&filters={\"a\"|}", "/containers/json?all=1&filters={\"a\"|}"},
    {"/v1.41/containers/%2Fweb/json?size=%zz;a", "/v1.41/containers/web/json?size=%zz;a"},
    {"//", "/"},
    {"/containers/json//", "/containers/json/"},
    {"/a//b%20c!*()'$&+,;=@:~%2e%3F%25%C3%A9?x", "/a/b%20c%21%2A%28%29%27$&+,;=@:~.%3F%25%C3%A9?x"},
    {"///v1.41///_ping", "/v1.41/_ping"},
    {"/containers//web/json?", "/containers/web/json?"},
    {"//containers/json?a#b", "/containers/json?a#b"},
    {"//containers/json?a=//b", "/containers/json?a=//b"},
    {"/v1.99//containers/json", "/v1.99/containers/json"},
};

Test(docker_request, a_doubled_slash_leads_where_the_engine_leads)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(clean_rows); i++) {
        const char *target = clean_rows[i].target;
        const char *got = outcome(&request, GET, target, false, &out);
        cr_expect_str_eq(got, "301 malformed.path-empty-segment", "%s gave %s", target, got);
        buffer_clear(&out);
        docker_request_write_clean(request.path, slice_from_text(target), &out);
        cr_expect_str_eq(buffer_text(&out), clean_rows[i].location, "%s", target);
    }
}

Test(docker_request, a_query_of_too_many_parameters_is_refused)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    buffer_append_literal(&target, "/libpod/info?x");
    for (int i = 1; i < DOCKER_QUERY_MAX; i++)
        buffer_append_literal(&target, "&x");
    cr_assert(docker_request_parse(&request, GET, buffer_slice(&target), false, &error));
    cr_assert_eq(request.parameter_count, DOCKER_QUERY_MAX);
    buffer_append_literal(&target, "&x");
    cr_assert_not(docker_request_parse(&request, GET, buffer_slice(&target), false, &error));
    cr_assert_str_eq(error.reason, "malformed.query-too-many");
}

Test(docker_request, a_refusal_says_what_would_be_right)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    cr_assert_not(
        docker_request_parse(&request, HTTP_METHOD_PUT, SLICE_LITERAL("/volumes"), false, &error));
    cr_assert_not_null(strstr(error.text, "only with GET, HEAD"), "%s", error.text);
    cr_assert_not(
        docker_request_parse(&request, GET, SLICE_LITERAL("/container/json"), false, &error));
    cr_assert_not_null(strstr(error.text, "did you mean /containers?"), "%s", error.text);
    cr_assert_not(docker_request_parse(&request, POST, SLICE_LITERAL("/commit?repo=1&repo=secret"),
                                       true, &error));
    cr_assert_not_null(strstr(error.text, "`repo`"), "%s", error.text);
    cr_assert_null(strstr(error.text, "secret"), "%s", error.text);
    cr_assert(slice_equal_text(request.path, "/commit"));
    cr_assert_eq(request.operation, DOCKER_IMAGE_COMMIT);
}

Test(docker_request, the_path_is_known_even_when_it_is_refused)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    cr_assert_not(docker_request_parse(&request, GET, SLICE_LITERAL("/a/%2e%2e"), false, &error));
    cr_assert(slice_equal_text(request.path, "/a/.."));
    cr_assert_not(docker_request_parse(&request, GET, SLICE_LITERAL("/%zz"), false, &error));
    cr_assert_eq(request.path.len, 0, "nothing is left of the request before");
}

Test(docker_request, the_full_id_takes_the_place_of_the_name)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    cr_assert(docker_request_parse(
        &request, POST, SLICE_LITERAL("/v1.41/containers/we%62/stop?t=5"), false, &error));
    cr_assert(slice_equal_text(request.object_name, "web"));
    docker_request_write_target(&request, SLICE_LITERAL("0123abc"), &out);
    cr_assert_str_eq(buffer_text(&out), "/v1.41/containers/0123abc/stop?t=5");
}

Test(docker_request, flags_are_read_as_the_engine_reads_them)
{
    static const struct {
        const char *target;
        bool expected;
    } rows[] = {
        {"/containers/json", false},
        {"/containers/json?all", false},
        {"/containers/json?all=0", false},
        {"/containers/json?all=No", false},
        {"/containers/json?all=FALSE", false},
        {"/containers/json?all=none", false},
        {"/containers/json?all=%20%09false+", false},
        {"/containers/json?all=%c2%a0no%e3%80%80", false},
        {"/containers/json?all=+", false},
        {"/containers/json?all=1", true},
        {"/containers/json?all=yes", true},
        {"/containers/json?all=off", true},
        {"/containers/json?all=00", true},
    };
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_assert(
            docker_request_parse(&request, GET, slice_from_text(rows[i].target), false, &error));
        cr_expect_eq(docker_request_flag(&request, SLICE_LITERAL("all")), rows[i].expected, "%s",
                     rows[i].target);
    }
}

/* Comma-separated names of what was dropped. */
static const char *dropped_names(const struct docker_request *request, struct buffer *out)
{
    buffer_clear(out);
    for (unsigned i = 0; i < request->dropped_count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        buffer_append_slice(out, request->dropped[i]);
    }
    return buffer_text(out);
}

Test(docker_request, real_clients_lose_nothing_that_an_engine_reads)
{
    static const struct {
        enum http_method method;
        const char *target, *dropped;
    } rows[] = {
#include "tests/unit/rules/docker/captured_requests.inc"
    };
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    cr_assert_gt(ARRAY_LEN(rows), 100);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error error;
        bool parsed = docker_request_parse(&request, rows[i].method,
                                           slice_from_text(rows[i].target), false, &error);
        cr_expect(parsed, "%s: %s", rows[i].target, parsed ? "" : error.text);
        const char *dropped = dropped_names(&request, &out);
        cr_expect_str_eq(dropped, rows[i].dropped, "%s dropped %s", rows[i].target, dropped);
    }
}

/* Whether two parsed requests are the same but for the spelling they came in. */
static void assert_same(const struct docker_request *a, const struct docker_request *b)
{
    cr_assert_eq(a->operation, b->operation);
    cr_assert(slice_equal(a->path, b->path));
    cr_assert(slice_equal(a->version, b->version));
    cr_assert(slice_equal(a->object_name, b->object_name));
    cr_assert_eq(a->parameter_count, b->parameter_count);
    cr_assert_eq(b->dropped_count, 0);
    for (unsigned i = 0; i < a->parameter_count; i++) {
        cr_assert(slice_equal(a->parameters[i].key, b->parameters[i].key));
        cr_assert(slice_equal(a->parameters[i].value, b->parameters[i].value));
    }
}

/* A repeatable sequence (xorshift), so that a failure can be seen again. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

Test(docker_request, what_is_written_reads_back_as_the_same_request)
{
    static const char *const pieces[] = {
        "/",    "containers", "images",   "volumes",   "v1.41",       "json", "%2f",
        "%41",  "a",          ".",        "%2E",       "?",           "&",    "=",
        "all",  "name",       "filters",  "t",         "%",           "%00",  "+",
        "%ff",  "networks",   "libpod",   "build",     "x%20y",       "%25",  "create",
        "exec", "start",      "reg:5000", "@sha256:1", "/json?all=1",
    };
    CLEANUP(docker_request_clear)
    struct docker_request first = {.text = BUFFER_EMPTY},
                          second = {.text = BUFFER_EMPTY};
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY, written = BUFFER_EMPTY, again = BUFFER_EMPTY;
    uint64_t state = 0x9e3779b97f4a7c15;
    unsigned accepted = 0;
    for (int round = 0; round < 200000; round++) {
        struct error error;
        buffer_clear(&target);
        buffer_append_byte(&target, '/');
        for (uint64_t count = next_random(&state) % 8; count > 0; count--)
            buffer_append_text(&target, pieces[next_random(&state) % ARRAY_LEN(pieces)]);
        enum http_method method = (enum http_method)(1 + next_random(&state) % 5);
        if (!docker_request_parse(&first, method, buffer_slice(&target), false, &error))
            continue;
        accepted++;
        buffer_clear(&written);
        buffer_clear(&again);
        docker_request_write_target(&first, slice_of(NULL, 0), &written);
        cr_assert(docker_request_parse(&second, method, buffer_slice(&written), true, &error), "%s",
                  buffer_text(&written));
        assert_same(&first, &second);
        docker_request_write_target(&second, slice_of(NULL, 0), &again);
        cr_assert(slice_equal(buffer_slice(&written), buffer_slice(&again)));
    }
    cr_assert_gt(accepted, 1000);
    docker_request_clear(&second);
}
