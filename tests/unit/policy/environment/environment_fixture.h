/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy made of environment variables, and requests judged by it. For the tests of
 * policy/environment/environment*.c. */
#pragma once

#include "base/buffer.h"
#include "policy/environment/environment.h"

/* What somebody sets who runs agents behind the gate. */
#define ENVIRONMENT_FIXTURE_AGENTS                                                                 \
    "CONTAINERS=1|IMAGES=1|POST=1|DELETE=1|ALLOW_START=1|ALLOW_STOP=1|NETWORKS=0|VOLUMES=0|EXEC="  \
    "0|"                                                                                           \
    "ALLOW_RESTARTS=0"

enum { ENVIRONMENT_FIXTURE_VARIABLES_MAX = 64 };

/* A policy made of "NAME=value|NAME=value". */
struct environment_fixture {
    char *text;
    char *environment[ENVIRONMENT_FIXTURE_VARIABLES_MAX];
    struct policy_messages errors, notices;
    struct policy *policy;
};

/* Fills the environment from DOCKREEVE_COMPAT=compat and "NAME=value|NAME=value". */
void environment_fixture_split(struct environment_fixture *f, const char *compat,
                               const char *variables);

/* The same, and the rules that it means, compiled; policy is NULL when there were errors. */
void environment_fixture_setup(struct environment_fixture *f, const char *compat,
                               const char *variables);
void environment_fixture_teardown(struct environment_fixture *f);

/* 'A' or 'D' for "GET /containers/json", with and without an observer; *verdict_out stays zero when
 * the request does not parse. The sentence for the client goes to `denial`, which may be NULL. */
char environment_fixture_judge(const struct environment_fixture *f, const char *request_line,
                               struct verdict *verdict_out, struct buffer *denial);
