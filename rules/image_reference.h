/* SPDX-License-Identifier: Apache-2.0
 *
 * The spellings of one image reference: `nginx`, `nginx:latest`, `docker.io/library/nginx` and
 * `docker.io/library/nginx:latest` are the same image, and a rule that names one of them means all.
 * Source: the reference grammar of the distribution project. */
#ifndef DOCKREEVE_RULES_IMAGE_REFERENCE_H
#define DOCKREEVE_RULES_IMAGE_REFERENCE_H

#include <stdbool.h>

#include "base/slice.h"

enum { IMAGE_REFERENCE_MAX = 512, IMAGE_SPELLINGS = 5 };

/* Whether the reference is an id or a digest ("sha256:…", "nginx@sha256:…"): it names content, not
 * a tag that can move. */
bool image_reference_is_content(struct slice reference);

/* Spelling number `index` (0 to IMAGE_SPELLINGS-1; 0 is the reference as it stands) written into
 * `text` of IMAGE_REFERENCE_MAX bytes or borrowed from the reference. ptr NULL when there is no
 * such spelling: later ones may exist. */
struct slice image_reference_spelling(struct slice reference, unsigned index, char *text);

#endif
