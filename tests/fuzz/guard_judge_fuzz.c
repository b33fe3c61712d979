/* SPDX-License-Identifier: Apache-2.0
 *
 * Any body before any guards. Property: what a model finds dangerous in the client's bytes, under
 * any spelling of the fields, is refused unless the guard that it names permits something; the form
 * that is sent is judged like the client's; and guards that only permit more refuse no more than the
 * safe values. The first byte chooses the operation, seven more what the guards say (two bits each:
 * nothing, everything, a list, a limit), one more whether folders of the host are there. */
#include "base/json_token.h"
#include "rules/guard/guard_judge.h"
#include "tests/fuzz/body_model.h"

enum { HEAD = 9, DEPTH = JSON_DEPTH_MAX + 1 };

/* ---- what is dangerous ---- */

typedef bool danger(struct slice key, struct json_token token, struct slice text);

static bool is_true(struct slice, struct json_token token, struct slice)
{
    return token.kind == JSON_TRUE;
}

static bool is_there(struct slice, struct json_token, struct slice)
{
    return true;
}

static bool is_text(struct slice, struct json_token token, struct slice text)
{
    return token.kind == JSON_STRING && text.len > 0;
}

static bool is_host_path(struct slice, struct json_token token, struct slice text)
{
    return token.kind == JSON_STRING && text.len > 0 && text.ptr[0] == '/' &&
           memchr(text.ptr, ':', text.len) != NULL;
}

static bool is_bind(struct slice, struct json_token token, struct slice text)
{
    return token.kind == JSON_STRING && slice_equal_text(text, "bind");
}

static bool joins(struct slice, struct json_token token, struct slice text)
{
    return token.kind == JSON_STRING && (slice_equal_text(text, "host") ||
                                         slice_starts_with(text, SLICE_LITERAL("container:")) ||
                                         slice_starts_with(text, SLICE_LITERAL("ns:")));
}

static bool is_network_host(struct slice key, struct json_token, struct slice)
{
    return slice_equal_text(key, "host");
}

static bool is_unconfined(struct slice, struct json_token token, struct slice text)
{
    return token.kind == JSON_STRING && memmem(text.ptr, text.len, "unconfined", 10) != NULL;
}

static bool comes_back(struct slice key, struct json_token token, struct slice text)
{
    return is_text(key, token, text) && !slice_equal_text(text, "no");
}

/* Any but the fourteen, with or without CAP_, in any case. */
static bool adds_capability(struct slice, struct json_token token, struct slice text)
{
    static const char usual[] =
        " AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP "
        "SETGID SETPCAP SETUID SYS_CHROOT ";
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    buffer_append_byte(&name, ' ');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        buffer_append_byte(&name, (char)(byte >= 'a' && byte <= 'z' ? byte - 32 : byte));
    }
    buffer_append_byte(&name, ' ');
    size_t skip = slice_starts_with(buffer_slice(&name), SLICE_LITERAL(" CAP_")) ? 4 : 0;
    name.data[skip] = ' ';
    return token.kind == JSON_STRING && memchr(text.ptr, ' ', text.len) == NULL &&
           memmem(usual, sizeof(usual) - 1, name.data + skip, name.len - skip) == NULL;
}

/* Steps are fields in any case, # an element of a list, * a key that is data. */
static const struct {
    enum docker_operation operation;
    enum guard guard;
    const char *path;
    danger *is_dangerous;
} dangers[] = {
    {DOCKER_CONTAINER_CREATE, GUARD_PRIVILEGED, "HostConfig.Privileged", is_true},
    {DOCKER_CONTAINER_CREATE, GUARD_BINDS, "HostConfig.Binds.#", is_host_path},
    {DOCKER_CONTAINER_CREATE, GUARD_BINDS, "HostConfig.Mounts.#.Type", is_bind},
    {DOCKER_CONTAINER_CREATE, GUARD_BINDS, "HostConfig.VolumesFrom.#", is_there},
    {DOCKER_CONTAINER_CREATE, GUARD_HOST_NAMESPACES, "HostConfig.PidMode", joins},
    {DOCKER_CONTAINER_CREATE, GUARD_HOST_NAMESPACES, "HostConfig.IpcMode", joins},
    {DOCKER_CONTAINER_CREATE, GUARD_HOST_NAMESPACES, "HostConfig.UTSMode", joins},
    {DOCKER_CONTAINER_CREATE, GUARD_HOST_NAMESPACES, "HostConfig.UsernsMode", joins},
    {DOCKER_CONTAINER_CREATE, GUARD_HOST_NAMESPACES, "HostConfig.CgroupnsMode", joins},
    {DOCKER_CONTAINER_CREATE, GUARD_HOST_NAMESPACES, "HostConfig.NetworkMode", joins},
    {DOCKER_CONTAINER_CREATE, GUARD_HOST_NAMESPACES, "HostConfig.CgroupParent", is_text},
    {DOCKER_CONTAINER_CREATE, GUARD_HOST_NAMESPACES, "NetworkingConfig.EndpointsConfig.*",
     is_network_host},
    {DOCKER_CONTAINER_CREATE, GUARD_CAPABILITIES, "HostConfig.CapAdd", adds_capability},
    {DOCKER_CONTAINER_CREATE, GUARD_CAPABILITIES, "HostConfig.CapAdd.#", adds_capability},
    {DOCKER_CONTAINER_CREATE, GUARD_DEVICES, "HostConfig.Devices.#.PathOnHost", is_text},
    {DOCKER_CONTAINER_CREATE, GUARD_DEVICES, "HostConfig.DeviceCgroupRules.#", is_there},
    {DOCKER_CONTAINER_CREATE, GUARD_DEVICES, "HostConfig.DeviceRequests.#", is_there},
    {DOCKER_CONTAINER_CREATE, GUARD_PUBLISH, "HostConfig.PortBindings.*", is_there},
    {DOCKER_CONTAINER_CREATE, GUARD_PUBLISH, "HostConfig.PublishAllPorts", is_true},
    {DOCKER_CONTAINER_CREATE, GUARD_SECURITY_OPT, "HostConfig.SecurityOpt.#", is_unconfined},
    {DOCKER_CONTAINER_CREATE, GUARD_RUNTIMES, "HostConfig.Runtime", is_text},
    {DOCKER_CONTAINER_CREATE, GUARD_SYSCTLS, "HostConfig.Sysctls.*", is_there},
    {DOCKER_CONTAINER_CREATE, GUARD_ANNOTATIONS, "HostConfig.Annotations.*", is_there},
    {DOCKER_CONTAINER_CREATE, GUARD_RESTART, "HostConfig.RestartPolicy.Name", comes_back},
    {DOCKER_CONTAINER_UPDATE, GUARD_DEVICES, "Devices.#.PathOnHost", is_text},
    {DOCKER_CONTAINER_UPDATE, GUARD_RESTART, "RestartPolicy.Name", comes_back},
    {DOCKER_CONTAINER_EXEC, GUARD_EXEC, "Privileged", is_true},
    {DOCKER_VOLUME_CREATE, GUARD_VOLUMES, "DriverOpts.*", is_there},
    {DOCKER_VOLUME_CREATE, GUARD_VOLUMES, "ClusterVolumeSpec.Group", is_text},
};

/* ---- the walk over the client's bytes ---- */

/* Keys of what is open, unescaped; ptr NULL = an element of a list. */
struct walk {
    enum docker_operation operation;
    const struct guard_set *set;
    bool found;
    struct slice steps[DEPTH];
    size_t depth;
};

static bool is_at(const struct walk *walk, const char *path)
{
    struct slice rest = slice_from_text(path);
    for (size_t i = 0; i < walk->depth; i++) {
        AUTO_BUFFER struct buffer step = BUFFER_EMPTY, wanted = BUFFER_EMPTY;
        if (rest.ptr == NULL)
            return false;
        struct slice name = slice_cut(&rest, '.');
        bool element = slice_equal_text(name, "#"), any = slice_equal_text(name, "*");
        if (element != (walk->steps[i].ptr == NULL))
            return false;
        model_fold(walk->steps[i], &step);
        model_fold(name, &wanted);
        if (!element && !any && !slice_equal(buffer_slice(&step), buffer_slice(&wanted)))
            return false;
    }
    return rest.ptr == NULL;
}

static void look(struct walk *walk, struct json_token token)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    if (token.kind == JSON_STRING)
        json_unescape(token, &text);
    for (size_t i = 0; i < ARRAY_LEN(dangers); i++) {
        const struct guard_value *value = &walk->set->values[dangers[i].guard];
        if (dangers[i].operation == walk->operation && !value->any && value->count == 0 &&
            is_at(walk, dangers[i].path) &&
            dangers[i].is_dangerous(walk->steps[walk->depth - 1], token,
                                    slice_of(buffer_text(&text), text.len)))
            walk->found = true;
    }
}

static void visit(struct walk *walk, struct json_reader *reader, struct json_token token)
{
    look(walk, token);
    if (token.kind == JSON_ARRAY_BEGIN) {
        walk->steps[walk->depth++] = slice_of(NULL, 0);
        while ((token = json_next(reader)).kind != JSON_ARRAY_END)
            visit(walk, reader, token);
        walk->depth--;
    } else if (token.kind == JSON_OBJECT_BEGIN) {
        while ((token = json_next(reader)).kind == JSON_KEY) {
            AUTO_BUFFER struct buffer key = BUFFER_EMPTY;
            json_unescape(token, &key);
            walk->steps[walk->depth++] = slice_of(buffer_text(&key), key.len);
            visit(walk, reader, json_next(reader));
            walk->depth--;
        }
    }
}

/* Whether there is something dangerous that the set does not speak of. */
static bool is_dangerous(enum docker_operation operation, const struct guard_set *set,
                         struct slice text)
{
    struct walk walk = {.operation = operation, .set = set};
    struct json_reader reader;
    json_reader_init(&reader, text);
    visit(&walk, &reader, json_next(&reader));
    return walk.found;
}

/* ---- guards ---- */

static const char *const item_texts[] = {"*",         "/srv/*", "/srv:ro", "8080",    "127.0.0.1:*",
                                         "NET_ADMIN", "pid",    "gpu",     "network", "local",
                                         "exec",      "always", "net.*",   "~.*a"};
enum { ITEMS = sizeof(item_texts) / sizeof(item_texts[0]) };

static struct pattern *all_items(void)
{
    static struct pattern items[ITEMS];
    struct error error;
    bool compiled = items[0].text.ptr != NULL;
    for (size_t i = 0; !compiled && i < ITEMS; i++)
        require(pattern_compile(&items[i], PATTERN_VALUE, slice_from_text(item_texts[i]), &error));
    return items;
}

/* Two bits for each guard. *wider_out: it permits more than the safe values, and demands nothing. */
static struct guard_set read_set(const uint8_t *bits, bool *wider_out)
{
    struct guard_set set = {.report = false};
    *wider_out = true;
    for (size_t i = 1; i < GUARD_COUNT; i++) {
        struct guard_value *value = &set.values[i];
        unsigned said = bits[i / 4] >> (i % 4 * 2) & 3U;
        value->source = said == 0 ? NULL : "policy.yaml:1";
        value->any = said == 1;
        value->items = said == 2 ? all_items() : NULL;
        value->count = said == 2 ? ITEMS : 0;
        value->has_max = said == 3;
        value->max = 1000000;
        value->options = said == 2 ? bits[0] : 0;
        if (said == 3 || (said == 2 && i == GUARD_NETWORKS))
            *wider_out = false;
    }
    return set;
}

static bool on_this_host(void *context, struct slice, struct slice, const char **why_out)
{
    *why_out = "it is not there";
    return *(const bool *)context;
}

static struct guard_finding judge(const struct guard_set *set, const struct body *body, bool there)
{
    struct guard_finding finding, again;
    struct guard_case c = {set, body, on_this_host, &there, &finding};
    guard_judge(&c);
    c.finding = &again;
    guard_judge(&c);
    require(finding.count == again.count);
    if (finding.count > 0) {
        AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
        require(finding.guard == again.guard && finding.guard < GUARD_COUNT);
        require(finding.source != NULL && finding.text[0] != '\0');
        require(strlen(finding.field) < sizeof(finding.field));
        guard_finding_write(&finding, &said);
        require(!said.failed && memchr(said.data, '\n', said.len) == NULL);
    }
    return finding;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct guard_set safe;
    struct error error;
    bool wider;
    if (size <= HEAD)
        return 0;
    enum docker_operation operation = model_operation(data[0]);
    struct slice text = slice_of((const char *)data + HEAD, size - HEAD);
    const struct guard_set set = read_set(data + 1, &wider);
    bool there = (data[HEAD - 1] & 1) != 0;
    AUTO_BUFFER struct buffer sent = BUFFER_EMPTY;
    AUTO_BODY struct body body, second;
    bool good = body_read(&body, operation, 0, text, &error);
    second = (struct body){.type = NULL};
    if (!good)
        return 0;
    struct guard_finding found = judge(&set, &body, there), safely = judge(&safe, &body, there);
    require(found.count > 0 || !is_dangerous(operation, &set, text));
    require(safely.count > 0 || !is_dangerous(operation, &safe, text));
    require(!wider || safely.count > 0 || found.count == 0);
    body_write(&body, &sent);
    require(body_read(&second, operation, 0, buffer_slice(&sent), &error));
    struct guard_finding sent_found = judge(&set, &second, there);
    require(sent_found.count == found.count);
    require(found.count == 0 || sent_found.guard == found.guard);
    return 0;
}
