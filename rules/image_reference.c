/* SPDX-License-Identifier: Apache-2.0
 *
 * Splitting a reference into domain, path and tag, and putting it together again in each of its
 * spellings. */
#include "rules/image_reference.h"

#include <string.h>

static const struct slice hub = {"docker.io/", 10};
static const struct slice old_hub = {"index.docker.io/", 16};
static const struct slice library = {"library/", 8};
static const struct slice latest = {":latest", 7};

bool image_reference_is_content(struct slice reference)
{
    static const char digest[] = "sha256:";
    if (slice_starts_with(reference, SLICE_LITERAL("sha256:")))
        return true;
    const char *at = reference.len == 0 ? NULL : memchr(reference.ptr, '@', reference.len);
    if (at == NULL)
        return false;
    struct slice rest = slice_of(at + 1, reference.len - (size_t)(at + 1 - reference.ptr));
    return slice_starts_with(rest, slice_from_text(digest));
}

/* A first component with a dot, a colon or the name localhost is a registry's host name. */
static bool has_domain(struct slice reference)
{
    struct slice rest = reference;
    struct slice first = slice_cut(&rest, '/');
    if (rest.ptr == NULL)
        return false;
    return memchr(first.ptr, '.', first.len) != NULL || memchr(first.ptr, ':', first.len) != NULL ||
           slice_equal_text(first, "localhost");
}

static struct slice without(struct slice text, struct slice prefix)
{
    return slice_of(text.ptr + prefix.len, text.len - prefix.len);
}

static bool has_tag(struct slice reference)
{
    for (size_t i = reference.len; i > 0 && reference.ptr[i - 1] != '/'; i--) {
        if (reference.ptr[i - 1] == ':')
            return true;
    }
    return false;
}

static struct slice join(const struct slice *parts, size_t count, char *text)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > IMAGE_REFERENCE_MAX - len)
            return (struct slice){NULL, 0};
        if (parts[i].len > 0)
            memcpy(text + len, parts[i].ptr, parts[i].len);
        len += parts[i].len;
    }
    return slice_of(text, len);
}

struct slice image_reference_spelling(struct slice reference, unsigned index, char *text)
{
    static const struct slice nothing = {"", 0};
    if (index == 0)
        return reference;
    if (reference.len == 0 || slice_starts_with(reference, SLICE_LITERAL("sha256:")))
        return (struct slice){NULL, 0};
    bool on_hub = true;
    struct slice rest = reference;
    if (slice_starts_with(rest, hub))
        rest = without(rest, hub);
    else if (slice_starts_with(rest, old_hub))
        rest = without(rest, old_hub);
    else if (has_domain(rest))
        on_hub = false;
    if (on_hub && slice_starts_with(rest, library) &&
        memchr(rest.ptr + library.len, '/', rest.len - library.len) == NULL)
        rest = without(rest, library);
    bool content = image_reference_is_content(reference);
    bool tagged = content || has_tag(rest);
    if (!content && rest.len > latest.len &&
        memcmp(rest.ptr + rest.len - latest.len, latest.ptr, latest.len) == 0) {
        rest.len -= latest.len;
        tagged = false;
    }
    bool canonical = index >= 3;
    bool short_tag = index == 2 || index == 4;
    if (short_tag && tagged)
        return (struct slice){NULL, 0};
    bool official = on_hub && (rest.len == 0 || memchr(rest.ptr, '/', rest.len) == NULL);
    const struct slice parts[] = {
        canonical && on_hub ? hub : nothing,
        canonical && official ? library : nothing,
        rest,
        tagged || short_tag ? nothing : latest,
    };
    return join(parts, sizeof(parts) / sizeof(parts[0]), text);
}
