/* SPDX-License-Identifier: Apache-2.0
 *
 * Query parameters that are names, read as the engine reads them: a container's name with or
 * without one slash before it is the same name, and a repository and its `tag` are one reference
 * however they are spread over the two parameters. The request is brought into one spelling when it
 * is parsed; rules are held against what it means. */
#pragma once

#include <stdbool.h>

#include "rules/docker/docker_request.h"
#include "rules/docker/image_reference.h"

enum docker_name_kind {
    DOCKER_NAME_NONE,      /* no name, or one that the engine takes as it stands */
    DOCKER_NAME_CONTAINER, /* one slash before it does not count */
    DOCKER_NAME_IMAGE,     /* a reference, its tag perhaps in the parameter `tag` */
};

/* The parameter that names the object of an operation which has none in its path, "names" of an
 * ImageGetAll; ptr NULL = the path names it, or there is none. */
struct slice docker_name_of_object(enum docker_operation operation);

enum docker_name_kind docker_name_kind(enum docker_operation operation, struct slice parameter);

/* What a parameter of the kind DOCKER_NAME_IMAGE means. */
struct docker_named_image {
    struct image_reference reference; /* with the default tag where the engine puts it in */
    bool every_tag;                   /* a pull without a tag: all that the repository has */
};

/* Reads parameter number `index` of the request together with its tag. False when the engine would
 * refuse the reference, or when engines read it in different ways. */
MUST_CHECK bool docker_name_image(const struct docker_request *request, unsigned index,
                                  struct docker_named_image *image_out);

/* Brings the names of the query into the one spelling in which they are judged and sent on: no
 * slash before a container's name; the repository as the engine shows it in one parameter, tag or
 * digest in `tag`. What the engine would refuse stays as it is. Part of docker_request_parse(). */
void docker_names_make_canonical(struct docker_request *request);
