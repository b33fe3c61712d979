/* SPDX-License-Identifier: Apache-2.0
 *
 * Presets carry their text in the program, other documents are read again: what is shown is what
 * stands in the file now. */
#include "policy/document/rule_place.h"

#include <string.h>

#include "policy/document/policy_file.h"
#include "policy/document/policy_load.h"
#include "policy/document/preset.h"

enum { LINES_BEFORE = 2 };

static bool is_of_preset(const char *file)
{
    return strncmp(file, "preset/", 7) == 0;
}

/* The document's whole text; a slice without ptr when there is none. */
static struct slice read_document(struct rule_place *place)
{
    const struct preset *preset = preset_find(slice_from_text(place->file));
    if (preset != NULL)
        return preset->text;
    struct policy_messages errors = {NULL, 0, 0};
    enum policy_file_result result = policy_file_read(place->file, false, &place->text, &errors);
    policy_messages_free(&errors);
    return result == POLICY_FILE_READ ? buffer_slice(&place->text) : slice_of(NULL, 0);
}

void rule_place_read(const struct rule_row *row, struct rule_place *place)
{
    *place = (struct rule_place){
        .file = row->rule.file, .line = row->rule.line, .column = row->rule.column};
    if (row->rule.file == NULL || row->rule.line == 0)
        return;
    struct slice rest = read_document(place);
    place->first = row->rule.line > LINES_BEFORE ? row->rule.line - LINES_BEFORE : 1;
    for (unsigned line = 1; rest.len > 0 && place->line_count < RULE_PLACE_LINES; line++) {
        struct slice text = slice_cut(&rest, '\n');
        if (line < place->first)
            continue;
        place->is_cut[place->line_count] = text.len > RULE_PLACE_LINE_MAX;
        if (text.len > RULE_PLACE_LINE_MAX)
            text.len = RULE_PLACE_LINE_MAX;
        place->lines[place->line_count++] = text;
    }
}

void rule_place_clear(struct rule_place *place)
{
    buffer_free(&place->text);
}

void rule_place_write(const struct rule_place *place, struct buffer *out)
{
    if (place->file == NULL)
        return;
    buffer_append_text(out, place->file);
    if (place->line > 0)
        buffer_printf(out, ":%u", place->line);
    if (place->line > 0 && place->column > 0)
        buffer_printf(out, ":%u", place->column);
}

static bool is_of_command_line(const char *file)
{
    const char *slash = strrchr(file, '/');
    return strcmp(slash == NULL ? file : slash + 1, POLICY_CLI_NAME) == 0;
}

void rule_place_write_removal(const struct rule_row *row, struct buffer *out)
{
    static const struct slice environment = {"env ", 4};
    switch (row->origin) {
    case RULE_ORIGIN_DEFAULT_DOCKER:
    case RULE_ORIGIN_DEFAULT_NETWORK:
        buffer_printf(out, "write `default: {%s: %s}`", row->rule.kind,
                      row->rule.allows ? "deny" : "allow");
        return;
    case RULE_ORIGIN_CLIENT:
        buffer_append_literal(out, row->rule.allows ? "write `mode: enforce` for the client"
                                                    : "change `from` of the client");
        return;
    case RULE_ORIGIN_BUILTIN:
        buffer_append_literal(out, "it is built in");
        if (row->where.len > 0) {
            buffer_append_literal(out, ", and holds ");
            buffer_append_slice(out, row->where);
        }
        return;
    case RULE_ORIGIN_DOCKER:
    case RULE_ORIGIN_NETWORK:
        break;
    }
    if (row->rule.file == NULL && slice_starts_with(row->source, environment))
        buffer_append_literal(out, "change the variable in the gate's environment");
    else if (row->rule.file == NULL)
        buffer_append_literal(out, "it stands in no file");
    else if (strcmp(row->rule.file, "preset/negotiate") == 0)
        buffer_append_literal(out, "it always holds: a deny takes it away");
    else if (is_of_preset(row->rule.file))
        buffer_printf(out, "leave %s out of `use`, or deny what it allows", row->rule.file);
    else if (is_of_command_line(row->rule.file))
        buffer_printf(out, "dockreeve policy rm %s", row->rule.id);
    else
        buffer_printf(out, "delete it from %s, line %u", row->rule.file, row->rule.line);
}
