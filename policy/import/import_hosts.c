/* SPDX-License-Identifier: Apache-2.0
 *
 * hosts(5) files as blocklists: a name that is led to this machine or to nowhere cannot be reached,
 * so it is denied, that name alone and nothing below it. A line that leads a name elsewhere gives
 * it an address and permits nothing: it is left out (`serve --hosts` reads such files). */
#include "policy/import/import_draft.h"
#include "policy/import/policy_import.h"

#include "base/error.h"
#include "rules/network/host_name.h"

/* 0.0.0.0, 127.0.0.0/8, :: and ::1. */
static bool is_sink(const struct ip_address *address)
{
    if (ip_address_is_v4(address))
        return address->bytes[12] == 127 || (address->bytes[12] == 0 && address->bytes[13] == 0 &&
                                             address->bytes[14] == 0 && address->bytes[15] == 0);
    for (size_t i = 0; i < 15; i++) {
        if (address->bytes[i] != 0)
            return false;
    }
    return address->bytes[15] <= 1;
}

/* What every hosts file says about its own machine. */
static bool is_own_name(struct slice name)
{
    static const char *const own[] = {"localhost.localdomain", "local",           "broadcasthost",
                                      "ip6-localnet",          "ip6-mcastprefix", "ip6-allnodes",
                                      "ip6-allrouters",        "ip6-allhosts",    "0.0.0.0"};
    struct host_name host;
    struct error error;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (slice_equal_nocase(name, slice_from_text(own[i])))
            return true;
    }
    return host_name_parse(name, &host, &error) && host_name_is_local(&host);
}

static void deny_name(struct import_draft *draft, struct import_place place, struct slice name)
{
    const struct port_set every = import_ports_all();
    struct host_name host;
    struct error error;
    char quoted[120];
    if (is_own_name(name))
        return;
    if (!host_name_parse_dns(name, &host, &error)) {
        import_note(draft, place, "left out: %s is no name that a request can have: %s",
                    error_quote(name, quoted, sizeof(quoted)), error.text);
        return;
    }
    import_add(draft, place, false, IMPORT_KEYS_NONE, host_name_slice(&host), &every);
}

static void read_line(struct import_draft *draft, struct import_place place, struct slice line)
{
    char quoted[120];
    struct ip_address address;
    struct slice first = import_next_word(&line);
    if (first.len == 0)
        return;
    struct slice name = import_next_word(&line);
    if (!ip_address_parse(first, &address)) {
        import_note(draft, place,
                    "left out: %s is no address, and a line of a hosts file begins with one",
                    error_quote(first, quoted, sizeof(quoted)));
        return;
    }
    if (!is_sink(&address)) {
        import_note(draft, place,
                    "left out: the line gives %s an address, which permits nothing; see "
                    "`dockreeve serve --hosts`",
                    error_quote(name, quoted, sizeof(quoted)));
        return;
    }
    for (; name.len > 0; name = import_next_word(&line))
        deny_name(draft, place, name);
}

void import_hosts(const struct policy_import_input *input, struct import_draft *draft)
{
    struct import_place place = {input->file, 0};
    struct slice rest = input->text;
    while (rest.ptr != NULL) {
        struct slice line = import_next_line(&rest);
        place.line++;
        read_line(draft, place, slice_cut(&line, '#'));
    }
    place.line = 0;
    if (draft->group_count > 0)
        import_note(draft, place,
                    "a hosts file refuses names and leaves all others open; this document permits "
                    "nothing by itself");
}
