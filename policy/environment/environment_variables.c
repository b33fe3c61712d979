/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables, and the reading of values. What is not in a table is not read, as in the images
 * themselves. */
#include "policy/environment/environment_variables.h"

#include <string.h>

#include "base/attributes.h"

const struct environment_section environment_sections[] = {
    {"AUTH", "/auth", false, false},
    {"BUILD", "/build", false, false},
    {"COMMIT", "/commit", false, false},
    {"CONFIGS", "/configs", false, false},
    {"CONTAINERS", "/containers", false, false},
    {"DISTRIBUTION", "/distribution", false, false},
    {"EVENTS", "/events", true, false},
    {"EXEC", "/exec", false, false},
    {"GRPC", "/grpc", false, false},
    {"IMAGES", "/images", false, false},
    {"INFO", "/info", false, false},
    {"NETWORKS", "/networks", false, false},
    {"NODES", "/nodes", false, false},
    {"PING", "/_ping", true, true},
    {"PLUGINS", "/plugins", false, false},
    {"SECRETS", "/secrets", false, false},
    {"SERVICES", "/services", false, false},
    {"SESSION", "/session", false, false},
    {"SWARM", "/swarm", false, false},
    {"SYSTEM", "/system", false, false},
    {"TASKS", "/tasks", false, false},
    {"VERSION", "/version", true, true},
    {"VOLUMES", "/volumes", false, false},
};
const size_t environment_section_count = ARRAY_LEN(environment_sections);

const struct environment_section environment_libpod_sections[] = {
    {"LIBPOD_CONTAINERS", "/libpod/containers", false, false},
    {"LIBPOD_EVENTS", "/libpod/events", false, false},
    {"LIBPOD_EXEC", "/libpod/exec", false, false},
    {"LIBPOD_GENERATE", "/libpod/generate", false, false},
    {"LIBPOD_IMAGES", "/libpod/images", false, false},
    {"LIBPOD_INFO", "/libpod/info", false, false},
    {"LIBPOD_MANIFESTS", "/libpod/manifests", false, false},
    {"LIBPOD_NETWORKS", "/libpod/networks", false, false},
    {"LIBPOD_PING", "/libpod/_ping", true, false},
    {"LIBPOD_PLAY", "/libpod/play", false, false},
    {"LIBPOD_PODS", "/libpod/pods", false, false},
    {"LIBPOD_SECRETS", "/libpod/secrets", false, false},
    {"LIBPOD_SYSTEM", "/libpod/system", false, false},
    {"LIBPOD_VERSION", "/libpod/version", true, false},
    {"LIBPOD_VOLUMES", "/libpod/volumes", false, false},
};
const size_t environment_libpod_section_count = ARRAY_LEN(environment_libpod_sections);

#define LIBPOD_VERB(trees, verbs) "~/libpod/" trees "/[^/]+/" verbs

/* One verb for containers and pods, and the older names of linuxserver for one of both. */
#define OPENERS(name, contracts, verbs, ...)                                                       \
    {"ALLOW_" name, contracts, {__VA_ARGS__}, LIBPOD_VERB("(containers|pods)", verbs)},            \
        {"LIBPOD_ALLOW_" name,                                                                     \
         ENVIRONMENT_LINUXSERVER,                                                                  \
         {DOCKER_OPERATION_NONE},                                                                  \
         LIBPOD_VERB("containers", verbs)},                                                        \
    {                                                                                              \
        "LIBPOD_ALLOW_POD_" name, ENVIRONMENT_LINUXSERVER, {DOCKER_OPERATION_NONE},                \
            LIBPOD_VERB("pods", verbs)                                                             \
    }

/* The narrowest first: what an advice recommends. */
const struct environment_named environment_openers[] = {
    OPENERS("START", ENVIRONMENT_EVERY, "start", DOCKER_CONTAINER_START),
    OPENERS("STOP", ENVIRONMENT_EVERY, "stop", DOCKER_CONTAINER_STOP),
    OPENERS("RESTARTS", ENVIRONMENT_EVERY, "(stop|restart|kill)", DOCKER_CONTAINER_RESTART,
            DOCKER_CONTAINER_STOP, DOCKER_CONTAINER_KILL),
    OPENERS("PAUSE", ENVIRONMENT_LINUXSERVER, "pause", DOCKER_CONTAINER_PAUSE),
    OPENERS("UNPAUSE", ENVIRONMENT_LINUXSERVER, "unpause", DOCKER_CONTAINER_UNPAUSE),
};
const size_t environment_opener_count = ARRAY_LEN(environment_openers);

/* Wider than the original, which a name with a slash walks around: any depth above, anything below. */
#define LIBPOD_CONTENT(part) "~/libpod/(containers|pods)/.+/" part "(/.*)?"

const struct environment_named environment_contents[] = {
    {"ALLOW_ARCHIVE",
     ENVIRONMENT_LINUXSERVER,
     {DOCKER_CONTAINER_ARCHIVE, DOCKER_CONTAINER_ARCHIVE_INFO, DOCKER_PUT_CONTAINER_ARCHIVE},
     LIBPOD_CONTENT("archive")},
    {"ALLOW_CHANGES",
     ENVIRONMENT_LINUXSERVER,
     {DOCKER_CONTAINER_CHANGES},
     LIBPOD_CONTENT("changes")},
    {"ALLOW_EXPORT", ENVIRONMENT_LINUXSERVER, {DOCKER_CONTAINER_EXPORT}, LIBPOD_CONTENT("export")},
    {"ALLOW_LOGS", ENVIRONMENT_LINUXSERVER, {DOCKER_CONTAINER_LOGS}, LIBPOD_CONTENT("logs")},
    {"ALLOW_TOP", ENVIRONMENT_LINUXSERVER, {DOCKER_CONTAINER_TOP}, LIBPOD_CONTENT("top")},
};
const size_t environment_content_count = ARRAY_LEN(environment_contents);

/* ALLOW_RESTARTS opens stop too, but its zero does not deny it: ALLOW_STOP speaks for that. */
const struct environment_named environment_zeros[] = {
    {"EXEC",
     ENVIRONMENT_TECNATIVA,
     {DOCKER_CONTAINER_EXEC, DOCKER_EXEC_START, DOCKER_EXEC_RESIZE},
     NULL},
    {"ALLOW_START", ENVIRONMENT_TECNATIVA, {DOCKER_CONTAINER_START}, NULL},
    {"ALLOW_STOP", ENVIRONMENT_TECNATIVA, {DOCKER_CONTAINER_STOP}, NULL},
    {"ALLOW_RESTARTS",
     ENVIRONMENT_TECNATIVA,
     {DOCKER_CONTAINER_RESTART, DOCKER_CONTAINER_KILL},
     NULL},
};
const size_t environment_zero_count = ARRAY_LEN(environment_zeros);

static const char *const contract_names[] = {"tecnativa", "tecnativa-literal", "linuxserver"};

enum environment_contract environment_contract_find(struct slice name)
{
    size_t found = slice_find(name, contract_names, ARRAY_LEN(contract_names));
    return found < ARRAY_LEN(contract_names) ? (enum environment_contract)(1 << found)
                                             : ENVIRONMENT_NONE;
}

const char *environment_contract_name(enum environment_contract contract)
{
    return contract_names[(unsigned)contract / 2];
}

void environment_read_variables(enum environment_contract contract,
                                struct environment_variable_names *names)
{
    const struct {
        const struct environment_named *rows;
        size_t count;
    } tables[] = {
        {environment_openers, ARRAY_LEN(environment_openers)},
        {environment_contents, ARRAY_LEN(environment_contents)},
    };
    names->count = 0;
    for (size_t i = 0; i < ARRAY_LEN(environment_sections); i++)
        names->items[names->count++] = environment_sections[i].variable;
    for (size_t i = 0; i < ARRAY_LEN(environment_libpod_sections); i++) {
        if (contract == ENVIRONMENT_LINUXSERVER)
            names->items[names->count++] = environment_libpod_sections[i].variable;
    }
    for (size_t table = 0; table < ARRAY_LEN(tables); table++) {
        for (size_t i = 0; i < tables[table].count; i++) {
            if ((tables[table].rows[i].contracts & contract) != 0)
                names->items[names->count++] = tables[table].rows[i].variable;
        }
    }
    names->items[names->count++] = "POST";
    if (contract == ENVIRONMENT_TECNATIVA)
        names->items[names->count++] = "DELETE";
}

const char *environment_value(char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp(environment[i], name, len) == 0 && environment[i][len] == '=')
            return environment[i] + len + 1;
    }
    return NULL;
}

_Static_assert(ARRAY_LEN(environment_sections) + ARRAY_LEN(environment_libpod_sections) +
                       ARRAY_LEN(environment_openers) + ARRAY_LEN(environment_contents) + 2 <=
                   ENVIRONMENT_VARIABLES_MAX,
               "every variable has room in struct environment_variable_names");

/* Behind a leading sign. */
static const char *skip_sign(const char *value)
{
    return value[0] == '-' || value[0] == '+' ? value + 1 : value;
}

bool environment_is_true(const char *value)
{
    for (const char *at = skip_sign(value); *at >= '0' && *at <= '9'; at++) {
        if (*at != '0')
            return true;
    }
    return false;
}

bool environment_means_yes(const char *value)
{
    static const char *const words[] = {"1", "true", "yes", "on", "t", "y", "enable", "enabled"};
    static const char around[] = " \t\r\n\"'"; /* `- EXEC="1"` in a compose file keeps the quotes */
    size_t start = strspn(value, around), end = strlen(value);
    while (end > start && strchr(around, value[end - 1]) != NULL)
        end--;
    return !environment_is_true(value) &&
           slice_find_nocase(slice_of(value + start, end - start), words, ARRAY_LEN(words)) <
               ARRAY_LEN(words);
}

bool environment_means_no(const char *value)
{
    static const char *const words[] = {"false", "no", "off", "f", "n", "disable", "disabled"};
    const char *digits = skip_sign(value);
    size_t zeros = strspn(digits, "0");
    if (zeros > 0 && digits[zeros] == '\0')
        return true;
    return slice_find_nocase(slice_from_text(value), words, ARRAY_LEN(words)) < ARRAY_LEN(words);
}

enum environment_contract environment_contract_of(char *const *environment)
{
    return environment_contract_find(
        slice_from_text(environment_value(environment, "DOCKREEVE_COMPAT")));
}

bool environment_is_on(char *const *environment, const char *name, bool on_by_default)
{
    const char *value = environment_value(environment, name);
    return value == NULL ? on_by_default : environment_is_true(value);
}

bool environment_is_zero(char *const *environment, const char *name)
{
    const char *value = environment_value(environment, name);
    return value != NULL && value[0] != '\0' && !environment_is_true(value) &&
           !environment_means_yes(value);
}

bool environment_section_covers(const struct environment_section *section, const char *path)
{
    size_t len = strlen(section->path);
    return strncmp(path, section->path, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

bool environment_names(const struct environment_named *named, enum docker_operation operation)
{
    for (size_t i = 0; i < ENVIRONMENT_OPERATIONS_MAX; i++) {
        if (operation != DOCKER_OPERATION_NONE && named->operations[i] == operation)
            return true;
    }
    return false;
}

/* As syslog has them; up to `error` they ask for nothing but errors. */
static const char *const levels[] = {"emerg", "alert",   "crit",   "err",  "error",
                                     "warn",  "warning", "notice", "info", "debug"};
enum { QUIET_LEVELS = 5 };

bool environment_level_is_known(struct slice level)
{
    return slice_find_nocase(level, levels, ARRAY_LEN(levels)) < ARRAY_LEN(levels);
}

bool environment_is_quiet(char *const *environment)
{
    const char *value = environment_value(environment, "LOG_LEVEL");
    return slice_find_nocase(slice_from_text(value), levels, QUIET_LEVELS) < QUIET_LEVELS;
}
