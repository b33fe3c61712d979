/* SPDX-License-Identifier: Apache-2.0
 *
 * Three tables one after the other: what is listed here, the address classes of
 * rules/network/address_class.c and the parameters of rules/docker/docker_reach.c. */
#include "policy/snapshot/policy_builtin.h"

#include <stdio.h>
#include <string.h>

#include "rules/docker/docker_reach.h"
#include "rules/reason.h"

static const struct row {
    const char *name, *kind;
    bool allows;
    const char *resource, *ports, *unless;
} rows[] = {
    {"malformed", "docker", false, "what is no valid or no unambiguous request", "", ""},
    {"limits", "docker", false, "what is over a limit of `dockreeve serve`", "",
     "the option allows more"},
    {REASON_BROWSER, "docker", false, "requests of web pages, over TCP", "",
     "the client has `hosts`, `origins` or `browser: allow`"},
    {"unknown-operation", "docker", false, "requests that are no known operation", "", ""},
    {"libpod", "docker", false, "libpod's routes, also where the default allows", "",
     "an allow names the path"},
    {"unknown-query", "docker", false, "parameters that the operation does not have, if `strict`",
     "", ""},
    {"version", "docker", false, "versions of the API that are not served (the newest is 1.55)", "",
     ""},
    {"malformed", "network", false, "what is no valid or no unambiguous request", "*", ""},
    {"limits", "network", false, "what is over a limit of `dockreeve serve`", "*",
     "the option allows more"},
    {REASON_OWN_ADDRESS, "network", false,
     "the gate, its engine, administration and upstream proxy", "*", ""},
    {REASON_CONNECT_SELF, "network", false, "connections that meet themselves", "*", ""},
    {REASON_MALFORMED_PATH, "network", false, "paths with two readings, where a rule has `paths`",
     "*", "no rule for the host has `paths`"},
    {REASON_OPAQUE, "network", false, "tunnels, where a rule goes by methods or paths", "*",
     "another allow has neither"},
    {REASON_PROTOCOL, "network", false, "anything but TLS", "443", "the allow has `protocols`"},
    {REASON_SNI_MISSING, "network", false, "TLS without a server name", "443",
     "the allow has `require_sni: false`"},
    {REASON_SNI_MISMATCH, "network", false, "TLS that names another host than the target", "*", ""},
    {REASON_SNI_MALFORMED, "network", false, "TLS that names no valid host", "*", ""},
    {REASON_SNI_DENIED, "network", false, "TLS to an address, for a host that is not allowed", "*",
     "an allow names that host"},
    {REASON_ECH, "network", true, "TLS with an encrypted first message", "*",
     "the allow has `ech: deny`"},
    {REASON_DNS_CLASS, "network", false, "questions of DNS that are not of the internet", "*", ""},
    {REASON_DNS_TRANSFER, "network", false, "questions of DNS for a whole zone", "*", ""},
};

static size_t class_count(void)
{
    return ADDRESS_CLASS_COUNT - 1; /* all but ADDRESS_PUBLIC */
}

size_t policy_builtin_count(void)
{
    struct docker_reach_place place;
    size_t places = 0;
    while (docker_reach_place_at(places, &place))
        places++;
    return ARRAY_LEN(rows) + class_count() + places;
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

static void take_place(const struct docker_reach_place *place, struct policy_builtin *out)
{
    const char *operation = docker_operation_info(place->operation)->name;
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    out->name = docker_reach_reason(place);
    out->kind = "docker";
    out->ports = "";
    out->is_guard = true;
    if (place->parameter.ptr == NULL)
        snprintf(out->resource, sizeof(out->resource), "%s of a name that %s", operation,
                 place->why);
    else if (place->reach == DOCKER_REACH_PATH || place->reach == DOCKER_REACH_ADDRESS)
        snprintf(out->resource, sizeof(out->resource), "%s with the parameter %.*s%s%.*s",
                 operation, (int)place->parameter.len, place->parameter.ptr,
                 place->harmless.len > 0 ? ", but for " : "", (int)place->harmless.len,
                 place->harmless.ptr);
    else
        snprintf(out->resource, sizeof(out->resource), "%s where the parameter %.*s %s", operation,
                 (int)place->parameter.len, place->parameter.ptr, place->why);
    if (docker_reach_condition(place, &key))
        snprintf(out->unless, sizeof(out->unless), "an allow has `where: {%s: ...}`",
                 buffer_text(&key));
    else
        snprintf(out->unless, sizeof(out->unless), "an allow spells the registry in its path");
}

void policy_builtin_at(size_t index, struct policy_builtin *out)
{
    *out = (struct policy_builtin){.class = ADDRESS_PUBLIC};
    if (index < ARRAY_LEN(rows)) {
        take_row(&rows[index], out);
    } else if (index < ARRAY_LEN(rows) + class_count()) {
        take_class((enum address_class)(index - ARRAY_LEN(rows) + 1), out);
    } else {
        struct docker_reach_place place;
        if (docker_reach_place_at(index - ARRAY_LEN(rows) - class_count(), &place))
            take_place(&place, out);
    }
    uint64_t hash = slice_hash(SLICE_LITERAL("\0built-in\0"), SLICE_HASH_SEED);
    hash = slice_hash(slice_of(out->kind, strlen(out->kind) + 1), hash);
    hash = slice_hash(slice_of(out->name, strlen(out->name) + 1), hash);
    out->key = out->is_guard ? slice_hash(slice_from_text(out->resource), hash) : hash;
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
