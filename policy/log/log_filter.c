/* SPDX-License-Identifier: Apache-2.0
 *
 * The conditions of `policy log`, judged on a parsed record. A record that lacks what a condition
 * asks for is not wanted. */
#include "policy/log/log_filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/near_word.h"
#include "base/timestamp.h"
#include "base/arena.h"
#include "rules/docker/docker_operation.h"
#include "rules/network/host_pattern.h"
#include "rules/pattern.h"

struct log_filter_host {
    struct arena arena; /* owned: the text that the pattern points into */
    struct host_pattern pattern;
    struct pattern expression; /* owned, of a pattern that is one */
};

static void host_free(struct log_filter_host *host)
{
    if (host == NULL)
        return;
    pattern_clear(&host->expression);
    arena_free(&host->arena);
    free(host);
}

void log_filter_clear(struct log_filter *filter)
{
    host_free(filter->host);
    free(filter->operations);
    filter->host = NULL;
    filter->operations = NULL;
}

bool log_filter_read_time(const char *option, const char *text, int64_t now_us,
                          int64_t *time_us_out, struct error *error)
{
    if (timestamp_parse_named(slice_from_text(text), now_us, time_us_out))
        return true;
    return error_set(error, COMMAND_USAGE,
                     "--%s %s is no time: write how long ago (30m, 2h, 1d), today, yesterday, a "
                     "date (2026-11-20) or a time in UTC (2026-11-20T10:00, \"2026-11-20 "
                     "10:00:30\", 2026-11-20T10:00+01:00)",
                     option, quote_text(text).text);
}

bool log_filter_set_host(struct log_filter *filter, const char *text, struct error *error)
{
    struct error why = {0};
    struct log_filter_host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return error_set(error, COMMAND_USAGE, "out of memory");
    struct slice copy = slice_from_text(arena_text(&host->arena, slice_from_text(text)));
    bool good = host_pattern_parse(copy, false, &host->pattern, &why);
    if (good && host->pattern.kind == HOST_PATTERN_REGEX)
        good = pattern_compile(
            &host->expression, PATTERN_VALUE,
            slice_of(host->pattern.expression.ptr - 1, host->pattern.expression.len + 1), &why);
    if (!good) {
        host_free(host);
        return error_set(error, COMMAND_USAGE, "--host %s: %s", quote_text(text).text, why.text);
    }
    host_free(filter->host);
    filter->host = host;
    return true;
}

static bool no_such_operation(struct slice name, struct error *error)
{
    struct near_word near;
    near_word_init(&near, name);
    for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++)
        near_word_offer(&near, docker_operation_info((enum docker_operation)i)->name);
    for (const char *const *set = docker_operation_set_names(); *set != NULL; set++)
        near_word_offer(&near, *set);
    const struct quoted quoted = quote(name);
    if (near.best != NULL)
        return error_set(error, COMMAND_USAGE,
                         "--operation: there is no operation %s; did you mean `%s`?", quoted.text,
                         near.best);
    return error_set(error, COMMAND_USAGE,
                     "--operation: there is no operation %s: write a name like ContainerCreate, a "
                     "glob like Container*, or a set like @read",
                     quoted.text);
}

bool log_filter_set_operation(struct log_filter *filter, const char *text, struct error *error)
{
    AUTO_FREE struct docker_operation_set *operations = calloc(1, sizeof(*operations));
    if (operations == NULL)
        return error_set(error, COMMAND_USAGE, "out of memory");
    struct slice rest = slice_from_text(text);
    while (rest.ptr != NULL) {
        struct slice selector = slice_trim_blanks(slice_cut(&rest, ','));
        if (docker_operation_set_add_selector(operations, selector))
            continue;
        enum docker_operation operation = docker_operation_from_name(selector);
        if (operation == DOCKER_OPERATION_NONE)
            return no_such_operation(selector, error);
        docker_operation_set_add(operations, operation); /* one that no rule may select */
    }
    free(filter->operations);
    filter->operations = steal_pointer(&operations);
    return true;
}

bool log_filter_is_within(const struct log_filter *filter, const struct log_line *line)
{
    struct slice time = line->fields[LOG_FIELD_TS];
    int64_t time_us;
    if (filter->since_us == 0 && filter->until_us == 0)
        return true;
    return timestamp_parse(time, &time_us) && time_us >= filter->since_us &&
           (filter->until_us == 0 || time_us < filter->until_us);
}

static bool is_equal_or_any(struct slice wanted, struct slice found)
{
    return wanted.ptr == NULL || (found.ptr != NULL && slice_equal(wanted, found));
}

/* Whether `path` is `wanted`, or ends with it behind a slash. */
static bool is_path_end(struct slice path, struct slice wanted)
{
    if (wanted.len == 0 || path.len < wanted.len)
        return false;
    size_t before = path.len - wanted.len;
    return memcmp(path.ptr + before, wanted.ptr, wanted.len) == 0 &&
           (before == 0 || path.ptr[before - 1] == '/');
}

static bool is_rule(struct slice wanted, const struct log_line *line)
{
    struct slice source = line->fields[LOG_FIELD_SOURCE];
    if (wanted.ptr == NULL || is_equal_or_any(wanted, line->fields[LOG_FIELD_RULE]) ||
        is_path_end(source, wanted))
        return true;
    const char *colon = source.len > 0 ? memrchr(source.ptr, ':', source.len) : NULL;
    return colon != NULL && is_path_end(slice_of(source.ptr, (size_t)(colon - source.ptr)), wanted);
}

static bool is_port(const struct host_pattern *pattern, struct slice text)
{
    uint16_t port;
    return !pattern->has_ports ||
           (port_set_parse_port(text, &port) && port_set_has(&pattern->ports, port));
}

/* An address as the gate writes it: what is spelled in another way is no address in a log. */
static bool read_address(struct slice text, struct ip_address *address_out)
{
    char room[64];
    struct buffer written = {room, 0, sizeof(room), false};
    if (!ip_address_parse(text, address_out))
        return false;
    ip_address_write(address_out, &written);
    return slice_equal(buffer_slice(&written), text);
}

/* Whether one of the addresses between commas is in the range. */
static bool is_dialled(const struct host_pattern *pattern, struct slice addresses)
{
    while (addresses.ptr != NULL) {
        struct ip_address address;
        if (read_address(slice_cut(&addresses, ','), &address) &&
            ip_range_contains(&pattern->range, &address))
            return true;
    }
    return false;
}

static bool is_host(const struct log_filter_host *wanted, const struct log_line *line)
{
    const struct host_pattern *pattern = &wanted->pattern;
    struct slice text = line->fields[LOG_FIELD_HOST];
    struct host_name host;
    struct ip_address address;
    struct error error;
    if (text.ptr == NULL || !is_port(pattern, line->fields[LOG_FIELD_PORT]))
        return false;
    if (pattern->kind == HOST_PATTERN_ANY)
        return true;
    if (pattern->kind == HOST_PATTERN_RANGE && is_dialled(pattern, line->fields[LOG_FIELD_ADDRESS]))
        return true;
    if (read_address(text, &address)) /* an IPv6 address stands without brackets in the log */
        host_name_from_address(&host, &address);
    else if (!host_name_parse(text, &host, &error) || !slice_equal(host_name_slice(&host), text))
        return false; /* not in the one form in which the gate writes hosts */
    if (pattern->kind == HOST_PATTERN_REGEX)
        return pattern_match(&wanted->expression, host_name_slice(&host)) == PATTERN_YES;
    return host_pattern_matches(pattern, &host);
}

static bool is_operation(const struct docker_operation_set *wanted, struct slice name)
{
    enum docker_operation operation = docker_operation_from_name(name);
    return operation != DOCKER_OPERATION_NONE && docker_operation_set_has(wanted, operation);
}

static bool is_allowed(const struct log_line *line)
{
    return slice_equal_text(line->fields[LOG_FIELD_DECISION], "allow") &&
           line->fields[LOG_FIELD_WOULD_DENY].ptr == NULL;
}

bool log_filter_wants(const struct log_filter *filter, const struct log_line *line)
{
    return is_equal_or_any(filter->client, line->fields[LOG_FIELD_CLIENT]) &&
           is_equal_or_any(filter->via, line->fields[LOG_FIELD_VIA]) &&
           is_equal_or_any(filter->kind, line->fields[LOG_FIELD_KIND]) &&
           (!filter->without_seals || !slice_equal_text(line->fields[LOG_FIELD_EVENT], "seal")) &&
           (!filter->denied || log_line_decision(line) != LOG_ALLOWED) &&
           (!filter->allowed || is_allowed(line)) && is_rule(filter->rule, line) &&
           (filter->operations == NULL ||
            is_operation(filter->operations, line->fields[LOG_FIELD_OPERATION])) &&
           (filter->host == NULL || is_host(filter->host, line)) &&
           log_filter_is_within(filter, line);
}
