/* SPDX-License-Identifier: Apache-2.0
 *
 * Building and judging for the tests of the environment. */
#include "policy/environment/environment_notice.h"
#include "tests/unit/policy/environment/environment_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/document/policy_rules_document.h"
#include "policy/explain/policy_explain.h"
#include "rules/docker/docker_request.h"

void environment_fixture_split(struct environment_fixture *f, const char *compat,
                               const char *variables)
{
    size_t size = strlen(compat) + strlen(variables) + 32, count = 0;
    f->text = malloc(size);
    cr_assert_not_null(f->text);
    snprintf(f->text, size, "DOCKREEVE_COMPAT=%s|%s", compat, variables);
    for (char *at = f->text;
         at != NULL && *at != '\0' && count + 1 < ENVIRONMENT_FIXTURE_VARIABLES_MAX;) {
        f->environment[count++] = at;
        at = strchr(at, '|');
        if (at != NULL)
            *at++ = '\0';
    }
    f->environment[count] = NULL;
}

void environment_fixture_setup(struct environment_fixture *f, const char *compat,
                               const char *variables)
{
    memset(f, 0, sizeof(*f));
    environment_fixture_split(f, compat, variables);
    CLEANUP(policy_builder_free) struct policy_builder *builder = policy_builder_new();
    bool added = environment_add_rules(builder, f->environment, &f->errors, &f->notices);
    cr_assert_eq(added, f->errors.count == 0);
    CLEANUP(policy_messages_free) struct policy_messages others = {NULL, 0, 0};
    policy_preset_add_always(builder, &f->errors);
    f->policy = policy_builder_finish(builder, &f->errors, &others);
    if (f->policy != NULL)
        environment_notices_add_zeros(f->policy, f->environment, &f->notices);
}

void environment_fixture_teardown(struct environment_fixture *f)
{
    policy_unref(&f->policy);
    policy_messages_free(&f->errors);
    policy_messages_free(&f->notices);
    free(f->text);
}

static void ignore(void *, const struct policy_considered *)
{
}

/* 'A' or 'D' for "GET /containers/json"; *verdict_out stays zero when the request does not parse. */
char environment_fixture_judge(const struct environment_fixture *f, const char *request_line,
                               struct verdict *verdict_out, struct buffer *denial)
{
    static const struct policy_observer observer = {ignore, NULL};
    struct slice target = slice_from_text(request_line);
    struct slice method = slice_cut(&target, ' ');
    struct docker_request request = {0};
    struct error error;
    memset(verdict_out, 0, sizeof(*verdict_out));
    char result = 'D';
    if (docker_request_parse(&request, http_method_from_name(method), target, false, &error)) {
        const struct policy_client *client = policy_client_at(f->policy, 0);
        struct verdict slow;
        policy_decide_docker(f->policy, client, &request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL,
                             verdict_out);
        policy_decide_docker(f->policy, client, &request, DOCKER_OBJECT_NOT_ASKED, NULL, &observer,
                             &slow);
        cr_expect_eq(verdict_out->result, slow.result, "%s: an observer changes the verdict",
                     request_line);
        cr_expect_str_eq(verdict_out->rule, slow.rule, "%s", request_line);
        cr_expect_neq(verdict_out->result, VERDICT_NEEDS_OBJECT, "%s", request_line);
        result = verdict_out->result == VERDICT_ALLOW ? 'A' : 'D';
        if (denial != NULL && result == 'D')
            policy_explain_denial(f->policy, client, &request, verdict_out, denial);
    }
    docker_request_clear(&request);
    return result;
}
