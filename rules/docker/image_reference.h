/* SPDX-License-Identifier: Apache-2.0
 *
 * References to images as the engine reads them: the parts of one, and its spellings. `nginx`,
 * `nginx:latest`, `docker.io/library/nginx` and `docker.io/library/nginx:latest` are the same image,
 * and a rule that names one of them means all. Source: the reference grammar of the distribution
 * project. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"

enum { IMAGE_REFERENCE_MAX = 512, IMAGE_SPELLINGS = 5 };

struct image_reference {
    struct slice name; /* the repository as the engine shows it: "nginx", "reg.example:5000/app" */
    struct slice tag, digest; /* len 0 = none; of both the engine follows the digest */
};

/* Reads "name[:tag][@digest]" into parts, all of them borrowed from `text`. False when the engine
 * would not take it as a name: what begins with "sha256:" and 64 hexadecimal digits are ids,
 * capitals are no repository. */
MUST_CHECK bool image_reference_parse(struct slice text, struct image_reference *reference_out);

/* Whether `text` can be a tag, or a digest of an algorithm that the engine knows. */
bool image_reference_is_tag(struct slice text);
bool image_reference_is_digest(struct slice text);

/* The full digits behind "sha256:", or 64 digits alone; ptr NULL when it is no full id. */
struct slice image_reference_id_digits(struct slice text);

/* Whether `text` is an id ("sha256:…" or digits) or the beginning of that id, which has its
 * "sha256:". */
bool image_reference_begins_id(struct slice text, struct slice id);

/* The reference as one text in `text` of IMAGE_REFERENCE_MAX bytes: name and digest, or name and tag,
 * or the name. ptr NULL when it is too long. */
struct slice image_reference_write(const struct image_reference *reference, char *text);

/* Whether both are the same tag or the same digest of one repository; a name without either has the
 * tag `latest`. */
bool image_reference_equal(const struct image_reference *a, const struct image_reference *b);

/* Whether the reference is an id or a digest ("sha256:…", "nginx@sha256:…"): it names content, not
 * a tag that can move. */
bool image_reference_is_content(struct slice reference);

/* Spelling number `index` (0 to IMAGE_SPELLINGS-1; 0 is the reference as it stands) written into
 * `text` of IMAGE_REFERENCE_MAX bytes or borrowed from the reference. ptr NULL when there is no
 * such spelling: later ones may exist. */
struct slice image_reference_spelling(struct slice reference, unsigned index, char *text);

/* The reference with its registry in small letters and without the port 443, which it has anyway, in
 * `text` of IMAGE_REFERENCE_MAX bytes; ptr NULL when it stands so, has no registry, or is longer. */
struct slice image_reference_plain_registry(struct slice reference, char *text);
