/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of the internet become destinations: one for each client, host, port and way of use, and one
 * for each special-purpose address at which a name was found. */
#include <string.h>

#include "policy/suggest/suggest_record.h"
#include "rules/network/address_class.h"
#include "rules/network/url_target.h"
#include "rules/reason.h"

enum { PORT_TLS = 443, PORT_MAX = 65535, STATUS_SWITCHED = 101, STATUS_SERVER_ERROR = 500 };
enum { PATH_LOGGED_MAX = 8192 };

void suggest_target_write(const struct suggest_target *target, struct buffer *out)
{
    host_name_write(&target->host, out);
    if (target->port > 0)
        buffer_printf(out, ":%u", (unsigned)target->port);
}

/* The log writes an IPv6 address without brackets. Only the canonical text is taken. */
static bool read_host(struct slice text, struct host_name *host)
{
    struct ip_address address;
    struct error ignored;
    if (ip_address_parse(text, &address))
        host_name_from_address(host, &address);
    else if (!host_name_parse_dns(text, host, &ignored))
        return false;
    return slice_equal(host_name_slice(host), text);
}

static enum suggest_way way_of(const struct suggest_record *record, uint16_t port,
                               enum http_method method)
{
    struct slice would_deny = suggest_record_field(record, LOG_FIELD_WOULD_DENY);
    struct slice reason =
        would_deny.ptr != NULL ? would_deny : suggest_record_field(record, LOG_FIELD_REASON);
    bool connect = method == HTTP_METHOD_CONNECT;
    if (!connect && method != HTTP_METHOD_UNKNOWN)
        return suggest_record_number(record, LOG_FIELD_STATUS) == STATUS_SWITCHED ? SUGGEST_UPGRADED
                                                                                  : SUGGEST_PLAIN;
    if (port != PORT_TLS || suggest_record_field(record, LOG_FIELD_SNI).len > 0)
        return SUGGEST_TUNNEL;
    if (slice_equal_text(reason, REASON_SNI_MISSING))
        return SUGGEST_TUNNEL_NO_NAME;
    if (slice_equal_text(reason, REASON_PROTOCOL))
        return SUGGEST_TUNNEL_ANY;
    if (connect && suggest_record_number(record, LOG_FIELD_BYTES_IN) > 0)
        return SUGGEST_TUNNEL_UNKNOWN;
    return SUGGEST_TUNNEL;
}

/* Whether one more special-purpose address of a destination is taken: whoever owns a name can point
 * it to all of them. `place` is the key without the address. */
static bool takes_address(struct suggest_evidence *evidence, struct buffer *place)
{
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    bool is_new;
    buffer_printf(&key, "addresses %s", buffer_text(place));
    unsigned *count = suggest_evidence_find_or_make(evidence, &key, sizeof(*count), &is_new);
    return (*count)++ < SUGGEST_ADDRESSES_MAX;
}

/* The destination; NULL when it is one too many. */
static struct suggest_target *find_target(struct suggest_evidence *evidence,
                                          const struct suggest_record *record,
                                          const struct suggest_target *wanted)
{
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    bool is_new;
    buffer_printf(&key, "network %s %d ", record->client, (int)wanted->way);
    suggest_target_write(wanted, &key);
    if (wanted->special) {
        AUTO_BUFFER struct buffer place = BUFFER_EMPTY;
        buffer_append_slice(&place, buffer_slice(&key));
        buffer_append_byte(&key, ' ');
        ip_address_write(&wanted->address, &key);
        if (text_map_find(&evidence->known, buffer_slice(&key)) == NULL &&
            !takes_address(evidence, &place))
            return NULL;
    }
    struct suggest_target *target =
        suggest_evidence_find_or_make(evidence, &key, sizeof(*target), &is_new);
    if (!is_new)
        return target;
    *target = *wanted;
    target->client = arena_text(&evidence->arena, slice_from_text(record->client));
    target->permitted = target->unanswered = true;
    evidence->targets = array_grow(evidence->targets, evidence->target_count,
                                   &evidence->target_capacity, sizeof(target));
    evidence->targets[evidence->target_count++] = target;
    buffer_clear(&key);
    buffer_printf(&key, "host %s ", record->client);
    host_name_write(&wanted->host, &key);
    *text_map_at(&evidence->known, buffer_slice(&key)) = target;
    return target;
}

static void add_request(struct suggest_evidence *evidence, struct suggest_target *target,
                        const struct suggest_record *record, enum http_method method)
{
    struct slice path = suggest_record_field(record, LOG_FIELD_PATH);
    AUTO_BUFFER struct buffer canonical = BUFFER_EMPTY;
    target->methods |= UINT32_C(1) << method;
    if (path.len >= PATH_LOGGED_MAX || !url_path_canonical(path, &canonical) || canonical.failed)
        target->any_path = true;
    if (target->any_path)
        return;
    for (size_t i = 0; i < target->request_count; i++) {
        struct suggest_request *known = &target->requests[i];
        if (known->method == method && slice_equal_text(buffer_slice(&canonical), known->path)) {
            suggest_span_add(&known->span, &record->span);
            return;
        }
    }
    if (target->request_count == SUGGEST_REQUESTS_MAX) {
        target->any_path = true;
        return;
    }
    target->requests = array_grow(target->requests, target->request_count,
                                  &target->request_capacity, sizeof(target->requests[0]));
    target->requests[target->request_count++] = (struct suggest_request){
        method, arena_text(&evidence->arena, buffer_slice(&canonical)), record->span};
}

static void add_target(struct suggest_evidence *evidence, const struct suggest_record *record,
                       const struct suggest_target *wanted, enum http_method method)
{
    struct suggest_target *target = find_target(evidence, record, wanted);
    if (target == NULL) {
        AUTO_BUFFER struct buffer what = BUFFER_EMPTY;
        suggest_target_write(wanted, &what);
        suggest_record_leave_out(evidence, record, buffer_text(&what),
                                 "it is at more special-purpose addresses than a rule should name");
        return;
    }
    target->permitted = target->permitted && record->permitted;
    target->server_name = target->server_name && wanted->server_name;
    target->unanswered = target->unanswered &&
                         suggest_record_number(record, LOG_FIELD_STATUS) >= STATUS_SERVER_ERROR;
    suggest_span_add(&target->span, &record->span);
    if (target->way == SUGGEST_PLAIN || target->way == SUGGEST_UPGRADED)
        add_request(evidence, target, record, method);
}

static bool is_own_host(struct slice reason)
{
    return slice_equal_text(reason, address_class_reason(ADDRESS_OWN_HOST));
}

/* A name that was refused for its addresses: each of them is a destination. */
static void add_refused(struct suggest_evidence *evidence, const struct suggest_record *record,
                        const struct suggest_target *wanted, const char *what,
                        enum http_method method)
{
    struct slice rest = suggest_record_field(record, LOG_FIELD_REFUSED_ADDRESSES);
    struct suggest_target target = *wanted;
    target.special = true;
    if (rest.len == 0)
        suggest_record_leave_out(
            evidence, record, what,
            "it is at a special-purpose address that the record does not name");
    while (rest.len > 0) {
        struct slice entry = slice_cut(&rest, ',');
        if (!ip_address_parse(slice_cut(&entry, ' '), &target.address))
            continue;
        enum address_class class = address_class_of(&target.address);
        target.own = is_own_host(entry);
        if (class == ADDRESS_METADATA)
            suggest_record_leave_out(evidence, record, what, suggest_why_metadata);
        else if (class != ADDRESS_PUBLIC || target.own)
            add_target(evidence, record, &target, method);
    }
}

/* What the address that was dialled makes of the destination. False when it was left out, or taken
 * with the addresses that were refused. */
static bool classify(struct suggest_evidence *evidence, const struct suggest_record *record,
                     struct suggest_target *target, const char *what, enum http_method method)
{
    struct ip_address address;
    bool known = target->host.is_address;
    if (known)
        address = target->host.address;
    else
        known = ip_address_parse(suggest_record_field(record, LOG_FIELD_ADDRESS), &address);
    enum address_class class = known ? address_class_of(&address) : ADDRESS_PUBLIC;
    if (class == ADDRESS_METADATA) {
        suggest_record_leave_out(evidence, record, what, suggest_why_metadata);
        return false;
    }
    target->own = known && is_own_host(suggest_record_field(record, LOG_FIELD_REASON));
    target->special = class != ADDRESS_PUBLIC || target->own;
    if (target->special)
        target->address = address;
    if (known ||
        !slice_starts_with(suggest_record_field(record, LOG_FIELD_REASON),
                           SLICE_LITERAL("address-class.")) ||
        host_name_is_local(&target->host))
        return true;
    add_refused(evidence, record, target, what, method);
    return false;
}

/* A bare address with TLS: the server name must be allowed, too. */
static void add_server_name(struct suggest_evidence *evidence, const struct suggest_record *record,
                            const struct suggest_target *target)
{
    struct suggest_target named = {.port = target->port, .server_name = true};
    struct slice sni = suggest_record_field(record, LOG_FIELD_SNI);
    if (target->host.is_address && sni.len > 0 && read_host(sni, &named.host))
        add_target(evidence, record, &named, HTTP_METHOD_CONNECT);
}

void suggest_record_add_network(struct suggest_evidence *evidence, struct suggest_record *record)
{
    AUTO_BUFFER struct buffer what = BUFFER_EMPTY;
    struct suggest_target target = {.port = 0};
    uint64_t port = suggest_record_number(record, LOG_FIELD_PORT);
    struct slice sni = suggest_record_field(record, LOG_FIELD_SNI);
    enum http_method method = http_method_from_name(suggest_record_field(record, LOG_FIELD_METHOD));
    bool asked = slice_equal_text(suggest_record_field(record, LOG_FIELD_VIA), "dns");
    bool readable =
        read_host(suggest_record_field(record, LOG_FIELD_HOST), &target.host) &&
        (asked || (port > 0 && port <= PORT_MAX)) && method != HTTP_METHOD_TRACE &&
        (method != HTTP_METHOD_UNKNOWN || suggest_record_field(record, LOG_FIELD_METHOD).len == 0);
    if (asked && readable) {
        if (suggest_record_is_wanted(evidence, record, target.host.text))
            suggest_record_leave_out(evidence, record, target.host.text, suggest_why_asked);
        return;
    }
    target.port = (uint16_t)(readable ? port : 0);
    if (readable)
        suggest_target_write(&target, &what);
    else
        buffer_append_literal(&what, "a destination that cannot be written as a rule");
    if (!suggest_record_is_wanted(evidence, record, buffer_text(&what)))
        return;
    if (!readable) {
        suggest_record_leave_out(evidence, record, buffer_text(&what),
                                 "its host, port or method is not canonical");
        return;
    }
    target.way = way_of(record, target.port, method);
    if (sni.len > 0 && !target.host.is_address && !slice_equal(sni, host_name_slice(&target.host)))
        suggest_record_leave_out(evidence, record, buffer_text(&what),
                                 suggest_why_no_rule(slice_from_text(REASON_SNI_MISMATCH)));
    else if (classify(evidence, record, &target, buffer_text(&what), method)) {
        add_target(evidence, record, &target, method);
        add_server_name(evidence, record, &target);
        suggest_span_add(&evidence->span, &record->span);
    }
}
