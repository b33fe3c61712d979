/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine's list of images says of one repository: its tags, and the ids of what it has by
 * digest only. Asked for where an operation takes every image of a repository at once. */
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends the path that lists the images of a repository (rules/docker/image_reference.h, its `name`):
 * "/images/json?filters=…". */
void image_list_write_path(struct slice repository, struct buffer *out);

/* Is told each reference that the list has of the repository: "acme:1", or the full id of an image
 * that has digests of it and no tag. The text is valid during the call. False ends the reading. */
typedef bool image_list_visit(void *context, struct slice reference);

/* Reads the answer. False with `error` (502 engine.inspect) when it is not what the API describes,
 * or when the visitor ended it (error not filled). */
MUST_CHECK bool image_list_read(struct slice json, struct slice repository, image_list_visit *visit,
                                void *context, struct error *error);
