/* SPDX-License-Identifier: Apache-2.0
 *
 * A plain list of hosts, one a line: `example.com`, `*.example.com` (or `.example.com`), with ports behind a
 * colon, an address, a range. Blank lines and what stands behind a # are comments. Without ports
 * they are 80 and 443 in a list that permits. Whether `*.example.com` holds example.com itself
 * differs between the programs that read such lists: an allow takes it only when asked to, a deny
 * always does. */
#include "policy/import/import_draft.h"

#include "base/error.h"
#include "rules/network/ip_range.h"

struct domains {
    struct import_draft *draft;
    bool allows;
    bool starred; /* some line has a star, and what that means was not said */
};

static void add(struct domains *domains, struct import_place place, struct slice pattern,
                const struct port_set *ports)
{
    import_add(domains->draft, place, domains->allows, IMPORT_KEYS_NONE, pattern, ports);
}

/* What stands behind the star, or {NULL, 0}. */
static struct slice below_star(struct slice host)
{
    static const char *const stars[] = {"**.", "*.", "."};
    for (size_t i = 0; i < ARRAY_LEN(stars); i++) {
        struct slice star = slice_from_text(stars[i]);
        if (slice_starts_with(host, star))
            return slice_of(host.ptr + star.len, host.len - star.len);
    }
    return (struct slice){NULL, 0};
}

static void add_host(struct domains *domains, struct import_place place, struct slice host,
                     const struct port_set *ports)
{
    struct slice domain = below_star(host);
    if (domain.len == 0 || !domains->allows || domains->draft->input->star_includes_root)
        add(domains, place, domain.len == 0 ? host : domain, ports);
    if (domain.len == 0)
        return;
    AUTO_BUFFER struct buffer below = BUFFER_EMPTY;
    buffer_printf(&below, "*.%.*s", (int)domain.len, domain.ptr);
    add(domains, place, buffer_slice(&below), ports);
    domains->starred = true;
}

static void read_entry(struct domains *domains, struct import_place place, struct slice text)
{
    struct ip_range range;
    struct error error;
    struct slice host = text, ports_text = {NULL, 0};
    struct port_set ports = port_set_default(domains->allows);
    if (memmem(text.ptr, text.len, "//", 2) != NULL) {
        import_note(domains->draft, place, "left out: %s is a URL: a line is a host",
                    quote(text).text);
        return;
    }
    if (text.ptr[0] == '[') {
        ports_text = slice_of(text.ptr + 1, text.len - 1);
        host = slice_cut(&ports_text, ']');
        (void)slice_cut(&ports_text, ':');
    } else if (!ip_range_parse(text, &range)) {
        ports_text = text;
        host = slice_cut(&ports_text, ':');
    }
    if (ports_text.ptr != NULL && !port_set_parse(ports_text, &ports, &error)) {
        if (domains->allows)
            import_note(domains->draft, place, "left out: %s: %s", quote(text).text, error.text);
        else
            import_fail(domains->draft, place, "%s is denied: %s", quote(text).text, error.text);
    } else if (!domains->allows ||
               !import_names_machine(domains->draft, place, host, ports_text.ptr != NULL)) {
        add_host(domains, place, host, &ports);
    }
}

void import_domains(struct import_draft *draft)
{
    struct domains domains = {.draft = draft,
                              .allows = draft->input->list != POLICY_IMPORT_LIST_DENIES};
    const struct import_place file = {draft->input->file, 0};
    struct import_lines lines = import_lines(file.file, draft->input->text);
    while (import_lines_next(&lines)) {
        struct slice line = slice_cut(&lines.line, '#'), word, more;
        if (!import_next_word(&line, &word))
            continue;
        if (!import_next_word(&line, &more))
            read_entry(&domains, lines.place, word);
        else if (domains.allows)
            import_note(draft, lines.place, "left out: one host a line, and this line has more");
        else
            import_fail(draft, lines.place, "one host a line, and this line has more");
    }
    if (domains.starred && domains.allows && !draft->input->star_includes_root)
        import_note(draft, file,
                    "narrowed: `*.example.com` is taken for the names below example.com: "
                    "--star-includes-root takes example.com itself, too");
    if (!domains.allows)
        import_note(draft, file,
                    "the list refuses hosts and leaves all others open; this document permits "
                    "nothing by itself");
}
