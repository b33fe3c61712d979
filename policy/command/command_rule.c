/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts and one JSON form for all rows. */
#include "policy/command/command_rule.h"

#include <stdio.h>
#include <unistd.h>

#include "base/json_write.h"
#include "base/timestamp.h"
#include "policy/document/policy_paths.h"

struct rule_hits *command_rule_hits(const char *command, const struct option_value *state)
{
    AUTO_FREE char *folder = option_text_or(state, policy_path_state);
    AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
    struct error error;
    buffer_printf(&path, "%s/hits", folder);
    if (access(buffer_text(&path), F_OK) != 0)
        return NULL;
    struct rule_hits *hits = rule_hits_new();
    if (rule_hits_read(hits, buffer_text(&path), &error))
        return hits;
    fprintf(stderr, "dockreeve %s: counts are left out: %s\n", command, error.text);
    rule_hits_free(&hits);
    return NULL;
}

bool command_rule_count(const struct rule_row *row, const struct rule_hits *hits,
                        struct rule_hit *hit_out)
{
    if (hits == NULL || !rule_row_is_counted(row))
        return false;
    const struct rule_hit *found = rule_hits_find(hits, row->rule.key);
    *hit_out = found == NULL ? (struct rule_hit){.key = row->rule.key} : *found;
    return true;
}

void command_rule_write_age(int64_t then_us, int64_t now_us, struct buffer *out)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    const int64_t seconds = (now_us - then_us) / 1000000;
    if (seconds < 0) { /* the clock was set back */
        timestamp_write_seconds(then_us, out);
        return;
    }
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && seconds < units[i].seconds)
        i++;
    buffer_append_u64(out, (uint64_t)(seconds / units[i].seconds));
    buffer_printf(out, " %s ago", units[i].unit);
}

static void write_cover(const struct policy_cover *cover, struct buffer *out)
{
    static const char *const kinds[] = {[POLICY_COVER_DENIED] = "denied",
                                        [POLICY_COVER_EARLIER] = "earlier",
                                        [POLICY_COVER_EXPIRED] = "expired"};
    AUTO_BUFFER struct buffer rule = BUFFER_EMPTY, source = BUFFER_EMPTY;
    if (cover->kind == POLICY_COVER_NONE)
        return;
    json_write_key_object(out, "shadowed");
    json_write_key_text(out, "why", kinds[cover->kind]);
    if (cover->kind != POLICY_COVER_EXPIRED) {
        policy_cover_write_rule(cover, &rule);
        policy_cover_write_source(cover, &source);
        json_write_key_string(out, "rule", buffer_slice(&rule));
        json_write_key_text(out, "id", cover->by.id);
        json_write_key_string(out, "source", buffer_slice(&source));
    }
    json_write_object_end(out);
}

void command_rule_write_json(const struct rule_row *row, const struct rule_hits *hits,
                             const struct policy_cover *cover, struct buffer *out)
{
    AUTO_BUFFER struct buffer resource = BUFFER_EMPTY;
    struct rule_hit hit;
    char key[17];
    snprintf(key, sizeof(key), "%016llx", (unsigned long long)row->rule.key);
    json_write_key_text(out, "id", row->rule.id);
    json_write_key_text(out, "key", key);
    json_write_key_string(out, "source", row->source);
    json_write_key_text(out, "scope", row->rule.scope);
    json_write_key_text(out, "kind", row->rule.kind);
    json_write_key_text(out, "decision", row->rule.allows ? "allow" : "deny");
    rule_row_write_resource(row, &resource);
    json_write_key_string(out, "resource", buffer_slice(&resource));
    if (row->origin == RULE_ORIGIN_NETWORK)
        json_write_key_string(out, "host", row->resource);
    if (row->ports.len > 0)
        json_write_key_string(out, "ports", row->ports);
    if (row->where.len > 0)
        json_write_key_string(out, "where", row->where);
    if (row->rule.name != NULL)
        json_write_key_text(out, "name", row->rule.name);
    if (row->rule.comment != NULL)
        json_write_key_text(out, "comment", row->rule.comment);
    if (row->rule.expires_us != 0)
        json_write_key_time(out, "expires", row->rule.expires_us);
    if (row->rule.file != NULL) {
        json_write_key_text(out, "file", row->rule.file);
        json_write_key_u64(out, "line", row->rule.line);
    }
    if (command_rule_count(row, hits, &hit)) {
        json_write_key_u64(out, "hits", hit.count);
        if (hit.count > 0)
            json_write_key_time(out, "last_hit", hit.last_us);
    }
    write_cover(cover, out);
}
