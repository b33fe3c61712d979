/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that all presets but preset/upload-targets leave out on purpose, because anybody can put
 * data there. A refusal says so beside what would permit it. */
#pragma once

#include "rules/network/host_name.h"

/* What the host is ("Google's storage, bucket in the path"), in the words of that preset. NULL when
 * it is none of them. */
const char *left_out_reason(const struct host_name *host);
