/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/policy/suggest/suggest_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/json_write.h"

/* Whether the words set or leave out the key. */
static bool speaks_of(const char *words, const char *key)
{
    struct slice rest = slice_from_text(words);
    while (rest.ptr != NULL) {
        struct slice word = slice_cut(&rest, ' ');
        if (slice_equal_text(slice_cut(&word, '='), key))
            return true;
    }
    return false;
}

/* As the gate writes it: some fields are numbers, one is a list. */
static void write_field(struct buffer *json, const char *key, struct slice value)
{
    static const char *const numbers[] = {"port", "status", "bytes_in", "count"};
    uint64_t number;
    bool listed = strcmp(key, "refused_addresses") == 0;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (strcmp(key, numbers[i]) == 0 && slice_to_u64(value, &number)) {
            json_write_key_u64(json, key, number);
            return;
        }
    }
    json_write_key(json, key);
    buffer_append_text(json, listed ? "[" : "");
    json_write_string(json, value);
    buffer_append_text(json, listed ? "]" : "");
}

void suggest_fixture_add(struct suggest_fixture *fixture, const char *words)
{
    static const char *const usual[][2] = {{"ts", "2026-11-20T12:00:00.000000Z"},
                                           {"event", "request"},
                                           {"client", "default"},
                                           {"kind", "network"},
                                           {"method", "CONNECT"},
                                           {"decision", "allow"},
                                           {"reason", "default"},
                                           {"would_deny", "default"},
                                           {"status", "200"}};
    AUTO_BUFFER struct buffer json = BUFFER_EMPTY;
    buffer_append_byte(&json, '{');
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        char left_out[32];
        snprintf(left_out, sizeof(left_out), "-%s", usual[i][0]);
        if (!speaks_of(words, usual[i][0]) && !speaks_of(words, left_out))
            write_field(&json, usual[i][0], slice_from_text(usual[i][1]));
    }
    struct slice rest = slice_from_text(words);
    while (rest.ptr != NULL) {
        struct slice value = slice_cut(&rest, ' ');
        AUTO_FREE char *key = slice_to_text(slice_cut(&value, '='));
        if (key[0] != '-')
            write_field(&json, key, value);
    }
    buffer_append_byte(&json, '}');
    cr_assert(log_line_parse(&fixture->line, buffer_slice(&json)), "%s", buffer_text(&json));
    suggest_evidence_add(&fixture->evidence, &fixture->line, buffer_slice(&json));
}

void suggest_fixture_make(struct suggest_fixture *fixture)
{
    const struct suggest_options options = {.any_object = false};
    suggest_evidence_seal(&fixture->evidence);
    suggest_make(&fixture->suggestion, &fixture->evidence, &options);
}

void suggest_fixture_show(const struct suggest_fixture *fixture, struct buffer *out)
{
    for (size_t i = 0; i < fixture->suggestion.rule_count; i++) {
        const struct suggest_rule *rule = &fixture->suggestion.rules[i];
        for (size_t n = 0; n < rule->item_count; n++) {
            buffer_append_text(out, out->len > 0 ? " | " : "");
            if (strcmp(rule->client, "default") != 0)
                buffer_printf(out, "%s: ", rule->client);
            buffer_append_text(out, rule->items[n].text);
            suggest_keys_write(&rule->keys, " ", out);
        }
    }
}

void suggest_fixture_write(const struct suggest_fixture *fixture, struct buffer *out)
{
    const struct suggest_document document = {.suggestion = &fixture->suggestion,
                                              .evidence = &fixture->evidence};
    suggest_write_document(&document, out);
}

void suggest_fixture_clear(struct suggest_fixture *fixture)
{
    suggest_free(&fixture->suggestion);
    suggest_evidence_free(&fixture->evidence);
    log_line_free(&fixture->line);
}
