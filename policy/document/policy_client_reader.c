/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of a client: where it is listened for, who may connect, and what holds for it alone. */
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/account.h"
#include "policy/document/policy_document.h"
#include "policy/snapshot/policy_browser.h"
#include "policy/snapshot/policy_listen.h"
#include "policy/document/policy_rules_document.h"

/* ---- listeners ---- */

/* Whose listeners a list holds, and of which kind. */
struct listening {
    const char *client;
    enum policy_role role;
};

static void read_listen_item(const struct policy_document *document,
                             const struct yaml_tree_node *node, void *place)
{
    const struct listening *listening = place;
    char source[PATH_MAX];
    snprintf(source, sizeof(source), "%s:%u", document->label, node->line);
    struct error error;
    if (!policy_builder_add_listen(document->reading->builder, listening->client, listening->role,
                                   node->text.ptr, source, &error))
        policy_document_error(document, node, "%s", error.text);
}

static void read_listeners(const struct policy_document *document, const struct yaml_tree_node *key,
                           const struct builder_client *client, enum policy_role role)
{
    struct listening listening = {client->name, role};
    policy_document_read_texts(document, key, NULL, read_listen_item, &listening);
}

static void read_listen(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    struct builder_client *client = place;
    client->has_listen = true;
    read_listeners(document, key, client, POLICY_ROLE_DOCKER);
}

static void read_egress(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    read_listeners(document, key, place, POLICY_ROLE_EGRESS);
}

static void read_tls(const struct policy_document *document, const struct yaml_tree_node *key,
                     void *place)
{
    read_listeners(document, key, place, POLICY_ROLE_TLS);
}

static void read_http(const struct policy_document *document, const struct yaml_tree_node *key,
                      void *place)
{
    read_listeners(document, key, place, POLICY_ROLE_HTTP);
}

static void read_transparent(const struct policy_document *document,
                             const struct yaml_tree_node *key, void *place)
{
    static const char form[] = "`transparent` takes a map: {tls: ADDRESS:PORT, http: ADDRESS:PORT}";
    static const struct policy_key keys[] = {{"tls", read_tls, 0}, {"http", read_http, 0}};
    static const struct policy_map map = {"`transparent`", form, keys, ARRAY_LEN(keys)};
    if (key->value->kind == YAML_TREE_MAPPING && key->value->first == NULL)
        policy_document_error(document, key->value, form);
    policy_document_read_map(document, key->value, &map, NULL, place);
}

static void read_dns_listen(const struct policy_document *document,
                            const struct yaml_tree_node *key, void *place)
{
    read_listeners(document, key, place, POLICY_ROLE_DNS);
}

static void read_dns_address(const struct policy_document *document,
                             const struct yaml_tree_node *node, void *place)
{
    struct error error;
    if (!policy_dns_address_add(place, node->text, &error))
        policy_document_error(document, node, "%s", error.text);
}

static void read_dns_answer(const struct policy_document *document,
                            const struct yaml_tree_node *key, void *place)
{
    struct builder_client *client = place;
    const struct yaml_tree_node *node = key->value;
    enum policy_dns_answer answer = POLICY_DNS_LISTED;
    if (node->kind == YAML_TREE_SCALAR && slice_equal_text(node->text, "gate"))
        answer = POLICY_DNS_GATE;
    else if (node->kind == YAML_TREE_SCALAR && slice_equal_text(node->text, "real"))
        answer = POLICY_DNS_REAL;
    else if (node->kind == YAML_TREE_SEQUENCE && node->first == NULL)
        policy_document_error(document, node, "`answer` is gate, real or a list of addresses");
    bool before = client->dns_answer.set;
    policy_document_set_once(document, node, "answer", answer, false, &client->dns_answer);
    if (answer == POLICY_DNS_LISTED && !before)
        policy_document_read_words(document, key, NULL, read_dns_address, client);
}

static void read_dns(const struct policy_document *document, const struct yaml_tree_node *key,
                     void *place)
{
    static const struct policy_key keys[] = {{"listen", read_dns_listen, 0},
                                             {"answer", read_dns_answer, 0}};
    static const struct policy_map map = {
        "`dns`", "`dns` takes a map: {listen: ADDRESS:PORT, answer: gate}", keys, ARRAY_LEN(keys)};
    const struct builder_client *client = place;
    const struct yaml_tree_node *given[ARRAY_LEN(keys)] = {NULL};
    policy_document_read_map(document, key->value, &map, given, place);
    if (key->value->kind == YAML_TREE_MAPPING && given[0] == NULL &&
        strcmp(client->name, "default") != 0)
        policy_document_error(document, key->value, "`dns` has no `listen`: nobody could ask");
}

/* ---- who may connect ---- */

static void read_from_item(const struct policy_document *document,
                           const struct yaml_tree_node *node, void *place)
{
    struct builder_client *client = place;
    struct ip_range range;
    if (!policy_document_range(document, node, &range))
        return;
    client->from =
        array_grow(client->from, client->from_count, &client->from_capacity, sizeof(range));
    client->from[client->from_count++] = range;
}

static void read_from(const struct policy_document *document, const struct yaml_tree_node *key,
                      void *place)
{
    policy_document_read_words(document, key, "leave it out to admit everybody", read_from_item,
                               place);
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

/* `owner` or `group`. */
static void read_account(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    const struct yaml_tree_node *node = key->value;
    bool group = slice_equal_text(key->text, "group");
    int64_t id;
    if (!policy_document_text(document, node, key->text.ptr))
        return;
    if (find_account(node->text, group, &id)) {
        policy_document_set_once(document, node, key->text.ptr, id, false, place);
        return;
    }
    policy_document_error(document, node, "there is no %s in %s", quote(node->text).text,
                          group ? "/etc/group" : "/etc/passwd");
}

/* Octal, with or without quotes: no YAML reader's idea of numbers comes into it. */
static void read_permissions(const struct policy_document *document,
                             const struct yaml_tree_node *key, void *place)
{
    const struct slice text = key->value->text;
    if (!policy_document_text(document, key->value, "mode"))
        return;
    int64_t mode = 0;
    bool good = text.len == 3 || (text.len == 4 && text.ptr[0] == '0');
    for (size_t i = 0; i < text.len; i++) {
        good = good && text.ptr[i] >= '0' && text.ptr[i] <= '7';
        mode = good ? mode * 8 + (text.ptr[i] - '0') : 0;
    }
    if (good)
        policy_document_set_once(document, key->value, "mode", mode, false, place);
    else
        policy_document_error(document, key->value,
                              "a socket's `mode` is three octal digits, like \"0660\"");
}

static void read_socket(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    static const struct policy_key keys[] = {
        {"mode", read_permissions, offsetof(struct builder_client, socket_mode)},
        {"owner", read_account, offsetof(struct builder_client, owner)},
        {"group", read_account, offsetof(struct builder_client, group)}};
    static const struct policy_map map = {
        "`socket`", "`socket` takes a map: {mode: \"0660\", owner: ..., group: ...}", keys,
        ARRAY_LEN(keys)};
    policy_document_read_map(document, key->value, &map, NULL, place);
}

/* ---- browsers ---- */

typedef bool add_trusted(struct policy_builder *builder, struct builder_client *client,
                         struct slice text, struct error *error);

static void read_trusted(const struct policy_document *document, const struct yaml_tree_node *node,
                         struct builder_client *client, add_trusted *add)
{
    struct error error;
    if (!add(document->reading->builder, client, node->text, &error))
        policy_document_error(document, node, "%s: %s", quote(node->text).text, error.text);
}

static void read_host(const struct policy_document *document, const struct yaml_tree_node *node,
                      void *place)
{
    read_trusted(document, node, place, policy_browser_add_host);
}

static void read_origin(const struct policy_document *document, const struct yaml_tree_node *node,
                        void *place)
{
    read_trusted(document, node, place, policy_browser_add_origin);
}

/* Several documents add up. */
static void read_hosts(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    policy_document_read_words(document, key, "leave it out", read_host, place);
}

static void read_origins(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    policy_document_read_words(document, key, "leave it out", read_origin, place);
}

static void read_browser(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    bool allow;
    if (policy_document_choice(document, key, "allow", "deny", &allow))
        policy_document_set_once(document, key->value, "browser", allow, false, place);
}

/* ---- refusals ---- */

static void read_detail(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    static const char *const words[] = {[POLICY_REFUSAL_FULL] = "full",
                                        [POLICY_REFUSAL_RULE] = "rule",
                                        [POLICY_REFUSAL_NONE] = "none"};
    struct policy_refusal *refusal = place;
    if (!policy_document_text(document, key->value, "detail"))
        return;
    size_t which = slice_find(key->value->text, words, ARRAY_LEN(words));
    if (which == ARRAY_LEN(words))
        policy_document_error(document, key->value, "`detail` is full, rule or none");
    else
        refusal->detail = (enum policy_refusal_detail)which;
}

/* It stands in one line of somebody's terminal. */
static void read_refusal_text(const struct policy_document *document,
                              const struct yaml_tree_node *key, void *place)
{
    struct policy_refusal *refusal = place;
    const struct slice text = key->value->text;
    if (!policy_document_text(document, key->value, "text"))
        return;
    bool plain = text.len <= POLICY_REFUSAL_TEXT_MAX;
    for (size_t i = 0; i < text.len && plain; i++)
        plain = (unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f;
    if (plain)
        refusal->text = arena_text(&document->reading->builder->policy->arena, text);
    else
        policy_document_error(
            document, key->value,
            "`text` takes one line of at most %d bytes, without control characters",
            POLICY_REFUSAL_TEXT_MAX);
}

static void read_refusal(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    static const struct policy_key keys[] = {{"detail", read_detail, 0},
                                             {"text", read_refusal_text, 0}};
    static const struct policy_map map = {"`refusal`",
                                          "`refusal` takes a map: {detail: full, rule or none, "
                                          "text: what clients are told first}",
                                          keys, ARRAY_LEN(keys)};
    struct builder_client *client = place;
    struct policy_refusal refusal = {.detail = POLICY_REFUSAL_FULL};
    policy_document_read_map(document, key->value, &map, NULL, &refusal);
    policy_document_set_once(document, key, "refusal", refusal.detail, false, &client->refusal);
    if (client->refusal_text == NULL)
        client->refusal_text = refusal.text;
}

/* ---- rules ---- */

static size_t index_of(const struct policy_document *document, const struct builder_client *client)
{
    return (size_t)(client - document->reading->builder->clients);
}

static void read_use(const struct policy_document *document, const struct yaml_tree_node *key,
                     void *place)
{
    policy_document_read_use(document, index_of(document, place), key);
}

static void read_docker(const struct policy_document *document, const struct yaml_tree_node *key,
                        void *place)
{
    policy_rules_read(document, index_of(document, place), key->value);
}

static void read_network(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *place)
{
    policy_network_rules_read(document, index_of(document, place), key->value);
}

static void read_guard(const struct policy_document *document, const struct yaml_tree_node *key,
                       void *place)
{
    struct builder_client *client = place;
    policy_guard_read(document, key, &client->guard, &client->guard_inherit);
}

/* ---- clients ---- */

static const struct policy_key client_keys[] = {
    {"listen", read_listen, 0},
    {"socket", read_socket, 0},
    {"from", read_from, 0},
    {"hosts", read_hosts, 0},
    {"origins", read_origins, 0},
    {"browser", read_browser, offsetof(struct builder_client, browser)},
    {"refusal", read_refusal, 0},
    {"use", read_use, 0},
    {"inherit", policy_document_read_bool, offsetof(struct builder_client, inherit)},
    {"docker", read_docker, 0},
    {"mode", policy_document_read_mode, offsetof(struct builder_client, mode)},
    {"strict", policy_document_read_bool, offsetof(struct builder_client, strict)},
    {"egress", read_egress, 0},
    {"transparent", read_transparent, 0},
    {"dns", read_dns, 0},
    {"guard", read_guard, 0},
    {"enforce", policy_document_refuse_not_yet, 0},
    {"scope", policy_document_refuse_not_yet, 0},
    {"network", read_network, 0},
};

static void read_client(const struct policy_document *document, const struct yaml_tree_node *name)
{
    static const struct policy_map map = {"a client", NULL, client_keys, ARRAY_LEN(client_keys)};
    if (!policy_is_client_name(name->text)) {
        policy_document_error(document, name, "%s", policy_client_name_advice);
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
    policy_document_read_map(document, name->value, &map, NULL, client);
}

void policy_clients_read(const struct policy_document *document, const struct yaml_tree_node *key,
                         void *)
{
    if (key->value->kind != YAML_TREE_MAPPING) {
        policy_document_error(document, key->value, "`clients` takes a map of names");
        return;
    }
    for (const struct yaml_tree_node *name = key->value->first; name != NULL; name = name->next)
        read_client(document, name);
}
