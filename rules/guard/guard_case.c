/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/guard/guard_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct buffer *out, const char *format, const char *quoted)
{
    for (; *format != '\0'; format++) {
        bool value = format[0] == '%' && format[1] == 's';
        if (value)
            buffer_append_text(out, quoted);
        else
            buffer_append_byte(out, *format);
        format += value;
    }
}

static void keep(struct buffer *from, char *to, size_t size)
{
    snprintf(to, size, "%s", buffer_text(from));
}

void guard_case_refuse_text(struct guard_case *c, enum guard guard,
                            const struct json_tree_node *node, struct slice text, const char *what,
                            const char *permit)
{
    struct guard_finding *finding = c->finding;
    AUTO_BUFFER struct buffer field = BUFFER_EMPTY, said = BUFFER_EMPTY;
    char quoted[120];
    if (finding->count++ > 0)
        return;
    error_quote(text, quoted, sizeof(quoted));
    finding->guard = guard;
    finding->source = guard_set_source(c->set, guard);
    body_append_path(node, &field);
    keep(&field, finding->field, sizeof(finding->field));
    append(&said, what, quoted);
    if (permit != NULL) {
        buffer_append_literal(&said, ". To permit it, write `");
        quoted[0] = quoted[strlen(quoted) - 1] = '"'; /* as YAML takes it */
        append(&said, permit, quoted);
        buffer_append_literal(&said, "` under `guard:`");
    }
    keep(&said, finding->text, sizeof(finding->text));
}

void guard_case_refuse(struct guard_case *c, enum guard guard, const struct json_tree_node *node,
                       const char *what, const char *permit)
{
    guard_case_refuse_text(c, guard, node, node->text, what, permit);
}

int64_t guard_number(const struct json_tree_node *node, const char *key)
{
    const struct json_tree_node *value = json_tree_at(node, key);
    if (value == NULL || value->kind != JSON_TREE_NUMBER || value->text.len > 24)
        return 0;
    char digits[32];
    snprintf(digits, sizeof(digits), "%.*s", (int)value->text.len, value->text.ptr);
    return strtoll(digits, NULL, 10); /* at the ends of its range, where the engine refuses it */
}

void guard_finding_write(const struct guard_finding *finding, struct buffer *out)
{
    char quoted[GUARD_FIELD_MAX + 40];
    if (finding->field[0] != '\0')
        buffer_printf(out,
                      "%s: ", error_quote(slice_from_text(finding->field), quoted, sizeof(quoted)));
    buffer_append_text(out, finding->text);
    if (finding->count > 1)
        buffer_printf(out, " (and %u more)", finding->count - 1);
}
