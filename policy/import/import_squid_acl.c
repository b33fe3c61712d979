/* SPDX-License-Identifier: Apache-2.0
 *
 * `acl NAME TYPE VALUE…` lines. Lines of one name add up; a value in double quotes is a file of
 * values. */
#include "policy/import/import_squid.h"

#include <stdlib.h>

#include "base/error.h"
#include "policy/import/import_expression.h"
#include "rules/network/host_name.h"
#include "rules/http_method.h"

/* How the values of a type are read. */
enum value_reader {
    READ_DOMAIN,
    READ_EXPRESSION,
    READ_ADDRESS,
    READ_PORT,
    READ_METHOD,
    READ_NOTHING,
};

static const struct acl_type {
    const char *name;
    enum squid_acl_kind kind;
    enum value_reader reader;
} acl_types[] = {
    {"dstdomain", SQUID_ACL_HOSTS, READ_DOMAIN},
    {"dstdom_regex", SQUID_ACL_HOSTS, READ_EXPRESSION},
    {"dst", SQUID_ACL_HOSTS, READ_ADDRESS},
    {"port", SQUID_ACL_PORTS, READ_PORT},
    {"method", SQUID_ACL_METHODS, READ_METHOD},
    {"src", SQUID_ACL_CLIENT, READ_NOTHING},
    {"srcdomain", SQUID_ACL_CLIENT, READ_NOTHING},
    {"srcdom_regex", SQUID_ACL_CLIENT, READ_NOTHING},
    {"arp", SQUID_ACL_CLIENT, READ_NOTHING},
    {"eui64", SQUID_ACL_CLIENT, READ_NOTHING},
    {"localip", SQUID_ACL_CLIENT, READ_NOTHING},
    {"localport", SQUID_ACL_CLIENT, READ_NOTHING},
    {"myip", SQUID_ACL_CLIENT, READ_NOTHING},
    {"myport", SQUID_ACL_CLIENT, READ_NOTHING},
    {"myportname", SQUID_ACL_CLIENT, READ_NOTHING},
    {"ident", SQUID_ACL_CLIENT, READ_NOTHING},
    {"ident_regex", SQUID_ACL_CLIENT, READ_NOTHING},
    {"proxy_auth", SQUID_ACL_CLIENT, READ_NOTHING},
    {"proxy_auth_regex", SQUID_ACL_CLIENT, READ_NOTHING},
};
static const struct acl_type other_type = {"", SQUID_ACL_OTHER, READ_NOTHING};

/* One line while its values are read. */
struct value_list {
    struct squid_acls *acls;
    struct squid_acl *acl;
    const struct acl_type *type;
    bool fold; /* READ_EXPRESSION: behind -i */
};

static struct squid_acl *find(const struct squid_acls *acls, struct slice name)
{
    for (size_t i = 0; i < acls->count; i++) {
        if (slice_equal(acls->items[i].name, name))
            return &acls->items[i];
    }
    return NULL;
}

const struct squid_acl *squid_acls_find(const struct squid_acls *acls, struct slice name)
{
    return find(acls, name);
}

static struct squid_acl *add_acl(struct squid_acls *acls, struct slice name,
                                 enum squid_acl_kind kind)
{
    acls->items = array_grow(acls->items, acls->count, &acls->capacity, sizeof(acls->items[0]));
    acls->items[acls->count] = (struct squid_acl){.name = name, .kind = kind};
    return &acls->items[acls->count++];
}

static void add_pattern(struct value_list *list, struct import_place place, struct slice pattern)
{
    struct squid_acl *acl = list->acl;
    acl->hosts =
        array_grow(acl->hosts, acl->host_count, &acl->host_capacity, sizeof(acl->hosts[0]));
    const char *copy = arena_text(&list->acls->draft->arena, pattern);
    acl->hosts[acl->host_count++] = (struct squid_host){slice_of(copy, pattern.len), place};
}

/* A value that has no counterpart: an allow goes without it, a deny cannot. */
static void give_up(struct value_list *list, struct import_place place, struct slice value,
                    const char *why)
{
    list->acl->incomplete = true;
    import_note(list->acls->draft, place, "left out: %s: %s", quote(value).text, why);
}

/* ---- values ---- */

/* `.example.com`: the name and all below it. */
static void read_domain(struct value_list *list, struct import_place place, struct slice value)
{
    AUTO_BUFFER struct buffer below = BUFFER_EMPTY;
    struct host_name host;
    struct error error;
    bool dot = value.ptr[0] == '.';
    struct slice name = dot ? slice_of(value.ptr + 1, value.len - 1) : value;
    if (!host_name_parse(name, &host, &error)) {
        give_up(list, place, value, error.text);
        return;
    }
    if (dot && host.is_address) {
        give_up(list, place, value, "an address has no subdomains");
        return;
    }
    add_pattern(list, place, host_name_slice(&host));
    buffer_printf(&below, "*.%s", host.text);
    if (dot)
        add_pattern(list, place, buffer_slice(&below));
}

static void read_expression(struct value_list *list, struct import_place place, struct slice value)
{
    AUTO_POSIX_PATTERNS struct posix_expression_patterns patterns;
    struct error error;
    if (!import_expression(list->acls->draft, place, POSIX_EXPRESSION_EXTENDED, value, list->fold,
                           &patterns, &error)) {
        give_up(list, place, value, error.text);
        return;
    }
    for (size_t i = 0; i < patterns.count; i++)
        add_pattern(list, place, buffer_slice(&patterns.items[i]));
}

static void read_address(struct value_list *list, struct import_place place, struct slice value)
{
    struct ip_range range;
    if (ip_range_parse(value, &range))
        add_pattern(list, place, value);
    else
        give_up(list, place, value, "write an address or a range as 10.0.0.0/8");
}

static void read_port(struct value_list *list, struct import_place place, struct slice value)
{
    struct port_set more;
    struct error error;
    bool cut = false;
    if (!port_set_parse(value, &more, &error)) {
        import_fail(list->acls->draft, place, "port: %s", error.text);
        return;
    }
    more = import_ports_or(&list->acl->ports, &more, &cut);
    if (cut) /* a negation of a cut list would be wider: no way to go on */
        import_fail(list->acls->draft, place, "more ranges of ports than a rule holds");
    else
        list->acl->ports = more;
}

static void read_method(struct value_list *list, struct import_place place, struct slice value)
{
    enum http_method method = http_method_from_name(value);
    if (method == HTTP_METHOD_UNKNOWN)
        import_note(list->acls->draft, place,
                    "narrowed: no rule can name the method %s: an allow goes without it, and a "
                    "deny of it is one of all such methods",
                    quote(value).text);
    if (method == HTTP_METHOD_CONNECT)
        list->acl->connect = true;
    else
        list->acl->methods |=
            method == HTTP_METHOD_UNKNOWN ? SQUID_METHODS_OTHER : UINT32_C(1) << method;
}

static void read_value(struct value_list *list, struct import_place place, struct slice value)
{
    switch (list->type->reader) {
    case READ_DOMAIN:
        if (value.ptr[0] != '-') /* -n: no name of an address is asked for, as here */
            read_domain(list, place, value);
        return;
    case READ_EXPRESSION:
        if (slice_equal_text(value, "-i") || slice_equal_text(value, "+i"))
            list->fold = value.ptr[0] == '-';
        else if (!slice_equal_text(value, "-n"))
            read_expression(list, place, value);
        return;
    case READ_ADDRESS:
        if (!slice_equal_text(value, "-n"))
            read_address(list, place, value);
        return;
    case READ_PORT:
        read_port(list, place, value);
        return;
    case READ_METHOD:
        read_method(list, place, value);
        return;
    case READ_NOTHING:
        return;
    }
}

/* ---- lines ---- */

static void read_value_file(struct value_list *list, struct import_place place, struct slice quoted)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct import_lines lines;
    struct slice value, name = slice_of(quoted.ptr + 1, quoted.len - 1);
    name = slice_cut(&name, '"');
    if (list->type->reader == READ_NOTHING ||
        !import_open_named(list->acls->draft, place, name, &text, &lines))
        return;
    while (import_lines_next(&lines)) {
        if (import_next_word(&lines.line, &value) && value.ptr[0] != '#')
            read_value(list, lines.place, value);
    }
}

static const struct acl_type *find_type(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(acl_types); i++) {
        if (slice_equal_text(name, acl_types[i].name))
            return &acl_types[i];
    }
    return &other_type;
}

/* Older files define what newer Squids define by themselves; the meaning is the same. */
static bool is_predefined(const struct squid_acl *acl)
{
    return acl->kind == SQUID_ACL_ALL || acl->kind == SQUID_ACL_MANAGER || acl->this_machine;
}

void squid_acls_read(struct squid_acls *acls, struct import_place place, struct slice line)
{
    struct slice name, type_name, value;
    (void)import_next_word(&line, &name);
    (void)import_next_word(&line, &type_name);
    const struct acl_type *type = find_type(type_name);
    struct squid_acl *acl = find(acls, name);
    if (acl != NULL && is_predefined(acl))
        return;
    if (acl != NULL && acl->kind != type->kind) {
        import_fail(acls->draft, place, "%s was another type before", quote(name).text);
        return;
    }
    if (acl == NULL)
        acl = add_acl(acls, name, type->kind);
    struct value_list list = {acls, acl, type, false};
    while (import_next_word(&line, &value) && value.ptr[0] != '#') {
        if (value.ptr[0] == '"')
            read_value_file(&list, place, value);
        else
            read_value(&list, place, value);
    }
}

void squid_acls_init(struct squid_acls *acls, struct import_draft *draft)
{
    static const char to_localhost[] = "to_localhost dst 127.0.0.0/8 0.0.0.0/32 ::1/128 ::/128";
    static const char to_linklocal[] = "to_linklocal dst 169.254.0.0/16 fe80::/10";
    const struct import_place built_in = {"squid", 0};
    *acls = (struct squid_acls){.draft = draft};
    add_acl(acls, SLICE_LITERAL("all"), SQUID_ACL_ALL);
    add_acl(acls, SLICE_LITERAL("manager"), SQUID_ACL_MANAGER);
    add_acl(acls, SLICE_LITERAL("localhost"), SQUID_ACL_CLIENT)->this_machine = true;
    squid_acls_read(acls, built_in, SLICE_LITERAL("CONNECT method CONNECT"));
    squid_acls_read(acls, built_in, slice_from_text(to_localhost));
    squid_acls_read(acls, built_in, slice_from_text(to_linklocal));
}

void squid_acls_free(struct squid_acls *acls)
{
    for (size_t i = 0; i < acls->count; i++)
        free(acls->items[i].hosts);
    free(acls->items);
    acls->items = NULL;
    acls->count = 0;
}
