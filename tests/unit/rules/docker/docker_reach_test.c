/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/docker/docker_reach.h"

/* What the request reaches, with blanks between; the name in the path is "(name)". */
static void find_all(enum http_method method, const char *target, char *names, size_t size)
{
    static struct docker_request request;
    struct error error;
    struct docker_reach_place place;
    unsigned position = 0;
    names[0] = '\0';
    cr_assert(docker_request_parse(&request, method, slice_from_text(target), false, &error), "%s",
              error.text);
    while (docker_reach_next(&request, &position, &place)) {
        struct slice name = place.parameter.ptr == NULL ? SLICE_LITERAL("(name)") : place.parameter;
        cr_expect(place.why[0] != '\0');
        snprintf(names + strlen(names), size - strlen(names), "%.*s ", (int)name.len, name.ptr);
    }
    docker_request_clear(&request);
}

struct row {
    const char *name;
    enum http_method method;
    const char *target, *found;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char names[128];
        find_all(rows[i].method, rows[i].target, names, sizeof(names));
        cr_expect_str_eq(names, rows[i].found, "%s: %s", rows[i].name, names);
    }
}

#define GET HTTP_METHOD_GET
#define POST HTTP_METHOD_POST
#define DELETE HTTP_METHOD_DELETE

Test(docker_reach, finds_what_reaches_beyond_its_operation_and_nothing_else)
{
    static const struct row rows[] = {
        {"plain start", POST, "/containers/x/start", ""},
        {"empty checkpoint", POST, "/containers/x/start?checkpoint=", ""},
        {"both of a start", POST, "/containers/x/start?checkpoint-dir=%2Fetc&checkpoint=c",
         "checkpoint checkpoint-dir "},
        {"list of checkpoints", GET, "/containers/x/checkpoints", ""},
        {"list in a folder", GET, "/containers/x/checkpoints?dir=/etc", "dir "},
        {"list in a folder, HEAD", HTTP_METHOD_HEAD, "/containers/x/checkpoints?dir=/etc", "dir "},
        {"delete in a folder", DELETE, "/containers/x/checkpoints/c?dir=relative", "dir "},
        {"import of the body", POST, "/images/create?fromSrc=-", ""},
        {"import of an address", POST, "/images/create?fromSrc=http://a/b", "fromSrc "},
        {"build of the session", POST, "/build?remote=client-session", ""},
        {"build of an address", POST, "/build?remote=git://a/b", "remote "},
        {"no outputs", POST, "/build?outputs=[]", ""},
        {"outputs", POST, "/build?outputs=[%7B%22Type%22:%22image%22%7D]", "outputs "},
        {"caches", POST, "/build?cachefrom=[%22ghcr.io/a/b:1%22,%22c%22]", ""},
        {"no caches", POST, "/build?cachefrom=null", ""},
        {"a cache with a port", POST, "/build?cachefrom=[%22c%22,%2210.0.0.5:1/b%22]",
         "cachefrom "},
        {"a cache by keys", POST, "/build?cachefrom=[%22type=registry,ref=localhost/b%22]",
         "cachefrom "},
        {"a cache with an escape", POST, "/build?cachefrom=[%22a%5Cu003a1/b%22]", "cachefrom "},
        {"no such parameter there", GET, "/containers/json?remote=git://a/b", ""},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(docker_reach, registries_of_the_clients_choice)
{
    static const struct row rows[] = {
        {"search on Docker Hub", GET, "/images/search?term=nginx", ""},
        {"search of a user there", GET, "/images/search?term=acme/foo", ""},
        {"search on Docker Hub by name", GET, "/images/search?term=docker.io/foo", ""},
        {"search at an address", GET, "/images/search?term=127.0.0.1:5056/foo", "term "},
        {"search elsewhere", GET, "/images/search?term=ghcr.io/foo", "term "},
        {"search at localhost", GET, "/images/search?term=localhost/foo", "term "},
        {"search with a scheme", GET, "/images/search?term=http://127.0.0.1/foo", "term "},
        {"distribution on Docker Hub", GET, "/distribution/library/nginx/json", ""},
        {"distribution at an address", GET, "/distribution/127.0.0.1:5056/foo/json", "(name) "},
        {"distribution elsewhere", GET, "/distribution/ghcr.io/acme/foo:1/json", "(name) "},
        {"distribution, encoded", GET, "/distribution/127.0.0.1%3A5056%2Ffoo/json", "(name) "},
        {"plugin of Docker Hub", POST, "/plugins/pull?remote=acme/p", ""},
        {"plugin from elsewhere", POST, "/plugins/pull?remote=10.0.0.1/p&name=x", "remote "},
        {"its privileges", GET, "/plugins/privileges?remote=10.0.0.1/p", "remote "},
        {"plugin upgraded from elsewhere", POST, "/plugins/p/upgrade?remote=evil.test/p",
         "remote "},
        {"plugin pushed elsewhere", POST, "/plugins/evil.test/p/push", "(name) "},
        {"plugin pushed", POST, "/plugins/acme/p/push", ""},
        {"pull", POST, "/images/create?fromImage=nginx&tag=1", ""},
        {"pull from a registry", POST, "/images/create?fromImage=ghcr.io/acme/foo", ""},
        {"pull from a port", POST, "/images/create?fromImage=registry.test:5000/foo", "fromImage "},
        {"pull from an address", POST, "/images/create?fromImage=169.254.169.254/foo",
         "fromImage "},
        {"pull from an address with zeros", POST, "/images/create?fromImage=0x7f.1/foo",
         "fromImage "},
        {"pull from localhost", POST, "/images/create?fromImage=localhost/foo", "fromImage "},
        {"pull from below localhost", POST, "/images/create?fromImage=a.localhost/foo",
         "fromImage "},
        {"pull with a tag that looks like one", POST, "/images/create?fromImage=localhost:5000",
         ""},
        {"push", POST, "/images/acme/foo/push?tag=1", ""},
        {"push to a registry", POST, "/images/ghcr.io/acme/foo/push", ""},
        {"push to an address", POST, "/images/127.0.0.1:5056/foo/push", "(name) "},
        {"a local image of such a name", GET, "/images/127.0.0.1:5056/foo/json", ""},
    };
    check(rows, ARRAY_LEN(rows));
}

Test(docker_reach, a_registry_is_what_the_engine_takes_for_one)
{
    static const struct {
        const char *reference, *registry; /* NULL = Docker Hub */
    } rows[] = {
        {"nginx", NULL},
        {"nginx:1.2", NULL},
        {"acme/nginx", NULL},
        {"/a.b/c", NULL},
        {"", NULL},
        {"docker.io/nginx", NULL},
        {"index.docker.io/nginx", NULL},
        {"registry-1.docker.io/nginx", "registry-1.docker.io"},
        {"localhost/nginx", "localhost"},
        {"LOCALHOST/nginx", "LOCALHOST"},
        {"localhosts/nginx", NULL},
        {"a:1/nginx", "a:1"},
        {"[::1]:5000/nginx", "[::1]:5000"},
        {"a.b/c/d:e", "a.b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice found = docker_reach_registry(slice_from_text(rows[i].reference));
        cr_expect_eq(found.ptr != NULL, rows[i].registry != NULL, "%s", rows[i].reference);
        cr_expect(rows[i].registry == NULL || slice_equal_text(found, rows[i].registry), "%s",
                  rows[i].reference);
    }
}

Test(docker_reach, every_place_is_of_an_operation_that_has_it)
{
    struct docker_reach_place place;
    size_t count = 0;
    for (; docker_reach_place_at(count, &place); count++) {
        const struct docker_operation_info *info = docker_operation_info(place.operation);
        cr_expect_neq(place.reach, DOCKER_REACH_NONE);
        cr_expect(place.parameter.ptr == NULL
                      ? strchr(info->path, '{') != NULL
                      : docker_operation_find_parameter(info, place.parameter) >= 0,
                  "%s", info->name);
    }
    cr_expect_eq(count, 16);
}
