/* SPDX-License-Identifier: Apache-2.0
 *
 * Domains below which strangers live side by side: hosting platforms that give a name to everybody
 * who asks, and the second level of countries' registries (co.uk). A pattern `*.` of such a domain
 * would admit hosts that anybody can have, so none is ever suggested. A small reviewed table, not
 * the Public Suffix List: what it does not know is only grouped, never decided. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Whether `*.domain` would reach hosts of unrelated owners: the domain is in the table, is above an
 * entry of it, or is below a deep one (the regions of a storage service). Canonical text of a name
 * (rules/network/host_name.h). */
bool shared_domain_is(struct slice domain);

struct shared_domain_row {
    const char *domain;
    bool deep; /* so is every domain below it: "s3.amazonaws.com" */
};
/* The table, sorted by name. */
const struct shared_domain_row *shared_domain_rows(size_t *count_out);
