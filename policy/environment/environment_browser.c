/* SPDX-License-Identifier: Apache-2.0
 *
 * DOCKREEVE_HOSTS, DOCKREEVE_ORIGINS and DOCKREEVE_BROWSER: the client keys `hosts`, `origins` and
 * `browser` for those whose policy is variables. They hold for the client `default`, which is whom
 * the replaced images serve. */
#include "policy/environment/environment_browser.h"

#include <string.h>

#include "policy/environment/environment_variables.h"
#include "policy/snapshot/policy_browser.h"

/* A list with commas or blanks between. */
static void add_list(struct policy_builder *builder, char *const *environment, const char *name,
                     bool (*add)(struct policy_builder *builder, struct builder_client *client,
                                 struct slice text, struct error *error),
                     struct policy_messages *errors)
{
    const char *value = environment_value(environment, name);
    size_t index = policy_builder_client(builder, SLICE_LITERAL("default"));
    for (struct slice rest = slice_from_text(value); rest.ptr != NULL;) {
        struct slice part = slice_cut(&rest, ',');
        while (part.ptr != NULL) {
            struct slice entry = slice_trim_blanks(slice_cut(&part, ' '));
            struct error error;
            if (entry.len > 0 && !add(builder, &builder->clients[index], entry, &error))
                policy_messages_add(errors, NULL, 0, 0, "%s: %s: %s", name, quote(entry).text,
                                    error.text);
        }
    }
}

void environment_add_browser(struct policy_builder *builder, char *const *environment,
                             struct policy_messages *errors)
{
    const char *value = environment_value(environment, "DOCKREEVE_BROWSER");
    size_t index = policy_builder_client(builder, SLICE_LITERAL("default"));
    add_list(builder, environment, "DOCKREEVE_HOSTS", policy_browser_add_host, errors);
    add_list(builder, environment, "DOCKREEVE_ORIGINS", policy_browser_add_origin, errors);
    if (value == NULL || value[0] == '\0')
        return;
    bool allow = strcmp(value, "allow") == 0;
    if (!allow && strcmp(value, "deny") != 0) {
        policy_messages_add(errors, NULL, 0, 0,
                            "DOCKREEVE_BROWSER=%s: write allow, which lets every web page come, or "
                            "deny, which is the default",
                            quote_text(value).text);
        return;
    }
    builder->clients[index].browser = (struct policy_setting){true, allow, "env DOCKREEVE_BROWSER"};
}

void environment_note_unread_browser(char *const *environment, struct policy_messages *notices)
{
    static const struct {
        const char *variable, *key;
    } rows[] = {
        {"DOCKREEVE_HOSTS", "hosts"},
        {"DOCKREEVE_ORIGINS", "origins"},
        {"DOCKREEVE_BROWSER", "browser"},
        {"DOCKREEVE_GUARD", "mode"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *value = environment_value(environment, rows[i].variable);
        if (value != NULL && value[0] != '\0')
            policy_messages_add(notices, NULL, 0, 0,
                                "%s is not followed: it belongs to DOCKREEVE_COMPAT; with a policy "
                                "of its own write `%s` under its client",
                                rows[i].variable, rows[i].key);
    }
}
