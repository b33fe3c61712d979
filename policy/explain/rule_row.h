/* SPDX-License-Identifier: Apache-2.0
 *
 * All that decides, one by one, as `policy ls` and `policy inspect` show it: Docker rules, network
 * rules (a host each), the two defaults, settings of clients, and what is built in. Walking
 * keeps one row in memory, whatever their number. */
#pragma once

#include "base/buffer.h"
#include "policy/snapshot/policy_builtin.h"
#include "policy/explain/policy_cover.h"
#include "policy/snapshot/policy_list.h"
#include "policy/document/rule_hits.h"

enum rule_origin {
    RULE_ORIGIN_DOCKER,
    RULE_ORIGIN_NETWORK,
    RULE_ORIGIN_DEFAULT_DOCKER,
    RULE_ORIGIN_DEFAULT_NETWORK,
    RULE_ORIGIN_CLIENT, /* a setting of a client: report mode, `from` */
    RULE_ORIGIN_BUILTIN,
};

struct rule_row {
    enum rule_origin origin;
    struct policy_listed_rule
        rule;            /* what is no rule is listed like one, for every client always */
    struct slice source; /* "policy.yaml:14", "preset/npm:3", "env POST=1", "default", "built-in" */
    struct slice resource;    /* of a network rule the host without ports */
    struct slice ports;       /* "80,443"; "" = not of ports */
    struct slice where;       /* conditions, or of what is built in "unless ..."; "" = none */
    enum address_class class; /* RULE_ORIGIN_BUILTIN */
    struct buffer made[4];    /* owned: texts that were made for this row */
    struct policy_builtin builtin;
};

/* Where a walk stands; starts with `policy` and zeros. */
struct rule_walk {
    const struct policy *policy; /* borrowed */
    uint32_t rules;              /* so many rules are behind it */
    size_t rest;
};

/* The next row into `row`, which starts as zeros. False at the end. What a row points to is valid
 * until the next call. */
bool rule_walk_next(struct rule_walk *walk, struct rule_row *row);
void rule_row_clear(struct rule_row *row);

/* Appends the resource as one would write it for this row alone: of a network rule with its ports,
 * "*.npmjs.org:80,443". */
void rule_row_write_resource(const struct rule_row *row, struct buffer *out);

/* Whether the row is a rule: no default, no setting, not built in. Rules come first. */
bool rule_row_is_rule(const struct rule_row *row);

/* Whether requests that the row decides are counted (rule_hits.h). */
bool rule_row_is_counted(const struct rule_row *row);

/* Whether `where` narrows the row, and is not only a remark. */
bool rule_row_has_conditions(const struct rule_row *row);

/* Whether it is of every client, but not of those that say `inherit: false`. */
bool rule_row_is_shared(const struct rule_row *row);

/* Whether the row decides for the client: its own, or one of everybody that it inherits. */
bool rule_row_concerns(const struct rule_row *row, const struct policy *policy,
                       const struct policy_client *client);

/* What keeps the row from ever deciding. Ask in the order of the walk. */
void rule_row_cover(const struct rule_row *row, struct policy_cover_scope *scope, int64_t now_us,
                    struct policy_cover *out);
