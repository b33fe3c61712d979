/* SPDX-License-Identifier: Apache-2.0
 *
 * A static table of names in the form of /etc/hosts: "ADDRESS NAME..." a line, `#` begins a
 * comment. Read once and strictly: what cannot be read is an error with file and line, because a
 * line that is passed over in silence sends its name to DNS. A name on several lines has all their
 * addresses. */
#pragma once

#include "base/error.h"
#include "rules/network/host_name.h"

enum { HOSTS_TABLE_ADDRESSES_MAX = 16 }; /* of one name */

struct hosts_table; /* opaque */

/* NULL with `error` (code 2, line) when the file cannot be read. Aborts when memory is out. */
struct hosts_table *hosts_table_load(const char *path, struct error *error);
void hosts_table_free(struct hosts_table **table);

/* Copies the addresses of a name, in the order of the file, to `addresses`
 * (HOSTS_TABLE_ADDRESSES_MAX of them have room). Returns how many; 0 = the table does not have the
 * name. */
unsigned hosts_table_find(const struct hosts_table *table, const struct host_name *host,
                          struct ip_address *addresses);
