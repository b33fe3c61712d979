/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of a client: where it is listened for, who may connect, and what holds for it alone. */
#include <limits.h>
#include <string.h>

#include "base/account.h"
#include "policy/document/policy_document.h"
#include "policy/document/policy_rules_document.h"

static void read_listen_item(const struct policy_document *document, const char *client,
                             const char *what, enum policy_role role,
                             const struct yaml_tree_node *node)
{
    if (!policy_document_text(document, node, what))
        return;
    char source[PATH_MAX];
    snprintf(source, sizeof(source), "%s:%u", document->label, node->line);
    struct error error;
    if (!policy_builder_add_listen(document->reading->builder, client, role, node->text.ptr, source,
                                   &error))
        policy_document_error(document, node, "%s", error.text);
}

static void read_listen(const struct policy_document *document, const char *client,
                        const char *what, enum policy_role role, const struct yaml_tree_node *node)
{
    if (node->kind != YAML_TREE_SEQUENCE) {
        read_listen_item(document, client, what, role, node);
        return;
    }
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        read_listen_item(document, client, what, role, item);
}

static void read_from_item(const struct policy_document *document, struct builder_client *client,
                           const struct yaml_tree_node *node)
{
    if (!policy_document_text(document, node, "from"))
        return;
    struct ip_range range;
    if (!ip_range_parse(node->text, &range)) {
        char quoted[80];
        policy_document_error(
            document, node, "%s is no address or range (10.0.0.0/8, with zeros behind the prefix)",
            error_quote(node->text, quoted, sizeof(quoted)));
        return;
    }
    client->from =
        array_grow(client->from, client->from_count, &client->from_capacity, sizeof(range));
    client->from[client->from_count++] = range;
}

static void read_from(const struct policy_document *document, struct builder_client *client,
                      const struct yaml_tree_node *node)
{
    if (node->kind != YAML_TREE_SEQUENCE) {
        read_from_item(document, client, node);
        return;
    }
    if (node->first == NULL)
        policy_document_error(document, node,
                              "`from` is an empty list: leave it out to admit everybody");
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        read_from_item(document, client, item);
}

/* A number, or a name of /etc/passwd or /etc/group. */
static bool find_account(struct slice name, bool group, int64_t *id_out)
{
    uint32_t id;
    uid_t uid;
    gid_t gid;
    bool found = account_parse_id(name, &id);
    if (!found && group && account_find_group(name.ptr, &gid)) {
        id = gid;
        found = true;
    } else if (!found && !group && account_find_user(name.ptr, &uid, &gid)) {
        id = uid;
        found = true;
    }
    *id_out = found ? (int64_t)id : -1;
    return found;
}

static void read_account(const struct policy_document *document, const struct yaml_tree_node *node,
                         bool group, struct policy_setting *setting)
{
    const char *what = group ? "group" : "owner";
    int64_t id;
    if (!policy_document_text(document, node, what))
        return;
    if (find_account(node->text, group, &id)) {
        policy_document_set_once(document, node, what, id, false, setting);
        return;
    }
    char quoted[80];
    policy_document_error(document, node, "there is no %s in %s",
                          error_quote(node->text, quoted, sizeof(quoted)),
                          group ? "/etc/group" : "/etc/passwd");
}

/* Octal, with or without quotes: no YAML reader's idea of numbers comes into it. */
static void read_permissions(const struct policy_document *document,
                             const struct yaml_tree_node *node, struct policy_setting *setting)
{
    if (!policy_document_text(document, node, "mode"))
        return;
    int64_t mode = 0;
    bool good = node->text.len == 3 || (node->text.len == 4 && node->text.ptr[0] == '0');
    for (size_t i = 0; i < node->text.len; i++) {
        good = good && node->text.ptr[i] >= '0' && node->text.ptr[i] <= '7';
        mode = good ? mode * 8 + (node->text.ptr[i] - '0') : 0;
    }
    if (good)
        policy_document_set_once(document, node, "mode", mode, false, setting);
    else
        policy_document_error(document, node,
                              "a socket's `mode` is three octal digits, like \"0660\"");
}

static void read_socket(const struct policy_document *document, struct builder_client *client,
                        const struct yaml_tree_node *node)
{
    static const char *const keys[] = {"mode", "owner", "group"};
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(document, node,
                              "`socket` takes a map: {mode: \"0660\", owner: ..., group: ...}");
        return;
    }
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        switch (policy_document_key(document, key, keys, ARRAY_LEN(keys), "`socket`")) {
        case 0:
            read_permissions(document, key->value, &client->socket_mode);
            break;
        case 1:
            read_account(document, key->value, false, &client->owner);
            break;
        case 2:
            read_account(document, key->value, true, &client->group);
            break;
        default:
            break;
        }
    }
}

/* ---- browsers ---- */

enum browser_list { BROWSER_HOSTS, BROWSER_ORIGINS };
static const char *const browser_list_names[] = {"hosts", "origins"};

static void read_browser_item(const struct policy_document *document, struct builder_client *client,
                              enum browser_list list, const struct yaml_tree_node *node)
{
    struct policy_builder *builder = document->reading->builder;
    struct error error;
    char quoted[80];
    if (!policy_document_text(document, node, browser_list_names[list]))
        return;
    bool good = list == BROWSER_HOSTS
                    ? policy_browser_add_host(builder, client, node->text, &error)
                    : policy_browser_add_origin(builder, client, node->text, &error);
    if (!good)
        policy_document_error(document, node, "%s: %s",
                              error_quote(node->text, quoted, sizeof(quoted)), error.text);
}

/* One or a list; several documents add up. */
static void read_browser_list(const struct policy_document *document, struct builder_client *client,
                              enum browser_list list, const struct yaml_tree_node *node)
{
    if (node->kind != YAML_TREE_SEQUENCE) {
        read_browser_item(document, client, list, node);
        return;
    }
    if (node->first == NULL)
        policy_document_error(document, node, "`%s` is an empty list: leave it out",
                              browser_list_names[list]);
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        read_browser_item(document, client, list, item);
}

static void read_browser(const struct policy_document *document, const struct yaml_tree_node *node,
                         struct policy_setting *setting)
{
    if (!policy_document_text(document, node, "browser"))
        return;
    bool allow = slice_equal_text(node->text, "allow");
    if (allow || slice_equal_text(node->text, "deny"))
        policy_document_set_once(document, node, "browser", allow, false, setting);
    else
        policy_document_error(document, node, "`browser` is allow or deny");
}

/* ---- egress ---- */

static void read_transparent(const struct policy_document *document, const char *client,
                             const struct yaml_tree_node *node)
{
    static const char *const keys[] = {"tls", "http"};
    static const enum policy_role roles[] = {POLICY_ROLE_TLS, POLICY_ROLE_HTTP};
    if (node->kind != YAML_TREE_MAPPING || node->first == NULL) {
        policy_document_error(document, node,
                              "`transparent` takes a map: {tls: ADDRESS:PORT, http: ADDRESS:PORT}");
        return;
    }
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        size_t which = policy_document_key(document, key, keys, ARRAY_LEN(keys), "`transparent`");
        if (which < ARRAY_LEN(keys))
            read_listen(document, client, keys[which], roles[which], key->value);
    }
}

static void add_dns_address(const struct policy_document *document, struct builder_client *client,
                            const struct yaml_tree_node *node)
{
    struct error error;
    if (policy_document_text(document, node, "answer") &&
        !policy_dns_address_add(client, node->text, &error))
        policy_document_error(document, node, "%s", error.text);
}

static void read_dns_answer(const struct policy_document *document, struct builder_client *client,
                            const struct yaml_tree_node *node)
{
    enum policy_dns_answer answer = POLICY_DNS_LISTED;
    if (node->kind == YAML_TREE_SCALAR && slice_equal_text(node->text, "gate"))
        answer = POLICY_DNS_GATE;
    else if (node->kind == YAML_TREE_SCALAR && slice_equal_text(node->text, "real"))
        answer = POLICY_DNS_REAL;
    else if (node->kind == YAML_TREE_SEQUENCE && node->first == NULL)
        policy_document_error(document, node, "`answer` is gate, real or a list of addresses");
    bool before = client->dns_answer.set;
    policy_document_set_once(document, node, "answer", answer, false, &client->dns_answer);
    if (answer != POLICY_DNS_LISTED || before)
        return;
    if (node->kind != YAML_TREE_SEQUENCE)
        add_dns_address(document, client, node);
    for (const struct yaml_tree_node *item = node->first; item != NULL; item = item->next)
        add_dns_address(document, client, item);
}

static void read_dns(const struct policy_document *document, size_t index,
                     const struct yaml_tree_node *node)
{
    static const char *const keys[] = {"listen", "answer"};
    struct builder_client *client = &document->reading->builder->clients[index];
    bool listens = false;
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(document, node,
                              "`dns` takes a map: {listen: ADDRESS:PORT, answer: gate}");
        return;
    }
    for (const struct yaml_tree_node *key = node->first; key != NULL; key = key->next) {
        switch (policy_document_key(document, key, keys, ARRAY_LEN(keys), "`dns`")) {
        case 0:
            listens = true;
            read_listen(document, client->name, "listen", POLICY_ROLE_DNS, key->value);
            break;
        case 1:
            read_dns_answer(document, client, key->value);
            break;
        default:
            break;
        }
    }
    if (!listens && strcmp(client->name, "default") != 0)
        policy_document_error(document, node, "`dns` has no `listen`: nobody could ask");
}

enum client_key {
    CLIENT_LISTEN,
    CLIENT_SOCKET,
    CLIENT_FROM,
    CLIENT_HOSTS,
    CLIENT_ORIGINS,
    CLIENT_BROWSER,
    CLIENT_USE,
    CLIENT_INHERIT,
    CLIENT_DOCKER,
    CLIENT_MODE,
    CLIENT_STRICT,
    CLIENT_EGRESS,
    CLIENT_TRANSPARENT,
    CLIENT_DNS,
    CLIENT_GUARD,
    CLIENT_ENFORCE,
    CLIENT_SCOPE,
    CLIENT_NETWORK,
    CLIENT_KEY_COUNT,
};

static void read_client_key(const struct policy_document *document, size_t index,
                            const struct yaml_tree_node *key)
{
    static const char *const keys[] = {"listen",  "socket", "from",        "hosts",  "origins",
                                       "browser", "use",    "inherit",     "docker", "mode",
                                       "strict",  "egress", "transparent", "dns",    "guard",
                                       "enforce", "scope",  "network"};
    struct builder_client *client = &document->reading->builder->clients[index];
    size_t which = policy_document_key(document, key, keys, ARRAY_LEN(keys), "a client");
    char quoted[40];
    switch ((enum client_key)which) {
    case CLIENT_LISTEN:
        client->has_listen = true;
        read_listen(document, client->name, "listen", POLICY_ROLE_DOCKER, key->value);
        return;
    case CLIENT_SOCKET:
        read_socket(document, client, key->value);
        return;
    case CLIENT_FROM:
        read_from(document, client, key->value);
        return;
    case CLIENT_HOSTS:
        read_browser_list(document, client, BROWSER_HOSTS, key->value);
        return;
    case CLIENT_ORIGINS:
        read_browser_list(document, client, BROWSER_ORIGINS, key->value);
        return;
    case CLIENT_BROWSER:
        read_browser(document, key->value, &client->browser);
        return;
    case CLIENT_USE:
        policy_document_read_use(document, index, key->value);
        return;
    case CLIENT_INHERIT:
        policy_document_read_bool(document, key->value, "inherit", &client->inherit);
        return;
    case CLIENT_DOCKER:
        policy_rules_read(document, index, key->value);
        return;
    case CLIENT_MODE:
        policy_document_read_mode(document, key->value, &client->mode);
        return;
    case CLIENT_STRICT:
        policy_document_read_bool(document, key->value, "strict", &client->strict);
        return;
    case CLIENT_EGRESS:
        read_listen(document, client->name, "egress", POLICY_ROLE_EGRESS, key->value);
        return;
    case CLIENT_TRANSPARENT:
        read_transparent(document, client->name, key->value);
        return;
    case CLIENT_DNS:
        read_dns(document, index, key->value);
        return;
    case CLIENT_NETWORK:
        policy_network_rules_read(document, index, key->value);
        return;
    case CLIENT_GUARD:
    case CLIENT_ENFORCE:
    case CLIENT_SCOPE:
        policy_document_not_yet(document, key, error_quote(key->text, quoted, sizeof(quoted)));
        return;
    case CLIENT_KEY_COUNT:
        return;
    }
}

static bool is_client_name(struct slice name)
{
    if (name.len == 0 || name.len > 63)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char byte = name.ptr[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (!letter && (i == 0 || (byte != '.' && byte != '_' && byte != '-')))
            return false;
    }
    return true;
}

static void read_client(const struct policy_document *document, const struct yaml_tree_node *name)
{
    if (!is_client_name(name->text)) {
        policy_document_error(
            document, name,
            "a client's name has 1 to 63 lower-case letters, digits, dots, dashes and "
            "underscores, a letter or digit first");
        return;
    }
    if (name->value->kind != YAML_TREE_MAPPING) {
        policy_document_error(document, name->value, "a client is a map with `listen` and more");
        return;
    }
    size_t index = policy_builder_client(document->reading->builder, name->text);
    struct builder_client *client = &document->reading->builder->clients[index];
    if (client->file == NULL) {
        client->file =
            arena_text(&document->reading->builder->policy->arena, slice_from_text(document->file));
        client->line = name->line;
        client->column = name->column;
    }
    for (const struct yaml_tree_node *key = name->value->first; key != NULL; key = key->next)
        read_client_key(document, index, key);
}

void policy_clients_read(const struct policy_document *document, const struct yaml_tree_node *node)
{
    if (node->kind != YAML_TREE_MAPPING) {
        policy_document_error(document, node, "`clients` takes a map of names");
        return;
    }
    for (const struct yaml_tree_node *name = node->first; name != NULL; name = name->next)
        read_client(document, name);
}
