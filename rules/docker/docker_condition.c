/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions of Docker rules. Every question has three answers (yes, no, not known); what is not
 * known becomes "no" in an allow and "yes" in a deny at one place, settle(), so that doubt never
 * opens anything. */
#include "rules/docker/docker_condition.h"

#include <stdlib.h>
#include <string.h>

#include "rules/docker/docker_names.h"
#include "rules/docker/image_reference.h"

/* Each outweighs those before it where one suffices. */
enum answer { ANSWER_NO, ANSWER_NOT_KNOWN, ANSWER_YES };

static enum answer any_of(enum answer a, enum answer b)
{
    return a > b ? a : b;
}

static bool settle(enum answer answer, bool allows)
{
    return answer == ANSWER_YES || (answer == ANSWER_NOT_KNOWN && !allows);
}

void docker_condition_clear(struct docker_condition *condition)
{
    for (size_t i = 0; i < condition->value_count; i++)
        pattern_clear(&condition->values[i]);
    for (size_t i = 0; i < condition->under_count; i++)
        free((char *)condition->under[i].ptr);
    free(condition->values);
    free(condition->under);
    free((char *)condition->parameter.ptr);
}

/* ---- what a condition asks for ---- */

/* The parameter that answers the condition for this operation; ptr NULL when a fact of the object
 * does. */
static struct slice condition_parameter(const struct docker_condition *condition,
                                        enum docker_operation operation)
{
    const struct docker_operation_info *info = docker_operation_info(operation);
    if (condition->key == DOCKER_CONDITION_QUERY)
        return condition->parameter;
    if (condition->key == DOCKER_FACT_NAME && info->object == DOCKER_OBJECT_NONE)
        return SLICE_LITERAL("name");
    if (condition->key == DOCKER_FACT_IMAGE && operation == DOCKER_IMAGE_CREATE)
        return SLICE_LITERAL("fromImage");
    return (struct slice){NULL, 0};
}

bool docker_condition_can_hold(const struct docker_condition *condition,
                               enum docker_operation operation)
{
    const struct docker_operation_info *info = docker_operation_info(operation);
    struct slice parameter = condition_parameter(condition, operation);
    if (parameter.ptr == NULL)
        return docker_object_has_fact(info->object, (enum docker_fact)condition->key);
    bool libpod_query = operation == DOCKER_LIBPOD && condition->key == DOCKER_CONDITION_QUERY;
    return libpod_query || docker_operation_find_parameter(info, parameter) >= 0;
}

bool docker_condition_needs_object(const struct docker_condition *condition,
                                   enum docker_operation operation)
{
    return condition_parameter(condition, operation).ptr == NULL;
}

/* ---- values ---- */

static enum answer match_pattern(const struct pattern *pattern, struct slice value)
{
    switch (pattern_match(pattern, value)) {
    case PATTERN_YES:
        return ANSWER_YES;
    case PATTERN_LIMIT:
        return ANSWER_NOT_KNOWN;
    case PATTERN_NO:
        break;
    }
    return ANSWER_NO;
}

static enum answer match_values(const struct docker_condition *condition, struct slice value)
{
    enum answer answer = ANSWER_NO;
    for (size_t i = 0; i < condition->value_count && answer != ANSWER_YES; i++)
        answer = any_of(answer, match_pattern(&condition->values[i], value));
    return answer;
}

/* A whole number with an optional sign. */
static bool to_integer(struct slice text, int64_t *number_out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    struct slice digits = negative ? slice_of(text.ptr + 1, text.len - 1) : text;
    uint64_t number;
    if (!slice_to_u64(digits, &number) || number > INT64_MAX)
        return false;
    *number_out = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* The next segment of a path, empty ones skipped; false at its end. */
static bool next_part(struct slice *rest, struct slice *part_out)
{
    while (rest->ptr != NULL) {
        *part_out = slice_cut(rest, '/');
        if (part_out->len > 0)
            return true;
    }
    return false;
}

static enum answer match_under(const struct docker_condition *condition, struct slice value)
{
    struct slice part;
    for (struct slice rest = value; next_part(&rest, &part);) {
        if (slice_equal_text(part, ".") || slice_equal_text(part, ".."))
            return ANSWER_NOT_KNOWN;
    }
    for (size_t i = 0; i < condition->under_count; i++) {
        struct slice folder = condition->under[i], rest = value, wanted;
        bool below = true;
        while (below && next_part(&folder, &wanted))
            below = next_part(&rest, &part) && slice_equal(part, wanted);
        if (below)
            return ANSWER_YES;
    }
    return ANSWER_NO;
}

static enum answer match_label(const struct docker_condition *condition, struct slice label)
{
    const char *equals = label.len == 0 ? NULL : memchr(label.ptr, '=', label.len);
    struct slice key = equals == NULL ? label : slice_of(label.ptr, (size_t)(equals - label.ptr));
    enum answer answer = ANSWER_NO;
    for (size_t i = 0; i < condition->value_count && answer != ANSWER_YES; i++) {
        const struct pattern *pattern = &condition->values[i];
        bool whole = pattern->kind == PATTERN_REGEX ||
                     memchr(pattern->text.ptr, '=', pattern->text.len) != NULL;
        answer = any_of(answer, match_pattern(pattern, whole ? label : key));
    }
    return answer;
}

/* ---- image references ---- */

static bool names_content(const struct pattern *pattern)
{
    static const char digest[] = "sha256:";
    return pattern->text.len > 0 &&
           memmem(pattern->text.ptr, pattern->text.len, digest, sizeof(digest) - 1) != NULL;
}

/* Whether one of the patterns (only those that spell out a digest with `content`) means the
 * reference in one of its spellings. */
static enum answer match_reference(const struct docker_condition *condition, struct slice reference,
                                   bool content)
{
    char text[IMAGE_REFERENCE_MAX];
    enum answer answer = ANSWER_NO;
    for (unsigned n = 0; n < IMAGE_SPELLINGS && answer != ANSWER_YES; n++) {
        struct slice spelling = image_reference_spelling(reference, n, text);
        if (spelling.ptr == NULL)
            continue;
        for (size_t i = 0; i < condition->value_count && answer != ANSWER_YES; i++) {
            if (!content || names_content(&condition->values[i]))
                answer = any_of(answer, match_pattern(&condition->values[i], spelling));
        }
    }
    return answer;
}

/* For a deny: a registry is the same one in capitals and with the port that it has anyway. */
static enum answer match_any_spelling(const struct docker_condition *condition,
                                      struct slice reference)
{
    char text[IMAGE_REFERENCE_MAX];
    enum answer answer = match_reference(condition, reference, false);
    struct slice plain = image_reference_plain_registry(reference, text);
    return answer == ANSWER_YES || plain.ptr == NULL
               ? answer
               : any_of(answer, match_reference(condition, plain, false));
}

/* ---- parameters that are names ---- */

/* `name` and, for what an expression cannot exclude, "/name": the same container. */
static enum answer match_container_name(const struct docker_condition *condition, struct slice name,
                                        bool allows)
{
    char text[IMAGE_REFERENCE_MAX] = "/";
    enum answer answer = match_values(condition, name);
    if (name.len + 1 > sizeof(text))
        return answer;
    if (name.len > 0)
        memcpy(text + 1, name.ptr, name.len);
    struct slice slashed = slice_of(text, name.len + 1);
    for (size_t i = 0; i < condition->value_count && answer != ANSWER_YES; i++) {
        if (!allows || condition->values[i].kind != PATTERN_REGEX)
            answer = any_of(answer, match_pattern(&condition->values[i], slashed));
    }
    return answer;
}

/* Whether the pattern matches the repository with any tag whatever, in an allow; whether it may
 * match it with some tag, in a deny. `open` is the repository with a colon behind it. */
static enum answer match_every_tag(const struct pattern *pattern, struct slice open, bool allows)
{
    if (allows) {
        bool ends_open =
            pattern->kind == PATTERN_GLOB && pattern->text.ptr[pattern->text.len - 1] == '*';
        return ends_open ? match_pattern(pattern, open) : ANSWER_NO;
    }
    size_t len = pattern->prefix_len < open.len ? pattern->prefix_len : open.len;
    bool literal = pattern->kind == PATTERN_LITERAL;
    if (len > 0 && memcmp(pattern->prefix, open.ptr, len) != 0)
        return ANSWER_NO;
    return literal && pattern->text.len <= open.len ? ANSWER_NO : ANSWER_YES;
}

/* Whether an expression speaks of more than the repository. */
static bool speaks_of_tag(const struct pattern *pattern)
{
    return pattern->kind == PATTERN_REGEX &&
           (memchr(pattern->text.ptr, ':', pattern->text.len) != NULL ||
            memchr(pattern->text.ptr, '@', pattern->text.len) != NULL);
}

static enum answer match_repository(const struct docker_condition *condition,
                                    const struct docker_named_image *image, bool named_alone,
                                    bool allows)
{
    char text[IMAGE_REFERENCE_MAX], open_text[IMAGE_REFERENCE_MAX + 1];
    enum answer answer = ANSWER_NO;
    for (unsigned n = 0; n < IMAGE_SPELLINGS; n++) {
        struct slice spelling = image_reference_spelling(image->reference.name, n, text);
        if (n == 1 || n == 3 || spelling.ptr == NULL)
            continue; /* with the default tag */
        memcpy(open_text, spelling.ptr, spelling.len);
        open_text[spelling.len] = ':';
        struct slice open = slice_of(open_text, spelling.len + 1);
        for (size_t i = 0; i < condition->value_count && answer != ANSWER_YES; i++) {
            const struct pattern *pattern = &condition->values[i];
            if (image->every_tag)
                answer = any_of(answer, match_every_tag(pattern, open, allows));
            if (named_alone && !(allows && speaks_of_tag(pattern)))
                answer = any_of(answer, match_pattern(pattern, spelling));
        }
    }
    return answer;
}

static enum answer match_named_image(const struct docker_condition *condition,
                                     const struct docker_named_image *image, bool allows)
{
    char text[IMAGE_REFERENCE_MAX];
    bool by_query = condition->key == DOCKER_CONDITION_QUERY;
    enum answer answer = ANSWER_NO;
    struct slice whole = image_reference_write(&image->reference, text);
    if (whole.ptr == NULL)
        return ANSWER_NOT_KNOWN;
    if (!image->every_tag)
        answer = match_reference(condition, whole, false);
    bool alone = by_query || (image->every_tag && !allows);
    if (answer != ANSWER_YES && (image->every_tag || alone))
        answer = any_of(answer, match_repository(condition, image, alone, allows));
    return answer;
}

/* A reference is what the name and the tag say together. `query.…` of a repository without a tag
 * means the repository, `image` the default tag, as everywhere. */
static enum answer match_image_name(const struct docker_condition *condition,
                                    const struct docker_request *request, unsigned index,
                                    bool allows)
{
    char text[IMAGE_REFERENCE_MAX];
    struct docker_named_image image;
    if (!docker_name_image(request, index, &image) || image.reference.name.len > 255)
        return ANSWER_NOT_KNOWN;
    enum answer answer = match_named_image(condition, &image, allows);
    struct slice plain = image_reference_plain_registry(image.reference.name, text);
    if (allows || answer == ANSWER_YES || plain.ptr == NULL)
        return answer;
    image.reference.name = plain;
    return any_of(answer, match_named_image(condition, &image, allows));
}

static enum answer match_named(const struct docker_condition *condition,
                               const struct docker_request *request, unsigned index, bool allows)
{
    const struct docker_parameter *parameter = &request->parameters[index];
    switch (docker_name_kind(request->operation, parameter->key)) {
    case DOCKER_NAME_CONTAINER:
        return match_container_name(condition, parameter->value, allows);
    case DOCKER_NAME_IMAGE:
        if (parameter->value.len > 0)
            return match_image_name(condition, request, index, allows);
        break;
    case DOCKER_NAME_NONE:
        break;
    }
    return match_values(condition, parameter->value);
}

/* ---- the request and its object ---- */

static bool match_parameter_value(const struct docker_condition *condition,
                                  const struct docker_request *request, unsigned index, bool allows)
{
    struct slice value = request->parameters[index].value;
    if (condition->value_count > 0 &&
        !settle(match_named(condition, request, index, allows), allows))
        return false;
    if (condition->has_max || condition->has_min) {
        int64_t number;
        enum answer answer = ANSWER_NOT_KNOWN;
        if (to_integer(value, &number)) {
            bool within = (!condition->has_max || number <= condition->max) &&
                          (!condition->has_min || number >= condition->min);
            answer = within ? ANSWER_YES : ANSWER_NO;
        }
        if (!settle(answer, allows))
            return false;
    }
    if (condition->under_count > 0 && !settle(match_under(condition, value), allows))
        return false;
    return true;
}

static bool match_parameter(const struct docker_condition *condition, struct slice name,
                            const struct docker_request *request, bool allows)
{
    bool asks = condition->value_count > 0 || condition->has_max || condition->has_min ||
                condition->under_count > 0;
    bool any = false;
    for (unsigned i = 0; i < request->parameter_count; i++) {
        if (!slice_equal(request->parameters[i].key, name))
            continue;
        any = true;
        bool matches = asks && match_parameter_value(condition, request, i, allows);
        if (matches != allows)
            return matches;
    }
    if (!any)
        return condition->absent;
    return allows;
}

/* The strongest class of names decides an allow: a digest that the pattern spells out; else every
 * tag; else, without tags, every digest reference. A bare id ("sha256:…") never counts for a
 * pattern that does not spell it out. */
static bool allow_references(const struct docker_condition *condition, const struct slice *items,
                             size_t count)
{
    size_t tags = 0, digests = 0;
    bool every_tag = true, every_digest = true;
    for (size_t i = 0; i < count; i++) {
        bool content = image_reference_is_content(items[i]);
        if (content && match_reference(condition, items[i], true) == ANSWER_YES)
            return true;
        if (slice_starts_with(items[i], SLICE_LITERAL("sha256:")))
            continue;
        bool matches = match_reference(condition, items[i], false) == ANSWER_YES;
        if (content) {
            digests++;
            every_digest = every_digest && matches;
        } else {
            tags++;
            every_tag = every_tag && matches;
        }
    }
    return tags > 0 ? every_tag : digests > 0 && every_digest;
}

static bool match_fact(const struct docker_condition *condition, const struct docker_object *object,
                       bool allows)
{
    const struct slice *items = object->facts[condition->key].items;
    size_t count = object->facts[condition->key].count;
    if (condition->key == DOCKER_FACT_ID && count == 0 && object->id.len > 0) {
        items = &object->id;
        count = 1;
    }
    bool references = condition->key == DOCKER_FACT_IMAGE ||
                      (condition->key == DOCKER_FACT_NAME && object->kind == DOCKER_OBJECT_IMAGE);
    if (references && allows)
        return allow_references(condition, items, count);
    bool label = condition->key == DOCKER_FACT_LABEL;
    for (size_t i = 0; i < count; i++) {
        enum answer answer = references ? match_any_spelling(condition, items[i])
                             : label    ? match_label(condition, items[i])
                                        : match_values(condition, items[i]);
        bool matches = settle(answer, allows);
        if (matches && (label || !allows))
            return true;
        if (!matches && allows && !label)
            return false;
    }
    return allows && !label && count > 0;
}

enum docker_match docker_condition_match(const struct docker_condition *condition, bool allows,
                                         const struct docker_request *request,
                                         enum docker_object_state state,
                                         const struct docker_object *object, const char **why_out)
{
    struct slice parameter = condition_parameter(condition, request->operation);
    if (parameter.ptr != NULL) {
        *why_out = "the request's parameter is not what the rule asks for";
        return match_parameter(condition, parameter, request, allows) ? DOCKER_MATCH_YES
                                                                      : DOCKER_MATCH_NO;
    }
    if (state == DOCKER_OBJECT_NOT_ASKED)
        return DOCKER_MATCH_MAYBE;
    if (state == DOCKER_OBJECT_UNKNOWN || object == NULL) {
        *why_out = "the object's facts could not be had";
        return allows ? DOCKER_MATCH_NO : DOCKER_MATCH_YES;
    }
    *why_out = "the object is not what the rule asks for";
    return match_fact(condition, object, allows) ? DOCKER_MATCH_YES : DOCKER_MATCH_NO;
}
