/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs in words, and suggestions on one line, for tests of `policy suggest`. */
#pragma once

#include "policy/suggest/suggest_write.h"

struct suggest_fixture {
    struct suggest_evidence evidence;
    struct suggestion suggestion;
    struct log_line line;
};

/* Takes one record, "kind=network host=a.example.com port=443"; what is not said is a request of
 * the client `default` that report mode let pass at noon. "-" in front of a key leaves it out. */
void suggest_fixture_add(struct suggest_fixture *fixture, const char *words);
/* Ends adding and makes the rules. */
void suggest_fixture_make(struct suggest_fixture *fixture);
/* The rules: "client allow pattern key: value" with " | " between them. Appended. */
void suggest_fixture_show(const struct suggest_fixture *fixture, struct buffer *out);
/* The document as a whole policy. Appended. */
void suggest_fixture_write(const struct suggest_fixture *fixture, struct buffer *out);
void suggest_fixture_clear(struct suggest_fixture *fixture);
