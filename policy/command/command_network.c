/* SPDX-License-Identifier: Apache-2.0
 *
 * What `policy check network` and `policy explain network` answer. */
#include <string.h>

#include "base/json_write.h"
#include "base/terminal_text.h"
#include "policy/command/command_answer.h"
#include "policy/command/command_considered.h"
#include "policy/explain/policy_obstacles.h"
#include "rules/network/address_class.h"
#include "rules/reason.h"

enum { OTHERS_SHOWN = 20 };

/* The texts of one answer. */
struct answer {
    const struct asked_network *asked;
    const struct command_answer_form *form;
    struct considered considered;    /* owned */
    struct buffer rule, source, fix; /* owned */
};

static void answer_clear(struct answer *answer)
{
    considered_clear(&answer->considered);
    buffer_free(&answer->rule);
    buffer_free(&answer->source);
    buffer_free(&answer->fix);
}

static void fill(struct answer *answer)
{
    const struct asked_network *asked = answer->asked;
    asked_network_write_rule(asked, &answer->rule);
    asked_network_write_source(asked, &answer->source);
    if (asked->malformed)
        return;
    policy_obstacles_network(asked->inquiry.policy, asked->inquiry.client, &asked->inquiry.request,
                             &asked->inquiry.verdict, &answer->fix);
    if (!answer->form->explain)
        return;
    const struct policy_observer observer = {considered_add, &answer->considered};
    struct network_verdict again;
    policy_decide_network(asked->inquiry.policy, asked->inquiry.client, &asked->inquiry.request,
                          &observer, &again);
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

/* ---- JSON ---- */

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
    const struct asked_network *asked = answer->asked;
    const struct network_verdict *verdict = &asked->inquiry.verdict;
    json_write_key_string(out, "host", host_name_slice(&asked->inquiry.request.host));
    json_write_key_u64(out, "port", asked->inquiry.request.port);
    json_write_key_string(out, "rule", buffer_slice(&answer->rule));
    json_write_key_string(out, "source", buffer_slice(&answer->source));
    json_write_key_text(out, "reason", verdict->reason);
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

static void write_json(const struct answer *answer, struct buffer *out)
{
    const struct asked_network *asked = answer->asked;
    json_write_object_begin(out);
    json_write_key_text(out, "decision", asked_network_is_allowed(asked) ? "allow" : "deny");
    json_write_key_text(out, "client", asked->inquiry.client->name);
    if (asked->malformed) {
        json_write_key_string(out, "rule", buffer_slice(&answer->rule));
        json_write_key_string(out, "source", buffer_slice(&answer->source));
        json_write_key_text(out, "reason", asked->error.reason);
        json_write_key_u64(out, "status", (uint64_t)asked->error.status);
        json_write_key_text(out, "message", asked->error.text);
    } else {
        write_decided_json(answer, out);
    }
    json_write_key_text(out, "policy", policy_hash(asked->inquiry.policy));
    if (answer->form->explain)
        considered_write(&answer->considered, out);
    json_write_line_end(out);
}

/* ---- text ---- */

static void write_rule(const struct answer *answer, struct buffer *out)
{
    const struct network_verdict *verdict = &answer->asked->inquiry.verdict;
    bool by_default =
        verdict->result == VERDICT_ALLOW || strcmp(verdict->reason, REASON_DEFAULT) == 0;
    bool not_admitted = verdict->rule_allows && strcmp(verdict->reason, REASON_RULE) != 0;
    if (verdict->label == NULL) {
        buffer_append_text(out, by_default ? " by default" : "");
    } else {
        buffer_append_text(out, not_admitted ? ": rule " : " by rule ");
        terminal_text_append(out, buffer_slice(&answer->rule));
        buffer_append_literal(out, " (");
        terminal_text_append(out, buffer_slice(&answer->source));
        buffer_append_text(out, not_admitted ? ") does not admit it" : ")");
    }
    if (verdict->why != NULL)
        buffer_printf(out, ": %s", verdict->why);
    struct slice cname = network_verdict_cname(verdict, answer->asked->inquiry.request.cnames);
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

static void write_verbose(const struct asked_network *asked, struct buffer *out)
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

static void write_text(const struct answer *answer, struct buffer *out)
{
    const struct asked_network *asked = answer->asked;
    const struct network_request *request = &asked->inquiry.request;
    bool allowed = asked_network_is_allowed(asked);
    if (answer->form->explain)
        considered_write(&answer->considered, out);
    buffer_append_text(out, allowed ? "allow: " : "deny: ");
    write_target(asked, out);
    buffer_printf(out, " on client %s", asked->inquiry.client->name);
    write_rule(answer, out);
    buffer_append_text(out, asked->inquiry.verdict.would_deny
                                ? "; report mode: it would be denied otherwise\n"
                                : "\n");
    if (!request->host.is_address)
        write_addresses(asked, out);
    if (answer->form->verbose)
        write_verbose(asked, out);
    if (asked->unresolved)
        buffer_printf(out, "it is allowed and cannot be reached: %s (%s)\n", asked->error.text,
                      asked->error.reason);
    else if (allowed && asked->address_count == 0)
        buffer_append_literal(out,
                              "what it resolves to is judged too: ask with --resolve, or about "
                              "an address with --address\n");
    if (answer->fix.len > 0) {
        terminal_text_append(out, buffer_slice(&answer->fix));
        buffer_append_byte(out, '\n');
    }
}

void command_answer_network(const struct asked_network *asked,
                            const struct command_answer_form *form, struct buffer *out)
{
    CLEANUP(answer_clear)
    struct answer answer = {
        .asked = asked,
        .form = form,
        .considered = {.json = form->json, .others_max = OTHERS_SHOWN},
    };
    if (form->quiet && !form->json) {
        buffer_append_text(out, asked_network_is_allowed(asked) ? "allow\n" : "deny\n");
        return;
    }
    fill(&answer);
    if (form->json)
        write_json(&answer, out);
    else if (asked->malformed)
        buffer_printf(out, "deny: %s (%s)\n", asked->error.text, asked->error.reason);
    else
        write_text(&answer, out);
}
