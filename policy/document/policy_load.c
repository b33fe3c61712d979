/* SPDX-License-Identifier: Apache-2.0
 *
 * Which files make up a policy: policy.yaml, then policy.d/ *.yaml in the order of their names, and
 * what they `use`. */
#include "policy/document/policy_load.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/environment/environment.h"
#include "policy/environment/environment_browser.h"
#include "policy/environment/environment_notice.h"
#include "policy/document/policy_document.h"
#include "policy/explain/policy_notices.h"
#include "policy/snapshot/policy_listen.h"
#include "policy/document/policy_file.h"
#include "policy/document/policy_main_document.h"
#include "policy/document/policy_own_addresses.h"
#include "policy/document/policy_paths.h"
#include "policy/document/policy_rules_document.h"

static struct slice folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return SLICE_LITERAL(".");
    return slice_of(path, slash == path ? 1 : (size_t)(slash - path));
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool is_cli_file(const char *label)
{
    return strcmp(label, POLICY_CLI_LABEL) == 0;
}

/* Whether there is such a file, good or bad. */
static bool read_file(struct policy_reading *reading, const char *file, const char *label,
                      bool required)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct policy_document document = {.reading = reading,
                                       .file = file,
                                       .label = label,
                                       .may_override = is_cli_file(label),
                                       .client = POLICY_EVERY_CLIENT,
                                       .layer = POLICY_LAYER_DOCUMENT};
    if (reading->cli_text != NULL && is_cli_file(label)) {
        policy_main_document_read(&document, *reading->cli_text);
        return true;
    }
    int64_t modified_us;
    switch (policy_file_read_noted(file, reading->check_owner, reading->files, &text, &modified_us,
                                   reading->errors)) {
    case POLICY_FILE_READ:
        policy_builder_add_source(reading->builder, file, text.len, modified_us);
        policy_main_document_read(&document, buffer_slice(&text));
        return true;
    case POLICY_FILE_MISSING:
        if (required)
            policy_messages_add(reading->errors, file, 0, 0, "there is no such file");
        return false;
    case POLICY_FILE_BAD:
        break;
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the folder's drop-ins, sorted; a file that is only proposed is among them. */
static const char **drop_in_names(struct policy_reading *reading, const char *folder,
                                  size_t *count_out)
{
    const char **names = NULL;
    size_t count = 0, capacity = 0;
    DIR *directory = opendir(folder);
    int reason = directory == NULL && errno != ENOENT ? errno : 0;
    for (struct dirent *entry; directory != NULL;) {
        errno = 0;
        if ((entry = readdir(directory)) == NULL) {
            reason = errno;
            break;
        }
        if (policy_files_is_like_drop_in(entry->d_name))
            policy_messages_add(reading->notices, folder, 0, 0,
                                "%s is not read: the names of drop-ins end in `.yaml`",
                                quote_text(entry->d_name).text);
        if (!policy_files_is_drop_in(entry->d_name) ||
            (reading->cli_text != NULL && strcmp(entry->d_name, POLICY_CLI_NAME) == 0))
            continue;
        names = array_grow(names, count, &capacity, sizeof(names[0]));
        names[count++] = arena_text(&reading->arena, slice_from_text(entry->d_name));
    }
    if (directory != NULL)
        closedir(directory);
    if (reason != 0)
        policy_messages_add(reading->errors, folder, 0, 0, "cannot be read: %s", strerror(reason));
    if (reading->cli_text != NULL) {
        names = array_grow(names, count, &capacity, sizeof(names[0]));
        names[count++] = POLICY_CLI_NAME;
    }
    if (count > 0)
        qsort(names, count, sizeof(names[0]), compare_names);
    *count_out = count;
    return names;
}

static void read_drop_ins(struct policy_reading *reading, const char *config_path)
{
    struct slice parent = folder_of(config_path);
    const char *folder =
        arena_printf(&reading->arena, "%.*s/policy.d", (int)parent.len, parent.ptr);
    size_t count;
    policy_files_add_folder(reading->files, folder);
    /* Also while it is empty: whoever can write the folder can put a rule there. */
    if (!policy_file_check_folder(folder, reading->check_owner, reading->errors))
        return;
    const char **names = drop_in_names(reading, folder, &count);
    for (size_t i = 0; i < count; i++)
        (void)read_file(reading, arena_printf(&reading->arena, "%s/%s", folder, names[i]),
                        arena_printf(&reading->arena, "policy.d/%s", names[i]), true);
    free(names);
}

/* "NAME=ADDRESS", or an address alone for `default`; what begins an address is no name. */
static void add_listener(struct policy_reading *reading, enum policy_role role, const char *text,
                         const char *source)
{
    struct error error;
    const char *client = "default";
    size_t len = strcspn(text, "=:/@");
    if (text[len] == '=') {
        client = arena_text(reading->kept, slice_of(text, len));
        text += len + 1;
    }
    if (!policy_is_client_name(slice_from_text(client)))
        policy_messages_add(reading->errors, NULL, 0, 0, "%s NAME=ADDRESS: %s", source,
                            policy_client_name_advice);
    else if (!policy_builder_add_listen(reading->builder, client, role, text, source, &error))
        policy_messages_add(reading->errors, NULL, 0, 0, "%s: %s", source, error.text);
}

static void add_listeners(struct policy_reading *reading, const struct policy_inputs *inputs)
{
    for (size_t i = 0; i < inputs->listen_count; i++)
        add_listener(reading, POLICY_ROLE_DOCKER, inputs->listen[i], "--listen");
    for (size_t i = 0; i < inputs->network_count; i++) {
        const struct policy_input_listen *listen = &inputs->network[i];
        add_listener(reading, listen->role, listen->text, listen->source);
    }
}

/* --dns-answer, for the client `default`. */
static void add_dns_answer(struct policy_reading *reading, const char *text)
{
    size_t index = policy_builder_client(reading->builder, SLICE_LITERAL("default"));
    struct builder_client *client = &reading->builder->clients[index];
    enum policy_dns_answer answer = POLICY_DNS_LISTED;
    struct error error;
    if (strcmp(text, "gate") == 0)
        answer = POLICY_DNS_GATE;
    else if (strcmp(text, "real") == 0)
        answer = POLICY_DNS_REAL;
    if (client->dns_answer.set) {
        policy_messages_add(reading->errors, NULL, 0, 0,
                            "--dns-answer: `answer` was set already, in %s",
                            client->dns_answer.source);
        return;
    }
    client->dns_answer = (struct policy_setting){true, answer, "--dns-answer"};
    struct slice rest = slice_from_text(answer == POLICY_DNS_LISTED ? text : NULL);
    while (rest.ptr != NULL) {
        if (!policy_dns_address_add(client, slice_cut(&rest, ','), &error))
            policy_messages_add(reading->errors, NULL, 0, 0, "--dns-answer: %s", error.text);
    }
}

/* The variables are the policy as long as there is no policy.yaml. */
static void read_environment(struct policy_reading *reading, const struct policy_inputs *inputs,
                             bool has_file)
{
    if (inputs->environment == NULL)
        return;
    bool compat = environment_is_compat(inputs->environment);
    environment_notices_add_own(inputs->environment, reading->notices);
    if (!environment_check_guard(inputs->environment, reading->errors))
        return;
    if (has_file || !compat)
        environment_note_unread_browser(inputs->environment, reading->notices);
    if (!compat)
        environment_notices_add_unread(inputs->environment, reading->notices);
    if (!compat)
        return;
    if (has_file) {
        environment_note_ended(inputs->environment, inputs->config_path, reading->notices);
        return;
    }
    policy_builder_add_source(reading->builder, "environment", 0, 0);
    (void)!environment_add_rules(reading->builder, inputs->environment, reading->errors,
                                 reading->notices);
}

/* Whether the documents leave it open where `default` listens: they give it no listener, and are not
 * for the internet alone. */
static bool leaves_default_open(const struct policy_builder *builder)
{
    bool docker = false, network = false;
    for (size_t i = 0; i < builder->client_count; i++) {
        const struct builder_client *client = &builder->clients[i];
        if (strcmp(client->name, "default") == 0 &&
            (client->has_listen || client->listen_count > 0))
            return false;
        for (size_t j = 0; j < client->listen_count; j++)
            *(client->listens[j].role == POLICY_ROLE_DOCKER ? &docker : &network) = true;
    }
    return docker || !network;
}

/* The listener of the replaced image stays, whatever the policy is made of. */
static void add_default_listener(struct policy_reading *reading, const struct policy_inputs *inputs)
{
    struct error error;
    const char *listen =
        inputs->environment == NULL ? NULL : environment_default_listen(inputs->environment);
    if (listen != NULL && inputs->listen_count == 0 && leaves_default_open(reading->builder) &&
        !policy_builder_add_listen(reading->builder, "default", POLICY_ROLE_DOCKER, listen,
                                   "env DOCKREEVE_COMPAT", &error))
        policy_messages_add(reading->errors, NULL, 0, 0, "%s", error.text);
}

/* policy.yml where a policy.yaml is looked for. */
static void note_other_ending(struct policy_reading *reading, const char *config_path)
{
    size_t len = strlen(config_path);
    if (len < 5 || strcmp(config_path + len - 5, ".yaml") != 0)
        return;
    const char *other = arena_printf(&reading->arena, "%.*s.yml", (int)len - 5, config_path);
    if (access(other, F_OK) == 0)
        policy_messages_add(reading->notices, other, 0, 0, "this file is not read: %s would be",
                            config_path);
}

/* Whether a text stands for itself in a shell, without quotes. */
static bool is_shell_word(const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./@%+:,-";
    return text[0] != '\0' && text[0] != '-' && text[strspn(text, plain)] == '\0';
}

/* Who reads what a refusal advises may stand in another folder. As it was given where the folder
 * cannot be told. */
static const char *absolute_path(const char *path, struct arena *arena)
{
    AUTO_FREE char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0);
    while (folder != NULL && strncmp(path, "./", 2) == 0)
        path += 2;
    if (folder == NULL || folder[0] != '/')
        return arena_text(arena, slice_from_text(path));
    return arena_printf(arena, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
}

/* Our image sets DOCKREEVE_COMPAT: its policy is mounted, and nobody runs commands in it. */
static bool commands_reach(const struct policy_inputs *inputs, const char *path)
{
    if (!is_shell_word(path))
        return false;
    for (size_t i = 0; inputs->environment != NULL && inputs->environment[i] != NULL; i++) {
        if (strncmp(inputs->environment[i], "DOCKREEVE_COMPAT=", 17) == 0)
            return false;
    }
    return true;
}

/* Commands with this --config have made a policy, if only of their own file. */
static bool has_cli_file(struct policy_reading *reading, const struct policy_inputs *inputs)
{
    struct slice folder = folder_of(inputs->config_path);
    const char *path = arena_printf(&reading->arena, "%.*s/policy.d/" POLICY_CLI_NAME,
                                    (int)folder.len, folder.ptr);
    return inputs->cli_text != NULL || access(path, F_OK) == 0;
}

struct policy *policy_load(const struct policy_inputs *inputs, struct policy_messages *errors,
                           struct policy_messages *notices)
{
    CLEANUP(policy_builder_free) struct policy_builder *builder = policy_builder_new();
    struct policy_reading reading = {.builder = builder,
                                     .errors = errors,
                                     .notices = notices,
                                     .kept = &builder->policy->arena,
                                     .check_owner = inputs->check_owner,
                                     .cli_text = inputs->cli_text,
                                     .files = inputs->files};
    policy_files_clear(inputs->files);
    bool has_file = false;
    if (inputs->config_path != NULL) {
        AUTO_FREE char *usual = policy_path_config();
        const char *path = absolute_path(inputs->config_path, &builder->policy->arena);
        builder->policy->config_path =
            arena_text(&builder->policy->arena, slice_from_text(inputs->config_path));
        builder->policy->advised_path = path;
        builder->policy->config_is_usual = strcmp(path, usual) == 0;
        builder->policy->commands_reach_it = commands_reach(inputs, path);
        has_file = read_file(&reading, inputs->config_path, name_of(inputs->config_path), false);
        if (!has_file && (inputs->config_was_read ||
                          (inputs->config_required && !has_cli_file(&reading, inputs))))
            policy_messages_add(errors, inputs->config_path, 0, 0, "there is no such file");
    }
    if (inputs->config_path != NULL && !has_file)
        note_other_ending(&reading, inputs->config_path);
    builder->policy->from_file = has_file;
    read_environment(&reading, inputs, has_file);
    if (inputs->config_path != NULL)
        read_drop_ins(&reading, inputs->config_path);
    add_default_listener(&reading, inputs);
    policy_own_addresses_from_environment(builder, inputs->environment, errors);
    add_listeners(&reading, inputs);
    if (inputs->dns_answer != NULL)
        add_dns_answer(&reading, inputs->dns_answer);
    policy_preset_add_always(builder, errors);
    struct policy *policy = policy_builder_finish(builder, errors, notices);
    if (policy != NULL)
        policy_notices_add(policy, notices);
    if (policy != NULL && !has_file && inputs->environment != NULL)
        environment_notices_add_zeros(policy, inputs->environment, notices);
    free(reading.used);
    arena_free(&reading.arena);
    return policy;
}
