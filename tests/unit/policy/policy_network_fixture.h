/* SPDX-License-Identifier: Apache-2.0
 *
 * Destinations in words, for tests of network rules: "tunnel github.com:443 sni=github.com". */
#pragma once

#include "policy/snapshot/policy_network.h"
#include "tests/unit/policy/policy_fixture.h"

/* A request and the facts it points to. */
struct network_question {
    struct network_request request;
    struct ip_address address;
    struct tunnel_facts tunnel;
    struct name_chain chain;
    struct network_own_host own_host;
    struct ip_address own; /* the machine's only address */
    char path[128];
};

/* Reads "KIND HOST:PORT [KEY=VALUE...]". KIND is `tunnel`, `dns` (of every port) or a method with a
 * path behind the port ("GET example.com:80/a/b", "?!" at its end makes it ambiguous). Keys:
 * at=ADDRESS, own=ADDRESS (the machine has it), cname=NAME (again for the next of a chain), sni=NAME
 * ("-" none, "!" malformed), ech=yes, speaks=tls|http|ssh|other, now=SECONDS.
 * `sni` and `ech` make it a TLS tunnel whose first bytes are known. Anything else fails the test. */
void network_question_parse(struct network_question *question, const char *text);

/* Asks it for a client, with the observer when there is one. */
struct network_verdict network_question_ask(const struct policy *policy, const char *client,
                                            const char *text,
                                            const struct policy_observer *observer);
