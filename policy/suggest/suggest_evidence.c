/* SPDX-License-Identifier: Apache-2.0
 *
 * The log's records, each of what was used, become evidence here. */
#include "policy/suggest/suggest_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"
#include "policy/suggest/suggest_record.h"

enum { STATUS_NOT_FOUND = 404, ID_LEN_MAX = 64 };

/* ---- one record ---- */

static bool is_name_byte(char byte, bool first)
{
    bool letter = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
    return letter || (!first && (byte == '.' || byte == '_' || byte == '-'));
}

/* The name of a client as a policy may write it. */
static bool read_client(struct slice name, char out[SUGGEST_CLIENT_LEN_MAX + 1])
{
    if (name.len == 0 || name.len > SUGGEST_CLIENT_LEN_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_byte(name.ptr[i], i == 0))
            return false;
    }
    memcpy(out, name.ptr, name.len);
    out[name.len] = '\0';
    return true;
}

/* ---- operations ---- */

bool suggest_goes_by_name(enum docker_operation operation)
{
    const struct docker_operation_info *info = docker_operation_info(operation);
    return !http_method_is_read(info->method) &&
           (info->object == DOCKER_OBJECT_CONTAINER || info->object == DOCKER_OBJECT_NETWORK ||
            info->object == DOCKER_OBJECT_VOLUME);
}

/* A name that the engine gives, or an id. */
static bool is_object_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char folded = (char)(name.ptr[i] | 0x20);
        bool upper = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z';
        if (!is_name_byte(upper ? folded : name.ptr[i], i == 0))
            return false;
    }
    return name.len > 0 && name.len <= 128;
}

/* An id or the beginning of one, or a name that could be. */
static bool is_like_id(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (slice_hex_digit(name.ptr[i]) < 0)
            return false;
    }
    return true;
}

/* What the engine called it, where it was asked; what the client wrote may be an id. */
static struct slice object_of(const struct suggest_record *record)
{
    struct slice name = suggest_record_field(record, LOG_FIELD_OBJECT_NAME);
    return name.len > 0 ? name : suggest_record_field(record, LOG_FIELD_OBJECT);
}

/* Keeps the project of compose while all objects are of one. */
static void add_project(struct suggest_evidence *evidence, struct suggest_operation *operation,
                        const struct suggest_record *record, bool is_first)
{
    struct slice rest = suggest_record_field(record, LOG_FIELD_OBJECT_LABELS);
    struct slice label = {NULL, 0};
    while (rest.ptr != NULL && !slice_starts_with(label, SLICE_LITERAL(SUGGEST_PROJECT_LABEL)))
        label = slice_cut(&rest, ',');
    struct slice project = label;
    (void)slice_cut(&project, '=');
    if (!is_object_name(project) || !slice_starts_with(label, SLICE_LITERAL(SUGGEST_PROJECT_LABEL)))
        operation->project = NULL;
    else if (is_first)
        operation->project = arena_text(&evidence->arena, label);
    else if (operation->project != NULL && !slice_equal_text(label, operation->project))
        operation->project = NULL;
}

/* Why the request must not widen a rule that goes by names; NULL = it may. Else a client could ask
 * for a thing that never was and have the operation opened for all things that are. */
static const char *why_no_object(const struct suggest_record *record,
                                 enum docker_operation operation)
{
    struct slice name = object_of(record);
    if (!suggest_goes_by_name(operation) || name.len == 0)
        return NULL;
    if (suggest_record_number(record, LOG_FIELD_STATUS) == STATUS_NOT_FOUND)
        return "it was asked for what was not there, and a rule goes by what is; --any-object "
               "suggests it for everything";
    if (!is_object_name(name))
        return "nothing can be called what it was asked for";
    return NULL;
}

static void add_object(struct suggest_evidence *evidence, struct suggest_operation *operation,
                       struct slice name)
{
    operation->nameable = operation->nameable && is_object_name(name) && !is_like_id(name);
    for (unsigned i = 0; i < operation->object_count; i++) {
        if (slice_equal_text(name, operation->objects[i]))
            return;
    }
    if (operation->object_count == SUGGEST_OBJECTS_MAX)
        operation->nameable = false;
    if (operation->nameable)
        operation->objects[operation->object_count++] = arena_text(&evidence->arena, name);
}

static void add_docker(struct suggest_evidence *evidence, struct suggest_record *record)
{
    enum docker_operation which =
        docker_operation_from_name(suggest_record_field(record, LOG_FIELD_OPERATION));
    const char *name = docker_operation_info(which)->name;
    if (!suggest_record_is_wanted(evidence, record,
                                  which == DOCKER_OPERATION_NONE ? "a request that is no operation"
                                                                 : name))
        return;
    if (which == DOCKER_OPERATION_NONE || which == DOCKER_LIBPOD) {
        suggest_record_leave_out(
            evidence, record, name,
            which == DOCKER_LIBPOD ? "libpod's routes are opened by path only: {method: GET, path: "
                                     "\"/libpod/...\"}"
                                   : "the record names no operation that this version knows");
        return;
    }
    const char *no_object = evidence->any_object ? NULL : why_no_object(record, which);
    if (no_object != NULL) {
        suggest_record_leave_out(evidence, record, name, no_object);
        return;
    }
    AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
    bool is_new;
    buffer_printf(&key, "docker %s %s", record->client, name);
    struct suggest_operation *operation =
        suggest_evidence_find_or_make(evidence, &key, sizeof(*operation), &is_new);
    if (is_new) {
        operation->client = arena_text(&evidence->arena, slice_from_text(record->client));
        operation->operation = which;
        operation->nameable = operation->permitted = true;
        if (suggest_record_field(record, LOG_FIELD_PATH).len > 0)
            operation->path =
                arena_text(&evidence->arena, suggest_record_field(record, LOG_FIELD_PATH));
        evidence->operations = array_grow(evidence->operations, evidence->operation_count,
                                          &evidence->operation_capacity, sizeof(operation));
        evidence->operations[evidence->operation_count++] = operation;
    }
    operation->permitted = operation->permitted && record->permitted;
    add_object(evidence, operation, object_of(record));
    add_project(evidence, operation, record, is_new);
    suggest_span_add(&operation->span, &record->span);
    suggest_span_add(&evidence->span, &record->span);
}

/* ---- the log ---- */

static void add_record(struct suggest_evidence *evidence, const struct log_line *line)
{
    struct suggest_record record = {.line = line, .span = {.count = 1}};
    struct slice kind = line->fields[LOG_FIELD_KIND];
    int64_t time_us = 0;
    if (line->fields[LOG_FIELD_TS].ptr != NULL &&
        timestamp_parse(line->fields[LOG_FIELD_TS], &time_us))
        record.span.first_us = record.span.last_us = time_us;
    bool docker = slice_equal_text(kind, "docker");
    if (!docker && !slice_equal_text(kind, "network"))
        return;
    if (!read_client(line->fields[LOG_FIELD_CLIENT], record.client)) {
        suggest_evidence_leave_out(evidence, "", "a record without a valid client",
                                   "its client could not be written in a policy", &record.span);
        return;
    }
    if (slice_equal_text(line->fields[LOG_FIELD_EVENT], "suppressed")) {
        uint64_t count = suggest_record_number(&record, LOG_FIELD_COUNT);
        record.span.count = count == 0 ? 1 : count;
        suggest_record_leave_out(evidence, &record, "refusals that were only counted",
                                 "the log does not say what they were");
    } else if (docker) {
        add_docker(evidence, &record);
    } else {
        suggest_record_add_network(evidence, &record);
    }
}

void suggest_evidence_add(struct suggest_evidence *evidence, const struct log_line *line,
                          struct slice text)
{
    struct slice event = line->fields[LOG_FIELD_EVENT], id = line->fields[LOG_FIELD_ID];
    bool numbered = id.len > 0 && id.len <= ID_LEN_MAX;
    if (slice_equal_text(event, "open") && numbered) {
        void **place = text_map_at(&evidence->open, id);
        free(*place);
        *place = slice_to_text(text);
        return;
    }
    if (slice_equal_text(event, "close") && numbered)
        free(text_map_take(&evidence->open, id));
    add_record(evidence, line);
}

/* Questions of names that were then connected to are no news. */
static void settle_questions(struct suggest_evidence *evidence)
{
    size_t kept = 0;
    for (size_t i = 0; i < evidence->left_out_count; i++) {
        struct suggest_left_out *entry = evidence->left_out[i];
        AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
        buffer_printf(&key, "host %s %s", entry->client, entry->what);
        if (entry->why != suggest_why_asked ||
            text_map_find(&evidence->known, buffer_slice(&key)) == NULL)
            evidence->left_out[kept++] = entry;
    }
    evidence->left_out_count = kept;
}

static int compare_operations(const void *a, const void *b)
{
    const struct suggest_operation *left = *(struct suggest_operation *const *)a;
    const struct suggest_operation *right = *(struct suggest_operation *const *)b;
    int order = strcmp(left->client, right->client);
    return order != 0 ? order : (int)left->operation - (int)right->operation;
}

static int compare_targets(const void *a, const void *b)
{
    const struct suggest_target *left = *(struct suggest_target *const *)a;
    const struct suggest_target *right = *(struct suggest_target *const *)b;
    int order = strcmp(left->client, right->client);
    if (order == 0)
        order = strcmp(left->host.text, right->host.text);
    if (order == 0)
        order = (int)left->port - (int)right->port;
    if (order == 0)
        order = (int)left->way - (int)right->way;
    if (order == 0)
        order = (int)left->special - (int)right->special;
    return order != 0 ? order : memcmp(&left->address, &right->address, sizeof(left->address));
}

static int compare_left_out(const void *a, const void *b)
{
    const struct suggest_left_out *left = *(struct suggest_left_out *const *)a;
    const struct suggest_left_out *right = *(struct suggest_left_out *const *)b;
    int order = strcmp(left->client, right->client);
    if (order == 0)
        order = strcmp(left->why, right->why);
    return order != 0 ? order : strcmp(left->what, right->what);
}

static int compare_requests(const void *a, const void *b)
{
    const struct suggest_request *left = a, *right = b;
    int order = strcmp(left->path, right->path);
    return order != 0 ? order : (int)left->method - (int)right->method;
}

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1)
        qsort(items, count, size, compare);
}

void suggest_evidence_seal(struct suggest_evidence *evidence)
{
    CLEANUP(log_line_free) struct log_line line = LOG_LINE_EMPTY;
    for (size_t i = 0; i < evidence->open.count; i++) {
        const char *text = evidence->open.entries[i].value;
        if (log_line_parse(&line, slice_from_text(text)))
            add_record(evidence, &line);
    }
    settle_questions(evidence);
    sort(evidence->operations, evidence->operation_count, sizeof(evidence->operations[0]),
         compare_operations);
    sort(evidence->targets, evidence->target_count, sizeof(evidence->targets[0]), compare_targets);
    sort(evidence->left_out, evidence->left_out_count, sizeof(evidence->left_out[0]),
         compare_left_out);
    for (size_t i = 0; i < evidence->target_count; i++)
        sort(evidence->targets[i]->requests, evidence->targets[i]->request_count,
             sizeof(evidence->targets[i]->requests[0]), compare_requests);
}

void suggest_evidence_free(struct suggest_evidence *evidence)
{
    for (size_t i = 0; i < evidence->open.count; i++)
        free(evidence->open.entries[i].value);
    for (size_t i = 0; i < evidence->target_count; i++)
        free(evidence->targets[i]->requests);
    free(evidence->operations);
    free(evidence->targets);
    free(evidence->left_out);
    text_map_free(&evidence->known);
    text_map_free(&evidence->open);
    text_map_free(&evidence->allows);
    text_map_free(&evidence->used);
    arena_free(&evidence->arena);
    memset(evidence, 0, sizeof(*evidence));
}
