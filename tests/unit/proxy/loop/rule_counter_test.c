/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/snapshot/policy_list.h"
#include "policy/document/policy_load.h"
#include "policy/document/rule_hits.h"
#include "proxy/loop/rule_counter.h"

/* A folder with a policy and what is counted for it. */
struct place {
    char folder[64], config[96], hits[96], broken[104];
};

static struct place make_place(void)
{
    struct place place = {.folder = "/tmp/dockreeve-counter-XXXXXX"};
    cr_assert_not_null(mkdtemp(place.folder));
    snprintf(place.config, sizeof(place.config), "%s/policy.yaml", place.folder);
    snprintf(place.hits, sizeof(place.hits), "%s/hits", place.folder);
    snprintf(place.broken, sizeof(place.broken), "%s.broken", place.hits);
    return place;
}

static void remove_place(const struct place *place)
{
    unlink(place->config);
    unlink(place->hits);
    unlink(place->broken);
    cr_expect_eq(rmdir(place->folder), 0);
}

static void write_file(const char *path, const char *text)
{
    AUTO_FCLOSE FILE *file = fopen(path, "we");
    cr_assert(file != NULL && fputs(text, file) >= 0);
}

static struct policy *load(const struct place *place, const char *rules)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    CLEANUP(policy_messages_free) struct policy_messages errors = {0};
    CLEANUP(policy_messages_free) struct policy_messages notices = {0};
    const struct policy_inputs inputs = {.config_path = place->config, .config_required = true};
    buffer_printf(&text, "version: 1\ndocker:\n%s", rules);
    write_file(place->config, buffer_text(&text));
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    cr_assert_not_null(policy, "%s", rules);
    return policy;
}

static uint32_t number_of(const struct policy *policy, const char *selector)
{
    for (uint32_t number = POLICY_NUMBER_RULES; number < policy_number_end(policy); number++) {
        struct policy_listed_rule rule;
        policy_rule_at(policy, number, &rule);
        if (slice_equal_text(rule.written, selector))
            return number;
    }
    cr_assert_fail("%s", selector);
    return 0;
}

static void count(struct rule_counter *counter, const struct policy *policy, const char *selector)
{
    rule_counter_count(counter, policy, number_of(policy, selector), 1000);
}

/* What the file says of that rule; 0 = nothing. */
static uint64_t written(const struct place *place, uint64_t key)
{
    CLEANUP(rule_hits_free) struct rule_hits *hits = rule_hits_new();
    struct error error;
    cr_assert(rule_hits_read(hits, place->hits, &error), "%s", error.text);
    const struct rule_hit *hit = rule_hits_find(hits, key);
    return hit == NULL ? 0 : hit->count;
}

Test(rule_counter, a_rule_keeps_its_count_over_policies_and_runs)
{
    CLEANUP(remove_place) struct place place = make_place();
    CLEANUP(policy_unref) struct policy *first = load(&place, "  - allow: ContainerList\n");
    CLEANUP(policy_unref)
    struct policy *second = load(&place, "  - deny: SystemInfo\n  - allow: ContainerList\n");
    uint64_t list = policy_number_key(second, number_of(second, "ContainerList"));
    uint64_t info = policy_number_key(second, number_of(second, "SystemInfo"));
    cr_assert_neq(number_of(first, "ContainerList"), number_of(second, "ContainerList"));
    struct rule_counter *counter = rule_counter_open(place.folder, first);
    count(counter, first, "ContainerList");
    count(counter, first, "ContainerList");
    rule_counter_set_policy(counter, second);
    count(counter, second, "ContainerList");
    count(counter, second, "SystemInfo");
    count(counter, first, "ContainerList"); /* of a request that began before */
    cr_expect_eq(rule_counter_len(counter), 2u);
    rule_counter_close(&counter);
    cr_expect_null(counter);
    cr_expect_eq(written(&place, list), 4u);
    cr_expect_eq(written(&place, info), 1u);
    counter = rule_counter_open(place.folder, second);
    count(counter, second, "ContainerList");
    rule_counter_close(&counter);
    cr_expect_eq(written(&place, list), 5u);
}

Test(rule_counter, the_defaults_count_and_what_no_rule_decided_does_not)
{
    CLEANUP(remove_place) struct place place = make_place();
    CLEANUP(policy_unref) struct policy *policy = load(&place, "  - allow: ContainerList\n");
    struct rule_counter *counter = rule_counter_open(place.folder, policy);
    rule_counter_count(counter, policy, POLICY_NUMBER_NONE, 1);
    rule_counter_count(counter, policy, POLICY_NUMBER_DEFAULT_NETWORK, 1);
    cr_expect_eq(rule_counter_len(counter), 1u);
    rule_counter_close(&counter);
    cr_expect_eq(written(&place, RULE_HITS_DEFAULT_NETWORK), 1u);
    cr_expect_eq(written(&place, RULE_HITS_DEFAULT_DOCKER), 0u);
}

Test(rule_counter, what_was_not_counted_is_not_written)
{
    CLEANUP(remove_place) struct place place = make_place();
    CLEANUP(policy_unref) struct policy *policy = load(&place, "  - allow: ContainerList\n");
    struct rule_counter *counter = rule_counter_open(place.folder, policy);
    rule_counter_close(&counter);
    cr_expect_eq(access(place.hits, F_OK), -1);
}

Test(rule_counter, a_broken_file_is_set_aside)
{
    CLEANUP(remove_place) struct place place = make_place();
    CLEANUP(policy_unref) struct policy *policy = load(&place, "  - allow: ContainerList\n");
    write_file(place.hits, "no file of counts\n");
    struct rule_counter *counter = rule_counter_open(place.folder, policy);
    cr_expect_eq(access(place.broken, F_OK), 0);
    count(counter, policy, "ContainerList");
    rule_counter_close(&counter);
    cr_expect_eq(written(&place, policy_number_key(policy, number_of(policy, "ContainerList"))),
                 1u);
}

Test(rule_counter, a_gate_without_one_counts_nothing)
{
    CLEANUP(remove_place) struct place place = make_place();
    CLEANUP(policy_unref) struct policy *policy = load(&place, "  - allow: ContainerList\n");
    struct rule_counter *none = NULL;
    rule_counter_count(none, policy, POLICY_NUMBER_DEFAULT_DOCKER, 1);
    rule_counter_set_policy(none, policy);
    rule_counter_tick(none, NULL);
    rule_counter_close(&none);
    cr_expect_eq(rule_counter_len(none), 0u);
}
