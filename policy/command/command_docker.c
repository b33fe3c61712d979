/* SPDX-License-Identifier: Apache-2.0
 *
 * What `policy check docker` and `policy explain docker` answer. */
#include <string.h>

#include "base/json_write.h"
#include "base/terminal_text.h"
#include "policy/command/command_answer.h"
#include "policy/command/command_considered.h"
#include "policy/explain/policy_obstacles.h"
#include "rules/reason.h"

/* The texts of one answer. */
struct answer {
    const struct asked_docker *asked;
    const struct command_answer_form *form;
    struct considered considered; /* owned */
    struct buffer fix;            /* owned */
};

static void answer_clear(struct answer *answer)
{
    considered_clear(&answer->considered);
    buffer_free(&answer->fix);
}

static void fill(struct answer *answer)
{
    const struct asked_docker *asked = answer->asked;
    if (asked->malformed)
        return;
    policy_obstacles_docker(asked->policy, asked->client, &asked->request, asked->state,
                            &asked->object, &asked->verdict, &answer->fix);
    if (!answer->form->explain)
        return;
    const struct policy_observer observer = {considered_add, &answer->considered};
    struct verdict again;
    policy_decide_docker(asked->policy, asked->client, &asked->request,
                         asked->object_known ? asked->state : DOCKER_OBJECT_NOT_ASKED,
                         &asked->object, &observer, &again);
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

/* ---- JSON ---- */

static void write_body_json(const struct answer *answer, struct buffer *out)
{
    const struct asked_docker *asked = answer->asked;
    json_write_key_object(out, "body");
    json_write_key_text(out, "taken", body_kind(asked));
    json_write_key_u64(out, "bytes", asked->content.len);
    json_write_key_string(out, "content_type", asked->content.type);
    json_write_key_list(out, "dropped_fields", buffer_slice(&asked->body.dropped), '\0');
    json_write_object_end(out);
}

static void write_json(const struct answer *answer, struct buffer *out)
{
    const struct asked_docker *asked = answer->asked;
    json_write_object_begin(out);
    json_write_key_text(out, "decision", asked_docker_is_allowed(asked) ? "allow" : "deny");
    json_write_key_text(out, "client", asked->client->name);
    json_write_key_text(out, "operation", docker_operation_info(asked->request.operation)->name);
    json_write_key_text(out, "rule", asked_docker_rule(asked));
    json_write_key_text(out, "source", asked_docker_source(asked));
    json_write_key_text(out, "reason", asked_docker_reason(asked));
    if (asked->malformed) {
        json_write_key_u64(out, "status", (uint64_t)asked->error.status);
        json_write_key_text(out, "message", asked->error.text);
    } else {
        json_write_key_bool(out, "would_deny", asked->verdict.would_deny);
        json_write_key_bool(out, "depends_on_object", asked->depends);
        json_write_key_string(out, "fix", buffer_slice(&answer->fix));
    }
    if (asked->content.present)
        write_body_json(answer, out);
    json_write_key_text(out, "policy", policy_hash(asked->policy));
    if (answer->form->explain)
        considered_write(&answer->considered, out);
    json_write_line_end(out);
}

/* ---- text ---- */

static void write_body(const struct answer *answer, struct buffer *out)
{
    const struct asked_docker *asked = answer->asked;
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

static void write_verbose(const struct asked_docker *asked, struct buffer *out)
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

static void write_text(const struct answer *answer, struct buffer *out)
{
    const struct asked_docker *asked = answer->asked;
    if (answer->form->explain)
        considered_write(&answer->considered, out);
    buffer_printf(out, "%s: %s on client %s by ", asked_docker_is_allowed(asked) ? "allow" : "deny",
                  docker_operation_info(asked->request.operation)->name, asked->client->name);
    if (strcmp(asked->verdict.reason, REASON_DEFAULT) == 0) {
        buffer_append_literal(out, "default");
    } else {
        buffer_append_literal(out, "rule ");
        terminal_text_append(out, slice_from_text(asked->verdict.rule));
        buffer_append_literal(out, " (");
        terminal_text_append(out, slice_from_text(asked->verdict.source));
        buffer_append_byte(out, ')');
    }
    buffer_append_text(
        out, asked->verdict.would_deny ? "; report mode: it would be denied otherwise\n" : "\n");
    if (answer->form->verbose)
        write_verbose(asked, out);
    if (asked->depends)
        buffer_append_literal(
            out, "it depends on the object, of which nothing is known here: say more with --object "
                 "KEY=VALUE\n");
    if (asked->content.present && asked->verdict.result == VERDICT_ALLOW)
        write_body(answer, out);
    terminal_text_append(out, buffer_slice(&answer->fix));
    buffer_append_byte(out, '\n');
}

void command_answer_docker(const struct asked_docker *asked, const struct command_answer_form *form,
                           struct buffer *out)
{
    CLEANUP(answer_clear)
    struct answer answer = {
        .asked = asked,
        .form = form,
        .considered = {.json = form->json},
    };
    if (form->quiet && !form->json) {
        buffer_append_text(out, asked_docker_is_allowed(asked) ? "allow\n" : "deny\n");
        return;
    }
    fill(&answer);
    if (form->json)
        write_json(&answer, out);
    else if (asked->malformed)
        buffer_printf(out, "deny: %s (%s)\n", asked->error.text, asked_docker_reason(asked));
    else
        write_text(&answer, out);
}
