/* SPDX-License-Identifier: Apache-2.0
 *
 * Listeners as a policy writes them, and what must not be between two of them: the same address, or
 * two clients' sockets in one folder, where whoever mounts the folder for one client sees the
 * other's socket too (docs/design.md 3). */
#include <string.h>
#include <sys/un.h>

#include "policy/snapshot/policy_listen.h"

static bool parse_unix(struct arena *arena, const char *path, struct policy_listen *listen,
                       struct error *error)
{
    if (path[0] != '/')
        return error_set(error, 2,
                         "a socket needs an absolute path: unix:/run/dockreeve/NAME/docker.sock");
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return error_set(error, 2, "a socket's path has at most %zu bytes",
                         sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    struct slice rest = slice_from_text(path + 1);
    while (rest.ptr != NULL) {
        struct slice part = slice_cut(&rest, '/');
        if (part.len == 0 || slice_equal_text(part, ".") || slice_equal_text(part, ".."))
            return error_set(error, 2, "a socket's path has no empty, `.` or `..` parts");
    }
    listen->kind = POLICY_LISTEN_UNIX;
    listen->path = arena_text(arena, slice_from_text(path));
    return true;
}

static bool parse_tcp(struct slice text, struct policy_listen *listen, struct error *error)
{
    const char *form = listen->role == POLICY_ROLE_DOCKER
                           ? "a TCP listener is tcp:ADDRESS:PORT or tcp:[IPV6]:PORT, numbers only"
                           : "a listener is ADDRESS:PORT or [IPV6]:PORT, numbers only";
    struct slice host, port;
    bool brackets = text.len > 0 && text.ptr[0] == '[';
    const char *end = text.len == 0 ? NULL : memchr(text.ptr, brackets ? ']' : ':', text.len);
    if (end == NULL)
        return error_set(error, 2, "%s", form);
    host = brackets ? slice_of(text.ptr + 1, (size_t)(end - text.ptr) - 1)
                    : slice_of(text.ptr, (size_t)(end - text.ptr));
    port = slice_of(end + 1, text.len - (size_t)(end + 1 - text.ptr));
    if (brackets) {
        if (port.len == 0 || port.ptr[0] != ':')
            return error_set(error, 2, "%s", form);
        port.ptr++;
        port.len--;
    }
    uint64_t number;
    if (!ip_address_parse(host, &listen->address) ||
        brackets != (memchr(host.ptr, ':', host.len) != NULL))
        return error_set(error, 2, "%s: the address is not one (names are not looked up)", form);
    if (!slice_to_u64(port, &number) || number > UINT16_MAX || (port.len > 1 && port.ptr[0] == '0'))
        return error_set(error, 2, "%s: the port is not a number from 0 to 65535", form);
    listen->kind = POLICY_LISTEN_TCP;
    listen->port = (uint16_t)number;
    return true;
}

bool policy_listen_parse(struct arena *arena, enum policy_role role, const char *text,
                         struct policy_listen *listen, struct error *error)
{
    *listen = (struct policy_listen){.role = role, .mode = 0660, .owner = -1, .group = -1};
    listen->text = arena_text(arena, slice_from_text(text));
    bool sockets = role == POLICY_ROLE_DOCKER || role == POLICY_ROLE_EGRESS;
    if (strncmp(text, "unix:", 5) == 0 && !sockets)
        return error_set(error, 2, "only Docker and egress clients can come by a unix socket");
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(arena, text + 5, listen, error);
    if (strncmp(text, "tcp:", 4) == 0 || (role == POLICY_ROLE_DNS && strncmp(text, "udp:", 4) == 0))
        return parse_tcp(slice_from_text(text + 4), listen, error);
    if (role != POLICY_ROLE_DOCKER)
        return parse_tcp(slice_from_text(text), listen, error);
    return error_set(error, 2,
                     "%s is not a listener: write unix:/absolute/path or tcp:ADDRESS:PORT",
                     quote_text(text).text);
}

bool policy_dns_address_add(struct builder_client *client, struct slice text, struct error *error)
{
    struct ip_address address;
    if (!ip_address_parse(text, &address))
        return error_set(error, 2, "%s is no address: an answer is gate, real or addresses",
                         quote(text).text);
    if (client->dns_address_count == POLICY_DNS_ADDRESSES_MAX)
        return error_set(error, 2, "at most %d addresses can be answered",
                         POLICY_DNS_ADDRESSES_MAX);
    client->dns_addresses[client->dns_address_count++] = address;
    return true;
}

static struct slice folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slice_of(path, (size_t)(slash - path));
}

static void check_pair(const struct builder_client *a, const struct policy_listen *x,
                       const struct builder_client *b, const struct policy_listen *y,
                       struct policy_messages *errors)
{
    if (x->kind != y->kind)
        return;
    bool same = x->kind == POLICY_LISTEN_UNIX
                    ? strcmp(x->path, y->path) == 0
                    : x->port == y->port && x->port != 0 &&
                          memcmp(&x->address, &y->address, sizeof(x->address)) == 0;
    if (same) {
        policy_messages_add(errors, b->file, b->line, b->column,
                            "client `%s` listens on %s, and so does `%s` (%s)", b->name, y->text,
                            a->name, x->source);
    } else if (x->kind == POLICY_LISTEN_UNIX && a != b &&
               slice_equal(folder_of(x->path), folder_of(y->path))) {
        policy_messages_add(
            errors, b->file, b->line, b->column,
            "the sockets of clients `%s` and `%s` are in one folder (%s): whoever mounts it "
            "for one sees the other's; give each a folder of its own",
            a->name, b->name, y->path);
    }
}

static void check_browser(const struct builder_client *client, bool has_tcp,
                          struct policy_messages *notices)
{
    bool allows = client->browser.set && client->browser.value != 0;
    bool speaks = client->browser_host_count > 0 || client->browser_origin_count > 0;
    if (client->listen_count > 0 && !has_tcp && (allows || speaks))
        policy_messages_add(notices, client->file, client->line, client->column,
                            "client `%s` has `hosts`, `origins` or `browser` but no tcp listener: "
                            "no web page reaches a unix socket",
                            client->name);
    else if (allows)
        policy_messages_add(notices, client->file, client->line, client->column,
                            "client `%s` lets every web page that somebody who reaches its "
                            "listener opens send requests (`browser: allow`)",
                            client->name);
}

static void check_client(const struct builder_client *client, struct policy_messages *errors,
                         struct policy_messages *notices)
{
    bool has_unix = false, has_tcp = false;
    for (size_t i = 0; i < client->listen_count; i++) {
        has_unix |= client->listens[i].kind == POLICY_LISTEN_UNIX;
        has_tcp |= client->listens[i].kind == POLICY_LISTEN_TCP;
    }
    if (client->listen_count == 0 && !client->has_listen && strcmp(client->name, "default") != 0)
        policy_messages_add(notices, client->file, client->line, client->column,
                            "client `%s` has no `listen`: nobody can be this client unless the "
                            "service manager hands over a socket of that name",
                            client->name);
    if (client->from_count > 0 && !has_tcp)
        policy_messages_add(
            errors, client->file, client->line, client->column,
            "client `%s` has `from` but no tcp listener: a unix socket is limited by its mode, "
            "owner and group",
            client->name);
    check_browser(client, has_tcp, notices);
    bool socket = client->socket_mode.set || client->owner.set || client->group.set;
    if (socket && !has_unix && client->listen_count > 0)
        policy_messages_add(errors, client->file, client->line, client->column,
                            "client `%s` has `socket` but no unix listener", client->name);
    if (socket && client->listen_count == 0)
        policy_messages_add(
            notices, client->file, client->line, client->column,
            "client `%s` has `socket` but no listener of its own: a socket that the service "
            "manager hands over keeps what its unit says (SocketMode=, SocketUser=, SocketGroup=)",
            client->name);
}

void policy_listen_check_all(const struct policy_builder *builder, struct policy_messages *errors,
                             struct policy_messages *notices)
{
    for (size_t b = 0; b < builder->client_count; b++) {
        const struct builder_client *client = &builder->clients[b];
        check_client(client, errors, notices);
        for (size_t y = 0; y < client->listen_count; y++) {
            for (size_t a = 0; a <= b; a++) {
                const struct builder_client *other = &builder->clients[a];
                size_t end = a == b ? y : other->listen_count;
                for (size_t x = 0; x < end; x++)
                    check_pair(other, &other->listens[x], client, &client->listens[y], errors);
            }
        }
    }
}
