/* SPDX-License-Identifier: Apache-2.0
 *
 * hosts(5) files as blocklists: a name that is led to this machine or to nowhere cannot be reached,
 * so it is denied, that name alone and nothing below it. A line that leads a name elsewhere gives
 * it an address and permits nothing: it is left out (`serve --hosts` reads such files). */
#include "policy/import/import_draft.h"

#include "base/error.h"
#include "rules/network/host_name.h"

static bool is_sink(const struct ip_address *address)
{
    static const char *const sinks[] = {"0.0.0.0/32", "127.0.0.0/8", "::/127"};
    struct ip_range range;
    for (size_t i = 0; i < ARRAY_LEN(sinks); i++) {
        if (ip_range_parse(slice_from_text(sinks[i]), &range) && ip_range_contains(&range, address))
            return true;
    }
    return false;
}

/* What every hosts file says about its own machine. */
static bool is_own_name(struct slice name)
{
    static const char *const own[] = {"localhost.localdomain", "local",           "broadcasthost",
                                      "ip6-localnet",          "ip6-mcastprefix", "ip6-allnodes",
                                      "ip6-allrouters",        "ip6-allhosts",    "0.0.0.0"};
    struct host_name host;
    struct error error;
    return slice_find_nocase(name, own, ARRAY_LEN(own)) < ARRAY_LEN(own) ||
           (host_name_parse(name, &host, &error) && host_name_is_local(&host));
}

static void deny_name(struct import_draft *draft, struct import_place place, struct slice name)
{
    const struct port_set every = import_ports_all();
    struct host_name host;
    struct error error;
    if (is_own_name(name))
        return;
    if (!host_name_parse_dns(name, &host, &error))
        import_note(draft, place, "left out: %s is no name that a request can have: %s",
                    quote(name).text, error.text);
    else
        import_add(draft, place, false, IMPORT_KEYS_NONE, host_name_slice(&host), &every);
}

static void read_line(struct import_draft *draft, struct import_place place, struct slice line)
{
    struct ip_address address;
    struct slice first, name;
    if (!import_next_word(&line, &first))
        return;
    bool named = import_next_word(&line, &name);
    if (!ip_address_parse(first, &address))
        import_note(draft, place,
                    "left out: %s is no address, and a line of a hosts file begins with one",
                    quote(first).text);
    else if (!is_sink(&address))
        import_note(draft, place,
                    "left out: the line gives %s an address, which permits nothing; see "
                    "`dockreeve serve --hosts`",
                    quote(name).text);
    else
        for (; named; named = import_next_word(&line, &name))
            deny_name(draft, place, name);
}

void import_hosts(struct import_draft *draft)
{
    const struct import_place file = {draft->input->file, 0};
    struct import_lines lines = import_lines(file.file, draft->input->text);
    while (import_lines_next(&lines))
        read_line(draft, lines.place, slice_cut(&lines.line, '#'));
    if (draft->group_count > 0)
        import_note(draft, file,
                    "a hosts file refuses names and leaves all others open; this document permits "
                    "nothing by itself");
}
