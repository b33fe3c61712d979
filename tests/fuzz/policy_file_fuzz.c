/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a policy file: loading never crashes; it gives a policy or errors, never both or
 * neither; loading the same bytes again gives the same hash or the same errors; and what the index
 * of network rules decides is what a walk over every rule decides. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/snapshot/policy.h"
#include "policy/document/policy_load.h"
#include "policy/snapshot/policy_network.h"
#include "tests/fuzz/fuzz.h"

static void ignore(void *, const struct policy_considered *)
{
}

static void ask(const struct policy *policy, const struct policy_client *client, const char *host,
                const struct ip_address *address)
{
    const struct policy_observer observer = {ignore, NULL};
    struct network_request request = {.port = 443, .address = address};
    struct network_verdict found, walked;
    struct error error;
    if (!host_name_parse(slice_from_text(host), &request.host, &error))
        abort();
    policy_decide_network(policy, client, &request, NULL, &found);
    policy_decide_network(policy, client, &request, &observer, &walked);
    if (found.result != walked.result || found.pattern.ptr != walked.pattern.ptr ||
        strcmp(found.reason, walked.reason) != 0)
        abort();
}

/* Few enough to be quick, and those that the corpus speaks of. */
static void ask_all(const struct policy *policy)
{
    static const char *const hosts[] = {"a.test", "x.example.org", "localhost", "10.0.0.1",
                                        "[2001:db8::1]"};
    struct ip_address address;
    if (!ip_address_parse(SLICE_LITERAL("169.254.1.1"), &address))
        abort();
    for (size_t client = 0; client < policy_client_count(policy) && client < 4; client++) {
        for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
            ask(policy, policy_client_at(policy, client), hosts[i], i % 2 == 0 ? NULL : &address);
    }
}

/* The hash, or the errors. */
static void load(const char *path, struct buffer *out)
{
    const struct policy_inputs inputs = {.config_path = path, .config_required = true};
    CLEANUP(policy_messages_free)
    struct policy_messages errors = {NULL, 0, 0}, notices = {NULL, 0, 0};
    CLEANUP(policy_unref) struct policy *policy = policy_load(&inputs, &errors, &notices);
    if ((policy == NULL) != (errors.count > 0))
        abort();
    if (policy != NULL)
        buffer_append_text(out, policy_hash(policy));
    if (policy != NULL)
        ask_all(policy);
    policy_messages_write(&errors, out);
    policy_messages_write(&notices, out);
    policy_messages_free(&notices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("policy.yaml", MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        abort();
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    AUTO_BUFFER struct buffer first = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer second = BUFFER_EMPTY;
    load(path, &first);
    load(path, &second);
    if (strcmp(buffer_text(&first), buffer_text(&second)) != 0)
        abort();
    close(fd);
    return 0;
}
