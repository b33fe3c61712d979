/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The keys stand in closed tables; which of them go together is said where a test
 * is complete. */
#include "policy/command/policy_test_file.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policy/document/policy_document.h"
#include "policy/document/policy_file.h"

static void add_text(const char ***items, size_t *count, size_t *capacity, const char *text)
{
    *items = array_grow(*items, *count, capacity, sizeof((*items)[0]));
    (*items)[(*count)++] = text;
}

/* A path is relative to the file that names it. */
static void read_path(const struct policy_document *document, const struct yaml_tree_node *key,
                      void *place)
{
    const char **path = place;
    const char *slash = strrchr(document->file, '/');
    policy_document_keep_text(document, key, path);
    if (*path != NULL && (*path)[0] != '/' && slash != NULL)
        *path = arena_printf(document->reading->kept, "%.*s%s", (int)(slash + 1 - document->file),
                             document->file, *path);
}

static bool has_preset_prefix(const struct yaml_tree_node *node)
{
    static const char prefix[] = "preset/";
    return node->kind == YAML_TREE_SCALAR && node->text.len > sizeof(prefix) - 1 &&
           memcmp(node->text.ptr, prefix, sizeof(prefix) - 1) == 0;
}

/* ---- one test ---- */

static void read_expect(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    struct policy_test *test = place;
    const struct yaml_tree_node *node = key->value;
    test->expects_allow = node->kind == YAML_TREE_SCALAR && slice_equal_text(node->text, "allow");
    if (!test->expects_allow &&
        (node->kind != YAML_TREE_SCALAR || !slice_equal_text(node->text, "deny")))
        policy_document_error(document, node, "`expect` is allow or deny");
}

static void read_address(const struct policy_document *document, const struct yaml_tree_node *node,
                         void *place)
{
    struct policy_test *test = place;
    add_text(&test->addresses, &test->address_count, &test->address_capacity,
             arena_text(document->reading->kept, node->text));
}

static void read_addresses(const struct policy_document *document, const struct yaml_tree_node *key,
                           void *place)
{
    policy_document_read_texts(document, key, NULL, read_address, place);
}

/* Facts of one name. */
struct facts {
    struct policy_test *test;
    const char *name;
};

static void read_fact(const struct policy_document *document, const struct yaml_tree_node *node,
                      void *place)
{
    const struct facts *facts = place;
    struct policy_test *test = facts->test;
    add_text(&test->facts, &test->fact_count, &test->fact_capacity,
             arena_printf(document->reading->kept, "%s=%s", facts->name, node->text.ptr));
}

static void read_facts(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    struct facts facts = {place, key->text.ptr};
    policy_document_read_texts(document, key, NULL, read_fact, &facts);
}

static void read_object(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    static const struct policy_key keys[] = {{"id", read_facts, 0},      {"name", read_facts, 0},
                                             {"image", read_facts, 0},   {"label", read_facts, 0},
                                             {"network", read_facts, 0}, {"volume", read_facts, 0}};
    static const struct policy_map map = {
        "`object`", "`object` takes a map: {name: web, label: [a=b]}", keys, ARRAY_LEN(keys)};
    policy_document_read_map(document, key->value, &map, NULL, place);
}

enum test_key {
    KEY_NETWORK,
    KEY_DOCKER,
    KEY_EXPECT,
    KEY_NAME,
    KEY_CLIENT,
    KEY_SANDBOX,
    KEY_RULE,
    KEY_REASON,
    KEY_METHOD,
    KEY_ADDRESS,
    KEY_SNI,
    KEY_OBJECT,
    KEY_BODY,
    KEY_CONTENT_TYPE,
    KEY_COUNT
};

#define TEXT_ROW(name, member)                                                                     \
    {                                                                                              \
        name, policy_document_keep_text, offsetof(struct policy_test, member)                      \
    }

static const struct policy_key test_keys[KEY_COUNT] = {
    [KEY_NETWORK] = TEXT_ROW("network", request),
    [KEY_DOCKER] = TEXT_ROW("docker", request),
    [KEY_EXPECT] = {"expect", read_expect, 0},
    [KEY_NAME] = TEXT_ROW("name", name),
    [KEY_CLIENT] = TEXT_ROW("client", client),
    [KEY_SANDBOX] = TEXT_ROW("sandbox", client),
    [KEY_RULE] = TEXT_ROW("rule", rule),
    [KEY_REASON] = TEXT_ROW("reason", reason),
    [KEY_METHOD] = TEXT_ROW("method", method),
    [KEY_ADDRESS] = {"address", read_addresses, 0},
    [KEY_SNI] = TEXT_ROW("sni", sni),
    [KEY_OBJECT] = {"object", read_object, 0},
    [KEY_BODY] = {"body", read_path, offsetof(struct policy_test, body)},
    [KEY_CONTENT_TYPE] = TEXT_ROW("content_type", content_type),
};

/* Which keys go together. */
static void check_keys(const struct policy_document *document, const struct yaml_tree_node *node,
                       const struct yaml_tree_node *const *given)
{
    bool network = given[KEY_NETWORK] != NULL, docker = given[KEY_DOCKER] != NULL;
    bool of_network =
        given[KEY_METHOD] != NULL || given[KEY_ADDRESS] != NULL || given[KEY_SNI] != NULL;
    bool of_docker =
        given[KEY_OBJECT] != NULL || given[KEY_BODY] != NULL || given[KEY_CONTENT_TYPE] != NULL;
    if (network == docker)
        policy_document_error(document, node, "a test asks about `network` or about `docker`");
    else if (network ? of_docker : of_network)
        policy_document_error(document, node, "%s",
                              network ? "`object`, `body` and `content_type` are for `docker`"
                                      : "`method`, `address` and `sni` are for `network`");
    if (given[KEY_EXPECT] == NULL)
        policy_document_error(document, node, "a test needs `expect: allow` or `expect: deny`");
    if (given[KEY_CLIENT] != NULL && given[KEY_SANDBOX] != NULL)
        policy_document_error(document, node, "`client` and `sandbox` mean the same: give one");
    if (given[KEY_CONTENT_TYPE] != NULL && given[KEY_BODY] == NULL)
        policy_document_error(document, node, "`content_type` is of a `body`");
}

static void read_test(const struct policy_document *document, const struct yaml_tree_node *node,
                      struct policy_test_file *file)
{
    static const struct policy_map map = {
        "a test", "a test is a map: {network: \"example.com:443\", expect: allow}", test_keys,
        KEY_COUNT};
    const struct yaml_tree_node *given[KEY_COUNT] = {NULL};
    struct policy_test test = {.line = node->line, .column = node->column};
    policy_document_read_map(document, node, &map, given, &test);
    if (node->kind != YAML_TREE_MAPPING)
        return;
    test.is_network = given[KEY_NETWORK] != NULL;
    check_keys(document, node, given);
    file->tests = array_grow(file->tests, file->count, &file->capacity, sizeof(file->tests[0]));
    file->tests[file->count++] = test;
}

/* ---- the document ---- */

static void read_tests(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    if (key->value->kind != YAML_TREE_SEQUENCE) {
        policy_document_error(document, key->value, "`tests` takes a list, not %s",
                              yaml_tree_kind_name(key->value));
        return;
    }
    for (const struct yaml_tree_node *item = key->value->first; item != NULL; item = item->next)
        read_test(document, item, place);
}

static void read_policy(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    struct policy_test_file *file = place;
    policy_reader *read = has_preset_prefix(key->value) ? policy_document_keep_text : read_path;
    file->policy_line = key->value->line;
    file->policy_column = key->value->column;
    read(document, key, &file->policy);
}

static void read_document(const struct policy_document *document, const struct yaml_tree_node *root,
                          struct policy_test_file *file)
{
    static const struct policy_key keys[] = {{"tests", read_tests, 0}, {"policy", read_policy, 0}};
    static const struct policy_map map = {"a file of tests", NULL, keys, ARRAY_LEN(keys)};
    const struct yaml_tree_node *given[ARRAY_LEN(keys)] = {NULL};
    policy_document_read_map(document, root, &map, given, file);
    if (given[0] == NULL)
        policy_document_error(document, root, "there are no `tests`");
}

bool policy_test_file_read(struct policy_test_file *file, const char *path,
                           struct policy_messages *errors)
{
    size_t before = errors->count;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct yaml_tree_node *root = NULL;
    struct policy_reading reading = {.errors = errors, .kept = &file->arena};
    struct policy_document document = {
        .reading = &reading, .file = path, .client = POLICY_EVERY_CLIENT};
    file->path = path;
    if (policy_file_read(path, false, &text, errors) == POLICY_FILE_MISSING)
        policy_messages_add(errors, path, 0, 0, "there is no such file");
    else if (errors->count == before &&
             yaml_tree_parse(&reading.arena, text.data, text.len, path, errors, &root)) {
        if (root != NULL && root->kind == YAML_TREE_MAPPING)
            read_document(&document, root, file);
        else
            policy_messages_add(errors, path, 1, 1, "a file of tests is a map with `tests`");
    }
    arena_free(&reading.arena);
    return errors->count == before;
}

void policy_test_file_clear(struct policy_test_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->tests[i].addresses);
        free(file->tests[i].facts);
    }
    free(file->tests);
    arena_free(&file->arena);
}
