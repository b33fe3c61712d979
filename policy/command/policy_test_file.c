/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The keys stand in closed tables; which of them go together is said where a test
 * is complete. */
#include "policy/command/policy_test_file.h"

#include <stdlib.h>
#include <string.h>

#include "policy/document/policy_document.h"
#include "policy/document/policy_file.h"

/* What the readers below share. */
struct reading {
    struct policy_test_file *file;
    struct policy_reading messages;
    struct policy_document document;
};

static void add_text(const char ***items, size_t *count, size_t *capacity, const char *text)
{
    *items = array_grow(*items, *count, capacity, sizeof((*items)[0]));
    (*items)[(*count)++] = text;
}

/* A copy of the text; NULL when it was reported. */
static const char *read_text(struct reading *reading, const struct yaml_tree_node *node,
                             const char *what)
{
    return policy_document_text(&reading->document, node, what)
               ? arena_text(&reading->file->arena, node->text)
               : NULL;
}

/* A path is relative to the file that names it. */
static const char *read_path(struct reading *reading, const struct yaml_tree_node *node,
                             const char *what)
{
    const char *text = read_text(reading, node, what);
    const char *slash = strrchr(reading->file->path, '/');
    if (text == NULL || text[0] == '/' || slash == NULL)
        return text;
    return arena_printf(&reading->file->arena, "%.*s%s", (int)(slash + 1 - reading->file->path),
                        reading->file->path, text);
}

static bool has_preset_prefix(const struct yaml_tree_node *node)
{
    static const char prefix[] = "preset/";
    return node->kind == YAML_TREE_SCALAR && node->text.len > sizeof(prefix) - 1 &&
           memcmp(node->text.ptr, prefix, sizeof(prefix) - 1) == 0;
}

/* ---- one test ---- */

static void read_expect(struct reading *reading, const struct yaml_tree_node *node,
                        struct policy_test *test)
{
    test->expects_allow = node->kind == YAML_TREE_SCALAR && slice_equal_text(node->text, "allow");
    if (test->expects_allow ||
        (node->kind == YAML_TREE_SCALAR && slice_equal_text(node->text, "deny")))
        return;
    policy_document_error(&reading->document, node, "`expect` is allow or deny");
}

static void read_addresses(struct reading *reading, const struct yaml_tree_node *node,
                           struct policy_test *test)
{
    bool list = node->kind == YAML_TREE_SEQUENCE;
    for (const struct yaml_tree_node *item = list ? node->first : node; item != NULL;
         item = list ? item->next : NULL) {
        const char *text = read_text(reading, item, "address");
        if (text != NULL)
            add_text(&test->addresses, &test->address_count, &test->address_capacity, text);
    }
}

static void read_facts(struct reading *reading, const struct yaml_tree_node *key, const char *name,
                       struct policy_test *test)
{
    bool list = key->value->kind == YAML_TREE_SEQUENCE;
    for (const struct yaml_tree_node *item = list ? key->value->first : key->value; item != NULL;
         item = list ? item->next : NULL) {
        const char *text = read_text(reading, item, name);
        if (text != NULL)
            add_text(&test->facts, &test->fact_count, &test->fact_capacity,
                     arena_printf(&reading->file->arena, "%s=%s", name, text));
    }
}

static void read_object(struct reading *reading, const struct yaml_tree_node *node,
                        struct policy_test *test)
{
    static const char *const keys[] = {"id", "name", "image", "label", "network", "volume"};
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(&reading->document, node,
                              "`object` takes a map: {name: web, label: [a=b]}");
        return;
    }
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        size_t which =
            policy_document_key(&reading->document, key, keys, ARRAY_LEN(keys), "`object`");
        if (which < ARRAY_LEN(keys))
            read_facts(reading, key, keys[which], test);
    }
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

static const char *const test_keys[KEY_COUNT] = {
    [KEY_NETWORK] = "network", [KEY_DOCKER] = "docker",
    [KEY_EXPECT] = "expect",   [KEY_NAME] = "name",
    [KEY_CLIENT] = "client",   [KEY_SANDBOX] = "sandbox",
    [KEY_RULE] = "rule",       [KEY_REASON] = "reason",
    [KEY_METHOD] = "method",   [KEY_ADDRESS] = "address",
    [KEY_SNI] = "sni",         [KEY_OBJECT] = "object",
    [KEY_BODY] = "body",       [KEY_CONTENT_TYPE] = "content_type",
};

static void read_key(struct reading *reading, const struct yaml_tree_node *key, size_t which,
                     struct policy_test *test)
{
    const struct yaml_tree_node *node = key->value;
    const char **texts[KEY_COUNT] = {
        [KEY_NETWORK] = &test->request, [KEY_DOCKER] = &test->request,
        [KEY_NAME] = &test->name,       [KEY_CLIENT] = &test->client,
        [KEY_SANDBOX] = &test->client,  [KEY_RULE] = &test->rule,
        [KEY_REASON] = &test->reason,   [KEY_METHOD] = &test->method,
        [KEY_SNI] = &test->sni,         [KEY_CONTENT_TYPE] = &test->content_type,
    };
    if (which == KEY_EXPECT)
        read_expect(reading, node, test);
    else if (which == KEY_ADDRESS)
        read_addresses(reading, node, test);
    else if (which == KEY_OBJECT)
        read_object(reading, node, test);
    else if (which == KEY_BODY)
        test->body = read_path(reading, node, "body");
    else if (which < KEY_COUNT)
        *texts[which] = read_text(reading, node, test_keys[which]);
}

/* Which keys go together. */
static void check_keys(struct reading *reading, const struct yaml_tree_node *node, unsigned given)
{
    static const unsigned of_network = 1u << KEY_METHOD | 1u << KEY_ADDRESS | 1u << KEY_SNI;
    static const unsigned of_docker = 1u << KEY_OBJECT | 1u << KEY_BODY | 1u << KEY_CONTENT_TYPE;
    bool network = (given >> KEY_NETWORK & 1) != 0, docker = (given >> KEY_DOCKER & 1) != 0;
    const struct policy_document *document = &reading->document;
    if (network == docker)
        policy_document_error(document, node, "a test asks about `network` or about `docker`");
    else if ((given & (network ? of_docker : of_network)) != 0)
        policy_document_error(document, node, "%s",
                              network ? "`object`, `body` and `content_type` are for `docker`"
                                      : "`method`, `address` and `sni` are for `network`");
    if ((given >> KEY_EXPECT & 1) == 0)
        policy_document_error(document, node, "a test needs `expect: allow` or `expect: deny`");
    if ((given >> KEY_CLIENT & 1) != 0 && (given >> KEY_SANDBOX & 1) != 0)
        policy_document_error(document, node, "`client` and `sandbox` mean the same: give one");
    if ((given >> KEY_CONTENT_TYPE & 1) != 0 && (given >> KEY_BODY & 1) == 0)
        policy_document_error(document, node, "`content_type` is of a `body`");
}

static void read_test(struct reading *reading, const struct yaml_tree_node *node)
{
    struct policy_test_file *file = reading->file;
    unsigned given = 0;
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(&reading->document, node,
                              "a test is a map: {network: \"example.com:443\", expect: allow}");
        return;
    }
    file->tests = array_grow(file->tests, file->count, &file->capacity, sizeof(file->tests[0]));
    struct policy_test *test = &file->tests[file->count++];
    *test = (struct policy_test){.line = node->line, .column = node->column};
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        size_t which = policy_document_key(&reading->document, key, test_keys, KEY_COUNT, "a test");
        if (which < KEY_COUNT)
            given |= 1u << which;
        read_key(reading, key, which, test);
    }
    test->is_network = (given >> KEY_NETWORK & 1) != 0;
    check_keys(reading, node, given);
}

/* ---- the document ---- */

static void read_tests(struct reading *reading, const struct yaml_tree_node *node)
{
    if (node->kind != YAML_TREE_SEQUENCE) {
        policy_document_error(&reading->document, node, "`tests` takes a list, not %s",
                              yaml_tree_kind_name(node));
        return;
    }
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        read_test(reading, item);
}

static void read_document(struct reading *reading, const struct yaml_tree_node *root)
{
    static const char *const keys[] = {"tests", "policy"};
    bool has_tests = false;
    for (const struct yaml_tree_node *key = root->first; key != NULL; key = key->next) {
        switch (policy_document_key(&reading->document, key, keys, ARRAY_LEN(keys),
                                    "a file of tests")) {
        case 0:
            has_tests = true;
            read_tests(reading, key->value);
            break;
        case 1:
            reading->file->policy_line = key->value->line;
            reading->file->policy_column = key->value->column;
            reading->file->policy = has_preset_prefix(key->value)
                                        ? read_text(reading, key->value, "policy")
                                        : read_path(reading, key->value, "policy");
            break;
        default:
            break;
        }
    }
    if (!has_tests)
        policy_document_error(&reading->document, root, "there are no `tests`");
}

bool policy_test_file_read(struct policy_test_file *file, const char *path,
                           struct policy_messages *errors)
{
    size_t before = errors->count;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct yaml_tree_node *root = NULL;
    struct reading reading = {.file = file, .messages = {.errors = errors}};
    reading.document = (struct policy_document){
        .reading = &reading.messages, .file = path, .client = POLICY_EVERY_CLIENT};
    file->path = path;
    if (policy_file_read(path, false, &text, errors) == POLICY_FILE_MISSING)
        policy_messages_add(errors, path, 0, 0, "there is no such file");
    else if (errors->count == before &&
             yaml_tree_parse(&reading.messages.arena, text.data, text.len, path, errors, &root)) {
        if (root != NULL && root->kind == YAML_TREE_MAPPING)
            read_document(&reading, root);
        else
            policy_messages_add(errors, path, 1, 1, "a file of tests is a map with `tests`");
    }
    arena_free(&reading.messages.arena);
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
