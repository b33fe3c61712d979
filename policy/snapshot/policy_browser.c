/* SPDX-License-Identifier: Apache-2.0
 *
 * The names and origins from which a client's TCP listeners take a web page's requests
 * (rules/network/browser_request.h): keys of a client, or variables. */
#include "policy/snapshot/policy_browser.h"

/* Moves what was written into the policy's arena. */
static struct slice keep(struct policy_builder *builder, const struct buffer *text)
{
    const char *kept = arena_text(&builder->policy->arena, buffer_slice(text));
    return slice_of(kept, text->len);
}

bool policy_browser_add_host(struct policy_builder *builder, struct builder_client *client,
                             struct slice text, struct error *error)
{
    AUTO_BUFFER struct buffer name = BUFFER_EMPTY;
    bool below;
    if (!browser_host_parse(text, &name, &below, error))
        return false;
    client->browser_hosts =
        array_grow(client->browser_hosts, client->browser_host_count,
                   &client->browser_host_capacity, sizeof(client->browser_hosts[0]));
    client->browser_hosts[client->browser_host_count++] =
        (struct browser_host){keep(builder, &name), below};
    return true;
}

bool policy_browser_add_origin(struct policy_builder *builder, struct builder_client *client,
                               struct slice text, struct error *error)
{
    AUTO_BUFFER struct buffer origin = BUFFER_EMPTY;
    if (!browser_origin_write(text, &origin, error))
        return false;
    client->browser_origins =
        array_grow(client->browser_origins, client->browser_origin_count,
                   &client->browser_origin_capacity, sizeof(client->browser_origins[0]));
    client->browser_origins[client->browser_origin_count++] = keep(builder, &origin);
    return true;
}
