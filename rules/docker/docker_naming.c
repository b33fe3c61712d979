/* SPDX-License-Identifier: Apache-2.0
 *
 * A queue of questions. Each is an inspect call, or the list of a repository, which adds a question
 * for each of its tags. How the engine resolves the names of images: a full id; else a tag, `latest`
 * when none is written; else the beginning of an id (daemon/images/image.go). A reference that is
 * written out is never the beginning of an id, so it can only be gone, not be another image. */
#include "rules/docker/docker_naming.h"

#include <stdlib.h>

#include "rules/docker/docker_names.h"
#include "rules/docker/image_list.h"
#include "rules/docker/image_reference.h"

enum form {
    FORM_ID,        /* the full id, whatever the name was */
    FORM_REFERENCE, /* by tag, digest or id, as the engine reads the name */
    FORM_ARCHIVE,   /* the same, and a repository is every tag */
    FORM_PUSH,      /* a tag, or every tag; never an id */
};

enum ask {
    ASK_OBJECT,
    ASK_CONTAINER,  /* of the exec that was asked for before */
    ASK_REPOSITORY, /* its list */
    ASK_BY_ID,      /* an image that no repository is named like */
};

struct question {
    enum ask ask;
    char *name; /* owned */
};

struct known {
    struct docker_object object;
    char *sent; /* owned; NULL = the object's id */
};

struct docker_naming {
    enum docker_naming_state state;
    enum docker_object_kind kind;
    enum docker_operation operation;
    enum form form;
    bool every_tag; /* what is pushed has no tag */
    struct question *questions;
    size_t question_count, question_capacity, asked;
    struct known *known;
    size_t known_count, known_capacity;
};

static enum form form_of(enum docker_operation operation)
{
    if (operation == DOCKER_IMAGE_DELETE)
        return FORM_REFERENCE;
    if (operation == DOCKER_IMAGE_GET || operation == DOCKER_IMAGE_GET_ALL)
        return FORM_ARCHIVE;
    return operation == DOCKER_IMAGE_PUSH ? FORM_PUSH : FORM_ID;
}

static bool give_up(struct docker_naming *naming)
{
    naming->state = DOCKER_NAMING_UNKNOWN;
    return false;
}

static char *copy_text(struct slice text)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* Makes room for one more element. */
static bool grow(void **items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 1 : *capacity * 4;
    void *grown = realloc(*items, wanted * size);
    if (grown == NULL)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

/* ---- questions ---- */

static bool add_question(struct docker_naming *naming, enum ask ask, struct slice name)
{
    size_t open = naming->question_count - naming->asked + naming->known_count;
    if (name.len == 0 || open >= DOCKER_NAMING_OBJECTS_MAX ||
        !grow((void **)&naming->questions, naming->question_count, &naming->question_capacity,
              sizeof(naming->questions[0])))
        return give_up(naming);
    char *copy = copy_text(name);
    if (copy == NULL)
        return give_up(naming);
    naming->questions[naming->question_count++] = (struct question){ask, copy};
    return true;
}

/* Whether an archive of this name holds every tag of a repository, unless there is none of the
 * name: what has no tag, no digest and is no id with its algorithm. */
static bool is_repository(struct slice name, struct image_reference *reference)
{
    return image_reference_parse(name, reference) && reference->tag.len == 0 &&
           reference->digest.len == 0;
}

static bool ask_archive(struct docker_naming *naming, struct slice name)
{
    struct image_reference reference;
    return is_repository(name, &reference) ? add_question(naming, ASK_REPOSITORY, name)
                                           : add_question(naming, ASK_OBJECT, name);
}

/* The reference that is pushed; the tag in the query replaces the one in the path. */
static bool ask_push(struct docker_naming *naming, const struct docker_request *request)
{
    char text[IMAGE_REFERENCE_MAX];
    struct image_reference reference;
    struct slice tag = docker_request_parameter(request, SLICE_LITERAL("tag"));
    if (!image_reference_parse(request->object_name, &reference) ||
        (tag.len > 0 && (reference.digest.len > 0 || !image_reference_is_tag(tag))))
        return give_up(naming);
    if (tag.len > 0)
        reference.tag = tag;
    naming->every_tag = reference.tag.len == 0 && reference.digest.len == 0;
    if (naming->every_tag)
        return add_question(naming, ASK_REPOSITORY, reference.name);
    return add_question(naming, ASK_OBJECT, image_reference_write(&reference, text));
}

static bool ask_all(struct docker_naming *naming, const struct docker_request *request)
{
    bool good = true;
    if (request->operation == DOCKER_CONTAINER_DELETE &&
        docker_request_flag(request, SLICE_LITERAL("link")))
        return give_up(naming);
    if (naming->form == FORM_PUSH)
        return ask_push(naming, request);
    if (request->operation == DOCKER_IMAGE_GET_ALL) {
        for (unsigned i = 0; good && i < request->parameter_count; i++) {
            if (slice_equal_text(request->parameters[i].key, "names"))
                good = ask_archive(naming, request->parameters[i].value);
        }
        return good && (naming->question_count > 0 || give_up(naming));
    }
    return naming->form == FORM_ARCHIVE ? ask_archive(naming, request->object_name)
                                        : add_question(naming, ASK_OBJECT, request->object_name);
}

struct docker_naming *docker_naming_new(const struct docker_request *request)
{
    struct docker_naming *naming = calloc(1, sizeof(*naming));
    if (naming == NULL)
        return NULL;
    naming->operation = request->operation;
    naming->kind = docker_operation_info(request->operation)->object;
    naming->form = form_of(request->operation);
    (void)ask_all(naming, request);
    return naming;
}

void docker_naming_free(struct docker_naming **naming_pointer)
{
    struct docker_naming *naming = steal_pointer(naming_pointer);
    if (naming == NULL)
        return;
    for (size_t i = 0; i < naming->question_count; i++)
        free(naming->questions[i].name);
    for (size_t i = 0; i < naming->known_count; i++) {
        docker_object_clear(&naming->known[i].object);
        free(naming->known[i].sent);
    }
    free(naming->questions);
    free(naming->known);
    free(naming);
}

enum docker_naming_state docker_naming_state(const struct docker_naming *naming)
{
    return naming->state;
}

static struct slice name_of(const struct question *question)
{
    return slice_from_text(question->name);
}

void docker_naming_write_question(const struct docker_naming *naming, struct buffer *out)
{
    const struct question *question = &naming->questions[naming->asked];
    struct image_reference reference;
    switch (question->ask) {
    case ASK_OBJECT:
    case ASK_BY_ID:
        docker_object_write_inspect_path(naming->kind, name_of(question), out);
        return;
    case ASK_CONTAINER:
        docker_object_write_inspect_path(DOCKER_OBJECT_CONTAINER, name_of(question), out);
        return;
    case ASK_REPOSITORY:
        if (is_repository(name_of(question), &reference))
            image_list_write_path(reference.name, out);
        return;
    }
}

/* ---- answers ---- */

/* The image's own spelling of the reference: "acme:1" or "acme@sha256:…"; ptr NULL when it has it
 * no more. */
static struct slice find_reference(const struct docker_object *image,
                                   const struct image_reference *wanted)
{
    const struct docker_fact_list *names = &image->facts[DOCKER_FACT_NAME];
    for (size_t i = 0; i < names->count; i++) {
        struct image_reference reference;
        if (image_reference_parse(names->items[i], &reference) &&
            image_reference_equal(&reference, wanted))
            return names->items[i];
    }
    return (struct slice){NULL, 0};
}

/* How an image is named to the engine that was asked for as `name`: sets known->sent, or leaves it
 * for the id. False when the answer is not what the engine would take the name for. */
static bool fix_reference(const struct docker_naming *naming, struct known *known,
                          struct slice name, enum ask ask)
{
    struct slice id = known->object.id;
    struct image_reference reference;
    bool named = image_reference_parse(name, &reference);
    bool alone = named && reference.tag.len == 0 && reference.digest.len == 0;
    if (naming->form != FORM_PUSH && (!named || alone) && image_reference_begins_id(name, id))
        return true;
    if (!named || ask == ASK_BY_ID)
        return false;
    struct slice found = find_reference(&known->object, &reference);
    if (found.ptr == NULL)
        return false;
    known->sent = copy_text(found);
    return known->sent != NULL;
}

static bool take_object(struct docker_naming *naming, struct slice body)
{
    const struct question question = naming->questions[naming->asked++];
    struct slice container_id = {NULL, 0};
    struct error error;
    if (!grow((void **)&naming->known, naming->known_count, &naming->known_capacity,
              sizeof(naming->known[0])))
        return give_up(naming);
    struct known *known = &naming->known[naming->known_count++];
    *known = (struct known){.sent = NULL};
    if (!docker_object_read(&known->object, naming->kind, body, &container_id, &error))
        return give_up(naming);
    if (naming->kind == DOCKER_OBJECT_EXEC)
        return add_question(naming, ASK_CONTAINER, container_id);
    if (naming->form != FORM_ID && !fix_reference(naming, known, name_of(&question), question.ask))
        return give_up(naming);
    return true;
}

static bool take_container(struct docker_naming *naming, struct slice body)
{
    struct error error;
    naming->asked++;
    struct docker_object *exec = &naming->known[naming->known_count - 1].object;
    return docker_object_read(exec, DOCKER_OBJECT_CONTAINER, body, NULL, &error) || give_up(naming);
}

/* What has no tag is no part of a push. */
static bool visit_reference(void *context, struct slice reference)
{
    struct docker_naming *naming = context;
    bool is_id = image_reference_id_digits(reference).ptr != NULL;
    return (naming->form == FORM_PUSH && is_id) || add_question(naming, ASK_OBJECT, reference);
}

static bool take_list(struct docker_naming *naming, struct slice body)
{
    struct image_reference reference;
    struct error error;
    struct slice name = name_of(&naming->questions[naming->asked++]);
    size_t before = naming->question_count;
    if (!is_repository(name, &reference) ||
        !image_list_read(body, reference.name, visit_reference, naming, &error))
        return give_up(naming);
    if (naming->question_count > before)
        return true;
    return naming->form == FORM_PUSH ? give_up(naming) : add_question(naming, ASK_BY_ID, name);
}

void docker_naming_answer(struct docker_naming *naming, unsigned status, struct slice body)
{
    bool good = false;
    if (naming->state != DOCKER_NAMING_ASKS)
        return;
    if (status != 200) {
        (void)give_up(naming);
        return;
    }
    switch (naming->questions[naming->asked].ask) {
    case ASK_OBJECT:
    case ASK_BY_ID:
        good = take_object(naming, body);
        break;
    case ASK_CONTAINER:
        good = take_container(naming, body);
        break;
    case ASK_REPOSITORY:
        good = take_list(naming, body);
        break;
    }
    if (good && naming->asked == naming->question_count)
        naming->state = DOCKER_NAMING_KNOWN;
}

size_t docker_naming_count(const struct docker_naming *naming)
{
    return naming->state == DOCKER_NAMING_KNOWN ? naming->known_count : 0;
}

const struct docker_object *docker_naming_object(const struct docker_naming *naming, size_t index)
{
    return &naming->known[index].object;
}

/* ---- the form that is sent on ---- */

struct slice docker_naming_sent(const struct docker_naming *naming, size_t index)
{
    const struct known *known = &naming->known[index];
    return known->sent == NULL ? known->object.id : slice_from_text(known->sent);
}

bool docker_naming_has_moved(const struct docker_naming *naming, struct slice answer)
{
    struct slice deleted = SLICE_LITERAL("\"Deleted\":\"");
    bool by_tag = naming->form == FORM_REFERENCE && docker_naming_count(naming) == 1 &&
                  naming->known[0].sent != NULL;
    const char *at, *end = answer.ptr + answer.len;
    bool any = false;
    while (by_tag && (at = memmem(answer.ptr, answer.len, deleted.ptr, deleted.len)) != NULL) {
        answer = slice_of(at + deleted.len, (size_t)(end - at) - deleted.len);
        if (slice_starts_with(answer, naming->known[0].object.id))
            return false;
        any = true;
    }
    return any;
}

/* Takes every parameter of that name out. */
static void remove_parameters(struct docker_request *request, struct slice key)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < request->parameter_count; i++) {
        if (!slice_equal(request->parameters[i].key, key))
            request->parameters[kept++] = request->parameters[i];
    }
    request->parameter_count = kept;
}

static bool add_parameter(struct docker_request *request, struct slice key, struct slice value)
{
    if (request->parameter_count == request->parameter_capacity)
        return false;
    request->parameters[request->parameter_count++] = (struct docker_parameter){key, value};
    return true;
}

/* One image stays in the path; several go where the engine takes several. */
static bool apply_archive(const struct docker_naming *naming, struct docker_request *request,
                          struct slice *object_name_out)
{
    if (request->operation == DOCKER_IMAGE_GET && naming->known_count == 1) {
        *object_name_out = docker_naming_sent(naming, 0);
        return true;
    }
    struct slice key = SLICE_LITERAL("names");
    remove_parameters(request, key);
    request->path = SLICE_LITERAL("/images/get");
    request->object_name = slice_of("", 0);
    for (size_t i = 0; i < naming->known_count; i++) {
        if (!add_parameter(request, key, docker_naming_sent(naming, i)))
            return false;
    }
    return true;
}

/* Several tags at once have no form of their own: each was judged, and the repository is pushed. */
static bool apply_push(const struct docker_naming *naming, struct docker_request *request,
                       struct slice *object_name_out)
{
    struct image_reference reference;
    struct slice key = SLICE_LITERAL("tag");
    struct slice sent = docker_naming_sent(naming, 0);
    if (!image_reference_parse(sent, &reference))
        return false;
    *object_name_out = reference.digest.len > 0 ? sent : reference.name;
    remove_parameters(request, key);
    if (reference.digest.len > 0 || naming->known_count > 1)
        return true;
    return add_parameter(request, key, reference.tag);
}

bool docker_naming_apply(const struct docker_naming *naming, struct docker_request *request,
                         struct slice *object_name_out)
{
    *object_name_out = (struct slice){NULL, 0};
    if (docker_naming_count(naming) == 0)
        return true;
    if (naming->form == FORM_ARCHIVE)
        return apply_archive(naming, request, object_name_out);
    if (naming->form == FORM_PUSH)
        return apply_push(naming, request, object_name_out);
    struct slice sent = docker_naming_sent(naming, 0);
    struct slice key = docker_name_of_object(request->operation);
    if (key.ptr == NULL) {
        *object_name_out = sent;
        return true;
    }
    remove_parameters(request, key);
    return add_parameter(request, key, sent);
}
