/* SPDX-License-Identifier: Apache-2.0
 *
 * Which clients a log knows: for whoever asks for one that it does not. */
#pragma once

#include "base/slice.h"
#include "policy/log/log_reader.h"

/* Nothing was found for a client. When the log has no record of it at all, a note on standard error
 * names those that it has records of. Reads the whole log. */
void log_client_names_note(const struct log_files *files, struct slice wanted);
