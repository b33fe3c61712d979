/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "tests/unit/policy/policy_fixture.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "policy/explain/command_request.h"

void policy_fixture_init(struct policy_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/dockreeve-policy-XXXXXX");
    cr_assert_not_null(mkdtemp(fixture->folder));
    snprintf(fixture->config, sizeof(fixture->config), "%s/policy.yaml", fixture->folder);
}

void policy_fixture_write(const struct policy_fixture *fixture, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    mkdir(path, 0755);
    chmod(path, 0755);
    *slash = '/';
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    fputs(text, file);
    fclose(file);
    chmod(path, 0644);
}

static void forget(struct policy_fixture *fixture)
{
    policy_unref(&fixture->policy);
    policy_messages_free(&fixture->errors);
    policy_messages_free(&fixture->notices);
}

bool policy_fixture_load(struct policy_fixture *fixture)
{
    forget(fixture);
    const struct policy_inputs inputs = {
        .config_path = fixture->config, .config_required = true, .check_owner = true};
    fixture->policy = policy_load(&inputs, &fixture->errors, &fixture->notices);
    cr_assert_eq(fixture->policy == NULL, fixture->errors.count > 0);
    return fixture->policy != NULL;
}

bool policy_fixture_text(struct policy_fixture *fixture, const char *text)
{
    policy_fixture_init(fixture);
    policy_fixture_write(fixture, "policy.yaml", text);
    return policy_fixture_load(fixture);
}

static int remove_entry(const char *path, const struct stat *, int, struct FTW *)
{
    return remove(path);
}

void policy_fixture_clear(struct policy_fixture *fixture)
{
    forget(fixture);
    nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *policy_fixture_show(const struct policy_fixture *fixture,
                                const struct policy_messages *messages, struct buffer *out)
{
    struct buffer all = BUFFER_EMPTY;
    policy_messages_write(messages, &all);
    buffer_clear(out);
    const char *text = buffer_text(&all);
    size_t len = strlen(fixture->folder);
    while (*text != '\0') {
        if (strncmp(text, fixture->folder, len) == 0 && text[len] == '/') {
            text += len + 1;
        } else {
            buffer_append_byte(out, *text);
            text++;
        }
    }
    buffer_free(&all);
    return buffer_text(out);
}

struct verdict policy_fixture_ask(const struct policy_fixture *fixture, const char *client,
                                  const char *request_text, enum docker_object_state state,
                                  const struct docker_object *object)
{
    struct docker_request request = {0};
    struct error error;
    struct verdict verdict;
    cr_assert(command_request_parse(request_text, false, &request, &error), "%s: %s", request_text,
              error.text);
    const struct policy_client *who = policy_client_find(fixture->policy, slice_from_text(client));
    cr_assert_not_null(who, "%s", client);
    policy_decide_docker(fixture->policy, who, &request, state, object, NULL, &verdict);
    docker_request_clear(&request);
    return verdict;
}
