/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies from texts, in a folder of their own that goes away with the test. */
#pragma once

#include "policy/snapshot/policy.h"
#include "policy/document/policy_load.h"

struct policy_fixture {
    char folder[64];
    char config[96]; /* folder/policy.yaml */
    struct policy_messages errors, notices;
    struct policy *policy; /* NULL after errors */
};

/* Makes the folder, empty. */
void policy_fixture_init(struct policy_fixture *fixture);
/* Writes a file of that name below the folder ("policy.d/10-x.yaml"). */
void policy_fixture_write(const struct policy_fixture *fixture, const char *name, const char *text);
/* Loads with ownership checks; an earlier policy and its messages go away. True when there is a
 * policy. */
bool policy_fixture_load(struct policy_fixture *fixture);
/* init, write policy.yaml, load. */
bool policy_fixture_text(struct policy_fixture *fixture, const char *text);
void policy_fixture_clear(struct policy_fixture *fixture);

/* The messages without the folder before each file's name. Valid until the next call with the same
 * buffer. */
const char *policy_fixture_show(const struct policy_fixture *fixture,
                                const struct policy_messages *messages, struct buffer *out);

/* Decides "POST /x?y" for a client; parse errors fail the test. */
struct verdict policy_fixture_ask(const struct policy_fixture *fixture, const char *client,
                                  const char *request, enum docker_object_state state,
                                  const struct docker_object *object);
