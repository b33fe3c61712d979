/* SPDX-License-Identifier: Apache-2.0
 *
 * Destinations as rules. A use that another one covers is dropped, plain HTTP is narrowed to
 * methods and, while they are few, paths; then hosts of one owner are gathered under a star, and
 * what has the same conditions into one rule. A rule with `paths` or `addresses` names its hosts
 * one by one: the first would make paths with two readings malformed at hosts that were not meant. */
#include <string.h>

#include "base/json_write.h"
#include "policy/suggest/suggest.h"
#include "rules/network/address_class.h"
#include "rules/network/port_set.h"
#include "rules/network/shared_domain.h"

enum {
    PORT_HTTP = 80,
    PORT_TLS = 443,
    SIBLINGS_MIN = 3,
    PATHS_MAX = 8,
    PATH_SHOWN_MAX = 200,
    METHOD_SETS_MAX = 3,
};

/* A host or a domain with a star, one port, and the conditions of a rule. */
struct unit {
    const char *host; /* "a.example.com"; for a star the domain behind it */
    uint16_t port;
    bool star, gathers, taken;
    bool counts; /* as one of the siblings that make a star */
    struct suggest_keys keys;
    /* its text has no ports, its order is the labels from the right: hosts of one domain stand
     * together */
    struct suggest_item item;
};

/* What is made of the targets of one client. */
struct making {
    struct suggestion *suggestion;
    const char *client;
    struct suggest_target *const *place; /* the targets of the host and port that are looked at */
    size_t place_count;
    struct unit *units; /* owned */
    size_t count, capacity;
};

/* ---- conditions ---- */

static const char *list_methods(struct arena *arena, uint32_t methods)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++) {
        if ((methods >> i & 1) != 0)
            buffer_printf(&out, "%s\"%s\"", out.len > 0 ? ", " : "[",
                          http_method_name((enum http_method)i));
    }
    buffer_append_byte(&out, ']');
    return arena_text(arena, buffer_slice(&out));
}

static bool is_seen(enum suggest_way way)
{
    return way == SUGGEST_PLAIN || way == SUGGEST_UPGRADED;
}

static bool same_place(const struct suggest_target *a, const struct suggest_target *b)
{
    return a->port == b->port && host_name_equal(&a->host, &b->host);
}

/* Whether a rule for `outer` admits what `inner` did at the same place, without conditions on the
 * address. */
static bool covers(enum suggest_way outer, enum suggest_way inner, uint16_t port)
{
    if (outer == inner)
        return false;
    if (port != PORT_TLS)
        return outer == SUGGEST_TUNNEL;
    switch (outer) {
    case SUGGEST_TUNNEL_UNKNOWN:
        return true;
    case SUGGEST_TUNNEL_ANY:
        return inner == SUGGEST_TUNNEL || is_seen(inner);
    case SUGGEST_TUNNEL_NO_NAME:
        return inner == SUGGEST_TUNNEL;
    case SUGGEST_TUNNEL:
    case SUGGEST_PLAIN:
    case SUGGEST_UPGRADED:
        return false;
    }
    return false;
}

static bool same_address(const struct suggest_target *a, const struct suggest_target *b)
{
    return a->special == b->special &&
           (!a->special || memcmp(&a->address, &b->address, sizeof(a->address)) == 0);
}

/* The target whose rule admits what this one did, too; NULL = it needs its own. Of several the one
 * that is not covered itself. */
static struct suggest_target *find_cover(const struct making *making,
                                         const struct suggest_target *target)
{
    struct suggest_target *found = NULL;
    for (size_t i = 0; i < making->place_count; i++) {
        struct suggest_target *other = making->place[i];
        if (same_address(other, target) && covers(other->way, target->way, target->port) &&
            (found == NULL || other->way > found->way))
            found = other;
    }
    return found;
}

/* The addresses of all special targets at the same place that were tunnelled to in the same way;
 * requests that are seen keep to the address that they were sent to. */
static const char *list_addresses(const struct making *making, const struct suggest_target *target)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    for (size_t i = 0; i < making->place_count; i++) {
        const struct suggest_target *other = making->place[i];
        if (!other->special || other->way != target->way ||
            (is_seen(target->way) && other != target))
            continue;
        buffer_append_text(&out, out.len > 0 ? ", \"" : "[\"");
        ip_address_write(&other->address, &out);
        buffer_append_byte(&out, '"');
    }
    buffer_append_byte(&out, ']');
    return arena_text(&making->suggestion->arena, buffer_slice(&out));
}

/* ---- units ---- */

/* "com.example.a" for "a.example.com". */
static const char *reverse_labels(struct arena *arena, const char *host)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    size_t end = strlen(host);
    while (end > 0) {
        size_t begin = end;
        while (begin > 0 && host[begin - 1] != '.')
            begin--;
        buffer_append(&out, host + begin, end - begin);
        if (begin == 0)
            break;
        buffer_append_byte(&out, '.');
        end = begin - 1;
    }
    return arena_text(arena, buffer_slice(&out));
}

static void add_unit(struct making *making, const struct unit *unit)
{
    making->units =
        array_grow(making->units, making->count, &making->capacity, sizeof(making->units[0]));
    making->units[making->count++] = *unit;
}

static const char *warning_of(struct arena *arena, const struct suggest_target *target)
{
    if (host_name_is_local(&target->host))
        return "this is the machine that the gate runs on";
    if (target->own)
        return "an address of the machine that the gate runs on";
    if (target->special)
        return arena_printf(arena, "a special-purpose address (%s), inside and not on the internet",
                            address_class_name(address_class_of(&target->address)));
    if (target->server_name)
        return "nobody connected to this name: TLS to a bare address said it";
    if (target->way == SUGGEST_TUNNEL_NO_NAME)
        return "without a server name nobody can tell what is behind the tunnel";
    if (target->way == SUGGEST_TUNNEL_ANY)
        return "something else than TLS was spoken on port 443";
    if (target->way == SUGGEST_TUNNEL_UNKNOWN)
        return "on port 443 no server name was seen, and the log does not say what was spoken";
    return NULL;
}

static struct unit unit_of(const struct making *making, const struct suggest_target *target)
{
    struct arena *arena = &making->suggestion->arena;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    host_name_write(&target->host, &shown);
    struct unit unit = {
        .host = target->host.text,
        .port = target->port,
        .gathers =
            !target->host.is_address && !target->special && !host_name_is_local(&target->host),
        .counts = !target->server_name && !target->unanswered,
        .item = {.text = arena_text(arena, buffer_slice(&shown)),
                 .order = target->host.is_address ? target->host.text
                                                  : reverse_labels(arena, target->host.text),
                 .span = target->span,
                 .members = 1,
                 .permitted = target->permitted,
                 .warning = warning_of(arena, target),
                 .note = target->unanswered ? "every request failed" : NULL},
    };
    if (target->special && !target->host.is_address && !host_name_is_local(&target->host))
        suggest_keys_add(&unit.keys, "addresses", list_addresses(making, target));
    if (target->way == SUGGEST_TUNNEL_NO_NAME || target->way == SUGGEST_TUNNEL_UNKNOWN)
        suggest_keys_add(&unit.keys, "require_sni", "false");
    if (target->way == SUGGEST_TUNNEL_ANY || target->way == SUGGEST_TUNNEL_UNKNOWN ||
        target->way == SUGGEST_UPGRADED)
        suggest_keys_add(&unit.keys, "protocols", "[\"any\"]");
    else if (target->way == SUGGEST_PLAIN && target->port == PORT_TLS)
        suggest_keys_add(&unit.keys, "protocols", "[\"http\"]");
    return unit;
}

/* ---- plain HTTP ---- */

/* The methods that `path` was asked for with. */
static uint32_t methods_of(const struct suggest_target *target, const char *path)
{
    uint32_t methods = 0;
    for (size_t i = 0; i < target->request_count; i++) {
        if (strcmp(target->requests[i].path, path) == 0)
            methods |= UINT32_C(1) << target->requests[i].method;
    }
    return methods;
}

static bool is_first_of_path(const struct suggest_target *target, size_t index)
{
    return index == 0 ||
           strcmp(target->requests[index - 1].path, target->requests[index].path) != 0;
}

static size_t count_paths(const struct suggest_target *target)
{
    size_t count = 0;
    for (size_t i = 0; i < target->request_count; i++)
        count += is_first_of_path(target, i);
    return count;
}

/* A path that can stand in a rule. */
static bool is_short_path(const char *path)
{
    return path[0] == '/' && strlen(path) <= PATH_SHOWN_MAX;
}

/* Appends a pattern that matches just this path, in quotes: a path with a star, which would stand
 * for others, or with bytes that no path of a rule has becomes an expression. */
static void write_path(const char *path, struct buffer *out)
{
    AUTO_BUFFER struct buffer pattern = BUFFER_EMPTY;
    bool expression = false;
    for (const char *at = path; *at != '\0'; at++)
        expression =
            expression || *at <= 0x20 || *at >= 0x7f || strchr("*\"#<>?\\^`{|}", *at) != NULL;
    buffer_append_text(&pattern, expression ? "~" : "");
    for (const char *at = path; *at != '\0'; at++) {
        bool plain = slice_hex_digit(*at) >= 0 || (*at >= 'a' && *at <= 'z') ||
                     (*at >= 'A' && *at <= 'Z') || *at == '/' || *at == '-' || *at == '_';
        if (!expression || plain)
            buffer_append_byte(&pattern, *at);
        else
            buffer_printf(&pattern, "\\x%02x", (unsigned)(unsigned char)*at);
    }
    json_write_string(out, buffer_slice(&pattern));
}

/* Whether the rules for this place may go by paths. */
static bool goes_by_paths(const struct making *making)
{
    for (size_t i = 0; i < making->place_count; i++) {
        const struct suggest_target *other = making->place[i];
        if (!is_seen(other->way))
            continue;
        if (other->any_path || count_paths(other) > PATHS_MAX)
            return false;
        for (size_t n = 0; n < other->request_count; n++) {
            if (!is_short_path(other->requests[n].path))
                return false;
        }
    }
    return true;
}

/* One unit for each set of methods, with the paths that were asked for with just these. */
static void add_by_paths(struct making *making, const struct suggest_target *target,
                         const struct unit *base, const uint32_t *sets, size_t set_count)
{
    struct arena *arena = &making->suggestion->arena;
    for (size_t s = 0; s < set_count; s++) {
        AUTO_BUFFER struct buffer paths = BUFFER_EMPTY;
        struct unit unit = *base;
        unit.gathers = false;
        unit.item.span = (struct suggest_span){0};
        for (size_t i = 0; i < target->request_count; i++) {
            const struct suggest_request *request = &target->requests[i];
            if (methods_of(target, request->path) != sets[s])
                continue;
            suggest_span_add(&unit.item.span, &request->span);
            if (!is_first_of_path(target, i))
                continue;
            buffer_append_text(&paths, paths.len > 0 ? ", " : "[");
            write_path(request->path, &paths);
        }
        buffer_append_byte(&paths, ']');
        suggest_keys_add(&unit.keys, "methods", list_methods(arena, sets[s]));
        suggest_keys_add(&unit.keys, "paths", arena_text(arena, buffer_slice(&paths)));
        add_unit(making, &unit);
    }
}

static void add_seen(struct making *making, const struct suggest_target *target,
                     const struct unit *base)
{
    struct arena *arena = &making->suggestion->arena;
    struct unit unit = *base;
    uint32_t sets[PATHS_MAX];
    size_t set_count = 0;
    bool by_paths = goes_by_paths(making);
    for (size_t i = 0; by_paths && i < target->request_count; i++) {
        uint32_t methods = methods_of(target, target->requests[i].path);
        size_t at = 0;
        while (at < set_count && sets[at] != methods)
            at++;
        if (at == set_count)
            sets[set_count++] = methods;
    }
    if (by_paths && set_count <= METHOD_SETS_MAX) {
        add_by_paths(making, target, base, sets, set_count);
        return;
    }
    suggest_keys_add(&unit.keys, "methods", list_methods(arena, target->methods));
    unit.item.note =
        by_paths           ? "every path: methods and paths go together in too many ways"
        : target->any_path ? "every path: very many were asked for, or some that servers "
                             "read in more than one way"
        : count_paths(target) > PATHS_MAX
            ? arena_printf(arena, "every path: %zu were asked for", count_paths(target))
            : "every path: one of them is too long for a rule, or tells of no one path";
    add_unit(making, &unit);
}

/* ---- stars ---- */

static bool same_conditions(const struct unit *a, const struct unit *b)
{
    return a->port == b->port && suggest_keys_equal(&a->keys, &b->keys);
}

static bool is_below(const char *host, const char *domain)
{
    size_t len = strlen(host), domain_len = strlen(domain);
    return len > domain_len && host[len - domain_len - 1] == '.' &&
           strcmp(host + len - domain_len, domain) == 0;
}

static int compare_units(const void *a, const void *b)
{
    const struct unit *left = a, *right = b;
    const struct suggest_key *left_key = left->keys.items, *right_key = right->keys.items;
    int order = strcmp(left->item.order, right->item.order);
    if (order == 0)
        order = (int)left->port - (int)right->port;
    for (size_t i = 0; order == 0 && i < left->keys.count && i < right->keys.count; i++) {
        order = strcmp(left_key[i].name, right_key[i].name);
        order = order != 0 ? order : strcmp(left_key[i].value, right_key[i].value);
    }
    return order != 0 ? order : (int)left->keys.count - (int)right->keys.count;
}

/* Whether three hosts directly below the domain were used in the same way as `unit`. */
static bool has_siblings(const struct making *making, const struct unit *unit, const char *domain,
                         size_t begin, size_t end)
{
    size_t siblings = 0;
    const char *last = NULL;
    for (size_t i = begin; i < end && siblings < SIBLINGS_MIN; i++) {
        const struct unit *other = &making->units[i];
        const char *parent = strchr(other->host, '.');
        if (!other->gathers || !other->counts || other->taken || parent == NULL ||
            strcmp(parent + 1, domain) != 0 || !same_conditions(other, unit))
            continue;
        siblings += last == NULL || strcmp(last, other->host) != 0;
        last = other->host;
    }
    return siblings >= SIBLINGS_MIN;
}

static struct unit gather(struct making *making, const struct unit *first, const char *domain,
                          size_t begin, size_t end)
{
    struct arena *arena = &making->suggestion->arena;
    struct unit star = *first;
    star.star = true;
    star.host = domain;
    star.item =
        (struct suggest_item){.text = arena_printf(arena, "*.%s", domain),
                              .order = arena_printf(arena, "%s.*", reverse_labels(arena, domain)),
                              .permitted = true};
    for (size_t i = begin; i < end; i++) {
        struct unit *unit = &making->units[i];
        if (!unit->gathers || unit->taken || !is_below(unit->host, domain) ||
            !same_conditions(unit, first))
            continue;
        struct suggest_item item = unit->item;
        item.warning = unit->counts ? item.warning : NULL;
        item.note = unit->counts && item.note != NULL ? "every path" : NULL;
        suggest_item_add(&star.item, &item);
        unit->taken = true;
    }
    star.taken = false;
    return star;
}

/* The domains above a host, from the widest on, so that a wide star takes what narrower ones would. */
static size_t domains_above(const char *host, const char *domains[64])
{
    size_t count = 0;
    for (const char *at = strchr(host, '.'); at != NULL && count < 64; at = strchr(at + 1, '.'))
        domains[count++] = at + 1;
    return count;
}

/* Whether the domain is looked at for the first time under these conditions. */
static bool is_new(struct text_map *seen, const struct unit *unit, const char *domain)
{
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    buffer_printf(&key, "%s:%u", domain, (unsigned)unit->port);
    suggest_keys_write(&unit->keys, " ", &key);
    void **place = text_map_at(seen, buffer_slice(&key));
    bool new = *place == NULL;
    *place = seen;
    return new;
}

/* The units are sorted, so those below one domain stand together. */
static void gather_below(struct making *making, struct text_map *seen, size_t hosts, size_t at)
{
    const char *domains[64];
    for (size_t d = domains_above(making->units[at].host, domains); d > 0; d--) {
        const char *domain = domains[d - 1];
        struct unit first = making->units[at];
        if (first.taken || strchr(domain, '.') == NULL || !is_new(seen, &first, domain) ||
            shared_domain_is(slice_from_text(domain)))
            continue;
        size_t begin = at, end = at + 1;
        while (begin > 0 && is_below(making->units[begin - 1].host, domain))
            begin--;
        while (end < hosts && is_below(making->units[end].host, domain))
            end++;
        if (has_siblings(making, &first, domain, begin, end)) {
            struct unit star = gather(making, &first, domain, begin, end);
            add_unit(making, &star);
        }
    }
}

static void gather_all(struct making *making)
{
    CLEANUP(text_map_free) struct text_map seen = {.count = 0};
    size_t hosts = making->count;
    for (size_t i = 0; i < hosts; i++) {
        if (making->units[i].gathers)
            gather_below(making, &seen, hosts, i);
    }
}

/* ---- rules ---- */

/* Appends the item's pattern: 80 and 443 together are what no port means. */
static void write_ports(struct buffer *out, const uint16_t *ports, size_t count)
{
    struct port_set set = {.count = 0};
    if (count == 2 && ports[0] == PORT_HTTP && ports[1] == PORT_TLS)
        return;
    for (size_t i = 0; i < count; i++) {
        if (set.count > 0 && set.ranges[set.count - 1].last + 1 == ports[i]) {
            set.ranges[set.count - 1].last = ports[i];
            continue;
        }
        set.ranges[set.count].first = set.ranges[set.count].last = ports[i];
        set.count++;
    }
    buffer_append_byte(out, ':');
    port_set_write(&set, out);
}

static bool same_pattern(const struct unit *a, const struct unit *b)
{
    struct unit other = *b;
    other.port = a->port;
    return a->star == b->star && strcmp(a->item.text, b->item.text) == 0 &&
           same_conditions(a, &other);
}

/* All ports of one pattern under one condition, as far as one pattern holds so many. */
static void add_item(struct making *making, size_t first)
{
    struct arena *arena = &making->suggestion->arena;
    const struct unit *unit = &making->units[first];
    const struct suggest_rule wanted = {
        .client = making->client, .network = true, .keys = unit->keys};
    struct suggest_item item = {.order = unit->item.order, .permitted = true};
    uint16_t ports[PORT_SET_RANGES_MAX];
    size_t count = 0;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    for (size_t i = first; i < making->count && count < PORT_SET_RANGES_MAX; i++) {
        struct unit *other = &making->units[i];
        if (strcmp(other->item.order, unit->item.order) != 0)
            break;
        if (other->taken || !same_pattern(unit, other))
            continue;
        other->taken = true;
        if (count == 0 || ports[count - 1] != other->port)
            ports[count++] = other->port;
        size_t members = item.members; /* the same hosts at another port */
        suggest_item_add(&item, &other->item);
        item.members = other->item.members > members ? other->item.members : members;
    }
    buffer_append_text(&text, unit->item.text);
    write_ports(&text, ports, count);
    item.text = arena_text(arena, buffer_slice(&text));
    suggest_rule_add(suggest_rule_for(making->suggestion, &wanted), &item);
}

static void sort_units(struct making *making)
{
    if (making->count > 1)
        qsort(making->units, making->count, sizeof(making->units[0]), compare_units);
}

static void add_place(struct making *making)
{
    for (size_t i = 0; i < making->place_count; i++) {
        struct suggest_target *cover = find_cover(making, making->place[i]);
        if (cover == NULL)
            continue;
        suggest_span_add(&cover->span, &making->place[i]->span);
        cover->permitted = cover->permitted && making->place[i]->permitted;
    }
    for (size_t i = 0; i < making->place_count; i++) {
        const struct suggest_target *target = making->place[i];
        if (find_cover(making, target) != NULL)
            continue;
        struct unit unit = unit_of(making, target);
        if (is_seen(target->way))
            add_seen(making, target, &unit);
        else
            add_unit(making, &unit);
    }
}

void suggest_network(struct suggestion *suggestion, struct suggest_target *const *targets,
                     size_t count)
{
    struct making making = {.suggestion = suggestion, .client = targets[0]->client};
    for (size_t i = 0; i < count; i += making.place_count) {
        making.place = targets + i;
        making.place_count = 1;
        while (i + making.place_count < count &&
               same_place(targets[i], targets[i + making.place_count]))
            making.place_count++;
        add_place(&making);
    }
    sort_units(&making);
    gather_all(&making);
    sort_units(&making);
    for (size_t i = 0; i < making.count; i++) {
        if (!making.units[i].taken)
            add_item(&making, i);
    }
    free(making.units);
}
