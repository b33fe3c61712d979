/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The order of the questions is that of proxy/docker/docker_exchange.c. */
#include "policy/explain/asked_docker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/path_beneath.h"
#include "policy/explain/command_request.h"

bool asked_docker_read(struct asked_docker *asked, const struct policy *policy,
                       const struct policy_client *client, const char *text, struct error *error)
{
    asked->policy = policy;
    asked->client = client;
    asked->malformed = !command_request_parse(text, client->strict, &asked->request, &asked->error);
    if (asked->malformed && asked->error.status == 0) {
        *error = asked->error;
        return false;
    }
    asked->object.kind = docker_operation_info(asked->request.operation)->object;
    return true;
}

bool asked_docker_add_fact(struct asked_docker *asked, const char *text, struct error *error)
{
    asked->object_known = command_object_add(&asked->object, text, error);
    return asked->object_known;
}

static const char *usual_type(const struct docker_request *request)
{
    switch (docker_content_kind(request)) {
    case DOCKER_BODY_ARCHIVE:
        return "application/x-tar";
    case DOCKER_BODY_NONE:
    case DOCKER_BODY_JSON:
    case DOCKER_BODY_IMPORT:
    case DOCKER_BODY_ANY:
        break;
    }
    return "application/json";
}

/* Counts what comes; of what is too long to be JSON the end is not kept. */
static uint64_t read_text(FILE *file, struct buffer *text)
{
    uint64_t len = 0;
    char chunk[65536];
    for (size_t got; (got = fread(chunk, 1, sizeof(chunk), file)) > 0; len += got) {
        if (len <= DOCKER_CONTENT_JSON_MAX)
            buffer_append(text, chunk, got);
    }
    return len;
}

bool asked_docker_read_body(struct asked_docker *asked, const char *path, const char *type,
                            struct error *error)
{
    AUTO_FCLOSE FILE *opened = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
    FILE *file = strcmp(path, "-") == 0 ? stdin : opened;
    uint64_t len = file == NULL ? 0 : read_text(file, &asked->body_text);
    asked->content = (struct docker_content){
        .present = len > 0,
        .len = len,
        .type = slice_from_text(type != NULL ? type : usual_type(&asked->request)),
    };
    if (file == NULL || ferror(file) != 0)
        return error_set(error, COMMAND_USAGE, "the body: %s cannot be read: %s", path,
                         strerror(errno));
    return !asked->body_text.failed || error_set(error, COMMAND_FAILED, "out of memory");
}

/* Type and length, then what stands in it, in the gate's order. */
static bool check_body(struct asked_docker *asked)
{
    if (!docker_content_check(&asked->request, &asked->content, DOCKER_CONTENT_JSON_MAX,
                              &asked->error))
        return false;
    return docker_content_kind(&asked->request) != DOCKER_BODY_JSON || !asked->content.present ||
           body_read(&asked->body, asked->request.operation, asked->request.version_minor,
                     buffer_slice(&asked->body_text), &asked->error);
}

/* Whether the gate would have a question to ask the engine. */
static bool can_be_asked_for(const struct docker_request *request)
{
    CLEANUP(docker_naming_free) struct docker_naming *naming = docker_naming_new(request);
    return naming != NULL && docker_naming_state(naming) == DOCKER_NAMING_ASKS;
}

static void decide(struct asked_docker *asked)
{
    if (asked->malformed)
        return;
    asked->object_known = asked->object_known && can_be_asked_for(&asked->request);
    asked->state = asked->object_known ? DOCKER_OBJECT_KNOWN : DOCKER_OBJECT_NOT_ASKED;
    policy_decide_docker(asked->policy, asked->client, &asked->request, DOCKER_OBJECT_NOT_ASKED,
                         NULL, NULL, &asked->verdict);
    if (asked->verdict.result == VERDICT_DENY)
        return;
    /* The body is there before the object is asked for. */
    asked->malformed = !check_body(asked);
    if (asked->verdict.result != VERDICT_NEEDS_OBJECT)
        return;
    asked->depends = !asked->object_known;
    if (asked->depends)
        asked->state = DOCKER_OBJECT_UNKNOWN;
    policy_decide_docker(asked->policy, asked->client, &asked->request, asked->state,
                         &asked->object, NULL, &asked->verdict);
}

static void guard(struct asked_docker *asked)
{
    struct guard_case c = {
        .body = &asked->body, .host_path = path_beneath, .finding = &asked->finding};
    if (!asked->malformed && asked->body.type != NULL)
        policy_decide_guard(asked->policy, asked->client, &c, &asked->verdict);
}

void asked_docker_decide(struct asked_docker *asked)
{
    decide(asked);
    guard(asked);
}

bool asked_docker_is_allowed(const struct asked_docker *asked)
{
    return !asked->malformed && asked->verdict.result == VERDICT_ALLOW;
}

const char *asked_docker_rule(const struct asked_docker *asked)
{
    return asked->malformed ? "built-in" : asked->verdict.rule;
}

const char *asked_docker_source(const struct asked_docker *asked)
{
    return asked->malformed ? "built-in" : asked->verdict.source;
}

const char *asked_docker_reason(const struct asked_docker *asked)
{
    if (!asked->malformed)
        return asked->verdict.reason;
    return asked->error.reason == NULL ? "malformed" : asked->error.reason;
}

void asked_docker_clear(struct asked_docker *asked)
{
    docker_request_clear(&asked->request);
    docker_object_clear(&asked->object);
    body_free(&asked->body);
    buffer_free(&asked->body_text);
}
