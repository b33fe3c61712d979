/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as another program's list: a target for each reader, which FUZZ_SOURCE names. The first byte
 * chooses how it is read. Whatever comes out loads as a policy; an import that fails prints nothing and
 * says why. And it never permits more than a naive reading of the list: a hosts file permits
 * nothing, and refuses each name that it leads to nowhere; sbx's exact names permit themselves, where an
 * allow names them; tinyproxy's expressions permit what regexec() finds; a plain list permits its
 * words, and what is below one behind a star. */
#include <fnmatch.h>
#include <regex.h>

#include "policy/document/policy_load.h"
#include "policy/import/policy_import.h"
#include "policy/snapshot/policy_network.h"
#include "policy/import/posix_expression.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/policy_loads.h"

enum { PROBES_MAX = 24, LINE_MAX_LEN = 48 };

struct run {
    enum { HOSTS, SBX, SQUID, TINYPROXY, DOMAINS, SOURCE_COUNT } source;
    enum posix_expression_kind kind;
    struct slice text;
    struct buffer document;
};

static bool read_file(void *context, struct slice name, struct buffer *out)
{
    const struct run *run = context;
    (void)name;
    buffer_append_slice(out, run->text);
    return true;
}

static bool list_files(void *, struct slice glob, struct buffer *out)
{
    buffer_append_slice(out, glob);
    buffer_append_byte(out, '\n');
    return true;
}

static bool is_allowed(const struct policy *policy, const struct host_name *host)
{
    struct network_request request = {.host = *host, .port = 443, .sight = NETWORK_OPAQUE};
    struct network_verdict verdict;
    policy_decide_network(policy, policy_client_find(policy, SLICE_LITERAL("default")), &request,
                          NULL, &verdict);
    return verdict.result == VERDICT_ALLOW;
}

/* ---- the naive readings ---- */

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_';
}

/* Whether `line` holds the host as a word of its own. */
static bool holds(struct slice line, const struct host_name *host)
{
    for (size_t i = 0; i < line.len; i++) {
        size_t end = i;
        while (end < line.len && is_name_byte(line.ptr[end]))
            end++;
        struct host_name word;
        struct error error;
        if (end > i && host_name_parse(slice_of(line.ptr + i, end - i), &word, &error) &&
            host_name_equal(&word, host))
            return true;
        i = end;
    }
    return false;
}

static bool naive_sbx(struct slice line, const struct host_name *host)
{
    return memmem(line.ptr, line.len, "allow", 5) != NULL && holds(line, host);
}

static bool naive_hosts_refuses(struct slice line, const struct host_name *host)
{
    struct slice rest = slice_cut(&line, '#');
    return slice_starts_with(rest, SLICE_LITERAL("0.0.0.0 ")) && !host->is_address &&
           !host_name_is_local(host) && rest.len == 8 + host->len &&
           slice_equal_nocase(slice_of(rest.ptr + 8, host->len), host_name_slice(host));
}

static bool naive_tinyproxy(const struct run *run, struct slice line, const struct host_name *host)
{
    char text[LINE_MAX_LEN + 1];
    regex_t regex;
    size_t start = 0, len = 0;
    while (start < line.len && (line.ptr[start] == ' ' || line.ptr[start] == '\t'))
        start++;
    for (; start + len < line.len && strchr(" \t\r", line.ptr[start + len]) == NULL; len++)
        if (line.ptr[start + len] == '#' && (len == 0 || line.ptr[start + len - 1] != '\\'))
            break;
    if (len == 0)
        return false;
    memcpy(text, line.ptr + start, len);
    text[len] = '\0';
    if (run->kind == POSIX_EXPRESSION_FNMATCH)
        return fnmatch(text, host->text, FNM_CASEFOLD) == 0;
    int extended = run->kind == POSIX_EXPRESSION_EXTENDED ? REG_EXTENDED : 0;
    if (regcomp(&regex, text, REG_NOSUB | REG_ICASE | extended) != 0)
        return true; /* tinyproxy would not start: nothing to compare with */
    bool matches = regexec(&regex, host->text, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

static bool has_bare_star(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '*' && (i + 1 == text.len || text.ptr[i + 1] != '.'))
            return true;
    }
    return false;
}

/* Lists whose naive reading is too naive, or too costly for the C library. */
static bool is_comparable(const struct run *run)
{
    struct slice rest = run->text;
    if (run->source == SQUID)
        return false;
    if (run->source == DOMAINS) /* every host, ranges */
        return memchr(rest.ptr, '/', rest.len) == NULL && memchr(rest.ptr, '~', rest.len) == NULL &&
               memchr(rest.ptr, '[', rest.len) == NULL && !has_bare_star(rest);
    if (run->source == SBX &&
        (memchr(rest.ptr, '*', rest.len) != NULL || memchr(rest.ptr, '/', rest.len) != NULL ||
         memchr(rest.ptr, '[', rest.len) != NULL || memchr(rest.ptr, '"', rest.len) != NULL ||
         memchr(rest.ptr, '\'', rest.len) != NULL ||
         memmem(rest.ptr, rest.len, "allow-all", 9) != NULL ||
         memmem(rest.ptr, rest.len, "DECISION", 8) != NULL))
        return false;
    if (run->source != TINYPROXY)
        return true;
    while (rest.ptr != NULL) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.len > LINE_MAX_LEN || memchr(line.ptr, '{', line.len) != NULL ||
            memchr(line.ptr, '\0', line.len) != NULL)
            return false;
    }
    return true;
}

/* Whether the line is the host, or a star and something that the host is below of, or at. */
static bool naive_domains(struct slice line, const struct host_name *host)
{
    line = slice_cut(&line, '#');
    for (size_t i = 0; i < line.len; i++) {
        struct slice rest = slice_of(line.ptr + i + 1, line.len - i - 1);
        if (line.ptr[i] != '.' || (i > 0 && strchr(" \t*", line.ptr[i - 1]) == NULL))
            continue;
        for (const char *below = host->text; below != NULL; below = strchr(below, '.')) {
            struct host_name above;
            struct error error;
            below += below[0] == '.';
            if (host_name_parse(slice_from_text(below), &above, &error) && holds(rest, &above))
                return true;
        }
    }
    return holds(line, host);
}

static bool naive(const struct run *run, const struct host_name *host)
{
    struct slice rest = run->text;
    while (rest.ptr != NULL) {
        struct slice line = slice_cut(&rest, '\n');
        if (run->source == SBX && naive_sbx(line, host))
            return true;
        if (run->source == DOMAINS && naive_domains(line, host))
            return true;
        if (run->source == TINYPROXY && naive_tinyproxy(run, line, host))
            return true;
    }
    return false; /* a hosts file permits nothing */
}

static void probe(const struct run *run, const struct policy *policy, const struct policy *open,
                  struct slice word)
{
    struct host_name host;
    struct error error;
    if (!host_name_parse(word, &host, &error))
        return;
    if (is_allowed(policy, &host) && !naive(run, &host)) {
        fprintf(stderr, "%s is allowed\n%.*s\n", host.text, (int)run->document.len,
                run->document.data);
        abort();
    }
    struct slice rest = run->text;
    while (run->source == HOSTS && rest.ptr != NULL) {
        if (naive_hosts_refuses(slice_cut(&rest, '\n'), &host) && is_allowed(open, &host))
            abort();
    }
}

static void probe_all(const struct run *run)
{
    static const char *const always[] = {"example.com", "a.example.com", "127.0.0.1", "localhost"};
    CLEANUP(policy_unref) struct policy *policy = policy_loads(buffer_slice(&run->document), "");
    CLEANUP(policy_unref)
    struct policy *open = policy_loads(buffer_slice(&run->document), "default: {network: allow}\n");
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        probe(run, policy, open, slice_from_text(always[i]));
    size_t probes = 0;
    for (size_t i = 0; i < run->text.len && probes < PROBES_MAX; i++) {
        size_t end = i;
        while (end < run->text.len && is_name_byte(run->text.ptr[end]))
            end++;
        AUTO_BUFFER struct buffer below = BUFFER_EMPTY;
        buffer_printf(&below, "a.%.*s", (int)(end - i), run->text.ptr + i);
        if (end > i) {
            probe(run, policy, open, slice_of(run->text.ptr + i, end - i));
            probe(run, policy, open, buffer_slice(&below));
            probes++;
        }
        i = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[SOURCE_COUNT] = {"hosts", "sbx", "squid", "tinyproxy",
                                                    "domains"};
    static const char *const types[] = {"bre", "ere", "fnmatch"};
    if (size == 0)
        return 0;
    struct run run = {.source = FUZZ_SOURCE,
                      .kind = (enum posix_expression_kind)(data[0] % 3),
                      .text = slice_of((const char *)data + 1, size - 1)};
    char settings[96];
    snprintf(settings, sizeof(settings), "FilterType %s\nFilterDefaultDeny yes\nFilter x\n",
             types[run.kind]);
    struct policy_import_input input = {
        .file = "list",
        .text = run.source == TINYPROXY ? slice_from_text(settings) : run.text,
        .generation = data[0] % 3 + 1,
        .any_client = (data[0] & 0x80) != 0,
        .star_includes_root = (data[0] & 0x80) != 0,
        .list = run.source == DOMAINS && (data[0] & 0x40) != 0 ? POLICY_IMPORT_LIST_DENIES
                                                               : POLICY_IMPORT_LIST_UNKNOWN,
        .read_file = read_file,
        .list_files = list_files,
        .context = &run};
    if (input.generation == 1)
        input.generation = 0;
    struct policy_messages notes = {NULL, 0, 0}, errors = {NULL, 0, 0};
    bool done = policy_import(policy_import_source_find(slice_from_text(names[run.source])), &input,
                              &run.document, &notes, &errors);
    if (done != (errors.count == 0) || done != (run.document.len > 0))
        abort();
    struct policy *policy = done ? policy_loads(buffer_slice(&run.document), "") : NULL;
    policy_unref(&policy);
    if (done && is_comparable(&run))
        probe_all(&run);
    buffer_free(&run.document);
    policy_messages_free(&notes);
    policy_messages_free(&errors);
    return 0;
}
