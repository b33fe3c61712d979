/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions in words, in the order in which the gate asks them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/explain/asked_docker.h"
#include "policy/explain/asked_network.h"
#include "tests/unit/policy/policy_fixture.h"

#define POLICY                                                                                     \
    "version: 1\n"                                                                                 \
    "docker:\n"                                                                                    \
    "  - {deny: \"Container*\", where: {name: web}}\n"                                             \
    "  - {deny: ContainerKill}\n"                                                                  \
    "  - {allow: [ContainerStop, ContainerKill, ContainerCreate]}\n"                               \
    "network:\n"                                                                                   \
    "  - allow: x.test\n"                                                                          \
    "  - {allow: x.test, addresses: 10.0.0.0/8}\n"                                                 \
    "  - deny: 9.9.9.9\n"

Test(asked, an_object_is_looked_at_only_where_it_can_turn_the_verdict)
{
    static const struct {
        const char *name, *request, *fact, *source;
        bool depends;
    } rows[] = {
        {"certain without it, though the object is denied too", "POST /containers/web/kill",
         "name=web", "policy.yaml:4", false},
        {"decided by it", "POST /containers/web/stop", "name=web", "policy.yaml:3", false},
        {"permitted by it", "POST /containers/web/stop", "name=db", "policy.yaml:5", false},
        {"unknown", "POST /containers/web/stop", NULL, "policy.yaml:3", true},
        {"certain and unknown", "POST /containers/web/kill", NULL, "policy.yaml:4", false},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, POLICY));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(asked_docker_clear) struct asked_docker asked = {0};
        struct error error;
        cr_assert(asked_docker_read(&asked, fixture.policy, policy_client_at(fixture.policy, 0),
                                    rows[i].request, &error));
        cr_assert(rows[i].fact == NULL || asked_docker_add_fact(&asked, rows[i].fact, &error));
        asked_docker_decide(&asked);
        cr_expect_str_eq(asked_docker_source(&asked), rows[i].source, "%s", rows[i].name);
        cr_expect_eq(asked.depends, rows[i].depends, "%s", rows[i].name);
    }
}

/* A body that is `text`, with blanks behind it up to `len` bytes, as a file without a name. */
static int body_file(const char *text, size_t len, char path[32])
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    AUTO_FREE char *bytes = malloc(len + 1);
    cr_assert(fd >= 0 && bytes != NULL);
    memset(bytes, ' ', len);
    memcpy(bytes, text, len < strlen(text) ? len : strlen(text));
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

Test(asked, a_body_is_judged_behind_the_rules)
{
    static const struct {
        const char *name, *request, *type, *text;
        size_t len;
        const char *source, *reason;
    } rows[] = {
        {"it fits", "POST /containers/create", NULL, "{}", 2, "policy.yaml:5", "rule"},
        {"another type", "POST /containers/create", "text/plain", "{}", 2, "built-in",
         "malformed.content-type"},
        {"the limit of the gate", "POST /containers/create", NULL, "{}", DOCKER_CONTENT_JSON_MAX,
         "policy.yaml:5", "rule"},
        {"one byte more", "POST /containers/create", NULL, "{}", DOCKER_CONTENT_JSON_MAX + 1,
         "built-in", "limit.body"},
        {"a field that nobody knows", "POST /containers/create", NULL, "{\"New\":1}", 9, "built-in",
         "unknown.field"},
        {"denied before it is looked at", "POST /networks/create", "text/plain", "{}", 2, "default",
         "default"},
        {"none", "POST /containers/create", "text/plain", "", 0, "policy.yaml:5", "rule"},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, POLICY));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(asked_docker_clear) struct asked_docker asked = {0};
        struct error error;
        cr_assert(asked_docker_read(&asked, fixture.policy, policy_client_at(fixture.policy, 0),
                                    rows[i].request, &error));
        cr_assert(asked_docker_add_fact(&asked, "name=db", &error));
        char path[32];
        AUTO_CLOSE int fd = body_file(rows[i].text, rows[i].len, path);
        cr_assert(asked_docker_read_body(&asked, path, rows[i].type, &error), "%s", error.text);
        asked_docker_decide(&asked);
        cr_expect_str_eq(asked_docker_source(&asked), rows[i].source, "%s", rows[i].name);
        cr_expect_str_eq(asked_docker_reason(&asked), rows[i].reason, "%s", rows[i].name);
    }
}

Test(asked, the_rule_is_that_of_the_address_that_would_be_dialled)
{
    static const struct {
        const char *name, *target;
        const char *addresses[3];
        bool allowed;
        const char *source, *reason;
    } rows[] = {
        {"by name alone", "x.test", {NULL}, true, "policy.yaml:7", "rule"},
        {"a public one", "x.test", {"8.8.8.8"}, true, "policy.yaml:7", "rule"},
        {"one that another rule names", "x.test", {"10.0.0.1"}, true, "policy.yaml:8", "rule"},
        {"the first that may be",
         "x.test",
         {"127.0.0.1", "10.0.0.1"},
         true,
         "policy.yaml:8",
         "rule"},
        {"none may be: the first",
         "x.test",
         {"9.9.9.9", "127.0.0.1"},
         false,
         "policy.yaml:9",
         "rule"},
        {"a denied name has none", "y.test", {"10.0.0.1"}, false, "default", "default"},
        {"this machine", "localhost", {NULL}, false, "default", "address-class.loopback"},
        {"the gate itself refuses", "x.test:0", {NULL}, false, "built-in", "malformed.port"},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    cr_assert(policy_fixture_text(&fixture, POLICY));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(asked_network_clear) struct asked_network asked = {0};
        AUTO_BUFFER struct buffer source = BUFFER_EMPTY;
        struct error error;
        struct asked_network_words words = {.target = rows[i].target,
                                            .addresses = rows[i].addresses};
        while (words.address_count < 3 && rows[i].addresses[words.address_count] != NULL)
            words.address_count++;
        cr_assert(asked_network_read(&asked, fixture.policy, policy_client_at(fixture.policy, 0),
                                     &words, &error));
        asked_network_decide(&asked, NULL);
        asked_network_write_source(&asked, &source);
        cr_expect_eq(asked_network_is_allowed(&asked), rows[i].allowed, "%s", rows[i].name);
        cr_expect_str_eq(buffer_text(&source), rows[i].source, "%s", rows[i].name);
        cr_expect_str_eq(asked.malformed ? asked.error.reason : asked.inquiry.verdict.reason,
                         rows[i].reason, "%s", rows[i].name);
    }
}
