/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a policy file that the command line rewrites: what is read and written parses back
 * to the same tree, is written the same way again, and makes the same policy or one with as many
 * errors. */
#include "policy/document/policy_load.h"
#include "policy/document/yaml_edit.h"
#include "policy/document/yaml_tree.h"
#include "policy/document/yaml_write.h"
#include "tests/fuzz/fuzz.h"

static struct yaml_tree_node *parse(struct arena *arena, struct slice text)
{
    struct policy_messages errors = {NULL, 0, 0};
    struct yaml_tree_node *root = NULL;
    bool good = yaml_tree_parse(arena, text.ptr, text.len, "fuzz.yaml", &errors, &root);
    policy_messages_free(&errors);
    return good ? root : NULL;
}

/* Loads the text as what the command line proposes; returns how many errors there are. */
static size_t judge(struct slice text)
{
    const struct policy_inputs inputs = {.config_path = "/nonexistent/policy.yaml",
                                         .cli_text = &text};
    struct policy_messages errors = {NULL, 0, 0}, notices = {NULL, 0, 0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    size_t count = errors.count;
    policy_unref(&policy);
    policy_messages_free(&errors);
    policy_messages_free(&notices);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {NULL};
    AUTO_BUFFER struct buffer written = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer again = BUFFER_EMPTY;
    struct slice text = slice_of((const char *)data, size);
    struct yaml_tree_node *root = parse(&arena, text);
    if (root != NULL) {
        yaml_write(root, 1, &written);
        struct yaml_tree_node *read = parse(&arena, buffer_slice(&written));
        if (read == NULL || !yaml_edit_equal(root, read))
            abort();
        yaml_write(read, 1, &again);
        if (!slice_equal(buffer_slice(&written), buffer_slice(&again)))
            abort();
        if (judge(text) != judge(buffer_slice(&written)))
            abort();
    }
    arena_free(&arena);
    return 0;
}
