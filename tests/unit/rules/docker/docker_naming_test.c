/* SPDX-License-Identifier: Apache-2.0
 *
 * Each row is a conversation with an engine: what is asked, what it says, what is sent on. */
#include <criterion/criterion.h>

#include "rules/docker/docker_naming.h"

#define ID_A "aaaaaaaaaaaa0000000000000000000000000000000000000000000000000000"
#define ID_B "bbbbbbbbbbbb0000000000000000000000000000000000000000000000000000"
#define IMAGE(id, tags)                                                                            \
    "{\"Id\":\"sha256:" id "\",\"RepoTags\":[" tags "],\"RepoDigests\":[\"acme@sha256:" ID_A "\"]" \
    "}"
#define LIST(name) "/images/json?filters=%7B%22reference%22%3A%7B%22" name "%22%3Atrue%7D%7D"
#define CONTAINER                                                                                  \
    "{\"Id\":\"c1\",\"Name\":\"/web\",\"Image\":\"sha256:" ID_A "\",\"Config\":{\"Image\":\"a\"}}"

struct exchange {
    const char *question, *answer; /* answer NULL = 404 */
};

struct row {
    const char *name;
    enum http_method method;
    const char *target;
    struct exchange exchanges[4];
    const char *sent; /* NULL = the objects cannot be had */
};

static const struct row rows[] = {
    {"a container by name",
     HTTP_METHOD_POST,
     "/containers/web/start",
     {{"/containers/web/json", CONTAINER}},
     "/containers/c1/start"},
    {"commit",
     HTTP_METHOD_POST,
     "/commit?container=/web&repo=a",
     {{"/containers/web/json", CONTAINER}},
     "/commit?repo=a&tag=latest&container=c1"},
    {"inspect by tag",
     HTTP_METHOD_GET,
     "/images/acme:1/json",
     {{"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/sha256:" ID_A "/json"},
    {"history by short id",
     HTTP_METHOD_GET,
     "/images/aaaa/history",
     {{"/images/aaaa/json", IMAGE(ID_A, "")}},
     "/images/sha256:" ID_A "/history"},
    {"tagging",
     HTTP_METHOD_POST,
     "/images/acme/tag?repo=b&tag=1",
     {{"/images/acme/json", IMAGE(ID_A, "\"acme:latest\"")}},
     "/images/sha256:" ID_A "/tag?repo=b&tag=1"},
    {"delete by name",
     HTTP_METHOD_DELETE,
     "/images/acme",
     {{"/images/acme/json", IMAGE(ID_A, "\"b:1\",\"acme:latest\"")}},
     "/images/acme:latest"},
    {"delete in another spelling",
     HTTP_METHOD_DELETE,
     "/images/docker.io/library/acme:1?force=1",
     {{"/images/docker.io/library/acme:1/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/acme:1?force=1"},
    {"delete by digest",
     HTTP_METHOD_DELETE,
     "/images/acme@sha256:" ID_A,
     {{"/images/acme@sha256:" ID_A "/json", IMAGE(ID_B, "")}},
     "/images/acme@sha256:" ID_A},
    {"delete by full id",
     HTTP_METHOD_DELETE,
     "/images/sha256:" ID_A,
     {{"/images/sha256:" ID_A "/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/sha256:" ID_A},
    {"delete by bare digits",
     HTTP_METHOD_DELETE,
     "/images/" ID_A,
     {{"/images/" ID_A "/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/sha256:" ID_A},
    {"delete by short id",
     HTTP_METHOD_DELETE,
     "/images/aaaaaaaaaaaa",
     {{"/images/aaaaaaaaaaaa/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/sha256:" ID_A},
    {"a tag that looks like another's id",
     HTTP_METHOD_DELETE,
     "/images/bbbbbbbbbbbb",
     {{"/images/bbbbbbbbbbbb/json", IMAGE(ID_A, "\"bbbbbbbbbbbb:latest\"")}},
     "/images/bbbbbbbbbbbb:latest"},
    {"a tag that is gone in between",
     HTTP_METHOD_DELETE,
     "/images/bbbbbbbbbbbb",
     {{"/images/bbbbbbbbbbbb/json", IMAGE(ID_A, "\"acme:1\"")}},
     NULL},
    {"get by tag",
     HTTP_METHOD_GET,
     "/images/acme:1/get",
     {{"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/acme:1/get"},
    {"get of a repository",
     HTTP_METHOD_GET,
     "/v1.41/images/acme/get",
     {{LIST("acme"), "[" IMAGE(ID_A, "\"acme:1\",\"b:1\"") "," IMAGE(ID_B, "\"acme:2\"") "]"},
      {"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\",\"b:1\"")},
      {"/images/acme:2/json", IMAGE(ID_B, "\"acme:2\"")}},
     "/v1.41/images/get?names=acme%3A1&names=acme%3A2"},
    {"get of a repository with one tag",
     HTTP_METHOD_GET,
     "/images/acme/get?platform=x",
     {{LIST("acme"), "[" IMAGE(ID_A, "\"acme:1\"") "]"},
      {"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/acme:1/get?platform=x"},
    {"get of what is by digest only",
     HTTP_METHOD_GET,
     "/images/acme/get",
     {{LIST("acme"), "[" IMAGE(ID_A, "") "]"}, {"/images/sha256:" ID_A "/json", IMAGE(ID_A, "")}},
     "/images/sha256:" ID_A "/get"},
    {"get by short id",
     HTTP_METHOD_GET,
     "/images/aaaaaaaaaaaa/get",
     {{LIST("aaaaaaaaaaaa"), "[]"}, {"/images/aaaaaaaaaaaa/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/sha256:" ID_A "/get"},
    {"get of a repository like another's id",
     HTTP_METHOD_GET,
     "/images/bbbbbbbbbbbb/get",
     {{LIST("bbbbbbbbbbbb"), "[" IMAGE(ID_A, "\"bbbbbbbbbbbb:latest\"") "]"},
      {"/images/bbbbbbbbbbbb:latest/json", IMAGE(ID_A, "\"bbbbbbbbbbbb:latest\"")}},
     "/images/bbbbbbbbbbbb:latest/get"},
    {"a repository that came in between",
     HTTP_METHOD_GET,
     "/images/bbbbbbbbbbbb/get",
     {{LIST("bbbbbbbbbbbb"), "[]"},
      {"/images/bbbbbbbbbbbb/json", IMAGE(ID_A, "\"bbbbbbbbbbbb:latest\"")}},
     NULL},
    {"get of several",
     HTTP_METHOD_GET,
     "/images/get?names=acme:1&platform=p&names=sha256:bbbb",
     {{"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\"")},
      {"/images/sha256:bbbb/json", IMAGE(ID_B, "")}},
     "/images/get?platform=p&names=acme%3A1&names=sha256%3A" ID_B},
    {"get of none", HTTP_METHOD_GET, "/images/get", {{NULL, NULL}}, NULL},
    {"get of an empty name",
     HTTP_METHOD_GET,
     "/images/get?names=acme:1&names=",
     {{NULL, NULL}},
     NULL},
    {"push of a tag",
     HTTP_METHOD_POST,
     "/images/acme/push?tag=2",
     {{"/images/acme:2/json", IMAGE(ID_A, "\"acme:2\"")}},
     "/images/acme/push?tag=2"},
    {"push, the tag in the query wins",
     HTTP_METHOD_POST,
     "/images/acme:1/push?tag=2",
     {{"/images/acme:2/json", IMAGE(ID_A, "\"acme:2\"")}},
     "/images/acme/push?tag=2"},
    {"push with the tag in the path",
     HTTP_METHOD_POST,
     "/images/acme:1/push",
     {{"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/acme/push?tag=1"},
    {"push of all, one tag",
     HTTP_METHOD_POST,
     "/images/acme/push",
     {{LIST("acme"), "[" IMAGE(ID_A, "\"acme:1\"") "]"},
      {"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\"")}},
     "/images/acme/push?tag=1"},
    {"push of all",
     HTTP_METHOD_POST,
     "/images/docker.io/library/acme/push",
     {{LIST("acme"), "[" IMAGE(ID_A, "\"acme:1\",\"acme:2\"") "]"},
      {"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\",\"acme:2\"")},
      {"/images/acme:2/json", IMAGE(ID_A, "\"acme:1\",\"acme:2\"")}},
     "/images/acme/push"},
    {"push never means an id",
     HTTP_METHOD_POST,
     "/images/aaaaaaaaaaaa/push",
     {{LIST("aaaaaaaaaaaa"), "[]"}},
     NULL},
    {"a digest with a tag",
     HTTP_METHOD_POST,
     "/images/acme@sha256:" ID_A "/push?tag=1",
     {{NULL, NULL}},
     NULL},
    {"an alias is another container's",
     HTTP_METHOD_DELETE,
     "/containers/web/db?link=1",
     {{NULL, NULL}},
     NULL},
    {"not found", HTTP_METHOD_DELETE, "/images/acme", {{"/images/acme/json", NULL}}, NULL},
    {"a list that is none", HTTP_METHOD_GET, "/images/acme/get", {{LIST("acme"), "{}"}}, NULL},
    {"a list with a broken id",
     HTTP_METHOD_GET,
     "/images/acme/get",
     {{LIST("acme"), "[{\"Id\":\"x\",\"RepoTags\":[\"acme:1\"]}]"}},
     NULL},
    {"a list with tags twice",
     HTTP_METHOD_GET,
     "/images/acme/get",
     {{LIST("acme"), "[{\"Id\":\"sha256:" ID_A "\",\"RepoTags\":[],\"RepoTags\":[]}]"}},
     NULL},
    {"one of the tags is gone",
     HTTP_METHOD_GET,
     "/images/acme/get",
     {{LIST("acme"), "[" IMAGE(ID_A, "\"acme:1\",\"acme:2\"") "]"},
      {"/images/acme:1/json", IMAGE(ID_A, "\"acme:1\"")},
      {"/images/acme:2/json", NULL}},
     NULL},
};

static void run(const struct row *row)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    cr_assert(
        docker_request_parse(&request, row->method, slice_from_text(row->target), false, &error),
        "%s: %s", row->name, error.text);
    CLEANUP(docker_naming_free) struct docker_naming *naming = docker_naming_new(&request);
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    for (size_t i = 0; i < 4 && row->exchanges[i].question != NULL; i++) {
        const struct exchange *exchange = &row->exchanges[i];
        cr_assert_eq(docker_naming_state(naming), DOCKER_NAMING_ASKS, "%s: %zu", row->name, i);
        buffer_clear(&text);
        docker_naming_write_question(naming, &text);
        cr_expect_str_eq(buffer_text(&text), exchange->question, "%s: asked %s", row->name,
                         buffer_text(&text));
        docker_naming_answer(naming, exchange->answer == NULL ? 404 : 200,
                             slice_from_text(exchange->answer == NULL ? "{}" : exchange->answer));
    }
    cr_assert_eq(docker_naming_state(naming),
                 row->sent == NULL ? DOCKER_NAMING_UNKNOWN : DOCKER_NAMING_KNOWN, "%s", row->name);
    if (row->sent != NULL) {
        struct slice object_name;
        cr_assert(docker_naming_apply(naming, &request, &object_name));
        buffer_clear(&text);
        docker_request_write_target(&request, object_name, &text);
        cr_expect_str_eq(buffer_text(&text), row->sent, "%s: sent %s", row->name,
                         buffer_text(&text));
    }
}

Test(docker_naming, what_is_sent_on_can_mean_nothing_else)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        run(&rows[i]);
}

Test(docker_naming, an_exec_is_its_container_too)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    cr_assert(docker_request_parse(&request, HTTP_METHOD_POST, SLICE_LITERAL("/exec/e/start"),
                                   false, &error));
    CLEANUP(docker_naming_free) struct docker_naming *naming = docker_naming_new(&request);
    docker_naming_answer(naming, 200, SLICE_LITERAL("{\"ID\":\"e1\",\"ContainerID\":\"c1\"}"));
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    docker_naming_write_question(naming, &text);
    cr_assert_str_eq(buffer_text(&text), "/containers/c1/json");
    docker_naming_answer(naming, 200, SLICE_LITERAL(CONTAINER));
    cr_assert_eq(docker_naming_count(naming), 1);
    const struct docker_object *object = docker_naming_object(naming, 0);
    cr_assert(slice_equal_text(object->id, "e1"));
    cr_assert(slice_equal_text(object->facts[DOCKER_FACT_NAME].items[0], "web"));
}

Test(docker_naming, an_answer_tells_that_the_tag_moved)
{
    static const struct {
        const char *name, *answer;
        bool moved;
    } answers[] = {
        {"the tag alone", "[{\"Untagged\":\"acme:latest\"}]", false},
        {"the image", "[{\"Deleted\":\"sha256:" ID_A "\"},{\"Deleted\":\"sha256:" ID_B "\"}]",
         false},
        {"another", "[{\"Untagged\":\"acme:latest\"},{\"Deleted\":\"sha256:" ID_B "\"}]", true},
        {"cut off", "[{\"Deleted\":\"", true},
        {"nothing", "", false},
    };
    static const char *const targets[] = {"/images/acme", "/images/sha256:" ID_A};
    for (size_t t = 0; t < ARRAY_LEN(targets); t++) {
        CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
        struct error error;
        cr_assert(docker_request_parse(&request, HTTP_METHOD_DELETE, slice_from_text(targets[t]),
                                       false, &error));
        CLEANUP(docker_naming_free) struct docker_naming *naming = docker_naming_new(&request);
        docker_naming_answer(naming, 200, SLICE_LITERAL(IMAGE(ID_A, "\"acme:latest\"")));
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
            cr_expect_eq(docker_naming_has_moved(naming, slice_from_text(answers[i].answer)),
                         answers[i].moved && t == 0, "%s", answers[i].name);
    }
}

Test(docker_naming, a_repository_has_a_bound)
{
    CLEANUP(docker_request_clear) struct docker_request request = {.text = BUFFER_EMPTY};
    struct error error;
    for (unsigned extra = 0; extra < 2; extra++) {
        cr_assert(docker_request_parse(&request, HTTP_METHOD_GET, SLICE_LITERAL("/images/acme/get"),
                                       false, &error));
        CLEANUP(docker_naming_free) struct docker_naming *naming = docker_naming_new(&request);
        AUTO_BUFFER struct buffer list = BUFFER_EMPTY;
        buffer_append_literal(&list, "[{\"RepoTags\":[");
        for (unsigned i = 0; i < DOCKER_NAMING_OBJECTS_MAX + extra; i++)
            buffer_printf(&list, "%s\"acme:%u\"", i == 0 ? "" : ",", i);
        buffer_append_literal(&list, "],\"Id\":\"sha256:" ID_A "\"}]");
        docker_naming_answer(naming, 200, buffer_slice(&list));
        cr_assert_eq(docker_naming_state(naming),
                     extra == 0 ? DOCKER_NAMING_ASKS : DOCKER_NAMING_UNKNOWN);
    }
}
