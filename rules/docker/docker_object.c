/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of the engine's inspect answers. For each kind of object one table says which members are
 * read, as what and for which facts. A member that is read must have the type the API describes and
 * no key may come twice, or the whole answer is refused: a rule then sees that the fact cannot be
 * had. */
#include "rules/docker/docker_object.h"

#include <errno.h>

#include "base/json_tree.h"
#include "base/percent_code.h"
#include "rules/reason.h"

enum read_as {
    READ_END,       /* behind the last row */
    READ_TEXT,      /* a string */
    READ_NAME,      /* a string, without the slash that container names begin with */
    READ_TEXTS,     /* an array of strings, or null */
    READ_LABELS,    /* an object of strings as "key=value", or null */
    READ_KEYS,      /* the keys of an object, or null */
    READ_MOUNTS,    /* an array of mounts, or null: the names of those that are volumes */
    READ_CONTAINER, /* a string: the id of the container that an exec belongs to */
};

enum { OPTIONAL = 0, REQUIRED = 1, IDENTITY = 3 }; /* identity: required, and the object's `id` */

#define FACT(name) (1u << DOCKER_FACT_##name)
#define ALL_FACTS ((1u << DOCKER_FACT_COUNT) - 1)

struct member {
    const char *path; /* "Config.Labels" */
    enum read_as as;
    int need;
    unsigned facts;
};

static const struct member container_members[] = {
    {"Id", READ_TEXT, IDENTITY, FACT(ID)},
    {"Name", READ_NAME, REQUIRED, FACT(NAME)},
    {"Image", READ_TEXT, REQUIRED, FACT(IMAGE)},
    {"Config.Image", READ_TEXT, REQUIRED, FACT(IMAGE)},
    {"Config.Labels", READ_LABELS, OPTIONAL, FACT(LABEL)},
    {"NetworkSettings.Networks", READ_KEYS, OPTIONAL, FACT(NETWORK)},
    {"Mounts", READ_MOUNTS, OPTIONAL, FACT(VOLUME)},
    {NULL, READ_END, OPTIONAL, 0},
};

static const struct member exec_members[] = {
    {"ID", READ_TEXT, IDENTITY, FACT(ID)},
    {"ContainerID", READ_CONTAINER, REQUIRED, 0},
    {NULL, READ_END, OPTIONAL, 0},
};

static const struct member image_members[] = {
    {"Id", READ_TEXT, IDENTITY, FACT(ID)},
    {"RepoTags", READ_TEXTS, OPTIONAL, FACT(NAME) | FACT(IMAGE)},
    {"RepoDigests", READ_TEXTS, OPTIONAL, FACT(NAME) | FACT(IMAGE)},
    {"Config.Labels", READ_LABELS, OPTIONAL, FACT(LABEL)},
    {NULL, READ_END, OPTIONAL, 0},
};

static const struct member network_members[] = {
    {"Id", READ_TEXT, IDENTITY, FACT(ID)},
    {"Name", READ_TEXT, REQUIRED, FACT(NAME) | FACT(NETWORK)},
    {"Labels", READ_LABELS, OPTIONAL, FACT(LABEL)},
    {NULL, READ_END, OPTIONAL, 0},
};

static const struct member volume_members[] = {
    {"Name", READ_TEXT, IDENTITY, FACT(ID) | FACT(NAME) | FACT(VOLUME)},
    {"Labels", READ_LABELS, OPTIONAL, FACT(LABEL)},
    {NULL, READ_END, OPTIONAL, 0},
};

/* Services, configs and secrets. */
static const struct member spec_members[] = {
    {"ID", READ_TEXT, IDENTITY, FACT(ID)},
    {"Spec.Name", READ_TEXT, REQUIRED, FACT(NAME)},
    {"Spec.Labels", READ_LABELS, OPTIONAL, FACT(LABEL)},
    {NULL, READ_END, OPTIONAL, 0},
};

static const struct member task_members[] = {
    {"ID", READ_TEXT, IDENTITY, FACT(ID)},
    {"Labels", READ_LABELS, OPTIONAL, FACT(LABEL)},
    {NULL, READ_END, OPTIONAL, 0},
};

static const struct member node_members[] = {
    {"ID", READ_TEXT, IDENTITY, FACT(ID)},
    {"Description.Hostname", READ_TEXT, OPTIONAL, FACT(NAME)},
    {"Spec.Name", READ_TEXT, OPTIONAL, FACT(NAME)},
    {"Spec.Labels", READ_LABELS, OPTIONAL, FACT(LABEL)},
    {NULL, READ_END, OPTIONAL, 0},
};

static const struct member plugin_members[] = {
    {"Id", READ_TEXT, IDENTITY, FACT(ID)},
    {"Name", READ_TEXT, REQUIRED, FACT(NAME)},
    {NULL, READ_END, OPTIONAL, 0},
};

static const struct object_kind {
    const char *before, *behind; /* the inspect path around the name */
    const struct member *members;
    unsigned facts;
} kinds[DOCKER_OBJECT_KIND_COUNT] = {
    [DOCKER_OBJECT_CONTAINER] = {"/containers/", "/json", container_members, ALL_FACTS},
    [DOCKER_OBJECT_EXEC] = {"/exec/", "/json", exec_members, ALL_FACTS},
    [DOCKER_OBJECT_IMAGE] = {"/images/", "/json", image_members,
                             FACT(ID) | FACT(NAME) | FACT(IMAGE) | FACT(LABEL)},
    [DOCKER_OBJECT_NETWORK] = {"/networks/", "", network_members,
                               FACT(ID) | FACT(NAME) | FACT(LABEL) | FACT(NETWORK)},
    [DOCKER_OBJECT_VOLUME] = {"/volumes/", "", volume_members,
                              FACT(ID) | FACT(NAME) | FACT(LABEL) | FACT(VOLUME)},
    [DOCKER_OBJECT_SERVICE] = {"/services/", "", spec_members, FACT(ID) | FACT(NAME) | FACT(LABEL)},
    [DOCKER_OBJECT_TASK] = {"/tasks/", "", task_members, FACT(ID) | FACT(LABEL)},
    [DOCKER_OBJECT_NODE] = {"/nodes/", "", node_members, FACT(ID) | FACT(NAME) | FACT(LABEL)},
    [DOCKER_OBJECT_CONFIG] = {"/configs/", "", spec_members, FACT(ID) | FACT(NAME) | FACT(LABEL)},
    [DOCKER_OBJECT_SECRET] = {"/secrets/", "", spec_members, FACT(ID) | FACT(NAME) | FACT(LABEL)},
    [DOCKER_OBJECT_PLUGIN] = {"/plugins/", "/json", plugin_members, FACT(ID) | FACT(NAME)},
};

bool docker_object_has_fact(enum docker_object_kind kind, enum docker_fact fact)
{
    return kind < DOCKER_OBJECT_KIND_COUNT && fact < DOCKER_FACT_COUNT &&
           (kinds[kind].facts >> fact & 1) != 0;
}

void docker_object_write_inspect_path(enum docker_object_kind kind, struct slice name,
                                      struct buffer *out)
{
    if (kind <= DOCKER_OBJECT_NONE || kind >= DOCKER_OBJECT_KIND_COUNT)
        return;
    buffer_append_text(out, kinds[kind].before);
    percent_encode(out, name, "/:@$,!");
    buffer_append_text(out, kinds[kind].behind);
}

/* One reading of one answer. */
struct answer {
    struct docker_object *object;
    struct slice container_id;
    struct error *error;
    bool keep_id; /* the object has its id from an earlier answer */
};

static bool refuse(struct answer *answer, const char *path, const char *what)
{
    return error_set_reason(answer->error, 502, REASON_ENGINE_INSPECT,
                            "the engine's description of the object is not as its API says: %s %s",
                            path, what);
}

static bool add_fact(struct answer *answer, enum docker_fact fact, struct slice value)
{
    struct docker_fact_list *list = &answer->object->facts[fact];
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        struct slice *items = realloc(list->items, capacity * sizeof(*items));
        if (items == NULL)
            return error_set_reason(answer->error, 503, REASON_GATE_MEMORY,
                                    "the gate is out of memory");
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = value;
    return true;
}

static bool add_facts(struct answer *answer, unsigned facts, struct slice value)
{
    for (int fact = 0; fact < DOCKER_FACT_COUNT; fact++) {
        if ((facts >> fact & 1) != 0 && !add_fact(answer, (enum docker_fact)fact, value))
            return false;
    }
    return true;
}

/* Copies a text behind the object's, whose room has been made. */
static struct slice keep_text(struct answer *answer, struct slice copied)
{
    struct buffer *text = &answer->object->text;
    size_t start = text->len;
    buffer_append_slice(text, copied);
    return slice_of(text->data + start, text->len - start);
}

/* What is sent on to the engine must be one name: references may hold slashes, nothing may be a dot
 * segment. */
static bool is_usable_id(struct slice id)
{
    struct slice rest = id;
    while (rest.ptr != NULL) {
        struct slice segment = slice_cut(&rest, '/');
        if (segment.len == 0 || slice_equal_text(segment, ".") || slice_equal_text(segment, ".."))
            return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] <= ' ' || id.ptr[i] == 0x7f || id.ptr[i] == '\\')
            return false;
    }
    return id.len > 0;
}

static bool read_text(struct answer *answer, const struct member *member,
                      const struct json_tree_node *value)
{
    if (value->kind != JSON_TREE_STRING)
        return refuse(answer, member->path, "is not a string");
    struct slice text = keep_text(answer, value->text);
    if (member->as == READ_NAME && text.len > 0 && text.ptr[0] == '/')
        text = slice_of(text.ptr + 1, text.len - 1);
    if ((member->need == IDENTITY || member->as == READ_CONTAINER) && !is_usable_id(text))
        return refuse(answer, member->path, "is no usable id");
    if (member->as == READ_CONTAINER)
        answer->container_id = text;
    if (member->need == IDENTITY && !answer->keep_id)
        answer->object->id = text;
    return add_facts(answer, member->facts, text);
}

static bool read_label(struct answer *answer, const struct member *member,
                       const struct json_tree_node *label)
{
    struct slice text = keep_text(answer, label->key);
    if (label->kind != JSON_TREE_STRING)
        return refuse(answer, member->path, "is not all strings");
    text.len += keep_text(answer, SLICE_LITERAL("=")).len + keep_text(answer, label->text).len;
    return add_facts(answer, member->facts, text);
}

/* Adds the name of a mount that is a volume. */
static bool read_mount(struct answer *answer, const struct member *member,
                       const struct json_tree_node *mount)
{
    const struct json_tree_node *type = json_tree_at(mount, "Type");
    const struct json_tree_node *name = json_tree_at(mount, "Name");
    if ((type != NULL && type->kind != JSON_TREE_STRING) ||
        (name != NULL && name->kind != JSON_TREE_STRING))
        return refuse(answer, member->path, "has a Type or Name that is not one string");
    if (type == NULL)
        return refuse(answer, member->path, "has a mount without a Type");
    if (!slice_equal_text(type->text, "volume"))
        return true;
    if (name == NULL)
        return refuse(answer, member->path, "has a volume without a Name");
    return add_facts(answer, member->facts, keep_text(answer, name->text));
}

static bool read_element(struct answer *answer, const struct member *member,
                         const struct json_tree_node *element)
{
    switch (member->as) {
    case READ_TEXTS:
        return element->kind == JSON_TREE_STRING
                   ? add_facts(answer, member->facts, keep_text(answer, element->text))
                   : refuse(answer, member->path, "is not all strings");
    case READ_MOUNTS:
        return element->kind == JSON_TREE_OBJECT
                   ? read_mount(answer, member, element)
                   : refuse(answer, member->path, "is not all objects");
    case READ_LABELS:
        return read_label(answer, member, element);
    case READ_KEYS:
        return add_facts(answer, member->facts, keep_text(answer, element->key));
    case READ_TEXT:
    case READ_NAME:
    case READ_CONTAINER:
    case READ_END:
        break;
    }
    return false;
}

static bool read_member(struct answer *answer, const struct member *member,
                        const struct json_tree_node *value)
{
    bool array = member->as == READ_TEXTS || member->as == READ_MOUNTS;
    if (!array && member->as != READ_LABELS && member->as != READ_KEYS)
        return read_text(answer, member, value);
    if (value->kind == JSON_TREE_NULL)
        return true;
    if (value->kind != (array ? JSON_TREE_ARRAY : JSON_TREE_OBJECT))
        return refuse(answer, member->path, array ? "is not an array" : "is not an object");
    const struct json_tree_node *element = value->first;
    while (element != NULL && read_element(answer, member, element))
        element = element->next;
    return element == NULL;
}

/* Reads one member of the table, which may lie in an object within the answer. */
static bool find_member(struct answer *answer, const struct member *member,
                        const struct json_tree_node *root)
{
    struct slice inner = slice_from_text(member->path);
    const struct json_tree_node *value = json_tree_member(root, slice_cut(&inner, '.'));
    if (inner.ptr != NULL && value != NULL && value->kind != JSON_TREE_NULL &&
        value->kind != JSON_TREE_OBJECT)
        return refuse(answer, member->path, "is not in one object");
    if (inner.ptr != NULL)
        value = json_tree_member(value, inner);
    if (value != NULL)
        return read_member(answer, member, value);
    return member->need == OPTIONAL || refuse(answer, member->path, "is missing");
}

/* Makes room for `more` bytes of text and takes the slices along, so that they stay valid while the
 * answer is read: a string's meaning is never longer than its text. */
static bool make_room(struct docker_object *object, size_t more)
{
    struct buffer grown = BUFFER_EMPTY;
    if (!buffer_reserve(&grown, object->text.len + more + 1))
        return false;
    buffer_append_slice(&grown, buffer_slice(&object->text));
    if (object->id.ptr != NULL)
        object->id.ptr = grown.data + (object->id.ptr - object->text.data);
    for (size_t fact = 0; fact < DOCKER_FACT_COUNT; fact++) {
        struct docker_fact_list *list = &object->facts[fact];
        for (size_t i = 0; i < list->count; i++)
            list->items[i].ptr = grown.data + (list->items[i].ptr - object->text.data);
    }
    buffer_free(&object->text);
    object->text = grown;
    return true;
}

bool docker_object_read(struct docker_object *object, enum docker_object_kind kind,
                        struct slice json, struct slice *container_id_out, struct error *error)
{
    if (kind <= DOCKER_OBJECT_NONE || kind >= DOCKER_OBJECT_KIND_COUNT)
        return error_set_reason(error, 502, REASON_ENGINE_INSPECT, "the operation names no object");
    AUTO_JSON_TREE struct json_tree tree = {.root = NULL};
    struct answer answer = {.object = object, .error = error, .keep_id = object->id.ptr != NULL};
    struct error fault;
    bool read = json_tree_read(&tree, json, DOCKER_ANSWER_VALUES_MAX, &fault);
    if ((!read && fault.system_error == ENOMEM) || !make_room(object, json.len))
        return error_set_reason(error, 503, REASON_GATE_MEMORY, "the gate is out of memory");
    if (!answer.keep_id)
        object->kind = kind;
    if (!read)
        return refuse(&answer, "the answer:", fault.text);
    if (tree.root->kind != JSON_TREE_OBJECT)
        return refuse(&answer, "the answer", "is not an object");
    for (const struct member *member = kinds[kind].members; member->as != READ_END; member++) {
        if (!find_member(&answer, member, tree.root))
            return false;
    }
    if (container_id_out != NULL)
        *container_id_out = answer.container_id;
    return true;
}

void docker_object_clear(struct docker_object *object)
{
    for (size_t fact = 0; fact < DOCKER_FACT_COUNT; fact++)
        free(object->facts[fact].items);
    buffer_free(&object->text);
    *object = (struct docker_object){.kind = DOCKER_OBJECT_NONE};
}
