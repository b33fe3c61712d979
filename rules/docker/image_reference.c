/* SPDX-License-Identifier: Apache-2.0
 *
 * Splitting a reference into domain, path and tag, and putting it together again in each of its
 * spellings. */
#include "rules/docker/image_reference.h"

#include <string.h>

#include "base/attributes.h"

static const struct slice hub = {"docker.io/", 10};
static const struct slice old_hub = {"index.docker.io/", 16};
static const struct slice library = {"library/", 8};
static const struct slice latest = {":latest", 7};

static const struct slice sha256 = {"sha256:", 7};

/* ---- parts ---- */

static bool is_lower_or_digit(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

static bool is_lower_hex(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!(text.ptr[i] >= '0' && text.ptr[i] <= '9') &&
            !(text.ptr[i] >= 'a' && text.ptr[i] <= 'f'))
            return false;
    }
    return text.len > 0;
}

static struct slice without(struct slice text, struct slice prefix)
{
    return slice_of(text.ptr + prefix.len, text.len - prefix.len);
}

bool image_reference_is_tag(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        bool word = is_lower_or_digit(byte) || (byte >= 'A' && byte <= 'Z') || byte == '_';
        if (!word && (i == 0 || (byte != '.' && byte != '-')))
            return false;
    }
    return text.len > 0 && text.len <= 128;
}

bool image_reference_is_digest(struct slice text)
{
    static const struct {
        struct slice algorithm;
        size_t digits;
    } rows[] = {{{"sha256:", 7}, 64}, {{"sha384:", 7}, 96}, {{"sha512:", 7}, 128}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (slice_starts_with(text, rows[i].algorithm) &&
            text.len == rows[i].algorithm.len + rows[i].digits)
            return is_lower_hex(without(text, rows[i].algorithm));
    }
    return false;
}

struct slice image_reference_id_digits(struct slice text)
{
    if (slice_starts_with(text, sha256))
        text = without(text, sha256);
    return text.len == 64 && is_lower_hex(text) ? text : (struct slice){NULL, 0};
}

bool image_reference_begins_id(struct slice text, struct slice id)
{
    if (!slice_starts_with(id, sha256))
        return slice_equal(id, text);
    if (slice_starts_with(text, sha256))
        text = without(text, sha256);
    return text.len > 0 && slice_starts_with(without(id, sha256), text);
}

/* A first component with a dot, a colon or a capital, or the name localhost, is a registry's host
 * name. */
static bool has_domain(struct slice reference)
{
    struct slice rest = reference;
    struct slice first = slice_cut(&rest, '/');
    if (rest.ptr == NULL)
        return false;
    for (size_t i = 0; i < first.len; i++) {
        char byte = first.ptr[i];
        if (byte == '.' || byte == ':' || (byte >= 'A' && byte <= 'Z'))
            return true;
    }
    return slice_equal_text(first, "localhost");
}

/* [a-z0-9]+ with one dot, one or two underscores, or any number of dashes in between. */
static bool is_path_component(struct slice part)
{
    for (size_t i = 0; i < part.len;) {
        size_t run = i;
        while (run < part.len && !is_lower_or_digit(part.ptr[run])) {
            if (part.ptr[run] != part.ptr[i] || memchr("._-", part.ptr[run], 3) == NULL)
                return false;
            run++;
        }
        size_t separators = run - i;
        size_t most = part.ptr[i] == '-' ? part.len : part.ptr[i] == '_' ? 2 : 1;
        if (separators > 0 && (i == 0 || run == part.len || separators > most))
            return false;
        while (run < part.len && is_lower_or_digit(part.ptr[run]))
            run++;
        i = run;
    }
    return part.len > 0;
}

static bool is_domain(struct slice domain)
{
    for (size_t i = 0; i < domain.len; i++) {
        char byte = domain.ptr[i];
        if (!is_lower_or_digit(byte) && !(byte >= 'A' && byte <= 'Z') &&
            memchr(".-:[]", byte, 5) == NULL)
            return false;
    }
    return domain.len > 0;
}

static bool is_name(struct slice name, bool with_domain)
{
    struct slice rest = name;
    if (with_domain && !is_domain(slice_cut(&rest, '/')))
        return false;
    while (rest.ptr != NULL) {
        if (!is_path_component(slice_cut(&rest, '/')))
            return false;
    }
    return name.len > 0 && name.len <= 255;
}

/* The name without the hub's domain and the folder of its own images, where what is left is still
 * read as a name on the hub. *on_hub_out = it is one. */
static struct slice familiar(struct slice name, bool *on_hub_out)
{
    struct slice rest = name;
    bool written = false;
    *on_hub_out = true;
    if (slice_starts_with(rest, old_hub)) {
        name = slice_of(rest.ptr + old_hub.len - hub.len, rest.len - old_hub.len + hub.len);
        rest = without(rest, old_hub);
        written = true;
    } else if (slice_starts_with(rest, hub)) {
        rest = without(rest, hub);
        written = true;
    } else if (has_domain(rest)) {
        *on_hub_out = false;
        return rest;
    }
    if (slice_starts_with(rest, library) &&
        memchr(rest.ptr + library.len, '/', rest.len - library.len) == NULL)
        return without(rest, library);
    return written && has_domain(rest) ? name : rest;
}

static bool has_tag(struct slice reference)
{
    for (size_t i = reference.len; i > 0 && reference.ptr[i - 1] != '/'; i--) {
        if (reference.ptr[i - 1] == ':')
            return true;
    }
    return false;
}

bool image_reference_parse(struct slice text, struct image_reference *reference_out)
{
    struct slice rest = text, nothing = slice_of("", 0);
    *reference_out = (struct image_reference){nothing, nothing, nothing};
    if (slice_starts_with(text, sha256) || image_reference_id_digits(text).ptr != NULL)
        return false;
    struct slice name = slice_cut(&rest, '@');
    if (rest.ptr != NULL && !image_reference_is_digest(rest))
        return false;
    if (rest.ptr != NULL)
        reference_out->digest = rest;
    if (has_tag(name)) {
        size_t at = name.len;
        while (name.ptr[at - 1] != ':')
            at--;
        reference_out->tag = slice_of(name.ptr + at, name.len - at);
        name.len = at - 1;
        if (!image_reference_is_tag(reference_out->tag))
            return false;
    }
    bool on_hub;
    if (!is_name(name, has_domain(name)))
        return false;
    reference_out->name = familiar(name, &on_hub);
    return !slice_equal_text(reference_out->name, "sha256"); /* no image may have it */
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

struct slice image_reference_write(const struct image_reference *reference, char *text)
{
    bool by_digest = reference->digest.len > 0;
    struct slice behind = by_digest ? reference->digest : reference->tag;
    const struct slice parts[] = {
        reference->name,
        slice_of(by_digest ? "@" : ":", behind.len > 0 ? 1 : 0),
        behind,
    };
    return join(parts, ARRAY_LEN(parts), text);
}

bool image_reference_equal(const struct image_reference *a, const struct image_reference *b)
{
    if (!slice_equal(a->name, b->name))
        return false;
    if (a->digest.len > 0 || b->digest.len > 0)
        return slice_equal(a->digest, b->digest);
    struct slice default_tag = slice_of("latest", 6);
    return slice_equal(a->tag.len > 0 ? a->tag : default_tag,
                       b->tag.len > 0 ? b->tag : default_tag);
}

/* ---- spellings ---- */

struct slice image_reference_plain_registry(struct slice reference, char *text)
{
    static const struct slice https_port = {":443", 4};
    struct slice rest = reference, registry = slice_cut(&rest, '/');
    if (!has_domain(reference) || reference.len > IMAGE_REFERENCE_MAX)
        return (struct slice){NULL, 0};
    size_t len = registry.len;
    for (size_t i = 0; i < len; i++) {
        char byte = registry.ptr[i];
        text[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
    /* Without its port a name without a dot would be no registry any more. */
    if (len > https_port.len && memchr(text, '.', len) != NULL &&
        memcmp(text + len - https_port.len, https_port.ptr, https_port.len) == 0)
        len -= https_port.len;
    size_t behind = reference.len - registry.len;
    memcpy(text + len, reference.ptr + registry.len, behind);
    struct slice plain = slice_of(text, len + behind);
    return slice_equal(plain, reference) || !has_domain(plain) ? (struct slice){NULL, 0} : plain;
}

bool image_reference_is_content(struct slice reference)
{
    if (slice_starts_with(reference, sha256))
        return true;
    const char *at = reference.len == 0 ? NULL : memchr(reference.ptr, '@', reference.len);
    if (at == NULL)
        return false;
    struct slice rest = slice_of(at + 1, reference.len - (size_t)(at + 1 - reference.ptr));
    return slice_starts_with(rest, sha256);
}

struct slice image_reference_spelling(struct slice reference, unsigned index, char *text)
{
    static const struct slice nothing = {"", 0};
    if (index == 0)
        return reference;
    if (reference.len == 0 || slice_starts_with(reference, sha256))
        return (struct slice){NULL, 0};
    bool on_hub;
    struct slice rest = familiar(reference, &on_hub);
    bool written = on_hub && slice_starts_with(rest, hub);
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
        canonical && on_hub && !written ? hub : nothing,
        canonical && official ? library : nothing,
        rest,
        tagged || short_tag ? nothing : latest,
    };
    return join(parts, sizeof(parts) / sizeof(parts[0]), text);
}
