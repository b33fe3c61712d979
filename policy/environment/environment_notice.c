/* SPDX-License-Identifier: Apache-2.0
 *
 * The images are silent about a variable that they do not read and about a value that means nothing
 * to them; people find out when a container misbehaves, or never. Here each is said once, at the
 * start. Values are not shown in full: an unknown variable may hold anything. */
#include "policy/environment/environment_notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/near_word.h"
#include "rules/docker/docker_request.h"

enum { QUOTED_NAME = 100, QUOTED_VALUE = 44 };

static void note_value(const char *name, const char *value, struct policy_messages *notices)
{
    char quoted[QUOTED_VALUE];
    error_quote(slice_from_text(value), quoted, sizeof(quoted));
    if (strcmp(value, "1") == 0 || environment_means_no(value))
        return;
    if (value[0] == '\0')
        policy_messages_add(notices, NULL, 0, 0,
                            "%s is set to nothing, which means 0: write %s=1 or %s=0", name, name,
                            name);
    else if (environment_is_true(value))
        policy_messages_add(notices, NULL, 0, 0,
                            "%s=%s means 1, since every number that is not zero means yes: write "
                            "%s=1",
                            name, quoted, name);
    else
        policy_messages_add(
            notices, NULL, 0, 0,
            "%s=%s means 0, since only a number that is not zero means yes: write %s=%s", name,
            quoted, name, environment_means_yes(value) ? "1" : "1 or 0");
}

/* ---- variables that are not read ---- */

static bool has_prefix(struct slice name, const char *prefix)
{
    return slice_starts_with(name, slice_from_text(prefix));
}

/* Names of other socket proxies, or of nobody, that promise something about the Docker API. */
static bool is_known_elsewhere(struct slice name)
{
    static const char *const names[] = {"DELETE", "GET", "HEAD",  "LOGS",
                                        "PATCH",  "PUT", "START", "STOP"};
    static const char *const prefixes[] = {"ALLOW_", "LIBPOD_", "SP_ALLOW", "SOCKET_PROXY_"};
    bool known = slice_find(name, names, ARRAY_LEN(names)) < ARRAY_LEN(names);
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        known = known || has_prefix(name, prefixes[i]);
    return known;
}

/* Read elsewhere in the program, or near to a variable of ours by accident: HOST and POST,
 * systemd's and Podman's `container`. */
static bool is_of_others(struct slice name)
{
    static const char *const names[] = {"SOCKET_PATH", "DISABLE_IPV6", "LOG_LEVEL", "HOST",
                                        "PORT",        "container",    "PATH"};
    return slice_find(name, names, ARRAY_LEN(names)) < ARRAY_LEN(names) ||
           has_prefix(name, "DOCKREEVE_");
}

static const char *near_variable(struct slice name, const struct environment_variable_names *names)
{
    static const char *const settings[] = {"SOCKET_PATH", "DISABLE_IPV6", "LOG_LEVEL"};
    struct near_word near;
    near_word_init(&near, name);
    for (size_t i = 0; i < names->count; i++)
        near_word_offer(&near, names->items[i]);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        near_word_offer(&near, settings[i]);
    return near.best;
}

static bool is_read(struct slice name, const struct environment_variable_names *names)
{
    return slice_find(name, names->items, names->count) < names->count;
}

/* The contract, other than `contract`, that reads the variable. */
static enum environment_contract find_reader(enum environment_contract contract, struct slice name)
{
    static const enum environment_contract all[] = {ENVIRONMENT_LINUXSERVER, ENVIRONMENT_TECNATIVA};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct environment_variable_names names;
        environment_read_variables(all[i], &names);
        if (all[i] != contract && is_read(name, &names))
            return all[i];
    }
    return ENVIRONMENT_NONE;
}

static void note_unknown(enum environment_contract contract, struct slice name,
                         const struct environment_variable_names *names,
                         struct policy_messages *notices)
{
    if (is_read(name, names) || is_of_others(name))
        return;
    char quoted[QUOTED_NAME];
    error_quote(name, quoted, sizeof(quoted));
    enum environment_contract reader = find_reader(contract, name);
    const char *near = near_variable(name, names);
    if (reader != ENVIRONMENT_NONE)
        policy_messages_add(
            notices, NULL, 0, 0,
            "the variable %s does nothing with DOCKREEVE_COMPAT=%s; it is read with "
            "DOCKREEVE_COMPAT=%s",
            quoted, environment_contract_name(contract), environment_contract_name(reader));
    else if (near != NULL)
        policy_messages_add(
            notices, NULL, 0, 0,
            "the variable %s does nothing with DOCKREEVE_COMPAT=%s; did you mean %s?", quoted,
            environment_contract_name(contract), near);
    else if (is_known_elsewhere(name))
        policy_messages_add(
            notices, NULL, 0, 0,
            "the variable %s does nothing with DOCKREEVE_COMPAT=%s: what no variable says, a "
            "rule in policy.d can",
            quoted, environment_contract_name(contract));
}

/* ---- switches without effect ---- */

static bool is_on(char *const *environment, const char *name)
{
    return environment_is_on(environment, name, false);
}

/* Whether everything that the section has changes something, as in /auth or /build. */
static bool has_no_reads(const struct environment_section *section)
{
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        if (environment_section_covers(section, info->path) && http_method_is_read(info->method))
            return false;
    }
    return true;
}

static void note_needs_post(const char *name, char *const *environment,
                            struct policy_messages *notices)
{
    if (is_on(environment, name))
        policy_messages_add(notices, NULL, 0, 0, "%s=1 opens nothing without POST=1", name);
}

static void note_missing_post(enum environment_contract contract, char *const *environment,
                              struct policy_messages *notices)
{
    for (size_t i = 0; i < environment_section_count; i++) {
        if (has_no_reads(&environment_sections[i]))
            note_needs_post(environment_sections[i].variable, environment, notices);
    }
    for (size_t i = 0; i < environment_opener_count; i++) {
        if ((environment_openers[i].contracts & contract) != 0 &&
            contract != ENVIRONMENT_LINUXSERVER)
            note_needs_post(environment_openers[i].variable, environment, notices);
    }
    if (contract == ENVIRONMENT_TECNATIVA)
        note_needs_post("DELETE", environment, notices);
}

/* ---- zeros ---- */

/* What permits the operation to the client `default`; false when nothing does. */
static bool find_opener(const struct policy *policy, enum docker_operation operation,
                        struct verdict *verdict)
{
    const struct docker_operation_info *info = docker_operation_info(operation);
    const struct policy_client *client = policy_client_find(policy, SLICE_LITERAL("default"));
    struct docker_request *request = calloc(1, sizeof(*request));
    AUTO_BUFFER struct buffer target = BUFFER_EMPTY;
    struct error ignored;
    docker_operation_write_path(info, "x", &target);
    bool found =
        client != NULL && request != NULL &&
        docker_request_parse(request, info->method, buffer_slice(&target), false, &ignored);
    if (found)
        policy_decide_docker(policy, client, request, DOCKER_OBJECT_NOT_ASKED, NULL, NULL, verdict);
    if (request != NULL)
        docker_request_clear(request);
    free(request);
    return found && verdict->result == VERDICT_ALLOW && !verdict->would_deny;
}

/* A zero that a reader takes for a prohibition, though something else opens the same. */
static void note_zero(const struct policy *policy, char *const *environment,
                      const struct environment_named *row, struct policy_messages *notices)
{
    struct verdict verdict;
    const char *operation = docker_operation_info(row->operations[0])->name;
    if (!environment_is_zero(environment, row->variable) ||
        !find_opener(policy, row->operations[0], &verdict))
        return;
    bool of_file = strncmp(verdict.source, "env ", 4) != 0;
    policy_messages_add(notices, NULL, 0, 0,
                        "%s=0 does not deny %s: %s%s%s opens it; to deny it, add `- deny: %s` "
                        "under `docker:` to a file in policy.d",
                        row->variable, operation, of_file ? verdict.source : verdict.rule,
                        of_file ? ": " : "", of_file ? verdict.rule : "", operation);
}

void environment_notices_add_zeros(const struct policy *policy, char *const *environment,
                                   struct policy_messages *notices)
{
    bool linuxserver = environment_contract_of(environment) == ENVIRONMENT_LINUXSERVER;
    for (size_t i = 0; i < environment_zero_count; i++)
        note_zero(policy, environment, &environment_zeros[i], notices);
    for (size_t i = 0; i < environment_opener_count; i++) {
        const struct environment_named *opener = &environment_openers[i];
        if (linuxserver && opener->contracts == ENVIRONMENT_LINUXSERVER &&
            opener->operations[0] != DOCKER_OPERATION_NONE)
            note_zero(policy, environment, opener, notices);
    }
}

/* ---- variables of the images without DOCKREEVE_COMPAT ---- */

/* Words that mean other things to other programs: nothing is said for their sake alone. */
static bool is_common_word(const char *name)
{
    static const char *const words[] = {"AUTH", "BUILD",   "DELETE", "EVENTS", "INFO",
                                        "PING", "SESSION", "SYSTEM", "VERSION"};
    return slice_find(slice_from_text(name), words, ARRAY_LEN(words)) < ARRAY_LEN(words);
}

void environment_notices_add_unread(char *const *environment, struct policy_messages *notices)
{
    struct environment_variable_names names;
    AUTO_BUFFER struct buffer listed = BUFFER_EMPTY;
    char quoted[QUOTED_VALUE];
    bool certain = false;
    environment_read_variables(ENVIRONMENT_LINUXSERVER, &names);
    for (size_t i = 0; i < names.count; i++) {
        const char *value = environment_value(environment, names.items[i]);
        if (value == NULL || !(environment_is_true(value) || environment_means_no(value) ||
                               environment_means_yes(value)))
            continue;
        buffer_printf(&listed, "%s%s=%s", listed.len > 0 ? ", " : "", names.items[i],
                      error_quote(slice_from_text(value), quoted, sizeof(quoted)));
        certain = certain || !is_common_word(names.items[i]);
    }
    if (certain)
        policy_messages_add(notices, NULL, 0, 0,
                            "not followed: %s: such variables are the policy only with "
                            "DOCKREEVE_COMPAT=tecnativa or linuxserver and without a policy.yaml",
                            buffer_text(&listed));
}

/* ---- variables of ours ---- */

void environment_notices_add_own(char *const *environment, struct policy_messages *notices)
{
    static const char *const names[] = {
        "DOCKREEVE_ADMIN",         "DOCKREEVE_BROWSER", "DOCKREEVE_COMPAT",   "DOCKREEVE_CONFIG",
        "DOCKREEVE_GUARD",         "DOCKREEVE_HOSTS",   "DOCKREEVE_LOG",      "DOCKREEVE_ORIGINS",
        "DOCKREEVE_OWN_ADDRESSES", "DOCKREEVE_STATE",   "DOCKREEVE_UPSTREAM", "DOCKREEVE_USER"};
    char quoted[QUOTED_NAME];
    for (size_t i = 0; environment[i] != NULL; i++) {
        struct slice rest = slice_from_text(environment[i]), name = slice_cut(&rest, '=');
        struct near_word near;
        if (!has_prefix(name, "DOCKREEVE_") ||
            slice_find(name, names, ARRAY_LEN(names)) < ARRAY_LEN(names))
            continue;
        near_word_init(&near, name);
        for (size_t n = 0; n < ARRAY_LEN(names); n++)
            near_word_offer(&near, names[n]);
        policy_messages_add(notices, NULL, 0, 0, "the variable %s is not read%s",
                            error_quote(name, quoted, sizeof(quoted)), near_word_hint(&near).text);
    }
}

/* ---- settings ---- */

static void note_settings(enum environment_contract contract, char *const *environment,
                          struct policy_messages *notices)
{
    char quoted[QUOTED_VALUE];
    const char *level = environment_value(environment, "LOG_LEVEL");
    if (level != NULL && level[0] != '\0' && !environment_level_is_known(slice_from_text(level)))
        policy_messages_add(
            notices, NULL, 0, 0,
            "LOG_LEVEL=%s is no level: write emerg, alert, crit, err, warning, notice, info or "
            "debug; info is taken",
            error_quote(slice_from_text(level), quoted, sizeof(quoted)));
    const char *ipv6 = environment_value(environment, "DISABLE_IPV6");
    if (contract == ENVIRONMENT_LINUXSERVER && ipv6 != NULL && strcmp(ipv6, "1") != 0 &&
        !environment_means_no(ipv6) && ipv6[0] != '\0')
        policy_messages_add(notices, NULL, 0, 0,
                            "DISABLE_IPV6=%s does nothing with DOCKREEVE_COMPAT=linuxserver: write "
                            "DISABLE_IPV6=1",
                            error_quote(slice_from_text(ipv6), quoted, sizeof(quoted)));
}

void environment_notices_add(enum environment_contract contract, char *const *environment,
                             struct policy_messages *notices)
{
    struct environment_variable_names names;
    environment_read_variables(contract, &names);
    for (size_t i = 0; i < names.count; i++) {
        const char *value = environment_value(environment, names.items[i]);
        if (value != NULL)
            note_value(names.items[i], value, notices);
    }
    for (size_t i = 0; environment[i] != NULL; i++) {
        struct slice rest = slice_from_text(environment[i]);
        note_unknown(contract, slice_cut(&rest, '='), &names, notices);
    }
    if (!is_on(environment, "POST"))
        note_missing_post(contract, environment, notices);
    note_settings(contract, environment, notices);
}
