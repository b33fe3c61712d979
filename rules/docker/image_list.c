/* SPDX-License-Identifier: Apache-2.0
 *
 * Strict where it reads, blind elsewhere: a summary's Id, RepoTags and RepoDigests, each at most
 * once. The filter only narrows; what belongs to the repository is decided here. */
#include "rules/docker/image_list.h"

#include "base/json_token.h"
#include "base/percent_code.h"
#include "rules/docker/image_reference.h"

struct reading {
    struct json_reader reader;
    struct slice repository;
    image_list_visit *visit;
    void *context;
    struct error *error;
    struct buffer text; /* owned: the id, then one reference at a time */
    size_t id_len;
    bool has_tag, has_digest; /* of the repository */
};

void image_list_write_path(struct slice repository, struct buffer *out)
{
    AUTO_BUFFER struct buffer filter = BUFFER_EMPTY;
    buffer_append_literal(&filter, "{\"reference\":{\"");
    for (size_t i = 0; i < repository.len; i++) {
        if (repository.ptr[i] == '[' || repository.ptr[i] == ']') /* of an IPv6 address */
            buffer_append_literal(&filter, "\\\\");
        buffer_append_byte(&filter, repository.ptr[i]);
    }
    buffer_append_literal(&filter, "\":true}}");
    buffer_append_literal(out, "/images/json?filters=");
    percent_encode(out, buffer_slice(&filter), "");
    out->failed = out->failed || filter.failed;
}

static bool refuse(struct reading *reading, const char *what)
{
    return error_set_reason(reading->error, 502, "engine.inspect",
                            "the engine's list of images is not as its API says: %s", what);
}

/* Reads an array of references, or null; tells those of the repository that are tags. */
static bool read_references(struct reading *reading, bool tags)
{
    struct json_token token = json_next(&reading->reader);
    if (token.kind == JSON_NULL)
        return true;
    if (token.kind != JSON_ARRAY_BEGIN)
        return refuse(reading, "references are no array");
    while ((token = json_next(&reading->reader)).kind == JSON_STRING) {
        struct image_reference reference;
        size_t start = reading->text.len;
        json_unescape(token, &reading->text);
        struct slice text = slice_of(reading->text.data + start, reading->text.len - start);
        bool ours = image_reference_parse(text, &reference) &&
                    slice_equal(reference.name, reading->repository);
        bool tag = ours && tags && reference.tag.len > 0 && reference.digest.len == 0;
        reading->has_tag = reading->has_tag || tag;
        reading->has_digest = reading->has_digest || (ours && !tag);
        if (tag && !reading->visit(reading->context, text))
            return false;
        reading->text.len = start;
    }
    return token.kind == JSON_ARRAY_END || refuse(reading, "references are not all strings");
}

static bool read_id(struct reading *reading)
{
    struct json_token token = json_next(&reading->reader);
    if (token.kind != JSON_STRING)
        return refuse(reading, "an Id is no string");
    json_unescape(token, &reading->text);
    reading->id_len = reading->text.len;
    struct slice id = buffer_slice(&reading->text);
    return image_reference_id_digits(id).ptr != NULL || refuse(reading, "an Id is no id");
}

/* Reads one summary, whose opening brace was read. The Id comes first in no particular order. */
static bool read_summary(struct reading *reading)
{
    static const struct slice keys[] = {{"Id", 2}, {"RepoTags", 8}, {"RepoDigests", 11}};
    struct json_token key;
    struct json_reader behind_id = reading->reader;
    unsigned seen = 0;
    buffer_clear(&reading->text);
    reading->has_tag = reading->has_digest = false;
    /* The id is wanted last and may stand first, so it is looked for before the rest is read. */
    for (unsigned pass = 0; pass < 2; pass++) {
        reading->reader = behind_id;
        while ((key = json_next(&reading->reader)).kind == JSON_KEY) {
            unsigned which = 0;
            while (which < ARRAY_LEN(keys) && !json_token_equal(key, keys[which]))
                which++;
            bool now = which < ARRAY_LEN(keys) && (which == 0) == (pass == 0);
            if (now && (seen & 1u << which) != 0)
                return refuse(reading, "a member comes twice");
            seen |= now ? 1u << which : 0;
            bool good = !now         ? json_skip(&reading->reader, json_next(&reading->reader))
                        : which == 0 ? read_id(reading)
                                     : read_references(reading, which == 1);
            if (!good)
                return false;
        }
        if (key.kind != JSON_OBJECT_END || (seen & 1) == 0)
            return refuse(reading, "a summary is no object with an Id");
    }
    struct slice id = slice_of(reading->text.data, reading->id_len);
    return reading->has_tag || !reading->has_digest || reading->visit(reading->context, id);
}

bool image_list_read(struct slice json, struct slice repository, image_list_visit *visit,
                     void *context, struct error *error)
{
    struct reading reading = {
        .repository = repository, .visit = visit, .context = context, .error = error};
    struct json_token token;
    *error = (struct error){0};
    /* No string's meaning is longer than its text, so what is read stays where it is. */
    if (!buffer_reserve(&reading.text, json.len + 1))
        return error_set_reason(error, 503, "gate.memory", "the gate is out of memory");
    json_reader_init(&reading.reader, json);
    bool good = json_next(&reading.reader).kind == JSON_ARRAY_BEGIN || refuse(&reading, "no array");
    while (good && (token = json_next(&reading.reader)).kind != JSON_ARRAY_END)
        good = token.kind == JSON_OBJECT_BEGIN ? read_summary(&reading)
                                               : refuse(&reading, "an element is no object");
    if (good && json_next(&reading.reader).kind != JSON_END)
        good = refuse(&reading, "text behind the array");
    buffer_free(&reading.text);
    return good;
}
