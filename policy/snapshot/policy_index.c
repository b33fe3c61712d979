/* SPDX-License-Identifier: Apache-2.0
 *
 * One hash table a client, keyed by operation, subject (path, fact, parameter), direction and the
 * literal bytes at that end of a pattern. A lookup hashes the subject once in each direction and
 * asks the table at the lengths that occur for the operation, which are few: the cost grows with
 * the length of the subject, not with the number of rules. Thousands of rules may begin alike, so
 * that entries are chained: a table that probes would take a square of them to be built. */
#include "policy/snapshot/policy_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "policy/snapshot/policy_data.h"
#include "rules/docker/docker_names.h"
#include "rules/docker/image_reference.h"

enum {
    SUBJECT_PATH = DOCKER_FACT_COUNT, /* 0 to DOCKER_FACT_COUNT-1 are the facts */
    SUBJECT_PARAMETER,
    SUBJECT_COUNT,
    KEY_MAX = 255, /* longer literals are filed under this many of their bytes */
};

enum direction { FORWARD, BACKWARD, DIRECTION_COUNT };

struct length_set {
    uint64_t bits[DIRECTION_COUNT][(KEY_MAX + 1 + 63) / 64];
};

struct positions {
    uint32_t *items; /* owned */
    size_t count, capacity;
};

struct operation_rules {
    uint32_t first_deny, first_allow; /* without path and conditions */
    struct positions scan;            /* visited always */
    struct positions by_fact; /* filed under a fact: all that matter when the object is unknown */
    struct positions mixed;   /* of those, the ones that also ask the request: visited while the
                                 object was not asked for */
    bool maybe_deny, maybe_allow; /* of those, the others: they depend on the object alone */
    struct length_set *lengths;   /* owned; SUBJECT_COUNT of them, NULL = nothing filed */
};

struct entry {
    uint64_t hash;
    uint32_t position;
    uint32_t next; /* in the same bucket; POLICY_NO_RULE = end */
};

struct policy_index {
    const struct policy *policy; /* borrowed: owns us */
    const uint32_t *rules;       /* borrowed: beside us */
    struct operation_rules operations[DOCKER_OPERATION_COUNT];
    struct entry *entries; /* owned */
    size_t entry_count, entry_capacity;
    uint32_t *buckets; /* owned */
    size_t bucket_mask;
};

/* What a rule is filed under: all patterns of one condition, or one path pattern. */
struct filing {
    unsigned subject;
    struct slice parameter; /* SUBJECT_PARAMETER: its name */
    const struct pattern *patterns;
    size_t count;
};

static uint64_t seed_for(unsigned operation, unsigned subject, struct slice parameter,
                         enum direction direction)
{
    const char key[3] = {(char)operation, (char)subject, (char)direction};
    return slice_hash(parameter, slice_hash(slice_of(key, sizeof(key)), SLICE_HASH_SEED));
}

static uint64_t hash_byte(uint64_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

/* FNV's low bits alone are a poor bucket number for short keys. */
static uint64_t finish_hash(uint64_t hash, size_t len)
{
    hash ^= len * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 32;
    return hash * UINT64_C(0xd6e8feb86659fd93);
}

static void positions_add(struct positions *positions, uint32_t position)
{
    positions->items =
        array_grow(positions->items, positions->count, &positions->capacity, sizeof(position));
    positions->items[positions->count++] = position;
}

/* The end of the pattern that says more, given how many bytes there are the same for all
 * (`common_*`). 0 = neither says anything. */
static size_t choose_key(const struct pattern *pattern, unsigned subject, size_t common_prefix,
                         size_t common_suffix, enum direction *direction_out)
{
    bool backward_possible =
        subject != DOCKER_FACT_LABEL; /* a label pattern may be held against the key alone */
    size_t forward = pattern->prefix_len > common_prefix ? pattern->prefix_len : 0;
    size_t backward =
        backward_possible && pattern->suffix_len > common_suffix ? pattern->suffix_len : 0;
    *direction_out = forward >= backward ? FORWARD : BACKWARD;
    size_t len = forward >= backward ? forward : backward;
    return len < KEY_MAX ? len : KEY_MAX;
}

static void file_pattern(struct policy_index *index, unsigned operation,
                         const struct filing *filing, const struct pattern *pattern,
                         size_t common_prefix, size_t common_suffix, uint32_t position)
{
    struct operation_rules *rules = &index->operations[operation];
    enum direction direction;
    size_t len = choose_key(pattern, filing->subject, common_prefix, common_suffix, &direction);
    uint64_t hash = seed_for(operation, filing->subject, filing->parameter, direction);
    for (size_t i = 0; i < len; i++) {
        char byte = direction == FORWARD ? pattern->prefix[i]
                                         : pattern->text.ptr[pattern->text.len - 1 - i];
        hash = hash_byte(hash, byte);
    }
    if (rules->lengths == NULL) {
        rules->lengths = calloc_or_abort(SUBJECT_COUNT, sizeof(rules->lengths[0]));
    }
    rules->lengths[filing->subject].bits[direction][len / 64] |= UINT64_C(1) << (len % 64);
    index->entries = array_grow(index->entries, index->entry_count, &index->entry_capacity,
                                sizeof(index->entries[0]));
    index->entries[index->entry_count++] =
        (struct entry){finish_hash(hash, len), position, POLICY_NO_RULE};
}

/* Whether every pattern has an end to be filed under. */
static bool can_file(const struct filing *filing, size_t common_prefix, size_t common_suffix)
{
    enum direction direction;
    for (size_t i = 0; i < filing->count; i++) {
        if (choose_key(&filing->patterns[i], filing->subject, common_prefix, common_suffix,
                       &direction) == 0)
            return false;
    }
    return filing->count > 0;
}

static void file_all(struct policy_index *index, unsigned operation, const struct filing *filing,
                     size_t common_prefix, size_t common_suffix, uint32_t position)
{
    for (size_t i = 0; i < filing->count; i++)
        file_pattern(index, operation, filing, &filing->patterns[i], common_prefix, common_suffix,
                     position);
}

/* Whether the condition is held against the bytes of its subject. A reference that a parameter says
 * is more than those: it is put together from two, and may stand for every tag. */
static bool is_plain(const struct docker_condition *condition, enum docker_operation operation,
                     bool object, struct slice name)
{
    bool by_name = condition->key == DOCKER_CONDITION_QUERY || condition->key == DOCKER_FACT_NAME;
    return object || (by_name && docker_name_kind(operation, name) != DOCKER_NAME_IMAGE);
}

static bool file_condition(struct policy_index *index, enum docker_operation operation,
                           const struct docker_rule *rule, bool by_path, uint32_t position)
{
    struct operation_rules *rules = &index->operations[operation];
    bool only_object = !by_path && rule->methods == 0;
    const struct docker_condition *chosen = NULL;
    struct filing filing = {0};
    for (size_t i = 0; i < rule->condition_count; i++) {
        const struct docker_condition *condition = &rule->conditions[i];
        bool object = docker_condition_needs_object(condition, operation);
        only_object = only_object && object;
        struct slice name =
            condition->key == DOCKER_CONDITION_QUERY ? condition->parameter : SLICE_LITERAL("name");
        struct filing candidate = {object ? condition->key : SUBJECT_PARAMETER,
                                   object ? (struct slice){NULL, 0} : name, condition->values,
                                   condition->value_count};
        if (chosen == NULL && !condition->absent && can_file(&candidate, 0, 0) &&
            is_plain(condition, operation, object, name)) {
            chosen = condition;
            filing = candidate;
        }
    }
    if (chosen == NULL)
        return false;
    file_all(index, operation, &filing, 0, 0, position);
    if (filing.subject == SUBJECT_PARAMETER)
        return true;
    positions_add(&rules->by_fact, position);
    if (!only_object)
        positions_add(&rules->mixed, position);
    else if (rule->allows)
        rules->maybe_allow = true;
    else
        rules->maybe_deny = true;
    return true;
}

static void add_selected(struct policy_index *index, enum docker_operation operation,
                         const struct docker_rule *rule, uint32_t position)
{
    struct operation_rules *rules = &index->operations[operation];
    if (rule->expires_us != 0) { /* the shortcuts below do not know the time */
        positions_add(&rules->scan, position);
        return;
    }
    if (rule->condition_count == 0 && rule->methods == 0) {
        uint32_t *first = rule->allows ? &rules->first_allow : &rules->first_deny;
        if (position < *first)
            *first = position;
        return;
    }
    if (!file_condition(index, operation, rule, false, position))
        positions_add(&rules->scan, position);
}

static void add_path(struct policy_index *index, enum docker_operation operation,
                     const struct docker_rule *rule, const struct docker_path_target *target,
                     uint32_t position)
{
    const char *path_template = docker_operation_info(operation)->path;
    const char *open = strchr(path_template, '{');
    const char *close = strrchr(path_template, '}');
    bool variable = open != NULL && close != NULL;
    size_t common_prefix = variable ? (size_t)(open - path_template) : strlen(path_template);
    size_t common_suffix = variable ? strlen(close + 1) : strlen(path_template);
    struct filing filing = {SUBJECT_PATH, {NULL, 0}, &target->pattern, 1};
    if (can_file(&filing, common_prefix, common_suffix))
        file_all(index, operation, &filing, common_prefix, common_suffix, position);
    else if (!file_condition(index, operation, rule, true, position))
        positions_add(&index->operations[operation].scan, position);
}

static void build_buckets(struct policy_index *index)
{
    size_t size = 16;
    while (size < index->entry_count * 2)
        size *= 2;
    index->buckets = calloc_or_abort(size, sizeof(index->buckets[0]));
    memset(index->buckets, 0xff, size * sizeof(index->buckets[0]));
    index->bucket_mask = size - 1;
    for (size_t i = index->entry_count; i > 0; i--) {
        struct entry *entry = &index->entries[i - 1];
        uint32_t *bucket = &index->buckets[entry->hash & index->bucket_mask];
        entry->next = *bucket;
        *bucket = (uint32_t)(i - 1);
    }
}

struct policy_index *policy_index_build(const struct policy *policy, const uint32_t *rules,
                                        size_t count)
{
    struct policy_index *index = calloc_or_abort(1, sizeof(*index));
    index->policy = policy;
    index->rules = rules;
    for (unsigned i = 0; i < DOCKER_OPERATION_COUNT; i++)
        index->operations[i].first_deny = index->operations[i].first_allow = POLICY_NO_RULE;
    for (size_t position = 0; position < count; position++) {
        const struct docker_rule *rule = &policy->rules[rules[position]].match;
        struct docker_operation_set selected;
        docker_rule_selected(rule, &selected);
        enum docker_operation operation = DOCKER_OPERATION_NONE;
        while (docker_operation_set_next(&selected, &operation)) {
            if (docker_operation_set_has(&rule->operations, operation))
                add_selected(index, operation, rule, (uint32_t)position);
            for (size_t path = 0; path < rule->path_count; path++) {
                if (docker_operation_set_has(&rule->paths[path].operations, operation))
                    add_path(index, operation, rule, &rule->paths[path], (uint32_t)position);
            }
        }
    }
    build_buckets(index);
    return index;
}

void policy_index_free(struct policy_index **index_pointer)
{
    struct policy_index *index = steal_pointer(index_pointer);
    if (index == NULL)
        return;
    for (unsigned i = 0; i < DOCKER_OPERATION_COUNT; i++) {
        free(index->operations[i].scan.items);
        free(index->operations[i].by_fact.items);
        free(index->operations[i].mixed.items);
        free(index->operations[i].lengths);
    }
    free(index->entries);
    free(index->buckets);
    free(index);
}

/* ---- search ---- */

struct query {
    const struct policy_index *index;
    const struct docker_request *request;
    enum docker_object_state state;
    const struct docker_object *object;
    struct policy_search *search;
};

static void visit(const struct query *query, uint32_t position)
{
    const struct docker_rule *rule =
        &query->index->policy->rules[query->index->rules[position]].match;
    /* A later one of the same kind as what was found cannot change anything. */
    if (position >= (rule->allows ? query->search->allow : query->search->deny))
        return;
    policy_search_add(query->search, rule->allows, position,
                      docker_rule_match(rule, query->request, query->state, query->object, NULL));
}

static void visit_all(const struct query *query, const struct positions *positions)
{
    for (size_t i = 0; i < positions->count; i++)
        visit(query, positions->items[i]);
}

static void visit_filed(const struct query *query, uint64_t hash)
{
    const struct policy_index *index = query->index;
    for (uint32_t i = index->buckets[hash & index->bucket_mask]; i != POLICY_NO_RULE;
         i = index->entries[i].next) {
        if (index->entries[i].hash == hash)
            visit(query, index->entries[i].position);
    }
}

static bool is_empty(const uint64_t *bits)
{
    return (bits[0] | bits[1] | bits[2] | bits[3]) == 0;
}

static void look_up(const struct query *query, unsigned subject, struct slice parameter,
                    struct slice value)
{
    unsigned operation = (unsigned)query->request->operation;
    const struct length_set *lengths = &query->index->operations[operation].lengths[subject];
    size_t max = value.len < KEY_MAX ? value.len : KEY_MAX;
    for (unsigned direction = FORWARD; direction < DIRECTION_COUNT; direction++) {
        const uint64_t *bits = lengths->bits[direction];
        if (is_empty(bits))
            continue;
        uint64_t hash = seed_for(operation, subject, parameter, (enum direction)direction);
        for (size_t len = 1; len <= max; len++) {
            hash = hash_byte(hash, value.ptr[direction == FORWARD ? len - 1 : value.len - len]);
            if ((bits[len / 64] >> (len % 64) & 1) != 0)
                visit_filed(query, finish_hash(hash, len));
        }
    }
}

static void look_up_parameter(const struct query *query, const struct docker_parameter *parameter)
{
    char text[IMAGE_REFERENCE_MAX] = "/";
    struct slice value = parameter->value;
    look_up(query, SUBJECT_PARAMETER, parameter->key, value);
    if (docker_name_kind(query->request->operation, parameter->key) != DOCKER_NAME_CONTAINER ||
        value.len + 1 > sizeof(text))
        return;
    if (value.len > 0)
        memcpy(text + 1, value.ptr, value.len);
    look_up(query, SUBJECT_PARAMETER, parameter->key, slice_of(text, value.len + 1));
}

static void look_up_reference(const struct query *query, unsigned fact, struct slice reference)
{
    char text[IMAGE_REFERENCE_MAX];
    for (unsigned n = 0; n < IMAGE_SPELLINGS; n++) {
        struct slice value = image_reference_spelling(reference, n, text);
        if (value.len > 0)
            look_up(query, fact, (struct slice){NULL, 0}, value);
    }
}

static void look_up_fact(const struct query *query, unsigned fact)
{
    const struct docker_object *object = query->object;
    const struct slice *items = object->facts[fact].items;
    size_t count = object->facts[fact].count;
    if (fact == DOCKER_FACT_ID && count == 0) {
        items = &object->id;
        count = 1;
    }
    bool references = fact == DOCKER_FACT_IMAGE ||
                      (fact == DOCKER_FACT_NAME && object->kind == DOCKER_OBJECT_IMAGE);
    char text[IMAGE_REFERENCE_MAX];
    for (size_t i = 0; i < count; i++) {
        struct slice plain = {NULL, 0};
        if (references) {
            look_up_reference(query, fact, items[i]);
            plain = image_reference_plain_registry(items[i], text);
        } else if (items[i].len > 0) {
            look_up(query, fact, (struct slice){NULL, 0}, items[i]);
        }
        if (plain.ptr != NULL)
            look_up_reference(query, fact, plain);
    }
}

static bool is_filed(const struct operation_rules *rules, unsigned subject)
{
    const struct length_set *lengths = &rules->lengths[subject];
    return !is_empty(lengths->bits[FORWARD]) || !is_empty(lengths->bits[BACKWARD]);
}

static void search_filed(const struct query *query, const struct operation_rules *rules)
{
    const struct docker_request *request = query->request;
    if (is_filed(rules, SUBJECT_PATH))
        look_up(query, SUBJECT_PATH, (struct slice){NULL, 0}, request->path);
    if (is_filed(rules, SUBJECT_PARAMETER)) {
        for (unsigned i = 0; i < request->parameter_count; i++)
            look_up_parameter(query, &request->parameters[i]);
    }
    switch (query->state) {
    case DOCKER_OBJECT_NOT_ASKED:
        visit_all(query, &rules->mixed);
        query->search->maybe_allow |= rules->maybe_allow;
        query->search->maybe_deny |= rules->maybe_deny;
        return;
    case DOCKER_OBJECT_UNKNOWN:
        visit_all(query, &rules->by_fact);
        return;
    case DOCKER_OBJECT_KNOWN:
        for (unsigned fact = 0; fact < DOCKER_FACT_COUNT; fact++) {
            if (is_filed(rules, fact))
                look_up_fact(query, fact);
        }
        return;
    }
}

void policy_index_search(const struct policy_index *index, const struct docker_request *request,
                         enum docker_object_state state, const struct docker_object *object,
                         struct policy_search *search)
{
    const struct operation_rules *rules = &index->operations[request->operation];
    *search = (struct policy_search){.deny = rules->first_deny, .allow = rules->first_allow};
    if (state == DOCKER_OBJECT_KNOWN && object == NULL)
        state = DOCKER_OBJECT_UNKNOWN;
    struct query query = {index, request, state, object, search};
    visit_all(&query, &rules->scan);
    if (rules->lengths != NULL)
        search_filed(&query, rules);
}
