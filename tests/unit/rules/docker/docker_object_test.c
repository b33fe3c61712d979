/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/docker/docker_object.h"

static const char container_json[] =
    "{\"Id\":\"c0ffee\",\"Created\":\"2026\",\"State\":{\"Name\":\"no\",\"Id\":[1,{\"Id\":2}]},"
    "\"Name\":\"/web\",\"Image\":\"sha256:abc\",\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/x\"},"
    "{\"Name\":\"data\",\"Type\":\"volume\"}],\"Config\":{\"Env\":[\"Labels={}\"],\"Image\":"
    "\"nginx:1\",\"Labels\":{\"team\":\"a\\u0062c\",\"empty\":\"\"}},\"NetworkSettings\":{"
    "\"Networks\""
    ":{\"front\":{\"NetworkID\":\"1\"},\"back\":null}}}";

/* The facts of one kind, joined by commas. */
static const char *facts(const struct docker_object *object, enum docker_fact fact,
                         struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < object->facts[fact].count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        buffer_append_slice(out, object->facts[fact].items[i]);
    }
    return buffer_text(out);
}

struct fact_row {
    enum docker_object_kind kind;
    const char *json, *id;
    const char *expected[DOCKER_FACT_COUNT]; /* NULL: as "" */
};

static const struct fact_row fact_rows[] = {
    {DOCKER_OBJECT_CONTAINER,
     container_json,
     "c0ffee",
     {"c0ffee", "web", "sha256:abc,nginx:1", "team=abc,empty=", "front,back", "data"}},
    {DOCKER_OBJECT_IMAGE,
     "{\"Id\":\"sha256:1\",\"RepoTags\":[\"a:1\",\"b/"
     "c:2\"],\"RepoDigests\":null,\"Config\":{\"Labels\":"
     "{\"k\":\"v\"}}}",
     "sha256:1",
     {"sha256:1", "a:1,b/c:2", "a:1,b/c:2", "k=v", NULL, NULL}},
    {DOCKER_OBJECT_IMAGE,
     "{\"Id\":\"sha256:1\",\"Config\":null}",
     "sha256:1",
     {"sha256:1", NULL, NULL, NULL, NULL, NULL}},
    {DOCKER_OBJECT_NETWORK,
     "{\"Name\":\"front\",\"Id\":\"n1\",\"Labels\":{}}",
     "n1",
     {"n1", "front", NULL, NULL, "front", NULL}},
    {DOCKER_OBJECT_VOLUME,
     "{\"Name\":\"data\",\"Labels\":null,\"Options\":{\"Name\":\"x\"}}",
     "data",
     {"data", "data", NULL, NULL, NULL, "data"}},
    {DOCKER_OBJECT_SERVICE,
     "{\"ID\":\"s1\",\"Spec\":{\"Name\":\"api\",\"Labels\":{\"a\":\"b\"}}}",
     "s1",
     {"s1", "api", NULL, "a=b", NULL, NULL}},
    {DOCKER_OBJECT_TASK,
     "{\"ID\":\"t1\",\"Labels\":{\"a\":\"b\"}}",
     "t1",
     {"t1", NULL, NULL, "a=b", NULL, NULL}},
    {DOCKER_OBJECT_NODE,
     "{\"ID\":\"n1\",\"Description\":{\"Hostname\":\"h\"},\"Spec\":{\"Name\":\"m\"}}",
     "n1",
     {"n1", "h,m", NULL, NULL, NULL, NULL}},
    {DOCKER_OBJECT_CONFIG,
     "{\"ID\":\"c1\",\"Spec\":{\"Name\":\"n\"}}",
     "c1",
     {"c1", "n", NULL, NULL, NULL, NULL}},
    {DOCKER_OBJECT_SECRET,
     "{\"ID\":\"c1\",\"Spec\":{\"Name\":\"n\"}}",
     "c1",
     {"c1", "n", NULL, NULL, NULL, NULL}},
    {DOCKER_OBJECT_PLUGIN,
     "{\"Id\":\"p1\",\"Name\":\"vieux/sshfs:latest\"}",
     "p1",
     {"p1", "vieux/sshfs:latest", NULL, NULL, NULL, NULL}},
};

Test(docker_object, each_kind_gives_its_facts)
{
    for (size_t i = 0; i < ARRAY_LEN(fact_rows); i++) {
        const struct fact_row *row = &fact_rows[i];
        CLEANUP(docker_object_clear) struct docker_object object = {.kind = DOCKER_OBJECT_NONE};
        struct error error;
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        cr_assert(docker_object_read(&object, row->kind, slice_from_text(row->json), NULL, &error),
                  "%s", error.text);
        cr_expect(slice_equal_text(object.id, row->id));
        cr_expect_eq(object.kind, row->kind);
        for (int fact = 0; fact < DOCKER_FACT_COUNT; fact++) {
            const char *expected = row->expected[fact] == NULL ? "" : row->expected[fact];
            cr_expect_str_eq(facts(&object, (enum docker_fact)fact, &out), expected, "%s",
                             row->json);
            if (object.facts[fact].count > 0)
                cr_expect(docker_object_has_fact(row->kind, (enum docker_fact)fact));
        }
    }
}

Test(docker_object, an_exec_has_its_own_id_and_its_containers_facts)
{
    CLEANUP(docker_object_clear) struct docker_object object = {.kind = DOCKER_OBJECT_NONE};
    struct error error;
    struct slice container = {NULL, 0};
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    cr_assert(docker_object_read(
        &object, DOCKER_OBJECT_EXEC,
        SLICE_LITERAL("{\"ID\":\"e1\",\"ContainerID\":\"c0ffee\",\"ProcessConfig\":{}}"),
        &container, &error));
    cr_assert(slice_equal_text(container, "c0ffee"));
    cr_assert(docker_object_read(&object, DOCKER_OBJECT_CONTAINER, slice_from_text(container_json),
                                 NULL, &error));
    cr_assert_eq(object.kind, DOCKER_OBJECT_EXEC);
    cr_assert(slice_equal_text(object.id, "e1"));
    cr_assert_str_eq(facts(&object, DOCKER_FACT_ID, &out), "e1,c0ffee");
    cr_assert_str_eq(facts(&object, DOCKER_FACT_NAME, &out), "web");
}

Test(docker_object, every_cut_of_an_answer_is_refused)
{
    for (size_t len = 0; len < sizeof(container_json) - 1; len++) {
        CLEANUP(docker_object_clear) struct docker_object object = {.kind = DOCKER_OBJECT_NONE};
        struct error error;
        cr_expect_not(docker_object_read(&object, DOCKER_OBJECT_CONTAINER,
                                         slice_of(container_json, len), NULL, &error),
                      "%zu", len);
        cr_expect_str_eq(error.reason, "engine.inspect");
    }
}

Test(docker_object, answers_that_are_not_as_described_are_refused)
{
    static const struct {
        const char *name;
        enum docker_object_kind kind;
        const char *json;
    } rows[] = {
        {"no id", DOCKER_OBJECT_NETWORK, "{\"Name\":\"a\"}"},
        {"empty id", DOCKER_OBJECT_NETWORK, "{\"Id\":\"\",\"Name\":\"a\"}"},
        {"dots as id", DOCKER_OBJECT_NETWORK, "{\"Id\":\"..\",\"Name\":\"a\"}"},
        {"dots in an id", DOCKER_OBJECT_PLUGIN, "{\"Id\":\"a/../b\",\"Name\":\"a\"}"},
        {"control byte in an id", DOCKER_OBJECT_NETWORK, "{\"Id\":\"a\\n\",\"Name\":\"a\"}"},
        {"no name", DOCKER_OBJECT_NETWORK, "{\"Id\":\"a\"}"},
        {"id is a number", DOCKER_OBJECT_NETWORK, "{\"Id\":1,\"Name\":\"a\"}"},
        {"id is null", DOCKER_OBJECT_NETWORK, "{\"Id\":null,\"Name\":\"a\"}"},
        {"id twice", DOCKER_OBJECT_NETWORK, "{\"Id\":\"a\",\"Name\":\"a\",\"Id\":\"b\"}"},
        {"id twice in another spelling", DOCKER_OBJECT_NETWORK,
         "{\"Id\":\"a\",\"Name\":\"a\",\"I\\u0064\":\"b\"}"},
        {"outer object twice", DOCKER_OBJECT_IMAGE,
         "{\"Id\":\"a\",\"Config\":{\"Labels\":{}},\"Config\":{}}"},
        {"labels are an array", DOCKER_OBJECT_NETWORK,
         "{\"Id\":\"a\",\"Name\":\"a\",\"Labels\":[]}"},
        {"a label is a number", DOCKER_OBJECT_NETWORK,
         "{\"Id\":\"a\",\"Name\":\"a\",\"Labels\":{\"a\":1}}"},
        {"a tag is null", DOCKER_OBJECT_IMAGE, "{\"Id\":\"a\",\"RepoTags\":[null]}"},
        {"config is a string", DOCKER_OBJECT_IMAGE, "{\"Id\":\"a\",\"Config\":\"\"}"},
        {"text behind", DOCKER_OBJECT_NETWORK, "{\"Id\":\"a\",\"Name\":\"a\"}{}"},
        {"an array", DOCKER_OBJECT_NETWORK, "[{\"Id\":\"a\",\"Name\":\"a\"}]"},
        {"no JSON", DOCKER_OBJECT_NETWORK, "404 page not found"},
        {"exec without container", DOCKER_OBJECT_EXEC, "{\"ID\":\"a\"}"},
        {"no kind", DOCKER_OBJECT_NONE, "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(docker_object_clear) struct docker_object object = {.kind = DOCKER_OBJECT_NONE};
        struct error error;
        cr_expect_not(
            docker_object_read(&object, rows[i].kind, slice_from_text(rows[i].json), NULL, &error),
            "%s", rows[i].name);
    }
}

Test(docker_object, mounts_need_a_type_and_volumes_a_name)
{
    static const struct {
        const char *mounts, *volumes; /* NULL: refused */
    } rows[] = {
        {"null", ""},
        {"[]", ""},
        {"[{\"Type\":\"tmpfs\"}]", ""},
        {"[{\"Type\":\"volume\",\"Name\":\"a\"},{\"Name\":\"b\",\"X\":[],\"Type\":\"volume\"}]",
         "a,b"},
        {"[{\"Name\":\"a\"}]", NULL},
        {"[{\"Type\":\"volume\"}]", NULL},
        {"[{\"Type\":\"bind\",\"Type\":\"volume\",\"Name\":\"a\"}]", NULL},
        {"[null]", NULL},
        {"{}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(docker_object_clear) struct docker_object object = {.kind = DOCKER_OBJECT_NONE};
        struct error error;
        AUTO_BUFFER struct buffer json = BUFFER_EMPTY, out = BUFFER_EMPTY;
        buffer_printf(&json,
                      "{\"Id\":\"a\",\"Name\":\"/a\",\"Image\":\"i\",\"Config\":{\"Image\":\"i\"},"
                      "\"Mounts\":%s}",
                      rows[i].mounts);
        bool read =
            docker_object_read(&object, DOCKER_OBJECT_CONTAINER, buffer_slice(&json), NULL, &error);
        cr_expect_eq(read, rows[i].volumes != NULL, "%s", rows[i].mounts);
        if (read && rows[i].volumes != NULL)
            cr_expect_str_eq(facts(&object, DOCKER_FACT_VOLUME, &out), rows[i].volumes);
    }
}

Test(docker_object, a_large_answer_keeps_every_fact_in_place)
{
    AUTO_BUFFER struct buffer json = BUFFER_EMPTY;
    buffer_append_literal(&json, "{\"Id\":\"a\",\"RepoTags\":[\"t:0\"");
    for (int i = 1; i < 50000; i++)
        buffer_printf(&json, ",\"t:%d\"", i);
    buffer_append_literal(&json, "]}");
    CLEANUP(docker_object_clear) struct docker_object object = {.kind = DOCKER_OBJECT_NONE};
    struct error error;
    cr_assert(docker_object_read(&object, DOCKER_OBJECT_IMAGE, buffer_slice(&json), NULL, &error));
    cr_assert_eq(object.facts[DOCKER_FACT_NAME].count, 50000);
    cr_assert(slice_equal_text(object.facts[DOCKER_FACT_NAME].items[0], "t:0"));
    cr_assert(slice_equal_text(object.facts[DOCKER_FACT_IMAGE].items[49999], "t:49999"));
}

Test(docker_object, inspect_paths_hold_the_encoded_name)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    docker_object_write_inspect_path(DOCKER_OBJECT_IMAGE, SLICE_LITERAL("reg:5000/a b?c"), &out);
    cr_assert_str_eq(buffer_text(&out), "/images/reg:5000/a%20b%3Fc/json");
    buffer_clear(&out);
    docker_object_write_inspect_path(DOCKER_OBJECT_VOLUME, SLICE_LITERAL("data"), &out);
    cr_assert_str_eq(buffer_text(&out), "/volumes/data");
}
