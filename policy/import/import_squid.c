/* SPDX-License-Identifier: Apache-2.0
 *
 * Squid's `http_access` lines: the first that matches decides there, deny wins here. A deny in
 * front of an allow means the same in both. A deny behind an allow also takes from that allow here,
 * which narrows. Denies without hosts (ports, methods) and `deny !list` limit the allows behind
 * them. Where no line matches, Squid does the opposite of the last one. */
#include "policy/import/import_squid.h"

#include "base/error.h"
#include "rules/http_method.h"

enum { LISTS_MAX = 8, INCLUDE_DEPTH_MAX = 16 /* as in Squid */ };

/* Every method but CONNECT, and TRACE, which never passes the gate. */
#define METHODS_ALL                                                                                \
    ((((1u << HTTP_METHOD_COUNT) - 2u) & ~(1u << HTTP_METHOD_CONNECT | 1u << HTTP_METHOD_TRACE)) | \
     SQUID_METHODS_OTHER)

/* The hosts of any of them. */
struct host_lists {
    const struct squid_acl *items[LISTS_MAX];
    size_t count;
};

/* What a request must be. Plain HTTP and tunnels apart: methods tell them apart there. */
struct condition {
    struct port_set plain, tunnel;
    uint32_t methods;        /* of plain HTTP */
    struct host_lists hosts; /* none = every host */
    struct host_lists not_hosts;
    bool never;    /* cannot match here */
    bool client;   /* asks who the client is */
    bool unsaid;   /* asks what no rule can say */
    bool own_host; /* … the machine of the proxy itself */
};

struct squid {
    struct import_draft *draft;
    struct squid_acls acls;
    struct condition open; /* what earlier denies left to later allows; `hosts`: those alone */
    unsigned depth;        /* of includes */
    bool ended;            /* a line decided everything that was left */
    bool any_line, any_allow, last_allows;
};

static const struct condition everything = {
    .plain = {.ranges = {{1, UINT16_MAX}}, .count = 1},
    .tunnel = {.ranges = {{1, UINT16_MAX}}, .count = 1},
    .methods = METHODS_ALL,
};

/* ---- conditions ---- */

static void add_methods(struct condition *condition, const struct squid_acl *acl, bool negated)
{
    const struct port_set none = {.count = 0};
    if (acl->connect == negated)
        condition->tunnel = none;
    condition->methods &= negated ? ~acl->methods : acl->methods;
    if (condition->methods == 0)
        condition->plain = none;
}

static void add_ports(struct condition *condition, const struct squid_acl *acl, bool negated)
{
    bool cut = false;
    struct port_set ports = negated ? import_ports_not(&acl->ports, &cut) : acl->ports;
    condition->plain = import_ports_and(&condition->plain, &ports, &cut);
    condition->tunnel = import_ports_and(&condition->tunnel, &ports, &cut);
    condition->unsaid |= cut;
}

static bool has_all(const struct host_lists *lists, const struct host_lists *others)
{
    size_t found = 0;
    for (size_t i = 0; i < others->count; i++) {
        for (size_t n = 0; n < lists->count; n++)
            found += lists->items[n] == others->items[i];
    }
    return found == others->count;
}

/* Leaves the hosts that are in both. False when that is not known, since lists may share hosts. */
static bool keep_common(struct host_lists *lists, const struct host_lists *others)
{
    if (others->count == 0 || (lists->count > 0 && has_all(others, lists)))
        return true;
    if (lists->count > 0 && !has_all(lists, others))
        return false;
    *lists = *others;
    return true;
}

static void add_hosts(struct condition *condition, const struct squid_acl *acl, bool negated)
{
    const struct host_lists one = {{acl}, 1};
    struct host_lists *others = &condition->not_hosts;
    if (!negated)
        condition->unsaid |= !keep_common(&condition->hosts, &one);
    else if (others->count == LISTS_MAX)
        condition->unsaid = true;
    else if (!has_all(others, &one))
        others->items[others->count++] = acl;
}

static void add_acl(struct condition *condition, const struct squid_acl *acl, bool negated)
{
    switch (acl->kind) {
    case SQUID_ACL_HOSTS:
        add_hosts(condition, acl, negated);
        return;
    case SQUID_ACL_PORTS:
        add_ports(condition, acl, negated);
        return;
    case SQUID_ACL_METHODS:
        add_methods(condition, acl, negated);
        return;
    case SQUID_ACL_CLIENT:
        condition->client = true;
        condition->own_host |= acl->this_machine && !negated;
        return;
    case SQUID_ACL_ALL:
        condition->never |= negated;
        return;
    case SQUID_ACL_MANAGER:
        condition->never |= !negated;
        return;
    case SQUID_ACL_OTHER:
        condition->unsaid = true;
        return;
    }
}

static bool read_condition(struct squid *squid, struct import_place place, struct slice line,
                           struct condition *condition)
{
    struct slice word;
    *condition = everything;
    while (import_next_word(&line, &word) && word.ptr[0] != '#') {
        bool negated = word.ptr[0] == '!';
        struct slice name = negated ? slice_of(word.ptr + 1, word.len - 1) : word;
        const struct squid_acl *acl = squid_acls_find(&squid->acls, name);
        if (acl == NULL) {
            import_fail(squid->draft, place, "no `acl` line defines %s", quote(name).text);
            return false;
        }
        add_acl(condition, acl, negated);
    }
    return true;
}

/* ---- denies ---- */

static void deny_hosts(struct squid *squid, struct import_place place, const struct squid_acl *acl,
                       const struct condition *condition)
{
    bool cut = false;
    struct port_set ports = import_ports_or(&condition->plain, &condition->tunnel, &cut);
    if (cut)
        ports = import_ports_all();
    if (acl->incomplete) {
        import_fail(squid->draft, place, "%.*s is denied and holds what no rule can say",
                    (int)acl->name.len, acl->name.ptr);
        return;
    }
    for (size_t i = 0; i < acl->host_count; i++)
        import_add(squid->draft, acl->hosts[i].place, false, IMPORT_KEYS_NONE,
                   acl->hosts[i].pattern, &ports);
}

/* `deny !list`: later allows hold for the list alone; with several, for what is in one of them. */
static void limit_hosts(struct squid *squid, struct import_place place,
                        const struct condition *condition)
{
    struct port_set every = import_ports_all();
    squid->open.unsaid |= !keep_common(&squid->open.hosts, &condition->not_hosts);
    if (condition->unsaid || !port_set_equal(&condition->plain, &every) ||
        !port_set_equal(&condition->tunnel, &every))
        import_note(squid->draft, place,
                    "narrowed: the line limits what follows to its `!` lists, whatever else it "
                    "asks for");
}

/* `deny !Safe_ports`, `deny CONNECT !SSL_ports`, `deny POST`, `deny all`. */
static void limit_rest(struct squid *squid, const struct condition *condition)
{
    bool cut = false, every_port;
    struct port_set all = import_ports_all();
    struct port_set not_plain = import_ports_not(&condition->plain, &cut);
    struct port_set not_tunnel = import_ports_not(&condition->tunnel, &cut);
    struct condition *open = &squid->open;
    every_port = port_set_equal(&condition->plain, &all);
    if (every_port && condition->methods != METHODS_ALL)
        open->methods &= ~condition->methods;
    else
        open->plain = import_ports_and(&open->plain, &not_plain, &cut);
    open->tunnel = import_ports_and(&open->tunnel, &not_tunnel, &cut);
    if (open->methods == 0)
        open->plain.count = 0;
    squid->ended = open->plain.count == 0 && open->tunnel.count == 0;
}

static void read_deny(struct squid *squid, struct import_place place, struct condition *condition)
{
    if (condition->client && squid->draft->input->any_client) {
        import_note(squid->draft, place, "left out: a deny of some clients");
        return;
    }
    if (condition->client) {
        import_fail(squid->draft, place,
                    "the line denies some clients, which no rule can say: use `from` of a client, "
                    "and --any-client to import the rest");
        return;
    }
    if (condition->hosts.count > 0) {
        if (squid->any_allow || condition->unsaid || condition->not_hosts.count > 0 ||
            condition->methods != METHODS_ALL)
            import_note(squid->draft, place,
                        "narrowed: the deny holds for its hosts whatever else the line asks for, "
                        "and against earlier allows, too");
        deny_hosts(squid, place, condition->hosts.items[0], condition);
    } else if (condition->not_hosts.count > 0) {
        limit_hosts(squid, place, condition);
    } else if (condition->unsaid) {
        import_fail(squid->draft, place, "the line denies by what no rule can say");
    } else {
        limit_rest(squid, condition);
    }
}

/* ---- allows ---- */

static void write_methods(uint32_t methods, struct buffer *out)
{
    buffer_append_literal(out, "methods: [");
    for (unsigned i = 1, count = 0; i < HTTP_METHOD_COUNT; i++) {
        if ((methods & 1u << i) != 0)
            buffer_printf(out, "%s%s", count++ > 0 ? ", " : "",
                          http_method_name((enum http_method)i));
    }
    buffer_append_byte(out, ']');
}

static void allow_pattern(struct squid *squid, struct import_place place, struct slice pattern,
                          const struct condition *condition)
{
    if (condition->methods == METHODS_ALL) {
        import_add_split(squid->draft, place, pattern, &condition->plain, &condition->tunnel);
        return;
    }
    AUTO_BUFFER struct buffer keys = BUFFER_EMPTY;
    write_methods(condition->methods, &keys);
    if ((condition->methods & ~SQUID_METHODS_OTHER) != 0)
        import_add(squid->draft, place, true, buffer_text(&keys), pattern, &condition->plain);
    import_add(squid->draft, place, true, IMPORT_KEYS_TLS, pattern, &condition->tunnel);
}

static void allow_hosts(struct squid *squid, struct import_place place,
                        const struct condition *condition)
{
    if (condition->hosts.count == 0)
        allow_pattern(squid, place, SLICE_LITERAL("*"), condition);
    for (size_t n = 0; n < condition->hosts.count; n++) {
        const struct squid_acl *acl = condition->hosts.items[n];
        for (size_t i = 0; i < acl->host_count; i++)
            allow_pattern(squid, acl->hosts[i].place, acl->hosts[i].pattern, condition);
    }
}

static void leave_out(struct squid *squid, struct import_place place,
                      const struct condition *condition, const char *why)
{
    import_note(squid->draft, place, "left out: %s", why);
    struct port_set ports = import_ports_and(&condition->plain, &condition->tunnel, NULL);
    for (size_t n = 0; n < condition->hosts.count; n++) {
        const struct squid_acl *acl = condition->hosts.items[n];
        for (size_t i = 0; i < acl->host_count; i++)
            import_aside(squid->draft, acl->hosts[i].place, acl->hosts[i].pattern, &ports, why);
    }
}

/* Takes from the allow what earlier denies closed. */
static void narrow(const struct squid *squid, struct condition *condition)
{
    const struct condition *open = &squid->open;
    bool cut = false;
    condition->plain = import_ports_and(&condition->plain, &open->plain, &cut);
    condition->tunnel = import_ports_and(&condition->tunnel, &open->tunnel, &cut);
    condition->methods &= open->methods;
    condition->unsaid |= open->unsaid || !keep_common(&condition->hosts, &open->hosts);
}

static bool is_everything(const struct condition *condition)
{
    struct port_set every = import_ports_all();
    return condition->hosts.count == 0 && condition->not_hosts.count == 0 && !condition->client &&
           !condition->unsaid && condition->methods == METHODS_ALL &&
           port_set_equal(&condition->plain, &every) && port_set_equal(&condition->tunnel, &every);
}

static void read_allow(struct squid *squid, struct import_place place, struct condition *condition)
{
    bool is_last = is_everything(condition);
    narrow(squid, condition);
    if (condition->unsaid) {
        leave_out(squid, place, condition, "the line also asks for what no rule can say");
    } else if (condition->own_host) {
        leave_out(squid, place, condition, "it permits the proxy's own machine alone");
    } else if (condition->client && !squid->draft->input->any_client) {
        leave_out(squid, place, condition,
                  "it permits some clients alone (--any-client takes that as met)");
    } else {
        for (size_t i = 0; i < condition->not_hosts.count; i++)
            deny_hosts(squid, place, condition->not_hosts.items[i], &everything);
        if (condition->not_hosts.count > 0)
            import_note(squid->draft, place,
                        "narrowed: what `!` takes from the line is denied "
                        "for every line");
        allow_hosts(squid, place, condition);
        squid->any_allow = true;
    }
    squid->ended |= is_last;
}

/* ---- squid.conf ---- */

static void read_http_access(struct squid *squid, struct import_place place, struct slice line)
{
    struct condition condition;
    struct slice action;
    (void)import_next_word(&line, &action);
    bool allows = slice_equal_text(action, "allow");
    if (!allows && !slice_equal_text(action, "deny")) {
        import_fail(squid->draft, place, "behind http_access stands allow or deny");
        return;
    }
    squid->any_line = true;
    squid->last_allows = allows;
    if (squid->ended || !read_condition(squid, place, line, &condition) || condition.never)
        return;
    if (allows)
        read_allow(squid, place, &condition);
    else
        read_deny(squid, place, &condition);
}

static void read_lines(struct squid *squid, struct import_lines lines, bool rules);

static void read_include(struct squid *squid, struct import_place place, struct slice name,
                         bool rules)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct import_lines lines;
    if (!import_open_named(squid->draft, place, name, &text, &lines))
        return;
    squid->depth++;
    read_lines(squid, lines, rules);
    squid->depth--;
}

/* `include GLOB…` */
static void read_includes(struct squid *squid, struct import_place place, struct slice globs,
                          bool rules)
{
    const struct policy_import_input *input = squid->draft->input;
    struct slice glob;
    while (import_next_word(&globs, &glob) && glob.ptr[0] != '#') {
        AUTO_BUFFER struct buffer names = BUFFER_EMPTY;
        if (squid->depth == INCLUDE_DEPTH_MAX)
            import_fail(squid->draft, place, "`include` goes deeper than %d files",
                        INCLUDE_DEPTH_MAX);
        else if (input->list_files == NULL || !input->list_files(input->context, glob, &names))
            import_fail(squid->draft, place, "no file is %s, neither there nor beside %s",
                        quote(glob).text, input->file);
        struct slice rest = buffer_slice(&names);
        while (rest.len > 0 && squid->draft->errors->count == 0)
            read_include(squid, place, slice_cut(&rest, '\n'), rules);
    }
}

/* What may refuse and is not read, unless it permits everything. */
static bool is_unread(struct slice word, struct slice line)
{
    static const char *const unread[] = {"adapted_http_access", "http_access2", "http_reply_access",
                                         "miss_access"};
    struct slice action, list, more;
    if (slice_equal_text(word, "if") ||
        slice_equal_text(word, "configuration_includes_quoted_values"))
        return true;
    return slice_find(word, unread, ARRAY_LEN(unread)) < ARRAY_LEN(unread) &&
           !(import_next_word(&line, &action) && slice_equal_text(action, "allow") &&
             import_next_word(&line, &list) && slice_equal_text(list, "all") &&
             (!import_next_word(&line, &more) || more.ptr[0] == '#'));
}

static void read_line(struct squid *squid, struct import_place place, struct slice line, bool rules)
{
    struct slice word;
    (void)import_next_word(&line, &word);
    if (slice_equal_text(word, "include"))
        read_includes(squid, place, line, rules);
    else if (!rules && is_unread(word, line))
        import_fail(squid->draft, place,
                    "`%.*s` is not read, and it may deny: write what it does into a copy",
                    (int)word.len, word.ptr);
    else if (!rules && slice_equal_text(word, "acl"))
        squid_acls_read(&squid->acls, place, line);
    else if (rules && slice_equal_text(word, "http_access"))
        read_http_access(squid, place, line);
}

/* A backslash at the end joins the next line to this one. */
static void read_lines(struct squid *squid, struct import_lines lines, bool rules)
{
    AUTO_BUFFER struct buffer joined = BUFFER_EMPTY;
    while (import_lines_next(&lines)) {
        bool goes_on = lines.rest.ptr != NULL && lines.line.len > 0 &&
                       lines.line.ptr[lines.line.len - 1] == '\\';
        buffer_append(&joined, lines.line.ptr, lines.line.len - goes_on);
        buffer_append_byte(&joined, ' ');
        if (goes_on)
            continue;
        const char *line = arena_text(&squid->draft->arena, buffer_slice(&joined));
        if (line[0] != '#')
            read_line(squid, lines.place, slice_of(line, joined.len), rules);
        buffer_clear(&joined);
    }
}

void import_squid(struct import_draft *draft)
{
    struct squid squid = {.draft = draft, .open = everything};
    struct import_place place = {draft->input->file, 0};
    const struct import_lines lines = import_lines(draft->input->file, draft->input->text);
    squid_acls_init(&squid.acls, draft);
    /* twice, since a list may grow behind the line that uses it */
    read_lines(&squid, lines, false);
    if (draft->errors->count == 0)
        read_lines(&squid, lines, true);
    if (!squid.any_line && draft->errors->count == 0)
        import_note(draft, place, "there is no `http_access` line: this Squid denies everything");
    if (squid.any_line && !squid.ended && !squid.last_allows && draft->errors->count == 0) {
        struct condition rest = everything;
        import_note(draft, place,
                    "the last `http_access` line denies, so that Squid permits what "
                    "no line matches");
        read_allow(&squid, place, &rest);
    }
    squid_acls_free(&squid.acls);
}
