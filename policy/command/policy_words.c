/* SPDX-License-Identifier: Apache-2.0
 *
 * Words for completion. The policy is read as `policy ls` reads it, and without a sound. */
#include "policy/command/policy_words.h"

#include "base/terminal_text.h"
#include "policy/snapshot/policy_list.h"
#include "policy/document/policy_load.h"
#include "policy/document/policy_paths.h"
#include "policy/document/preset.h"
#include "rules/docker/docker_operation.h"

extern char **environ;

/* One list being written. */
struct list {
    struct slice prefix;
    bool own; /* only rules that commands added */
    struct buffer *out;
    unsigned count;
};

static bool can_be_typed(struct slice word)
{
    for (size_t i = 0; i < word.len; i++) {
        unsigned char byte = (unsigned char)word.ptr[i];
        if (byte <= ' ' || byte >= 0x7f)
            return false;
    }
    return word.len > 0;
}

static void offer(struct list *list, struct slice word, struct slice description)
{
    if (list->count == POLICY_WORDS_MAX || !slice_starts_with(word, list->prefix) ||
        !can_be_typed(word))
        return;
    list->count++;
    buffer_append_slice(list->out, word);
    buffer_append_byte(list->out, '\t');
    terminal_text_append(list->out, description);
    buffer_append_byte(list->out, '\n');
}

static void offer_presets(struct list *list)
{
    for (size_t i = 0; i < preset_count(); i++)
        offer(list, slice_from_text(preset_at(i)->name), slice_of("", 0));
}

static void offer_operations(struct list *list)
{
    for (const char *const *set = docker_operation_set_names(); *set != NULL; set++)
        offer(list, slice_from_text(*set), SLICE_LITERAL("a set of operations"));
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
        const struct docker_operation_info *info = docker_operation_info((enum docker_operation)i);
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, "%s %s", http_method_name(info->method), info->path);
        offer(list, slice_from_text(info->name), buffer_slice(&text));
    }
}

static void offer_clients(struct list *list, const struct policy *policy)
{
    for (size_t i = 0; i < policy_client_count(policy); i++)
        offer(list, slice_from_text(policy_client_at(policy, i)->name), slice_of("", 0));
}

/* A rule by its id, described by what it says and its place, or by its place and what it says. */
static void offer_rule(struct list *list, bool by_id, const struct policy_listed_rule *rule)
{
    AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    policy_listed_write_source(rule, &source);
    if (rule->docker != NULL) {
        policy_listed_write_text(rule, &text);
    } else {
        buffer_append_text(&text, rule->allows ? "allow " : "deny ");
        policy_listed_write_resource(rule, &text);
    }
    if (by_id)
        buffer_printf(&text, ", %s", buffer_text(&source));
    offer(list, by_id ? slice_from_text(rule->id) : buffer_slice(&source), buffer_slice(&text));
}

/* What the rule is for, in a word: a host, an operation. */
static void offer_resource(struct list *list, const struct policy_listed_rule *rule)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_append_text(&text, rule->allows ? "allowed in " : "denied in ");
    policy_listed_write_source(rule, &text);
    offer(list, rule->written, buffer_slice(&text));
}

static void offer_rules(struct list *list, enum completion_words words, const struct policy *policy)
{
    const uint32_t end = policy_number_end(policy);
    for (uint32_t number = POLICY_NUMBER_RULES; number < end && list->count < POLICY_WORDS_MAX;
         number++) {
        struct policy_listed_rule rule;
        policy_rule_at(policy, number, &rule);
        if (list->own && strcmp(rule.label, POLICY_CLI_LABEL) != 0 &&
            !slice_starts_with(slice_from_text(rule.label), SLICE_LITERAL(POLICY_CLI_LABEL ":")))
            continue;
        if (words == COMPLETION_RULES || words == COMPLETION_SOURCES)
            offer_rule(list, words == COMPLETION_RULES, &rule);
        else if ((rule.network != NULL) == (words == COMPLETION_HOSTS))
            offer_resource(list, &rule);
    }
}

static struct policy *load(const char *config)
{
    AUTO_FREE char *default_path = policy_path_config();
    CLEANUP(policy_messages_free) struct policy_messages errors = {NULL, 0, 0};
    CLEANUP(policy_messages_free) struct policy_messages notices = {NULL, 0, 0};
    const char *given = config != NULL ? config : getenv("DOCKREEVE_CONFIG");
    bool is_given = given != NULL && given[0] != '\0';
    const struct policy_inputs inputs = {.config_path = is_given ? given : default_path,
                                         .config_required = is_given,
                                         .environment = environ,
                                         .check_owner = true};
    return policy_load(&inputs, &errors, &notices);
}

void policy_words_append(const struct completion_question *question, struct buffer *out)
{
    struct list list = {.prefix = question->prefix, .own = question->own, .out = out};
    enum completion_words words = question->words;
    if (words == COMPLETION_PRESETS) {
        offer_presets(&list);
        return;
    }
    if (words == COMPLETION_OPERATIONS && !question->own) {
        offer_operations(&list);
        return;
    }
    CLEANUP(policy_unref) struct policy *policy = load(question->config);
    if (policy == NULL)
        return;
    if (words == COMPLETION_CLIENTS)
        offer_clients(&list, policy);
    else
        offer_rules(&list, words, policy);
}
