/* SPDX-License-Identifier: Apache-2.0
 *
 * A destination from words on a command line, asked as the gate asks it with all facts known at
 * once: what is said by options is pretended, what is not said is unknown and never refuses. */
#include "policy/command_network.h"

#include <string.h>

#include "base/json_write.h"
#include "base/terminal_text.h"
#include "base/timestamp.h"
#include "policy/command_considered.h"
#include "policy/policy_network.h"
#include "rules/url_target.h"

enum { OTHERS_SHOWN = 20 };

/* What is asked, and what came of it. */
struct question {
    const struct policy *policy;
    const struct policy_client *client;
    struct network_request request;
    struct ip_address address;
    struct tunnel_facts tunnel;
    struct buffer path; /* owned */
    bool malformed;
    struct error error;
    struct network_verdict verdict;
    struct considered considered;    /* owned */
    struct buffer rule, source, fix; /* owned */
};

static void question_clear(struct question *question)
{
    considered_clear(&question->considered);
    buffer_free(&question->path);
    buffer_free(&question->rule);
    buffer_free(&question->source);
    buffer_free(&question->fix);
}

/* ---- reading ---- */

/* "http://host/path": the request is seen. */
static bool read_http(struct question *question, struct slice target, struct error *error)
{
    struct url_target url;
    if (!url_target_parse(target, &url, error))
        return false;
    question->request.host = url.authority.host;
    question->request.port = url.authority.port;
    question->request.sight = NETWORK_SEEN;
    question->request.path_ambiguous = !url_path_canonical(url.path, &question->path);
    question->request.path = buffer_slice(&question->path);
    return true;
}

/* A tunnel: of a URL, only its host and port count. */
static bool read_tunnel(struct question *question, struct slice target, struct error *error)
{
    static const struct slice https = {"https://", 8};
    struct authority authority;
    if (target.len >= https.len && slice_equal_nocase(slice_of(target.ptr, https.len), https)) {
        target = slice_of(target.ptr + https.len, target.len - https.len);
        for (size_t i = 0; i < target.len; i++) {
            if (memchr("/?#", target.ptr[i], 3) != NULL)
                target.len = i;
        }
    }
    if (!authority_parse(target, 443, &authority, error))
        return false;
    question->request.host = authority.host;
    question->request.port = authority.port;
    question->request.sight = NETWORK_OPAQUE;
    return true;
}

static bool is_http(struct slice target)
{
    static const struct slice http = {"http://", 7};
    return target.len >= http.len && slice_equal_nocase(slice_of(target.ptr, http.len), http);
}

static bool read_method(struct question *question, const char *method, bool seen,
                        struct error *error)
{
    char quoted[80];
    question->request.method = HTTP_METHOD_GET;
    if (method == NULL)
        return true;
    if (!seen)
        return error_set(error, 2,
                         "--method: a method is seen in plain HTTP only: write the "
                         "target as http://HOST/PATH");
    question->request.method = http_method_from_name(slice_from_text(method));
    if (question->request.method == HTTP_METHOD_UNKNOWN)
        return error_set(error, 2, "%s is no method: write GET or POST in capitals",
                         error_quote(slice_from_text(method), quoted, sizeof(quoted)));
    return true;
}

static bool read_facts(struct question *question, const struct command_network_words *words,
                       bool seen, struct error *error)
{
    struct network_request *request = &question->request;
    char quoted[120];
    if (words->address != NULL) {
        if (!ip_address_parse(slice_from_text(words->address), &question->address))
            return error_set(error, 2, "--address: %s is no address",
                             error_quote(slice_from_text(words->address), quoted, sizeof(quoted)));
        request->address = &question->address;
    }
    if (words->sni == NULL)
        return true;
    if (seen)
        return error_set(error, 2, "--sni: plain HTTP has no ClientHello");
    question->tunnel.protocol = NETWORK_PROTOCOL_TLS;
    question->tunnel.has_sni = strcmp(words->sni, "-") != 0;
    struct error bad;
    if (question->tunnel.has_sni)
        question->tunnel.sni_bad =
            !host_name_parse_dns(slice_from_text(words->sni), &question->tunnel.sni, &bad);
    request->tunnel = &question->tunnel;
    return true;
}

static bool read_question(struct question *question, const struct command_network_words *words,
                          struct error *error)
{
    struct slice target = slice_from_text(words->target);
    bool seen = is_http(target);
    question->request.now_us = timestamp_now_us();
    if (!read_method(question, words->method, seen, error) ||
        !read_facts(question, words, seen, error))
        return false;
    question->malformed = seen ? !read_http(question, target, &question->error)
                               : !read_tunnel(question, target, &question->error);
    if (!question->malformed && question->request.address != NULL &&
        question->request.host.is_address &&
        memcmp(&question->address, &question->request.host.address, sizeof(question->address)) != 0)
        return error_set(error, 2, "--address: the target is an address itself");
    return true;
}

/* ---- answering ---- */

static bool is_allowed(const struct question *question)
{
    return !question->malformed && question->verdict.result == VERDICT_ALLOW;
}

static void write_target(const struct question *question, struct buffer *out)
{
    host_name_write(&question->request.host, out);
    buffer_printf(out, ":%u", question->request.port);
}

/* The gate asks by name before it resolves, and what is refused then stays refused whatever the
 * address would be. */
static bool passes_by_name(const struct question *question)
{
    struct network_request named = question->request;
    struct network_verdict verdict;
    named.address = NULL;
    named.tunnel = NULL;
    policy_decide_network(question->policy, question->client, &named, NULL, &verdict);
    return verdict.result == VERDICT_ALLOW;
}

static void decide(struct question *question, bool explain)
{
    const struct policy_observer observer = {considered_add, &question->considered};
    struct network_request request = question->request;
    if (!passes_by_name(question)) {
        request.address = NULL;
        request.tunnel = NULL;
    }
    policy_decide_network(question->policy, question->client, &request, explain ? &observer : NULL,
                          &question->verdict);
    network_verdict_write_rule(&question->verdict, &question->rule);
    network_verdict_write_source(&question->verdict, &question->source);
    if (question->verdict.result == VERDICT_ALLOW && !question->verdict.would_deny) {
        buffer_append_literal(&question->fix, "to deny it, add `- deny: \"");
        write_target(question, &question->fix);
        buffer_append_literal(&question->fix, "\"` under `network:`");
        return;
    }
    AUTO_BUFFER struct buffer fix = BUFFER_EMPTY;
    policy_explain_network_fix(question->policy, question->client, &request, &question->verdict,
                               &fix);
    if (fix.len > 0)
        buffer_append_literal(&question->fix, "to permit it, ");
    buffer_append_slice(&question->fix, buffer_slice(&fix));
}

static void write_json(const struct question *question, bool explain, struct buffer *out)
{
    const struct network_verdict *verdict = &question->verdict;
    buffer_append_byte(out, '{');
    json_write_key_text(out, "decision", is_allowed(question) ? "allow" : "deny");
    json_write_key_text(out, "client", question->client->name);
    if (question->malformed) {
        json_write_key_text(out, "reason", question->error.reason);
        json_write_key_u64(out, "status", (uint64_t)question->error.code);
        json_write_key_text(out, "message", question->error.text);
    } else {
        json_write_key_string(out, "host", host_name_slice(&question->request.host));
        json_write_key_u64(out, "port", question->request.port);
        json_write_key_string(out, "rule", buffer_slice(&question->rule));
        json_write_key_string(out, "source", buffer_slice(&question->source));
        json_write_key_text(out, "reason", verdict->reason);
        if (verdict->why != NULL)
            json_write_key_text(out, "why", verdict->why);
        json_write_key_bool(out, "would_deny", verdict->would_deny);
        json_write_key_string(out, "fix", buffer_slice(&question->fix));
    }
    if (explain)
        considered_write(&question->considered, out);
    buffer_append_literal(out, "}\n");
}

static void write_rule(const struct question *question, struct buffer *out)
{
    const struct network_verdict *verdict = &question->verdict;
    bool by_default = verdict->result == VERDICT_ALLOW || strcmp(verdict->reason, "default") == 0;
    bool not_admitted = verdict->rule_allows && strcmp(verdict->reason, "rule") != 0;
    if (verdict->label == NULL) {
        buffer_append_text(out, by_default ? " by default" : "");
    } else {
        buffer_append_text(out, not_admitted ? ": rule " : " by rule ");
        terminal_text_append(out, buffer_slice(&question->rule));
        buffer_append_literal(out, " (");
        terminal_text_append(out, buffer_slice(&question->source));
        buffer_append_text(out, not_admitted ? ") does not admit it" : ")");
    }
    if (verdict->why != NULL)
        buffer_printf(out, ": %s", verdict->why);
    if (strcmp(verdict->reason, "rule") != 0 && strcmp(verdict->reason, "default") != 0)
        buffer_printf(out, " (%s)", verdict->reason);
}

static void write_text(const struct question *question, bool explain, struct buffer *out)
{
    const struct network_request *request = &question->request;
    if (question->malformed) {
        buffer_printf(out, "deny: %s (%s)\n", question->error.text, question->error.reason);
        return;
    }
    if (explain)
        considered_write(&question->considered, out);
    buffer_append_text(out, is_allowed(question) ? "allow: " : "deny: ");
    write_target(question, out);
    buffer_printf(out, " on client %s", question->client->name);
    write_rule(question, out);
    buffer_append_text(
        out, question->verdict.would_deny ? "; report mode: it would be denied otherwise\n" : "\n");
    if (is_allowed(question) && request->address == NULL && !request->host.is_address)
        buffer_append_literal(out, "what it resolves to is judged too: ask about an address with "
                                   "--address\n");
    if (question->fix.len > 0) {
        terminal_text_append(out, buffer_slice(&question->fix));
        buffer_append_byte(out, '\n');
    }
}

bool command_network_answer(const struct policy *policy, const struct policy_client *client,
                            const struct command_network_words *words, bool explain, bool json,
                            struct buffer *out, bool *allowed_out, struct error *error)
{
    CLEANUP(question_clear)
    struct question question = {
        .policy = policy,
        .client = client,
        .considered = {.json = json, .others_max = OTHERS_SHOWN},
    };
    if (!read_question(&question, words, error))
        return false;
    if (!question.malformed)
        decide(&question, explain);
    if (json)
        write_json(&question, explain, out);
    else
        write_text(&question, explain, out);
    *allowed_out = is_allowed(&question);
    return true;
}
