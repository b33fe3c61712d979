/* SPDX-License-Identifier: Apache-2.0
 *
 * The answers of `policy check` and `policy explain`, as text or as one JSON object. */
#pragma once

#include "policy/explain/asked_docker.h"
#include "policy/explain/asked_network.h"

struct command_answer_form {
    bool json, quiet, verbose;
    bool explain; /* with every rule that was considered */
};

/* Appends the answer to what was decided. */
void command_answer_docker(const struct asked_docker *asked, const struct command_answer_form *form,
                           struct buffer *out);
void command_answer_network(const struct asked_network *asked,
                            const struct command_answer_form *form, struct buffer *out);
