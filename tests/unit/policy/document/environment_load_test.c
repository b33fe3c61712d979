/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment beside files: it is the policy until there is a policy.yaml, and files in
 * policy.d add to it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/document/policy_load.h"

struct folder {
    char path[64], config[128], drop_ins[128], drop_in[160];
};

static void setup(struct folder *folder)
{
    snprintf(folder->path, sizeof(folder->path), "/tmp/dockreeve-environment-XXXXXX");
    cr_assert_not_null(mkdtemp(folder->path));
    snprintf(folder->config, sizeof(folder->config), "%s/policy.yaml", folder->path);
    snprintf(folder->drop_ins, sizeof(folder->drop_ins), "%s/policy.d", folder->path);
    snprintf(folder->drop_in, sizeof(folder->drop_in), "%s/10.yaml", folder->drop_ins);
    cr_assert_eq(mkdir(folder->drop_ins, 0700), 0);
}

static void teardown(const struct folder *folder)
{
    unlink(folder->config);
    unlink(folder->drop_in);
    rmdir(folder->drop_ins);
    rmdir(folder->path);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static struct policy *load(const struct folder *folder, char *const *environment,
                           const char *const *listen, size_t listen_count, char *notices,
                           size_t notices_size)
{
    struct policy_messages errors = {NULL, 0, 0}, said = {NULL, 0, 0};
    struct policy_inputs inputs = {.config_path = folder->config,
                                   .listen = listen,
                                   .listen_count = listen_count,
                                   .environment = environment};
    struct policy *policy = policy_load(&inputs, &errors, &said);
    struct buffer text = BUFFER_EMPTY;
    policy_messages_write(policy == NULL ? &errors : &said, &text);
    snprintf(notices, notices_size, "%.*s", (int)text.len, text.data == NULL ? "" : text.data);
    buffer_free(&text);
    policy_messages_free(&errors);
    policy_messages_free(&said);
    return policy;
}

static bool allows(const struct policy *policy, const char *target)
{
    struct docker_request request = {0};
    struct error error;
    struct verdict verdict;
    cr_assert(
        docker_request_parse(&request, HTTP_METHOD_GET, slice_from_text(target), false, &error));
    policy_decide_docker(policy, policy_client_find(policy, SLICE_LITERAL("default")), &request,
                         DOCKER_OBJECT_NOT_ASKED, NULL, NULL, &verdict);
    docker_request_clear(&request);
    return verdict.result == VERDICT_ALLOW;
}

static char *const environment[] = {"DOCKREEVE_COMPAT=tecnativa", "CONTAINERS=1", NULL};

Test(environment_load, variables_are_the_policy_and_drop_ins_add_to_it)
{
    CLEANUP(teardown) struct folder folder;
    char said[1024];
    setup(&folder);
    write_file(folder.drop_in,
               "version: 1\ndocker:\n  - allow: ImageList\n  - deny: ContainerLogs\n");
    CLEANUP(policy_unref)
    struct policy *policy = load(&folder, environment, NULL, 0, said, sizeof(said));
    cr_assert_not_null(policy, "%s", said);
    cr_expect(allows(policy, "/containers/json"));
    cr_expect(allows(policy, "/images/json"));
    cr_expect_not(allows(policy, "/containers/x/logs"));
    cr_expect_not(allows(policy, "/volumes"));
}

Test(environment_load, a_policy_file_ends_the_variables_with_a_notice)
{
    CLEANUP(teardown) struct folder folder;
    char said[1024];
    setup(&folder);
    write_file(folder.config, "version: 1\ndocker:\n  - allow: ImageList\n");
    CLEANUP(policy_unref)
    struct policy *policy = load(&folder, environment, NULL, 0, said, sizeof(said));
    cr_assert_not_null(policy, "%s", said);
    cr_expect_not(allows(policy, "/containers/json"));
    cr_expect(allows(policy, "/images/json"));
    cr_expect_not_null(strstr(said, "CONTAINERS is not followed"), "%s", said);
}

Test(environment_load, the_image_s_port_is_listened_on_unless_an_option_says_otherwise)
{
    static const char *const listen[] = {"tcp:127.0.0.1:4000"};
    static char *const ipv4[] = {"DOCKREEVE_COMPAT=linuxserver", "DISABLE_IPV6=1", NULL};
    const struct {
        char *const *environment;
        size_t listen_count;
        const char *expected, *source;
    } rows[] = {
        {environment, 0, "tcp:[::]:2375", "env DOCKREEVE_COMPAT"},
        {ipv4, 0, "tcp:0.0.0.0:2375", "env DOCKREEVE_COMPAT"},
        {environment, 1, "tcp:127.0.0.1:4000", "--listen"},
    };
    CLEANUP(teardown) struct folder folder;
    char said[1024];
    setup(&folder);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct policy *policy =
            load(&folder, rows[i].environment, listen, rows[i].listen_count, said, sizeof(said));
        cr_assert_not_null(policy, "%s", said);
        const struct policy_client *client = policy_client_find(policy, SLICE_LITERAL("default"));
        cr_assert_eq(client->listen_count, 1);
        cr_expect_str_eq(client->listens[0].text, rows[i].expected);
        cr_expect_str_eq(client->listens[0].source, rows[i].source);
        policy_unref(&policy);
    }
}

/* The image sets the mode by itself: nothing is said of that. */
Test(environment_load, the_image_s_port_stays_beside_a_policy_file_that_gives_default_none)
{
    static char *const image[] = {"DOCKREEVE_COMPAT=tecnativa", "DOCKREEVE_LOG=-", NULL};
    static const struct {
        const char *name, *document;
        const char *expected; /* NULL = none */
    } rows[] = {
        {"no listener", "docker:\n  - allow: ImageList\n", "tcp:[::]:2375"},
        {"another client's", "clients:\n  ci: {listen: unix:/run/ci/docker.sock}\n",
         "tcp:[::]:2375"},
        {"one of default's own", "clients:\n  default: {listen: unix:/run/x/docker.sock}\n",
         "unix:/run/x/docker.sock"},
        {"for the internet", "clients:\n  default: {egress: \"127.0.0.1:3128\"}\n",
         "127.0.0.1:3128"},
        {"for the internet alone", "clients:\n  agents: {egress: \"127.0.0.1:3128\"}\n", NULL},
    };
    CLEANUP(teardown) struct folder folder;
    char said[1024], document[256];
    setup(&folder);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(document, sizeof(document), "version: 1\n%s", rows[i].document);
        write_file(folder.config, document);
        CLEANUP(policy_unref)
        struct policy *policy = load(&folder, image, NULL, 0, said, sizeof(said));
        cr_assert_not_null(policy, "%s: %s", rows[i].name, said);
        cr_expect_null(strstr(said, "DOCKREEVE_COMPAT"), "%s: %s", rows[i].name, said);
        const struct policy_client *client = policy_client_find(policy, SLICE_LITERAL("default"));
        size_t count = client == NULL ? 0 : client->listen_count;
        cr_assert_eq(count, rows[i].expected != NULL, "%s", rows[i].name);
        if (count > 0)
            cr_expect_str_eq(client->listens[0].text, rows[i].expected, "%s", rows[i].name);
    }
}

Test(environment_load, an_unknown_contract_is_no_policy)
{
    static char *const wrong[] = {"DOCKREEVE_COMPAT=haproxy", "CONTAINERS=1", NULL};
    CLEANUP(teardown) struct folder folder;
    char said[1024];
    setup(&folder);
    cr_expect_null(load(&folder, wrong, NULL, 0, said, sizeof(said)));
    cr_expect_not_null(strstr(said, "DOCKREEVE_COMPAT=`haproxy`"), "%s", said);
}
