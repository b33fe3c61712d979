/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/command/command_policy_resource.h"

#include <stdlib.h>
#include <string.h>

#include "policy/command/command_policy_edit.h"
#include "rules/network/host_pattern.h"

void policy_resource_list_clear(struct policy_resource_list *list)
{
    free(list->items);
    free(list->methods);
    free(list->paths);
    free(list->addresses);
    arena_free(&list->arena);
}

static void add_item(struct policy_resource_list *list, struct slice text, bool is_path)
{
    list->items = array_grow(list->items, list->count, &list->capacity, sizeof(list->items[0]));
    list->items[list->count++] = (struct policy_resource){text, is_path};
}

/* ---- hosts ---- */

/* What is read of one host. */
struct host_word {
    struct slice text;        /* as it was written, then as it is understood */
    const char *scheme_ports; /* of a URL without a port; NULL = none */
    struct slice url_path;    /* what stands behind a URL's host but `/` alone */
    bool is_url;
};

static struct slice behind(struct slice text, size_t len)
{
    return slice_of(text.ptr + len, text.len - len);
}

/* Takes the host out of a URL. Other schemes stay as they are: the pattern's reader refuses them. */
static void take_url(struct host_word *word)
{
    static const struct {
        struct slice scheme;
        const char *port;
    } rows[] = {{{"https://", 8}, "443"}, {{"http://", 7}, "80"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice scheme = rows[i].scheme;
        if (word->text.len < scheme.len ||
            !slice_equal_nocase(slice_of(word->text.ptr, scheme.len), scheme))
            continue;
        struct slice host = behind(word->text, scheme.len);
        size_t len = 0;
        while (len < host.len && memchr("/?#", host.ptr[len], 3) == NULL)
            len++;
        word->url_path = behind(host, len);
        if (slice_equal_text(word->url_path, "/"))
            word->url_path.len = 0;
        word->text = slice_of(host.ptr, len);
        word->scheme_ports = rows[i].port;
        word->is_url = true;
        return;
    }
}

static void note_url(const struct host_word *word, struct slice written, struct slice understood,
                     struct policy_messages *notes)
{
    const struct quoted taken = quote(understood);
    const char *more = "";
    if (word->url_path.len > 0 && strcmp(word->scheme_ports, "443") == 0)
        more = "; the path is not part of it, since nobody can see it in TLS";
    else if (word->url_path.len > 0)
        more = "; the path is not part of it: --path limits to one";
    policy_messages_add(notes, NULL, 0, 0, "%s: its host is taken, %s%s", quote(written).text,
                        taken.text, more);
}

/* Sets the ports that stand beside the pattern: those of --port or of the URL's scheme. */
static bool set_ports(struct host_pattern *pattern, const struct host_word *word, const char *ports,
                      struct error *error)
{
    if (ports != NULL && pattern->has_ports)
        return error_set(error, COMMAND_USAGE, "it has ports of its own: leave out --port");
    const char *text = ports != NULL ? ports : pattern->has_ports ? NULL : word->scheme_ports;
    if (text == NULL)
        return true;
    pattern->has_ports = true;
    return port_set_parse(slice_from_text(text), &pattern->ports, error);
}

/* `**` is how others write every host. */
static struct slice every_host(struct slice text)
{
    bool all = slice_equal_text(text, "**") || slice_starts_with(text, SLICE_LITERAL("**:"));
    return all ? behind(text, 1) : text;
}

/* Reads a word, but for --port. */
static bool read_pattern(struct host_word *word, bool allows, struct host_pattern *pattern,
                         struct error *error)
{
    take_url(word);
    word->text = every_host(word->text);
    return host_pattern_parse(word->text, allows, pattern, error);
}

void policy_resource_canonical(struct slice written, bool allows, struct buffer *out)
{
    struct host_word word = {.text = written};
    struct host_pattern pattern;
    struct error error;
    if (!read_pattern(&word, allows, &pattern, &error) ||
        !set_ports(&pattern, &word, NULL, &error)) {
        buffer_append_slice(out, written);
        return;
    }
    pattern.has_ports = true;
    host_pattern_write(&pattern, out);
}

static bool read_host(struct policy_resource_list *list, const struct policy_resource_words *words,
                      struct slice written, struct policy_messages *notes, struct error *error)
{
    struct host_word word = {.text = written};
    struct host_pattern pattern;
    AUTO_BUFFER struct buffer canonical = BUFFER_EMPTY;
    if (!read_pattern(&word, words->allows, &pattern, error) ||
        !set_ports(&pattern, &word, words->ports, error))
        return false;
    host_pattern_write(&pattern, &canonical);
    struct slice text = slice_of(arena_text(&list->arena, buffer_slice(&canonical)), canonical.len);
    if (word.is_url)
        note_url(&word, written, text, notes);
    add_item(list, text, false);
    return true;
}

static bool read_hosts(struct policy_resource_list *list, const char *command,
                       const struct policy_resource_words *words, struct policy_messages *notes)
{
    bool good = true;
    struct slice rest = slice_from_text(words->resources);
    while (rest.ptr != NULL) {
        struct slice part = policy_edit_next_resource(&rest);
        struct error error;
        if (!policy_edit_is_one(command, part)) {
            good = false;
            continue;
        }
        if (read_host(list, words, part, notes, &error))
            continue;
        (void)command_fail(command, COMMAND_USAGE, "%s: %s", quote(part).text, error.text);
        good = false;
    }
    return good;
}

/* ---- methods, paths, operations ---- */

static void add_slice(struct slice **items, size_t *count, size_t *capacity, struct slice text)
{
    *items = array_grow(*items, *count, capacity, sizeof(**items));
    (*items)[(*count)++] = text;
}

/* In capitals, since nobody means another method by `get`; `ANY` is how others write all. */
static void read_methods(struct policy_resource_list *list, const struct option_value *option)
{
    bool any = false;
    for (unsigned i = 0; i < option->list_count; i++) {
        struct slice rest = slice_from_text(option->list[i]);
        while (rest.ptr != NULL) {
            struct slice part = slice_trim_blanks(slice_cut(&rest, ','));
            char *text = arena_text(&list->arena, part);
            for (size_t at = 0; at < part.len; at++)
                text[at] = text[at] >= 'a' && text[at] <= 'z' ? (char)(text[at] - 32) : text[at];
            any |= strcmp(text, "ANY") == 0;
            add_slice(&list->methods, &list->method_count, &list->method_capacity,
                      slice_of(text, part.len));
        }
    }
    if (any)
        list->method_count = 0;
}

/* Ranges, with commas or each by itself. */
static bool read_addresses(struct policy_resource_list *list, const char *command,
                           const struct option_value *option)
{
    for (unsigned i = 0; option != NULL && i < option->list_count; i++) {
        struct slice rest = slice_from_text(option->list[i]);
        while (rest.ptr != NULL) {
            struct slice part = slice_trim_blanks(slice_cut(&rest, ','));
            struct ip_range range;
            if (!ip_range_parse(part, &range))
                return policy_edit_usage(command,
                                         "--address takes an address or a range, like 10.0.0.5 or "
                                         "10.0.0.0/8, not %s",
                                         quote(part).text);
            add_slice(&list->addresses, &list->address_count, &list->address_capacity, part);
        }
    }
    return true;
}

/* Names of one label, and under those of which nobody outside has any: they lead to private
 * addresses where they lead anywhere. */
static bool is_local_name(struct slice pattern)
{
    static const struct slice ends[] = {SLICE_LITERAL(".local"),    SLICE_LITERAL(".lan"),
                                        SLICE_LITERAL(".internal"), SLICE_LITERAL(".intranet"),
                                        SLICE_LITERAL(".home"),     SLICE_LITERAL(".home.arpa"),
                                        SLICE_LITERAL(".corp"),     SLICE_LITERAL(".private")};
    struct slice host = slice_cut(&pattern, ':');
    bool plain = host.len > 0 && host.ptr[0] != '~' && host.ptr[0] != '[' && host.ptr[0] != '*';
    if (slice_equal_text(host, "localhost"))
        return false; /* a rule that names it names its addresses */
    if (plain && memchr(host.ptr, '.', host.len) == NULL)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (slice_ends_with(host, ends[i]))
            return true;
    }
    return false;
}

static void note_local_names(const struct policy_resource_list *list, struct policy_messages *notes)
{
    for (size_t i = 0; i < list->count && list->address_count == 0; i++) {
        if (is_local_name(list->items[i].text))
            policy_messages_add(notes, NULL, 0, 0,
                                "%s looks like a name of your own network: where it leads to a "
                                "private address, a rule has to name that too: --address "
                                "10.0.0.0/8",
                                quote(list->items[i].text).text);
    }
}

static bool read_docker(struct policy_resource_list *list, const char *command,
                        const struct policy_resource_words *words)
{
    const struct option_value *paths = words->paths;
    if (words->resources != NULL && (paths->given || words->methods->given))
        return policy_edit_usage(command, "name operations, or a request by --method and --path; "
                                          "an operation has its method and path");
    if (words->methods->given && !paths->given)
        return policy_edit_usage(command, "--method needs --path: --method POST --path "
                                          "\"/containers/*/start\"");
    struct slice rest = slice_from_text(words->resources);
    while (rest.ptr != NULL) {
        struct slice part = slice_trim_blanks(slice_cut(&rest, ','));
        if (!policy_edit_is_one(command, part))
            return false;
        add_item(list, part, false);
    }
    for (unsigned i = 0; i < paths->list_count; i++)
        add_item(list, slice_from_text(paths->list[i]), true);
    if (list->count > 0)
        return true;
    return policy_edit_usage(command, "name operations, like ContainerStart, Container* or @read, "
                                      "or a request by --method and --path");
}

bool policy_resource_list_read(struct policy_resource_list *list, const char *command,
                               const struct policy_resource_words *words,
                               struct policy_messages *notes)
{
    read_methods(list, words->methods);
    if (!words->network)
        return read_docker(list, command, words);
    if (words->resources == NULL)
        return policy_edit_usage(command,
                                 "name the hosts: network \"api.example.com,*.example.org\"");
    for (unsigned i = 0; i < words->paths->list_count; i++)
        add_slice(&list->paths, &list->path_count, &list->path_capacity,
                  slice_from_text(words->paths->list[i]));
    if (!read_addresses(list, command, words->addresses) ||
        !read_hosts(list, command, words, notes))
        return false;
    if (words->allows)
        note_local_names(list, notes);
    return true;
}
