/* SPDX-License-Identifier: Apache-2.0
 *
 * The main document: policy.yaml and its drop-ins, which may hold every key. */
#pragma once

#include "policy/document/policy_document.h"

/* Reads the text of policy.yaml or of a drop-in. */
void policy_main_document_read(const struct policy_document *document, struct slice text);
