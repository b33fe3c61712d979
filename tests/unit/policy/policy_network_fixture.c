/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "tests/unit/policy/policy_network_fixture.h"

#include <criterion/criterion.h>

static void read_target(struct network_question *question, struct slice kind, struct slice target)
{
    struct network_request *request = &question->request;
    struct slice path = target;
    struct slice authority = slice_cut(&path, '/');
    struct authority parsed;
    struct error error;
    bool dns = slice_equal_text(kind, "dns");
    cr_assert(authority_parse(authority, dns ? 1 : 0, &parsed, &error), "%.*s: %s", (int)target.len,
              target.ptr, error.text);
    request->host = parsed.host;
    request->port = dns ? 0 : parsed.port;
    request->sight = dns ? NETWORK_ASKED : NETWORK_OPAQUE;
    if (dns || slice_equal_text(kind, "tunnel"))
        return;
    request->sight = NETWORK_SEEN;
    request->method = http_method_from_name(kind);
    cr_assert_neq(request->method, HTTP_METHOD_UNKNOWN, "%.*s", (int)kind.len, kind.ptr);
    snprintf(question->path, sizeof(question->path), "/%.*s", (int)path.len,
             path.ptr == NULL ? "" : path.ptr);
    size_t len = strlen(question->path);
    request->path_ambiguous = len > 2 && strcmp(question->path + len - 2, "?!") == 0;
    request->path = slice_of(question->path, request->path_ambiguous ? len - 2 : len);
}

static void read_tunnel(struct tunnel_facts *tunnel, struct slice key, struct slice value)
{
    static const struct {
        const char *name;
        enum network_protocol protocol;
    } protocols[] = {{"tls", NETWORK_PROTOCOL_TLS},
                     {"http", NETWORK_PROTOCOL_HTTP},
                     {"ssh", NETWORK_PROTOCOL_SSH},
                     {"other", NETWORK_PROTOCOL_OTHER}};
    struct error error;
    if (slice_equal_text(key, "speaks")) {
        for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
            if (slice_equal_text(value, protocols[i].name))
                tunnel->protocol = protocols[i].protocol;
        }
        return;
    }
    tunnel->protocol = NETWORK_PROTOCOL_TLS;
    if (slice_equal_text(key, "ech")) {
        tunnel->ech = true;
        return;
    }
    tunnel->has_sni = !slice_equal_text(value, "-");
    tunnel->sni_bad = slice_equal_text(value, "!");
    if (tunnel->has_sni && !tunnel->sni_bad)
        cr_assert(host_name_parse_dns(value, &tunnel->sni, &error), "%s", error.text);
}

static bool is_own(void *context, const struct ip_address *address)
{
    return memcmp(context, address, sizeof(*address)) == 0;
}

static void read_key(struct network_question *question, struct slice word)
{
    struct slice value = word;
    struct slice key = slice_cut(&value, '=');
    if (slice_equal_text(key, "at")) {
        cr_assert(ip_address_parse(value, &question->address), "%.*s", (int)value.len, value.ptr);
        question->request.address = &question->address;
    } else if (slice_equal_text(key, "cname")) {
        struct host_name alias;
        struct error error;
        cr_assert(host_name_parse_dns(value, &alias, &error), "%s", error.text);
        cr_assert(name_chain_add(&question->chain, &alias));
        question->request.cnames = name_chain_slice(&question->chain);
    } else if (slice_equal_text(key, "own")) {
        cr_assert(ip_address_parse(value, &question->own), "%.*s", (int)value.len, value.ptr);
        question->own_host = (struct network_own_host){is_own, &question->own};
        question->request.own_host = &question->own_host;
    } else if (slice_equal_text(key, "now")) {
        uint64_t seconds;
        cr_assert(slice_to_u64(value, &seconds));
        question->request.now_us = (int64_t)seconds * 1000000;
    } else if (slice_equal_text(key, "sni") || slice_equal_text(key, "ech") ||
               slice_equal_text(key, "speaks")) {
        read_tunnel(&question->tunnel, key, value);
        question->request.tunnel = &question->tunnel;
    } else {
        cr_assert_fail("%.*s", (int)word.len, word.ptr);
    }
}

void network_question_parse(struct network_question *question, const char *text)
{
    memset(question, 0, sizeof(*question));
    struct slice rest = slice_from_text(text);
    struct slice kind = slice_cut(&rest, ' ');
    read_target(question, kind, slice_cut(&rest, ' '));
    while (rest.ptr != NULL)
        read_key(question, slice_cut(&rest, ' '));
}

struct network_verdict network_question_ask(const struct policy *policy, const char *client,
                                            const char *text,
                                            const struct policy_observer *observer)
{
    struct network_question question;
    struct network_verdict verdict;
    network_question_parse(&question, text);
    const struct policy_client *who = policy_client_find(policy, slice_from_text(client));
    cr_assert_not_null(who, "%s", client);
    policy_decide_network(policy, who, &question.request, observer, &verdict);
    return verdict;
}
