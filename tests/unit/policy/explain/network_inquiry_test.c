/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wanted next, for each state of knowledge. That a fact more never permits what was denied
 * stands in policy_network_property_test.c. */
#include <criterion/criterion.h>

#include "policy/explain/network_inquiry.h"
#include "tests/unit/policy/policy_network_fixture.h"

#define POLICY                                                                                     \
    "version: 1\n"                                                                                 \
    "network:\n"                                                                                   \
    "  - allow: [\"x.test:80,443\", 8.8.8.8, y.test, localhost]\n"                                 \
    "  - deny: [bad.test, 9.9.9.9]\n"

static struct network_inquiry begin(const struct policy_fixture *fixture,
                                    const struct network_question *question)
{
    return (struct network_inquiry){
        .policy = fixture->policy,
        .client = policy_client_at(fixture->policy, 0),
        .request = question->request,
    };
}

Test(network_inquiry, what_is_wanted_next_follows_from_what_is_known)
{
    static const struct {
        const char *name, *question;
        enum network_way way;
        enum network_step step;
    } rows[] = {
        {"a denied name is not resolved", "tunnel z.test:443", 0, NETWORK_STEP_DENIED},
        {"an allowed one is", "tunnel x.test:443", 0, NETWORK_STEP_ADDRESSES},
        {"a bare address is judged as one, too", "tunnel 8.8.8.8:443", 0, NETWORK_STEP_ADDRESSES},
        {"a name that leads nowhere", "tunnel x.test:443", NETWORK_WAY_NOWHERE,
         NETWORK_STEP_NOWHERE},
        {"and by a denied alias", "tunnel x.test:443 cname=bad.test", NETWORK_WAY_NOWHERE,
         NETWORK_STEP_DENIED},
        {"a tunnel to a denied address", "tunnel x.test:443 at=9.9.9.9", 0, NETWORK_STEP_DENIED},
        {"a tunnel to an address", "tunnel x.test:443 at=8.8.8.8", 0, NETWORK_STEP_FIRST_BYTES},
        {"a tunnel that an upstream proxy leads", "tunnel x.test:443", NETWORK_WAY_HIDDEN,
         NETWORK_STEP_FIRST_BYTES},
        {"an address outweighs that it was hidden", "tunnel x.test:443 at=9.9.9.9",
         NETWORK_WAY_HIDDEN, NETWORK_STEP_DENIED},
        {"first bytes that are not denied", "tunnel x.test:443 at=8.8.8.8 sni=x.test", 0,
         NETWORK_STEP_OPEN},
        {"and denied ones", "tunnel x.test:443 at=8.8.8.8 sni=y.test", 0, NETWORK_STEP_DENIED},
        {"first bytes that came before the address (transparent)", "tunnel x.test:443 sni=x.test",
         0, NETWORK_STEP_ADDRESSES},
        {"a plain request has no first bytes", "GET x.test:80/ at=8.8.8.8", 0, NETWORK_STEP_OPEN},
        {"nor has a question", "dns x.test at=8.8.8.8", 0, NETWORK_STEP_OPEN},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, POLICY));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network_question question;
        network_question_parse(&question, rows[i].question);
        struct network_inquiry inquiry = begin(&fixture, &question);
        inquiry.way = rows[i].way;
        cr_expect_eq(network_inquiry_ask(&inquiry), rows[i].step, "%s", rows[i].name);
        cr_expect_eq(inquiry.verdict.result == VERDICT_DENY, rows[i].step == NETWORK_STEP_DENIED,
                     "%s", rows[i].name);
    }
}

Test(network_inquiry, the_first_address_that_may_be_dialled_decides)
{
    static const struct {
        const char *name;
        const char *addresses[3];
        uint32_t own;
        enum network_step step;
        unsigned decisive;
    } rows[] = {
        {"the only one", {"8.8.8.8"}, 0, NETWORK_STEP_FIRST_BYTES, 0},
        {"the second", {"9.9.9.9", "8.8.8.8", "8.8.4.4"}, 0, NETWORK_STEP_FIRST_BYTES, 1},
        {"none: the first", {"9.9.9.9", "127.0.0.1"}, 0, NETWORK_STEP_DENIED, 0},
        {"the gate's own is passed over", {"8.8.8.8", "8.8.4.4"}, 1, NETWORK_STEP_FIRST_BYTES, 1},
        {"and denied where it is alone", {"8.8.8.8"}, 1, NETWORK_STEP_DENIED, 0},
        {"one behind it changes nothing", {"8.8.8.8", "8.8.4.4"}, 2, NETWORK_STEP_FIRST_BYTES, 0},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, POLICY));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network_question question;
        struct ip_address addresses[3];
        struct network_verdict verdicts[3];
        unsigned count = 0;
        for (; count < 3 && rows[i].addresses[count] != NULL; count++)
            cr_assert(
                ip_address_parse(slice_from_text(rows[i].addresses[count]), &addresses[count]));
        network_question_parse(&question, "tunnel x.test:443");
        struct network_inquiry inquiry = begin(&fixture, &question);
        cr_expect_eq(network_inquiry_lead(&inquiry, addresses, count, rows[i].own, verdicts),
                     rows[i].step, "%s", rows[i].name);
        cr_expect_eq(inquiry.request.address, &addresses[rows[i].decisive], "%s", rows[i].name);
        cr_expect_str_eq(inquiry.verdict.reason, verdicts[rows[i].decisive].reason, "%s",
                         rows[i].name);
    }
}

Test(network_inquiry, some_hosts_stand_for_addresses_by_themselves)
{
    static const struct {
        const char *question;
        const char *first;
    } rows[] = {
        {"tunnel 8.8.8.8:443", "8.8.8.8"},     {"tunnel [2001:db8::1]:443", "2001:db8::1"},
        {"tunnel localhost:443", "127.0.0.1"}, {"tunnel a.localhost:443", "127.0.0.1"},
        {"tunnel x.test:443", NULL},           {"tunnel localhost.test:443", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network_question question;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        unsigned count;
        network_question_parse(&question, rows[i].question);
        const struct ip_address *meant = network_inquiry_stands_for(&question.request.host, &count);
        cr_expect_eq(meant == NULL, count == 0, "%s", rows[i].question);
        cr_expect_eq(meant == NULL, rows[i].first == NULL, "%s", rows[i].question);
        if (meant == NULL || rows[i].first == NULL)
            continue;
        ip_address_write(meant, &text);
        cr_expect_str_eq(buffer_text(&text), rows[i].first, "%s", rows[i].question);
    }
}
