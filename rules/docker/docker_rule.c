/* SPDX-License-Identifier: Apache-2.0
 *
 * Targets and conditions of Docker rules. Every question has three answers (yes, no, not known);
 * what is not known becomes "no" in an allow and "yes" in a deny at one place, settle(), so that
 * doubt never opens anything. */
#include "rules/docker/docker_rule.h"

#include <stdlib.h>
#include <string.h>

#include "rules/docker/docker_names.h"
#include "rules/docker/image_reference.h"

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_NOT_KNOWN };

static bool settle(enum answer answer, bool allows)
{
    return answer == ANSWER_YES || (answer == ANSWER_NOT_KNOWN && !allows);
}

static void clear_condition(struct docker_condition *condition)
{
    for (size_t i = 0; i < condition->value_count; i++)
        pattern_clear(&condition->values[i]);
    for (size_t i = 0; i < condition->under_count; i++)
        free((char *)condition->under[i].ptr);
    free(condition->values);
    free(condition->under);
    free((char *)condition->parameter.ptr);
}

void docker_rule_clear(struct docker_rule *rule)
{
    for (size_t i = 0; i < rule->path_count; i++)
        pattern_clear(&rule->paths[i].pattern);
    for (size_t i = 0; i < rule->condition_count; i++)
        clear_condition(&rule->conditions[i]);
    free(rule->paths);
    free(rule->conditions);
    memset(rule, 0, sizeof(*rule));
}

/* ---- targets ---- */

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

/* Requests are judged in one spelling only, so a pattern in another could never match: better to
 * say so than to be silent. */
static bool check_canonical(struct slice text, struct error *error)
{
    if (text.len == 0 || text.ptr[0] != '/')
        return error_set(error, 2,
                         "a path pattern begins with `/` (or with `~` for an expression)");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte < 0x20 || byte == 0x7f || byte == '\\' || byte == '?' || byte == '#')
            return error_set(error, 2,
                             "a path pattern cannot hold a query, a fragment, a backslash or a "
                             "control character: it can never match");
        if (byte == '%' && i + 2 < text.len && is_hex(text.ptr[i + 1]) && is_hex(text.ptr[i + 2]))
            return error_set(error, 2,
                             "paths are compared decoded: write the character itself, not %.3s",
                             text.ptr + i);
    }
    struct slice rest = slice_of(text.ptr + 1, text.len - 1);
    for (bool first = true; rest.ptr != NULL; first = false) {
        struct slice segment = slice_cut(&rest, '/');
        if (segment.len == 0)
            return error_set(error, 2,
                             "a path pattern has no empty segment and no `/` at its end: it can "
                             "never match");
        if (slice_equal_text(segment, ".") || slice_equal_text(segment, ".."))
            return error_set(error, 2,
                             "a path pattern has no `.` and `..` segments: it can never match");
        if (first && docker_request_is_version(segment))
            return error_set(error, 2,
                             "leave the version out of a path pattern: it matches every version "
                             "(`%.80s`)",
                             rest.ptr == NULL ? "/" : rest.ptr - 1);
    }
    return true;
}

static bool methods_fit(uint32_t methods, enum docker_operation operation)
{
    if (methods == 0 || operation == DOCKER_LIBPOD)
        return true;
    enum http_method own = docker_operation_info(operation)->method;
    uint32_t wanted = UINT32_C(1) << own;
    if (own == HTTP_METHOD_GET)
        wanted |= UINT32_C(1) << HTTP_METHOD_HEAD;
    return (methods & wanted) != 0;
}

/* The method of an operation that the pattern fits, for a message; NULL when no operation has such
 * a path. */
static const char *method_of_path(const struct pattern *pattern)
{
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        if (pattern_may_match_template(pattern, info->path))
            return http_method_name(info->method);
    }
    return NULL;
}

bool docker_rule_add_path(struct docker_rule *rule, uint32_t methods, struct slice text,
                          struct error *error)
{
    struct docker_path_target target = {.methods = methods};
    if ((text.len == 0 || text.ptr[0] != '~') && !check_canonical(text, error))
        return false;
    if (!pattern_compile(&target.pattern, PATTERN_PATH, text, error))
        return false;
    bool any = false;
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        enum docker_operation operation = (enum docker_operation)i;
        if (methods_fit(methods, operation) &&
            pattern_may_match_template(&target.pattern, docker_operation_info(operation)->path)) {
            docker_operation_set_add(&target.operations, operation);
            any = true;
        }
    }
    if (!any) {
        const char *other = method_of_path(&target.pattern);
        pattern_clear(&target.pattern);
        char quoted[160];
        error_quote(text, quoted, sizeof(quoted));
        if (other != NULL)
            return error_set(error, 2,
                             "%s can never match: the operations with such a path have "
                             "another method (%s)",
                             quoted, other);
        return error_set(error, 2, "%s can never match: no operation of the engine has such a path",
                         quoted);
    }
    struct docker_path_target *grown =
        realloc(rule->paths, (rule->path_count + 1) * sizeof(rule->paths[0]));
    if (grown == NULL)
        abort();
    rule->paths = grown;
    rule->paths[rule->path_count++] = target;
    return true;
}

void docker_rule_selected(const struct docker_rule *rule, struct docker_operation_set *set)
{
    *set = rule->operations;
    for (size_t i = 0; i < rule->path_count; i++) {
        for (size_t word = 0; word < ARRAY_LEN(set->bits); word++)
            set->bits[word] |= rule->paths[i].operations.bits[word];
    }
}

static enum answer match_target(const struct docker_rule *rule,
                                const struct docker_request *request)
{
    uint32_t method = UINT32_C(1) << request->method;
    if (docker_operation_set_has(&rule->operations, request->operation) &&
        (rule->methods == 0 || (rule->methods & method) != 0))
        return ANSWER_YES;
    const char *path_template = docker_operation_info(request->operation)->path;
    const char *brace = strchr(path_template, '{');
    size_t name_at = brace == NULL ? 0 : (size_t)(brace - path_template);
    size_t name_len = brace == NULL ? 0 : request->object_name.len;
    enum answer answer = ANSWER_NO;
    for (size_t i = 0; i < rule->path_count; i++) {
        const struct docker_path_target *target = &rule->paths[i];
        if (!docker_operation_set_has(&target->operations, request->operation) ||
            (target->methods != 0 && (target->methods & method) == 0))
            continue;
        switch (pattern_match_path(&target->pattern, request->path, name_at, name_len)) {
        case PATTERN_YES:
            return ANSWER_YES;
        case PATTERN_LIMIT:
            answer = ANSWER_NOT_KNOWN;
            break;
        case PATTERN_NO:
            break;
        }
    }
    return answer;
}

/* ---- conditions ---- */

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

void docker_rule_narrow(struct docker_rule *rule)
{
    struct docker_operation_set possible = {{0}};
    if (rule->condition_count == 0)
        return;
    struct docker_operation_set selected;
    docker_rule_selected(rule, &selected);
    for (int i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        bool can = docker_operation_set_has(&selected, (enum docker_operation)i);
        for (size_t c = 0; c < rule->condition_count && can; c++)
            can = docker_condition_can_hold(&rule->conditions[c], (enum docker_operation)i);
        if (can)
            docker_operation_set_add(&possible, (enum docker_operation)i);
    }
    for (size_t word = 0; word < ARRAY_LEN(possible.bits); word++) {
        rule->operations.bits[word] &= possible.bits[word];
        for (size_t i = 0; i < rule->path_count; i++)
            rule->paths[i].operations.bits[word] &= possible.bits[word];
    }
}

static enum answer from_pattern(enum pattern_result result)
{
    switch (result) {
    case PATTERN_YES:
        return ANSWER_YES;
    case PATTERN_LIMIT:
        return ANSWER_NOT_KNOWN;
    case PATTERN_NO:
        break;
    }
    return ANSWER_NO;
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

static bool is_dots(struct slice part)
{
    return slice_equal_text(part, ".") || slice_equal_text(part, "..");
}

static enum answer match_under(const struct docker_condition *condition, struct slice value)
{
    struct slice part;
    for (struct slice rest = value; next_part(&rest, &part);) {
        if (is_dots(part))
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

static enum answer match_values(const struct docker_condition *condition, struct slice value)
{
    enum answer answer = ANSWER_NO;
    for (size_t i = 0; i < condition->value_count; i++) {
        enum answer one = from_pattern(pattern_match(&condition->values[i], value));
        if (one == ANSWER_YES)
            return ANSWER_YES;
        if (one == ANSWER_NOT_KNOWN)
            answer = one;
    }
    return answer;
}

static enum answer match_label(const struct docker_condition *condition, struct slice label)
{
    const char *equals = label.len == 0 ? NULL : memchr(label.ptr, '=', label.len);
    struct slice key = equals == NULL ? label : slice_of(label.ptr, (size_t)(equals - label.ptr));
    enum answer answer = ANSWER_NO;
    for (size_t i = 0; i < condition->value_count; i++) {
        const struct pattern *pattern = &condition->values[i];
        bool whole = pattern->kind == PATTERN_REGEX ||
                     memchr(pattern->text.ptr, '=', pattern->text.len) != NULL;
        enum answer one = from_pattern(pattern_match(pattern, whole ? label : key));
        if (one == ANSWER_YES)
            return ANSWER_YES;
        if (one == ANSWER_NOT_KNOWN)
            answer = one;
    }
    return answer;
}

static bool names_content(const struct pattern *pattern)
{
    static const char digest[] = "sha256:";
    for (size_t i = 0; i + sizeof(digest) - 1 <= pattern->text.len; i++) {
        if (memcmp(pattern->text.ptr + i, digest, sizeof(digest) - 1) == 0)
            return true;
    }
    return false;
}

/* Whether one of the patterns (only those that spell out a digest with `content`) means the
 * reference in one of its spellings. */
static enum answer match_reference(const struct docker_condition *condition, struct slice reference,
                                   bool content)
{
    char text[IMAGE_REFERENCE_MAX];
    enum answer answer = ANSWER_NO;
    for (unsigned n = 0; n < IMAGE_SPELLINGS; n++) {
        struct slice spelling = image_reference_spelling(reference, n, text);
        if (spelling.ptr == NULL)
            continue;
        for (size_t i = 0; i < condition->value_count; i++) {
            if (content && !names_content(&condition->values[i]))
                continue;
            enum answer one = from_pattern(pattern_match(&condition->values[i], spelling));
            if (one == ANSWER_YES)
                return ANSWER_YES;
            if (one == ANSWER_NOT_KNOWN)
                answer = one;
        }
    }
    return answer;
}

static enum answer any_of(enum answer a, enum answer b)
{
    return a == ANSWER_YES || b == ANSWER_NO ? a : b;
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
            answer = any_of(answer, from_pattern(pattern_match(&condition->values[i], slashed)));
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
        return ends_open ? from_pattern(pattern_match(pattern, open)) : ANSWER_NO;
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
                answer = any_of(answer, from_pattern(pattern_match(pattern, spelling)));
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

static enum docker_match match_condition(const struct docker_rule *rule,
                                         const struct docker_condition *condition,
                                         const struct docker_request *request,
                                         enum docker_object_state state,
                                         const struct docker_object *object, const char **why_out)
{
    struct slice parameter = condition_parameter(condition, request->operation);
    if (parameter.ptr != NULL) {
        *why_out = "the request's parameter is not what the rule asks for";
        return match_parameter(condition, parameter, request, rule->allows) ? DOCKER_MATCH_YES
                                                                            : DOCKER_MATCH_NO;
    }
    if (state == DOCKER_OBJECT_NOT_ASKED)
        return DOCKER_MATCH_MAYBE;
    if (state == DOCKER_OBJECT_UNKNOWN || object == NULL) {
        *why_out = "the object's facts could not be had";
        return rule->allows ? DOCKER_MATCH_NO : DOCKER_MATCH_YES;
    }
    *why_out = "the object is not what the rule asks for";
    return match_fact(condition, object, rule->allows) ? DOCKER_MATCH_YES : DOCKER_MATCH_NO;
}

static bool has_expired(const struct docker_rule *rule, const struct docker_request *request)
{
    if (rule->expires_us == 0)
        return false;
    return request->now_us == 0 ? rule->allows : request->now_us >= rule->expires_us;
}

enum docker_match docker_rule_match(const struct docker_rule *rule,
                                    const struct docker_request *request,
                                    enum docker_object_state state,
                                    const struct docker_object *object,
                                    struct docker_mismatch *mismatch)
{
    struct docker_mismatch unused;
    struct docker_mismatch *why = mismatch == NULL ? &unused : mismatch;
    *why = (struct docker_mismatch){"it is for other operations or paths", NULL};
    if (request->operation == DOCKER_OPERATION_NONE ||
        !settle(match_target(rule, request), rule->allows))
        return DOCKER_MATCH_NO;
    if (has_expired(rule, request)) {
        *why = (struct docker_mismatch){"it has expired", NULL};
        return DOCKER_MATCH_NO;
    }
    enum docker_match match = DOCKER_MATCH_YES;
    for (size_t i = 0; i < rule->condition_count; i++) {
        why->condition = &rule->conditions[i];
        enum docker_match one =
            match_condition(rule, &rule->conditions[i], request, state, object, &why->text);
        if (one == DOCKER_MATCH_NO)
            return DOCKER_MATCH_NO;
        if (one == DOCKER_MATCH_MAYBE)
            match = DOCKER_MATCH_MAYBE;
    }
    *why = (struct docker_mismatch){"", NULL};
    return match;
}
