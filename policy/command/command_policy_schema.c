/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy schema`: the form of a policy as JSON Schema, for editors. policy/command/policy.schema.json is
 * the document; where it says "@operations@" and the like, the names come from the tables that the
 * loader asks. Draft 7, the newest that the YAML language server reads
 * (github.com/redhat-developer/yaml-language-server, issue 856). */
#include <stdio.h>
#include <string.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "policy/command/command_policy.h"
#include "policy/command/commands.h"
#include "policy/document/preset.h"
#include "rules/docker/docker_operation.h"

#include "policy/command/policy_schema_text.inc"

static int run(const struct command_call *call);

const struct option_table policy_schema_option_table = {
    .command = "policy schema",
    .arguments = "",
    .summary = "Print the JSON Schema of a policy, for editors that complete and check YAML.",
    .examples = "  dockreeve policy schema >policy.schema.json\n"
                "  # and as the first line of policy.yaml:\n"
                "  # yaml-language-server: $schema=./policy.schema.json\n",
    .run = run,
};

/* A list of strings, with commas. */
static void add(struct buffer *out, size_t begin, struct slice text)
{
    if (out->len > begin)
        buffer_append_literal(out, ", ");
    json_write_string(out, text);
}

/* Libpod is opened by path only. An older name stands behind the newer one. */
static void write_operations(struct buffer *out, bool described)
{
    const size_t begin = out->len;
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        char text[160];
        if (i == DOCKER_LIBPOD)
            continue;
        snprintf(text, sizeof(text), "%s %s", http_method_name(info->method), info->path);
        add(out, begin, slice_from_text(described ? text : info->name));
        snprintf(text, sizeof(text), "the older name of %s", info->name);
        if (info->old_name != NULL)
            add(out, begin, slice_from_text(described ? text : info->old_name));
    }
}

static void write_operation_names(struct buffer *out)
{
    write_operations(out, false);
}

static void write_operation_descriptions(struct buffer *out)
{
    write_operations(out, true);
}

static void write_sets(struct buffer *out)
{
    const size_t begin = out->len;
    for (const char *const *name = docker_operation_set_names(); *name != NULL; name++)
        add(out, begin, slice_from_text(*name));
}

static void write_presets(struct buffer *out)
{
    const size_t begin = out->len;
    for (size_t i = 0; i < preset_count(); i++)
        add(out, begin, slice_from_text(preset_at(i)->name));
}

static void write_core_methods(struct buffer *out)
{
    const size_t begin = out->len;
    for (unsigned i = HTTP_METHOD_GET; i < HTTP_METHOD_CORE_COUNT; i++)
        add(out, begin, slice_from_text(http_method_name((enum http_method)i)));
}

/* In a network rule neither TRACE, which is never forwarded, nor CONNECT, which asks for a tunnel. */
static void write_seen_methods(struct buffer *out)
{
    const size_t begin = out->len;
    for (unsigned i = HTTP_METHOD_GET; i < HTTP_METHOD_COUNT; i++) {
        if (i != HTTP_METHOD_TRACE && i != HTTP_METHOD_CONNECT)
            add(out, begin, slice_from_text(http_method_name((enum http_method)i)));
    }
}

static const struct {
    struct slice mark;
    void (*write)(struct buffer *out);
} marks[] = {
    {{"\"@operations@\"", 14}, write_operation_names},
    {{"\"@operation-descriptions@\"", 26}, write_operation_descriptions},
    {{"\"@sets@\"", 8}, write_sets},
    {{"\"@presets@\"", 11}, write_presets},
    {{"\"@methods@\"", 11}, write_core_methods},
    {{"\"@seen-methods@\"", 16}, write_seen_methods},
};

static void write_schema(struct buffer *out)
{
    const char *at = policy_schema_json, *end = policy_schema_json + sizeof(policy_schema_json) - 1;
    while (at < end) {
        const char *mark = memmem(at, (size_t)(end - at), "\"@", 2);
        size_t which = 0;
        if (mark == NULL)
            mark = end;
        buffer_append(out, at, (size_t)(mark - at));
        at = mark;
        while (at < end && which < ARRAY_LEN(marks) &&
               !slice_starts_with(slice_of(at, (size_t)(end - at)), marks[which].mark))
            which++;
        if (at == end)
            break;
        if (which < ARRAY_LEN(marks)) {
            marks[which].write(out);
            at += marks[which].mark.len;
        } else {
            buffer_append_byte(out, *at++);
        }
    }
}

static int run(const struct command_call *)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    write_schema(&out);
    return command_policy_print(&out) ? COMMAND_DONE : COMMAND_FAILED;
}
