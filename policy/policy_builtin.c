/* SPDX-License-Identifier: Apache-2.0
 *
 * Three tables one after the other: what is listed here, the address classes of
 * rules/address_class.c and the parameters of rules/guarded_query.c. */
#include "policy/policy_builtin.h"

#include <stdio.h>
#include <string.h>

#include "rules/guarded_query.h"

static const struct row {
    const char *name, *kind;
    bool allows;
    const char *resource, *ports, *unless;
} rows[] = {
    {"malformed", "docker", false, "what is no valid or no unambiguous request", "", ""},
    {"limits", "docker", false, "what is over a limit of `dockreeve serve`", "",
     "the option allows more"},
    {"browser", "docker", false, "requests of web pages, over TCP", "",
     "the client has `hosts`, `origins` or `browser: allow`"},
    {"unknown-operation", "docker", false, "requests that are no known operation", "", ""},
    {"libpod", "docker", false, "libpod's routes, also where the default allows", "",
     "an allow names the path"},
    {"unknown-query", "docker", false, "parameters that the operation does not have, if `strict`",
     "", ""},
    {"newer-query", "docker", false, "unknown parameters of a newer version of the API", "", ""},
    {"malformed", "network", false, "what is no valid or no unambiguous request", "*", ""},
    {"limits", "network", false, "what is over a limit of `dockreeve serve`", "*",
     "the option allows more"},
    {"own-address", "network", false, "the gate, its engine, administration and upstream proxy",
     "*", ""},
    {"connect.self", "network", false, "connections that meet themselves", "*", ""},
    {"malformed.path", "network", false, "paths with two readings, where a rule has `paths`", "*",
     "no rule for the host has `paths`"},
    {"opaque", "network", false, "tunnels, where a rule goes by methods or paths", "*",
     "another allow has neither"},
    {"protocol", "network", false, "anything but TLS", "443", "the allow has `protocols`"},
    {"sni-missing", "network", false, "TLS without a server name", "443",
     "the allow has `require_sni: false`"},
    {"sni-mismatch", "network", false, "TLS that names another host than the target", "*", ""},
    {"sni-malformed", "network", false, "TLS that names no valid host", "*", ""},
    {"sni-denied", "network", false, "TLS to an address, for a host that is not allowed", "*",
     "an allow names that host"},
    {"ech", "network", true, "TLS with an encrypted first message", "*",
     "the allow has `ech: deny`"},
    {"dns.class", "network", false, "questions of DNS that are not of the internet", "*", ""},
    {"dns.transfer", "network", false, "questions of DNS for a whole zone", "*", ""},
};

static size_t class_count(void)
{
    return ADDRESS_CLASS_COUNT - 1; /* all but ADDRESS_PUBLIC */
}

size_t policy_builtin_count(void)
{
    size_t guarded;
    (void)guarded_query_rows(&guarded);
    return ARRAY_LEN(rows) + class_count() + guarded;
}

static void take_row(const struct row *row, struct policy_builtin *out)
{
    out->name = row->name;
    out->kind = row->kind;
    out->allows = row->allows;
    out->ports = row->ports;
    snprintf(out->resource, sizeof(out->resource), "%s", row->resource);
    snprintf(out->unless, sizeof(out->unless), "%s", row->unless);
}

static void take_class(enum address_class class, struct policy_builtin *out)
{
    out->name = address_class_reason(class);
    out->kind = "network";
    out->ports = "*";
    out->class = class;
    snprintf(out->resource, sizeof(out->resource), "%s addresses%s", address_class_name(class),
             class == ADDRESS_LOOPBACK ? " and names of this machine" : "");
    snprintf(out->unless, sizeof(out->unless), "an allow names the address%s",
             class == ADDRESS_LOOPBACK ? " or name" : ", or has `addresses`");
}

static void take_guarded(const struct guarded_query_row *row, struct policy_builtin *out)
{
    const int len = (int)row->parameter.len;
    out->name = "guard.query";
    out->kind = "docker";
    out->ports = "";
    out->is_guard = true;
    snprintf(out->resource, sizeof(out->resource), "%s with the parameter %.*s%s%.*s",
             docker_operation_info(row->operation)->name, len, row->parameter.ptr,
             row->harmless.len > 0 ? ", but for " : "", (int)row->harmless.len, row->harmless.ptr);
    snprintf(out->unless, sizeof(out->unless), "an allow has `where: {query.%.*s: ...}`", len,
             row->parameter.ptr);
}

void policy_builtin_at(size_t index, struct policy_builtin *out)
{
    *out = (struct policy_builtin){.class = ADDRESS_PUBLIC};
    if (index < ARRAY_LEN(rows)) {
        take_row(&rows[index], out);
    } else if (index < ARRAY_LEN(rows) + class_count()) {
        take_class((enum address_class)(index - ARRAY_LEN(rows) + 1), out);
    } else {
        size_t guarded;
        const struct guarded_query_row *row = guarded_query_rows(&guarded);
        take_guarded(&row[index - ARRAY_LEN(rows) - class_count()], out);
    }
    uint64_t hash = slice_hash(SLICE_LITERAL("\0built-in\0"), SLICE_HASH_SEED);
    hash = slice_hash(slice_of(out->kind, strlen(out->kind) + 1), hash);
    hash = slice_hash(slice_of(out->name, strlen(out->name) + 1), hash);
    /* The parameter tells the guarded ones apart; other wording may change and the id stays. */
    out->key = out->is_guard ? slice_hash(slice_from_text(out->unless), hash) : hash;
}

void policy_builtin_write_ranges(enum address_class class, struct buffer *out)
{
    size_t count, begin = out->len;
    const struct address_class_row *ranges = address_class_rows(&count);
    for (size_t i = 0; i < count && class != ADDRESS_PUBLIC; i++) {
        if (ranges[i].class != class)
            continue;
        if (out->len > begin)
            buffer_append_literal(out, ", ");
        buffer_append_text(out, ranges[i].range);
    }
}
