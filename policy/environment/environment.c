/* SPDX-License-Identifier: Apache-2.0
 *
 * From variables to rules. The images go through their rules in order and stop at the first that
 * fits; here a deny always wins. Both come to the same because a deny is added only where no later
 * rule could have allowed: what the images open, they open by section, and what they refuse within
 * an open section (linuxserver: logs, export ...) they refuse before any section is looked at. */
#include "policy/environment/environment.h"

#include <stdio.h>
#include <string.h>

#include "policy/environment/environment_browser.h"
#include "policy/environment/environment_notice.h"
#include "policy/environment/environment_variables.h"

static const char *compat_value(char *const *environment)
{
    const char *value = environment_value(environment, "DOCKREEVE_COMPAT");
    return value == NULL ? "" : value;
}

bool environment_is_compat(char *const *environment)
{
    return compat_value(environment)[0] != '\0';
}

/* ---- rules ---- */

struct translation {
    enum environment_contract contract;
    char *const *environment;
    struct policy_builder *builder;
    struct policy_messages *errors;
    bool post;
};

enum { RULE_TEXT_MAX = 64, SELECTOR_MAX = 256 };

/* The operations and the path, for listings. */
static void write_selector(const struct policy_rule_spec *spec, char *text, size_t size)
{
    size_t len = 0;
    text[0] = '\0';
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT && len < size; i++) {
        if (docker_operation_set_has(&spec->operations, (enum docker_operation)i))
            len += (size_t)snprintf(text + len, size - len, "%s%s", len == 0 ? "" : ", ",
                                    docker_operation_info((enum docker_operation)i)->name);
    }
    if (spec->path != NULL && len < size)
        snprintf(text + len, size - len, "%s%s", len == 0 ? "" : ", ", spec->path);
}

/* Adds the rule "VARIABLE=1" or "VARIABLE=0", unless it has no target. */
static void add_rule(const struct translation *t, const char *variable, bool is_on,
                     struct policy_rule_spec spec)
{
    static const struct docker_operation_set none;
    char name[RULE_TEXT_MAX], source[RULE_TEXT_MAX + 4];
    if (spec.path == NULL && memcmp(&spec.operations, &none, sizeof(none)) == 0)
        return;
    snprintf(name, sizeof(name), "%s=%d", variable, is_on ? 1 : 0);
    snprintf(source, sizeof(source), "env %s", name);
    char selector[SELECTOR_MAX];
    if (spec.selector == NULL) {
        write_selector(&spec, selector, sizeof(selector));
        spec.selector = selector;
    }
    spec.name = name;
    spec.source = source;
    struct error error = {0};
    if (!policy_builder_add_rule(t->builder, NULL, &spec, &error))
        policy_messages_add(t->errors, source, 0, 0, "%s", error.text);
}

static bool opens(const struct translation *t, enum docker_operation operation)
{
    return t->post || http_method_is_read(docker_operation_info(operation)->method);
}

static void add_section(const struct translation *t, const struct environment_section *section)
{
    bool is_on = environment_is_on(t->environment, section->variable, section->on_by_default);
    if (!is_on && !section->opened_otherwise)
        return;
    char selector[RULE_TEXT_MAX];
    snprintf(selector, sizeof(selector), "%s%s/**", is_on && !t->post ? "GET " : "", section->path);
    struct policy_rule_spec spec = {.allows = is_on, .selector = selector};
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        enum docker_operation operation = (enum docker_operation)i;
        if (environment_section_covers(section, docker_operation_info(operation)->path) &&
            (!is_on || opens(t, operation)))
            docker_operation_set_add(&spec.operations, operation);
    }
    add_rule(t, section->variable, is_on, spec);
}

static void add_libpod_section(const struct translation *t,
                               const struct environment_section *section)
{
    if (!environment_is_on(t->environment, section->variable, section->on_by_default))
        return;
    char path[RULE_TEXT_MAX], selector[RULE_TEXT_MAX + 4];
    snprintf(path, sizeof(path), "%s/**", section->path);
    snprintf(selector, sizeof(selector), "%s%s", t->post ? "" : "GET ", path);
    struct policy_rule_spec spec = {.allows = true, .path = path, .selector = selector};
    if (!t->post)
        spec.methods = UINT32_C(1) << HTTP_METHOD_GET | UINT32_C(1) << HTTP_METHOD_HEAD;
    add_rule(t, section->variable, true, spec);
}

/* A rule over single operations and, in linuxserver mode, what is the same below /libpod. */
static void add_named(const struct translation *t, const struct environment_named *named,
                      bool allows, uint32_t libpod_methods)
{
    struct policy_rule_spec spec = {.allows = allows};
    for (size_t i = 0; i < ENVIRONMENT_OPERATIONS_MAX; i++) {
        if (named->operations[i] != DOCKER_OPERATION_NONE)
            docker_operation_set_add(&spec.operations, named->operations[i]);
    }
    if (t->contract == ENVIRONMENT_LINUXSERVER) {
        spec.path = named->libpod;
        spec.methods = libpod_methods;
    }
    add_rule(t, named->variable, allows, spec);
}

/* The tecnativa image lets nothing but GET and HEAD come as far as these variables without POST=1. */
static bool opener_opens(const struct translation *t, const struct environment_named *opener)
{
    return (opener->contracts & t->contract) != 0 &&
           environment_is_on(t->environment, opener->variable, false) &&
           (t->post || t->contract == ENVIRONMENT_LINUXSERVER);
}

static bool is_opened_by_name(const struct translation *t, enum docker_operation operation)
{
    for (size_t i = 0; i < environment_opener_count; i++) {
        if (environment_names(&environment_openers[i], operation) &&
            opener_opens(t, &environment_openers[i]))
            return true;
    }
    return false;
}

/* Whether the explicit zero of `zero` denies the operation: not what another variable at 1 opens by
 * name. */
static bool zero_denies(const struct translation *t, const struct environment_named *zero,
                        enum docker_operation operation)
{
    return (zero->contracts & t->contract) != 0 && environment_names(zero, operation) &&
           environment_is_zero(t->environment, zero->variable) && !is_opened_by_name(t, operation);
}

static void add_zero(const struct translation *t, const struct environment_named *zero)
{
    struct policy_rule_spec spec = {.allows = false};
    for (size_t i = 0; i < ENVIRONMENT_OPERATIONS_MAX; i++) {
        if (zero_denies(t, zero, zero->operations[i]))
            docker_operation_set_add(&spec.operations, zero->operations[i]);
    }
    add_rule(t, zero->variable, false, spec);
}

static bool delete_is_denied(const struct translation *t)
{
    return t->contract == ENVIRONMENT_TECNATIVA && environment_is_zero(t->environment, "DELETE");
}

static void add_delete(const struct translation *t)
{
    struct policy_rule_spec spec = {.allows = false, .selector = "DELETE /**"};
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT && delete_is_denied(t);
         i++) {
        if (docker_operation_info((enum docker_operation)i)->method == HTTP_METHOD_DELETE)
            docker_operation_set_add(&spec.operations, (enum docker_operation)i);
    }
    add_rule(t, "DELETE", false, spec);
}

static bool content_is_denied(const struct translation *t, const struct environment_named *content)
{
    return (content->contracts & t->contract) != 0 &&
           !environment_is_on(t->environment, content->variable, false);
}

static void add_rules(const struct translation *t)
{
    for (size_t i = 0; i < environment_content_count; i++) {
        if (content_is_denied(t, &environment_contents[i]))
            add_named(t, &environment_contents[i], false, 0);
    }
    for (size_t i = 0; i < environment_zero_count; i++)
        add_zero(t, &environment_zeros[i]);
    add_delete(t);
    for (size_t i = 0; i < environment_opener_count; i++) {
        if (opener_opens(t, &environment_openers[i]))
            add_named(t, &environment_openers[i], true, UINT32_C(1) << HTTP_METHOD_POST);
    }
    for (size_t i = 0; i < environment_section_count; i++)
        add_section(t, &environment_sections[i]);
    for (size_t i = 0; i < environment_libpod_section_count; i++) {
        if (t->contract == ENVIRONMENT_LINUXSERVER)
            add_libpod_section(t, &environment_libpod_sections[i]);
    }
}

/* ---- advice ---- */

enum { WANTED_MAX = 5 };

/* Variables that would have to be 1 for an operation to be permitted. */
struct wanted {
    const char *items[WANTED_MAX];
    size_t count;
};

static void want(struct wanted *wanted, const char *variable)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (strcmp(wanted->items[i], variable) == 0)
            return;
    }
    wanted->items[wanted->count++] = variable;
}

static const struct environment_section *find_section(enum docker_operation operation)
{
    for (size_t i = 0; i < environment_section_count; i++) {
        if (environment_section_covers(&environment_sections[i],
                                       docker_operation_info(operation)->path))
            return &environment_sections[i];
    }
    return NULL;
}

/* What has to change for nothing to deny it any more. */
static void want_no_deny(const struct translation *t, enum docker_operation operation,
                         struct wanted *wanted)
{
    for (size_t i = 0; i < environment_zero_count; i++) {
        if (zero_denies(t, &environment_zeros[i], operation))
            want(wanted, environment_zeros[i].variable);
    }
    if (delete_is_denied(t) && docker_operation_info(operation)->method == HTTP_METHOD_DELETE)
        want(wanted, "DELETE");
    for (size_t i = 0; i < environment_content_count; i++) {
        if (environment_names(&environment_contents[i], operation) &&
            content_is_denied(t, &environment_contents[i]))
            want(wanted, environment_contents[i].variable);
    }
}

/* What has to change for something to allow it: the variable that opens least. */
static void want_allow(const struct translation *t, enum docker_operation operation,
                       const struct environment_section *section, struct wanted *wanted)
{
    bool section_is_on =
        environment_is_on(t->environment, section->variable, section->on_by_default);
    if (is_opened_by_name(t, operation) || (section_is_on && opens(t, operation)))
        return;
    for (size_t i = 0; i < environment_opener_count; i++) {
        const struct environment_named *opener = &environment_openers[i];
        if ((opener->contracts & t->contract) == 0 || !environment_names(opener, operation))
            continue;
        if (t->contract == ENVIRONMENT_LINUXSERVER) {
            want(wanted, opener->variable);
            return;
        }
        if (!section_is_on && !environment_is_on(t->environment, opener->variable, false))
            want(wanted, opener->variable);
        if (!t->post)
            want(wanted, "POST");
        return;
    }
    if (!section_is_on)
        want(wanted, section->variable);
    if (!opens(t, operation))
        want(wanted, "POST");
}

static void add_advice(const struct translation *t, enum docker_operation operation)
{
    const struct environment_section *section = find_section(operation);
    if (section == NULL) {
        bool libpod = operation == DOCKER_LIBPOD && t->contract == ENVIRONMENT_LINUXSERVER;
        policy_builder_set_operation_advice(
            t->builder, operation,
            libpod ? "set the LIBPOD_ variable of its section to 1, and POST=1 too for what "
                     "changes something"
                   : "add a rule to a file in policy.d: no variable opens it");
        return;
    }
    struct wanted wanted = {{NULL}, 0};
    want_no_deny(t, operation, &wanted);
    want_allow(t, operation, section, &wanted);
    if (wanted.count == 0)
        return;
    char advice[256];
    int len = snprintf(advice, sizeof(advice), "set");
    for (size_t i = 0; i < wanted.count; i++) {
        const char *before = i == 0 ? " " : i + 1 == wanted.count ? " and " : ", ";
        len +=
            snprintf(advice + len, sizeof(advice) - (size_t)len, "%s%s=1", before, wanted.items[i]);
    }
    snprintf(advice + len, sizeof(advice) - (size_t)len, " in the gate's environment");
    policy_builder_set_operation_advice(t->builder, operation, advice);
}

bool environment_check_guard(char *const *environment, struct policy_messages *errors)
{
    const char *value = environment_value(environment, "DOCKREEVE_GUARD");
    if (value == NULL || value[0] == '\0' || strcmp(value, "report") == 0 ||
        strcmp(value, "enforce") == 0)
        return true;
    policy_messages_add(errors, NULL, 0, 0,
                        "DOCKREEVE_GUARD=%s: write enforce, or report, which is the default",
                        quote_text(value).text);
    return false;
}

/* The replaced images have no guards, so here they only report until somebody asks for more. */
static bool guards_are_enforced(char *const *environment)
{
    const char *value = environment_value(environment, "DOCKREEVE_GUARD");
    return value != NULL && strcmp(value, "enforce") == 0;
}

bool environment_add_rules(struct policy_builder *builder, char *const *environment,
                           struct policy_messages *errors, struct policy_messages *notices)
{
    if (!environment_is_compat(environment))
        return true;
    struct translation t = {.contract = environment_contract_of(environment),
                            .environment = environment,
                            .builder = builder,
                            .errors = errors,
                            .post = environment_is_on(environment, "POST", false)};
    if (t.contract == ENVIRONMENT_NONE) {
        policy_messages_add(
            errors, NULL, 0, 0,
            "DOCKREEVE_COMPAT=%s names no image whose variables are known: write tecnativa, "
            "tecnativa-literal or linuxserver, or leave it unset and write a policy",
            quote_text(compat_value(environment)).text);
        return false;
    }
    size_t errors_before = errors->count;
    if (!guards_are_enforced(environment))
        policy_builder_set_guards_report(builder);
    add_rules(&t);
    environment_add_browser(builder, environment, errors);
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++)
        add_advice(&t, (enum docker_operation)i);
    environment_notices_add(t.contract, environment, notices);
    return errors->count == errors_before;
}

void environment_note_ended(char *const *environment, const char *config_path,
                            struct policy_messages *notices)
{
    struct environment_variable_names names;
    if (!environment_is_compat(environment))
        return;
    environment_read_variables(environment_contract_of(environment), &names);
    for (size_t i = 0; i < names.count; i++) {
        if (environment_value(environment, names.items[i]) == NULL)
            continue;
        policy_messages_add(notices, NULL, 0, 0,
                            "%s is not followed, nor are variables like it: %s is the policy",
                            names.items[i], config_path);
        return;
    }
}

/* ---- settings ---- */

const char *environment_default_listen(char *const *environment)
{
    const char *value = environment_value(environment, "DISABLE_IPV6");
    if (!environment_is_compat(environment))
        return NULL;
    struct slice text = slice_from_text(value == NULL ? "" : value);
    bool only_ipv4 = slice_equal_text(text, "1");
    if (environment_contract_of(environment) != ENVIRONMENT_LINUXSERVER)
        only_ipv4 = only_ipv4 || slice_equal_nocase(text, SLICE_LITERAL("true")) ||
                    slice_equal_nocase(text, SLICE_LITERAL("yes"));
    return only_ipv4 ? "tcp:0.0.0.0:2375" : "tcp:[::]:2375";
}

const char *environment_socket_path(char *const *environment)
{
    const char *value = environment_value(environment, "SOCKET_PATH");
    return value == NULL || value[0] == '\0' ? "/var/run/docker.sock" : value;
}
