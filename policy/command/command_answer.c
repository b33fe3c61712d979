/* SPDX-License-Identifier: Apache-2.0
 *
 * What is the same in every answer stands in answer(); what a kind of question has to say of its own, in
 * its row. A policy may have a million hosts: of the rules considered, those for other hosts than the
 * one that is asked about are counted. */
#include "policy/command/command_answer.h"

#include <string.h>

#include "base/json_write.h"
#include "base/terminal_text.h"
#include "policy/explain/policy_explain.h"
#include "policy/explain/policy_obstacles.h"
#include "rules/network/address_class.h"
#include "rules/reason.h"

enum { OTHERS_SHOWN = 20 };

struct answer_kind;

/* One answer; the question is borrowed. */
struct answer {
    const struct answer_kind *kind;
    const struct command_answer_form *form;
    const struct asked_docker *docker; /* or */
    const struct asked_network *network;
    const struct policy *policy;
    const struct policy_client *client;
    const struct error *malformed; /* the gate refuses it itself; NULL = it does not */
    const char *reason;
    bool allowed;
    struct buffer rule, source, fix; /* owned */
    struct buffer considered;        /* owned: lines, or items of a JSON array */
    size_t others; /* rules for other hosts among them, and those that are only counted */
};

struct answer_kind {
    /* Asks for what turns the verdict, and once more with the observer, who may be NULL. */
    void (*ask)(struct answer *answer, const struct policy_observer *observer);
    void (*write_json)(const struct answer *answer, struct buffer *out);
    void (*write_text)(const struct answer *answer, struct buffer *out);
};

static void answer_clear(struct answer *answer)
{
    buffer_free(&answer->rule);
    buffer_free(&answer->source);
    buffer_free(&answer->fix);
    buffer_free(&answer->considered);
}

/* ---- rules considered ---- */

static void consider(void *context, const struct policy_considered *rule)
{
    struct answer *answer = context;
    struct buffer *out = &answer->considered;
    if (rule->why == policy_network_other_hosts && answer->others++ >= OTHERS_SHOWN)
        return;
    if (answer->form->json) {
        json_write_object_begin(out);
        json_write_key_text(out, "rule", rule->rule);
        json_write_key_text(out, "source", rule->source);
        json_write_key_text(out, "decision", rule->allows ? "allow" : "deny");
        json_write_key_bool(out, "matched", rule->matched);
        json_write_key_text(out, "why", rule->why);
        json_write_object_end(out);
        return;
    }
    buffer_printf(out, "  %s  ", rule->matched ? "*" : " ");
    terminal_text_append(out, slice_from_text(rule->source));
    buffer_append_literal(out, "  ");
    terminal_text_append(out, slice_from_text(rule->rule));
    buffer_append_literal(out, ": ");
    terminal_text_append(out, slice_from_text(rule->why));
    buffer_append_byte(out, '\n');
}

static void write_considered(const struct answer *answer, struct buffer *out)
{
    size_t hidden = answer->others > OTHERS_SHOWN ? answer->others - OTHERS_SHOWN : 0;
    struct slice rules = buffer_slice(&answer->considered);
    if (!answer->form->explain)
        return;
    if (answer->form->json) {
        json_write_key_array(out, "considered");
        buffer_append_slice(out, rules);
        json_write_array_end(out);
        if (hidden > 0)
            json_write_key_u64(out, "more_for_other_hosts", hidden);
    } else if (rules.len > 0) {
        buffer_append_literal(out, "rules considered (* matches):\n");
        buffer_append_slice(out, rules);
        if (hidden > 0)
            buffer_printf(out, "     and %zu more that are for other hosts\n", hidden);
    }
}

/* ---- what both say ---- */

static void write_malformed_json(const struct error *error, struct buffer *out)
{
    json_write_key_u64(out, "status", (uint64_t)error->status);
    json_write_key_text(out, "message", error->text);
}

/* The deciding rule and its source between what is said before and behind them. */
static void write_rule(const struct answer *answer, const char *before, const char *behind,
                       struct buffer *out)
{
    buffer_append_text(out, before);
    terminal_text_append(out, buffer_slice(&answer->rule));
    buffer_append_literal(out, " (");
    terminal_text_append(out, buffer_slice(&answer->source));
    buffer_append_text(out, behind);
}

static void end_verdict(bool would_deny, struct buffer *out)
{
    buffer_append_text(out, would_deny ? "; report mode: it would be denied otherwise\n" : "\n");
}

/* ---- docker ---- */

static void ask_docker(struct answer *answer, const struct policy_observer *observer)
{
    const struct asked_docker *asked = answer->docker;
    struct verdict again;
    if (asked->finding.count > 0)
        guard_finding_write(&asked->finding, &answer->fix);
    else
        policy_obstacles_docker(asked->policy, asked->client, &asked->request, asked->state,
                                &asked->object, &asked->verdict, &answer->fix);
    policy_decide_docker(asked->policy, asked->client, &asked->request,
                         asked->object_known ? asked->state : DOCKER_OBJECT_NOT_ASKED,
                         &asked->object, observer, &again);
}

static const char *body_kind(const struct asked_docker *asked)
{
    switch (docker_content_kind(&asked->request)) {
    case DOCKER_BODY_NONE:
    case DOCKER_BODY_IMPORT:
        return "none";
    case DOCKER_BODY_JSON:
        return "json";
    case DOCKER_BODY_ARCHIVE:
        return "archive";
    case DOCKER_BODY_ANY:
        break;
    }
    return "any";
}

static void write_body_json(const struct asked_docker *asked, struct buffer *out)
{
    json_write_key_object(out, "body");
    json_write_key_text(out, "taken", body_kind(asked));
    json_write_key_u64(out, "bytes", asked->content.len);
    json_write_key_string(out, "content_type", asked->content.type);
    json_write_key_list(out, "dropped_fields", buffer_slice(&asked->body.dropped), '\0');
    json_write_object_end(out);
}

static void write_docker_json(const struct answer *answer, struct buffer *out)
{
    const struct asked_docker *asked = answer->docker;
    json_write_key_text(out, "operation", docker_operation_info(asked->request.operation)->name);
    json_write_key_string(out, "rule", buffer_slice(&answer->rule));
    json_write_key_string(out, "source", buffer_slice(&answer->source));
    json_write_key_text(out, "reason", answer->reason);
    if (answer->malformed != NULL) {
        write_malformed_json(answer->malformed, out);
    } else {
        json_write_key_bool(out, "would_deny", asked->verdict.would_deny);
        json_write_key_bool(out, "depends_on_object", asked->depends);
        json_write_key_string(out, "fix", buffer_slice(&answer->fix));
    }
    if (asked->content.present)
        write_body_json(asked, out);
}

static void write_body(const struct asked_docker *asked, struct buffer *out)
{
    struct slice dropped = buffer_slice(&asked->body.dropped);
    switch (docker_content_kind(&asked->request)) {
    case DOCKER_BODY_NONE:
    case DOCKER_BODY_IMPORT:
        buffer_append_literal(out, "the operation takes no body: it is read, dropped and logged\n");
        return;
    case DOCKER_BODY_JSON:
        for (unsigned i = 0; dropped.len > 0; i++) {
            buffer_append_text(out, i == 0 ? "fields that are not sent on: " : ", ");
            terminal_text_append(out, slice_cut(&dropped, '\0'));
        }
        if (asked->body.dropped_count > 0)
            buffer_append_byte(out, '\n');
        return;
    case DOCKER_BODY_ARCHIVE:
    case DOCKER_BODY_ANY:
        buffer_append_literal(out, "of the body its type and length are judged: what stands in it "
                                   "is not judged by this version\n");
    }
}

static void write_docker_verbose(const struct asked_docker *asked, struct buffer *out)
{
    const struct docker_request *request = &asked->request;
    buffer_printf(out, "read as %s ", http_method_name(request->method));
    terminal_text_append(out, request->path);
    if (request->object_name.len > 0) {
        buffer_append_literal(out, ", object ");
        terminal_text_append(out, request->object_name);
    }
    for (unsigned i = 0; i < request->dropped_count; i++) {
        buffer_append_text(out, i == 0 ? "; not sent on: " : ", ");
        terminal_text_append(out, request->dropped[i]);
    }
    buffer_printf(out, "\nbody: %s\npolicy %s\n", body_kind(asked), policy_hash(asked->policy));
}

static void write_docker_text(const struct answer *answer, struct buffer *out)
{
    const struct asked_docker *asked = answer->docker;
    buffer_printf(out, "%s: %s on client %s by ", answer->allowed ? "allow" : "deny",
                  docker_operation_info(asked->request.operation)->name, asked->client->name);
    if (strcmp(asked->verdict.reason, REASON_DEFAULT) == 0) {
        buffer_append_literal(out, "default");
    } else {
        write_rule(answer, asked->finding.count == 0 ? "rule " : "", ")", out);
    }
    end_verdict(asked->verdict.would_deny, out);
    if (answer->form->verbose)
        write_docker_verbose(asked, out);
    if (asked->depends)
        buffer_append_literal(
            out, "it depends on the object, of which nothing is known here: say more with --object "
                 "KEY=VALUE\n");
    if (asked->content.present && asked->verdict.result == VERDICT_ALLOW)
        write_body(asked, out);
    terminal_text_append(out, buffer_slice(&answer->fix));
    buffer_append_byte(out, '\n');
}

/* ---- network ---- */

static void ask_network(struct answer *answer, const struct policy_observer *observer)
{
    const struct network_inquiry *inquiry = &answer->network->inquiry;
    struct network_verdict again;
    policy_obstacles_network(inquiry->policy, inquiry->client, &inquiry->request, &inquiry->verdict,
                             &answer->fix);
    policy_decide_network(inquiry->policy, inquiry->client, &inquiry->request, observer, &again);
}

static void write_target(const struct asked_network *asked, struct buffer *out)
{
    host_name_write(&asked->inquiry.request.host, out);
    buffer_printf(out, ":%u", asked->inquiry.request.port);
}

static const char *class_name(const struct asked_network *asked, unsigned index)
{
    return address_class_name(policy_address_class(
        asked->inquiry.policy, asked->inquiry.request.own_host, &asked->addresses[index]));
}

/* The first that may be dialled; address_count = none. */
static unsigned first_dialled(const struct asked_network *asked)
{
    unsigned i = 0;
    while (i < asked->address_count && asked->verdicts[i].result != VERDICT_ALLOW)
        i++;
    return i;
}

static void write_addresses_json(const struct asked_network *asked, struct buffer *out)
{
    json_write_key_array(out, "addresses");
    for (unsigned i = 0; i < asked->address_count; i++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        ip_address_write(&asked->addresses[i], &text);
        json_write_object_begin(out);
        json_write_key_string(out, "address", buffer_slice(&text));
        json_write_key_text(out, "class", class_name(asked, i));
        json_write_key_text(out, "decision",
                            asked->verdicts[i].result == VERDICT_ALLOW ? "allow" : "deny");
        json_write_key_text(out, "reason", asked->verdicts[i].reason);
        json_write_key_bool(out, "dialled", i == first_dialled(asked));
        json_write_object_end(out);
    }
    json_write_array_end(out);
}

static void write_cnames_json(const struct asked_network *asked, struct buffer *out)
{
    json_write_key_list(out, "cname", asked->inquiry.request.cnames, '\0');
    struct slice denied =
        network_verdict_cname(&asked->inquiry.verdict, asked->inquiry.request.cnames);
    if (denied.ptr != NULL)
        json_write_key_string(out, "cname_denied", denied);
}

static void write_decided_json(const struct answer *answer, struct buffer *out)
{
    const struct asked_network *asked = answer->network;
    const struct network_verdict *verdict = &asked->inquiry.verdict;
    json_write_key_string(out, "host", host_name_slice(&asked->inquiry.request.host));
    json_write_key_u64(out, "port", asked->inquiry.request.port);
    json_write_key_string(out, "rule", buffer_slice(&answer->rule));
    json_write_key_string(out, "source", buffer_slice(&answer->source));
    json_write_key_text(out, "reason", answer->reason);
    if (verdict->why != NULL)
        json_write_key_text(out, "why", verdict->why);
    json_write_key_bool(out, "would_deny", verdict->would_deny);
    if (asked->inquiry.request.cnames.len > 0)
        write_cnames_json(asked, out);
    if (asked->address_count > 0)
        write_addresses_json(asked, out);
    if (asked->unresolved)
        json_write_key_text(out, "unresolved", asked->error.reason);
    json_write_key_string(out, "fix", buffer_slice(&answer->fix));
}

static void write_network_json(const struct answer *answer, struct buffer *out)
{
    if (answer->malformed == NULL) {
        write_decided_json(answer, out);
        return;
    }
    json_write_key_string(out, "rule", buffer_slice(&answer->rule));
    json_write_key_string(out, "source", buffer_slice(&answer->source));
    json_write_key_text(out, "reason", answer->reason);
    write_malformed_json(answer->malformed, out);
}

static void write_deciding_rule(const struct answer *answer, struct buffer *out)
{
    const struct network_verdict *verdict = &answer->network->inquiry.verdict;
    bool by_default =
        verdict->result == VERDICT_ALLOW || strcmp(verdict->reason, REASON_DEFAULT) == 0;
    bool not_admitted = verdict->rule_allows && strcmp(verdict->reason, REASON_RULE) != 0;
    if (verdict->label == NULL) {
        buffer_append_text(out, by_default ? " by default" : "");
    } else {
        write_rule(answer, not_admitted ? ": rule " : " by rule ",
                   not_admitted ? ") does not admit it" : ")", out);
    }
    if (verdict->why != NULL)
        buffer_printf(out, ": %s", verdict->why);
    struct slice cname = network_verdict_cname(verdict, answer->network->inquiry.request.cnames);
    if (cname.ptr != NULL) {
        buffer_append_literal(out, ": ");
        buffer_append_slice(out, cname);
    }
    if (strcmp(verdict->reason, REASON_RULE) != 0 && strcmp(verdict->reason, REASON_DEFAULT) != 0)
        buffer_printf(out, " (%s)", verdict->reason);
}

/* What it leads to: one line an alias, one an address, and which of them would be dialled. */
static void write_addresses(const struct asked_network *asked, struct buffer *out)
{
    unsigned dialled = first_dialled(asked);
    for (struct slice rest = asked->inquiry.request.cnames; rest.len > 0;) {
        buffer_append_literal(out, "  alias of ");
        buffer_append_slice(out, slice_cut(&rest, '\0'));
        buffer_append_byte(out, '\n');
    }
    for (unsigned i = 0; i < asked->address_count; i++) {
        const struct network_verdict *verdict = &asked->verdicts[i];
        buffer_append_literal(out, "  ");
        ip_address_write(&asked->addresses[i], out);
        buffer_printf(out, "  %s  ", class_name(asked, i));
        if (verdict->result != VERDICT_ALLOW)
            buffer_printf(out, "deny (%s)\n", verdict->reason);
        else
            buffer_append_text(out, i == dialled ? "allow: dialled first\n" : "allow\n");
    }
}

static void write_network_verbose(const struct asked_network *asked, struct buffer *out)
{
    const struct network_request *request = &asked->inquiry.request;
    if (request->sight == NETWORK_SEEN) {
        buffer_printf(out, "seen as plain HTTP: %.*s ", (int)asked->method.len, asked->method.ptr);
        terminal_text_append(out, request->path);
        buffer_append_byte(out, '\n');
    } else {
        buffer_append_literal(out, "a tunnel: method and path are not seen\n");
    }
    buffer_printf(out, "policy %s\n", policy_hash(asked->inquiry.policy));
}

static void write_network_text(const struct answer *answer, struct buffer *out)
{
    const struct asked_network *asked = answer->network;
    const struct network_request *request = &asked->inquiry.request;
    buffer_append_text(out, answer->allowed ? "allow: " : "deny: ");
    write_target(asked, out);
    buffer_printf(out, " on client %s", asked->inquiry.client->name);
    write_deciding_rule(answer, out);
    end_verdict(asked->inquiry.verdict.would_deny, out);
    if (!request->host.is_address)
        write_addresses(asked, out);
    if (answer->form->verbose)
        write_network_verbose(asked, out);
    if (asked->unresolved)
        buffer_printf(out, "it is allowed and cannot be reached: %s (%s)\n", asked->error.text,
                      asked->error.reason);
    else if (answer->allowed && asked->address_count == 0)
        buffer_append_literal(out,
                              "what it resolves to is judged too: ask with --resolve, or about "
                              "an address with --address\n");
    if (answer->fix.len > 0) {
        terminal_text_append(out, buffer_slice(&answer->fix));
        buffer_append_byte(out, '\n');
    }
}

/* ---- the answer ---- */

static void write_json(const struct answer *answer, struct buffer *out)
{
    json_write_object_begin(out);
    json_write_key_text(out, "decision", answer->allowed ? "allow" : "deny");
    json_write_key_text(out, "client", answer->client->name);
    answer->kind->write_json(answer, out);
    json_write_key_text(out, "policy", policy_hash(answer->policy));
    write_considered(answer, out);
    json_write_line_end(out);
}

static void write_answer(struct answer *answer, struct buffer *out)
{
    const struct policy_observer observer = {consider, answer};
    if (answer->form->quiet && !answer->form->json) {
        buffer_append_text(out, answer->allowed ? "allow\n" : "deny\n");
        return;
    }
    if (answer->malformed == NULL)
        answer->kind->ask(answer, answer->form->explain ? &observer : NULL);
    if (answer->form->json) {
        write_json(answer, out);
    } else if (answer->malformed != NULL) {
        buffer_printf(out, "deny: %s (%s)\n", answer->malformed->text, answer->reason);
    } else {
        write_considered(answer, out);
        answer->kind->write_text(answer, out);
    }
}

void command_answer_docker(const struct asked_docker *asked, const struct command_answer_form *form,
                           struct buffer *out)
{
    static const struct answer_kind kind = {ask_docker, write_docker_json, write_docker_text};
    CLEANUP(answer_clear)
    struct answer answer = {
        .kind = &kind,
        .form = form,
        .docker = asked,
        .policy = asked->policy,
        .client = asked->client,
        .allowed = asked_docker_is_allowed(asked),
        .malformed = asked->malformed ? &asked->error : NULL,
        .reason = asked_docker_reason(asked),
    };
    buffer_append_text(&answer.rule, asked_docker_rule(asked));
    buffer_append_text(&answer.source, asked_docker_source(asked));
    write_answer(&answer, out);
}

void command_answer_network(const struct asked_network *asked,
                            const struct command_answer_form *form, struct buffer *out)
{
    static const struct answer_kind kind = {ask_network, write_network_json, write_network_text};
    CLEANUP(answer_clear)
    struct answer answer = {
        .kind = &kind,
        .form = form,
        .network = asked,
        .policy = asked->inquiry.policy,
        .client = asked->inquiry.client,
        .allowed = asked_network_is_allowed(asked),
        .malformed = asked->malformed ? &asked->error : NULL,
        .reason = asked->malformed ? asked->error.reason : asked->inquiry.verdict.reason,
    };
    asked_network_write_rule(asked, &answer.rule);
    asked_network_write_source(asked, &answer.source);
    write_answer(&answer, out);
}
