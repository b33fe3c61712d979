/* SPDX-License-Identifier: Apache-2.0
 *
 * The option tables and the man pages say the same: each option stands in its page's synopsis and
 * list, with its letter, its default and its variable, and a page lists no option that no table
 * has. Then what serve makes of its options. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cli/completion.h"
#include "policy/command/commands.h"
#include "proxy/serve/commands.h"
#include "proxy/serve/serve_options.h"

enum { TABLES_MAX = 12 };

static const struct page {
    const char *file;
    const struct option_table *tables[TABLES_MAX];
} pages[] = {
    {"dockreeve-serve.1", {&serve_option_table}},
    {"dockreeve-healthcheck.1", {&healthcheck_option_table}},
    {"dockreeve-doctor.1", {&doctor_option_table}},
    {"dockreeve-policy.1",
     {&policy_set_default_option_table, &policy_init_option_table, &policy_allow_option_table,
      &policy_deny_option_table, &policy_rm_option_table, &policy_reset_option_table,
      &policy_validate_option_table, &policy_check_option_table, &policy_explain_option_table,
      &policy_import_option_table}},
    {"dockreeve-policy-inspect.1", {&policy_inspect_option_table}},
    {"dockreeve-policy-log.1", {&policy_log_option_table}},
    {"dockreeve-policy-ls.1", {&policy_ls_option_table}},
    {"dockreeve-policy-reload.1", {&policy_reload_option_table}},
    {"dockreeve-policy-schema.1", {&policy_schema_option_table}},
    {"dockreeve-policy-status.1", {&policy_status_option_table}},
    {"dockreeve-policy-test.1", {&policy_test_option_table}},
    {"dockreeve-policy-suggest.1", {&policy_suggest_option_table}},
    {"dockreeve.1", {&version_option_table, &completion_option_table}},
};

static void read_page(const char *file, struct buffer *out)
{
    char path[512], bytes[4096];
    size_t got;
    snprintf(path, sizeof(path), "%s/%s", MAN_FOLDER, file);
    FILE *page = fopen(path, "r");
    cr_assert_not_null(page, "%s", path);
    buffer_append_byte(out, '\n');
    while ((got = fread(bytes, 1, sizeof(bytes), page)) > 0)
        buffer_append(out, bytes, got);
    fclose(page);
}

/* Whether bytes[0..len) hold `word` with no letter, digit or dash on either side. */
static bool has_word(const char *bytes, size_t len, const char *word)
{
    size_t word_len = strlen(word);
    const char *at = bytes;
    while ((at = memmem(at, len - (size_t)(at - bytes), word, word_len)) != NULL) {
        const char *inside = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
        bool starts = at == bytes || strchr(inside, at[-1]) == NULL;
        bool ends = at + word_len == bytes + len || strchr(inside, at[word_len]) == NULL ||
                    at[word_len] == '\0';
        if (starts && ends)
            return true;
        at++;
    }
    return false;
}

/* The item of that option in the page's list: its `.It` line and what stands under it. False when
 * there is none. */
static bool find_item(const char *page, const char *name, struct slice *line_out,
                      struct slice *body_out)
{
    char flag[80];
    snprintf(flag, sizeof(flag), "-%s", name);
    for (const char *at = page; (at = strstr(at, "\n.It ")) != NULL; at++) {
        const char *end = strchr(at + 1, '\n');
        if (strstr(at, "Fl") > end || !has_word(at, (size_t)(end - at), flag))
            continue;
        const char *next = strstr(end, "\n.It "), *list_end = strstr(end, "\n.El");
        *line_out = slice_of(at + 1, (size_t)(end - at - 1));
        *body_out =
            slice_of(end, (size_t)((next != NULL && next < list_end ? next : list_end) - end));
        return true;
    }
    return false;
}

static void check_option(const struct page *page, const char *text, const struct option *option)
{
    struct slice line = {NULL, 0}, body = {NULL, 0};
    char word[80];
    cr_assert(find_item(text, option->name, &line, &body), "%s does not list --%s", page->file,
              option->name);
    snprintf(word, sizeof(word), "Fl %c", option->letter);
    cr_assert(option->letter == 0 || has_word(line.ptr, line.len, word),
              "%s does not give the letter of --%s: `.It %s, Fl -%s`", page->file, option->name,
              word, option->name);
    bool takes_value = has_word(line.ptr, line.len, "Ar") || has_word(line.ptr, line.len, "Cm");
    cr_assert_eq(takes_value, option->type != OPTION_FLAG, "%s: --%s takes %s value", page->file,
                 option->name, takes_value ? "no" : "a");
    cr_assert(option->initial == NULL || has_word(body.ptr, body.len, option->initial),
              "%s does not name the default of --%s, %s", page->file, option->name,
              option->initial);
    snprintf(word, sizeof(word), "Ev %s", option->environment == NULL ? "" : option->environment);
    cr_assert(option->environment == NULL || has_word(body.ptr, body.len, word),
              "%s: --%s does not name the variable %s", page->file, option->name,
              option->environment);
    const char *description = strstr(text, "\n.Sh DESCRIPTION");
    snprintf(word, sizeof(word), "Fl -%s", option->name);
    cr_assert(has_word(text, (size_t)(description - text), word),
              "the synopsis of %s does not have --%s", page->file, option->name);
}

Test(serve_options, every_option_stands_in_its_man_page)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        read_page(pages[i].file, &text);
        for (size_t j = 0; j < TABLES_MAX && pages[i].tables[j] != NULL; j++) {
            const struct option_table *table = pages[i].tables[j];
            for (unsigned k = 0; k < table->option_count; k++)
                check_option(&pages[i], buffer_text(&text), &table->options[k]);
        }
    }
}

static bool is_in_tables(const struct page *page, struct slice flag)
{
    if (slice_equal_text(flag, "-help"))
        return true;
    for (size_t j = 0; j < TABLES_MAX && page->tables[j] != NULL; j++) {
        for (unsigned k = 0; k < page->tables[j]->option_count; k++) {
            const struct option *option = &page->tables[j]->options[k];
            if (flag.ptr[0] == '-'
                    ? slice_equal_text(slice_of(flag.ptr + 1, flag.len - 1), option->name)
                    : flag.len == 1 && flag.ptr[0] == option->letter)
                return true;
        }
    }
    return false;
}

/* Every flag of the synopsis and of an item's line. */
Test(serve_options, a_man_page_has_no_option_that_no_table_has)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        read_page(pages[i].file, &text);
        struct slice rest = slice_from_text(buffer_text(&text));
        while (rest.ptr != NULL) {
            struct slice line = slice_cut(&rest, '\n');
            if (!slice_starts_with(line, SLICE_LITERAL(".It ")) &&
                !slice_starts_with(line, SLICE_LITERAL(".Op ")))
                continue;
            for (bool behind_macro = false; line.ptr != NULL;) {
                struct slice word = slice_cut(&line, ' ');
                cr_assert(!behind_macro || is_in_tables(&pages[i], word),
                          "%s has the option %.*s, which no table has", pages[i].file,
                          (int)word.len, word.ptr);
                behind_macro = slice_equal_text(word, "Fl");
            }
        }
    }
}

/* ---- What serve makes of them ---- */

/* Reads options out of an array that ends with NULL; getopt reorders it. */
static bool read_options(struct serve_options *serve, const char *const *words, struct error *error)
{
    char *argv[40];
    int argc = 0;
    bool help;
    static const char *const variables[] = {
        "DOCKREEVE_COMPAT", "DOCKREEVE_CONFIG", "DOCKREEVE_LOG",     "DOCKREEVE_STATE",
        "DOCKREEVE_ADMIN",  "DOCKREEVE_USER",   "DOCKREEVE_UPSTREAM"};
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    for (; words[argc] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    argv[argc] = NULL;
    return serve_options_read(serve, argc, argv, &help, error);
}

static void check_upstream(const struct serve_options *serve, const char *expected)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    endpoint_write(&serve->gates.engine.address, &text);
    cr_assert_str_eq(buffer_text(&text), expected);
}

Test(serve_options, the_defaults_are_those_of_the_contract)
{
    CLEANUP(serve_options_clear) struct serve_options serve;
    struct error error = {0};
    cr_assert(read_options(&serve, (const char *const[]){NULL}, &error), "%s", error.text);
    check_upstream(&serve, "unix:/var/run/docker.sock");
    cr_assert_eq(serve.gates.loop.header_timeout_ms, 10000);
    cr_assert_eq(serve.gates.loop.body_timeout_ms, 30000);
    cr_assert_eq(serve.gates.loop.upload_timeout_ms, 600000);
    cr_assert_eq(serve.gates.loop.drain_timeout_ms, 8000);
    cr_assert_eq(serve.gates.engine.connect_timeout_ms, 5000);
    cr_assert_eq(serve.gates.loop.head.head_len, 64 << 10);
    cr_assert_eq(serve.gates.loop.head.target_len, 48 << 10);
    cr_assert_eq(serve.gates.loop.head.field_count, 100);
    cr_assert_eq(serve.gates.loop.answer_head.head_len, 64 << 10);
    cr_assert_eq(serve.gates.loop.answer_head.field_count, HTTP_HEAD_FIELDS_MAX);
    cr_assert_eq(serve.gates.engine.answer_head.head_len, 64 << 10);
    cr_assert_eq(serve.gates.loop.json_body_max, 16 << 20);
    cr_assert_eq(serve.gates.loop.log.rotate_bytes, 64 << 20);
    cr_assert(serve.gates.loop.log_required);
    cr_assert(serve.system_call_filter);
    cr_assert(serve.gates.loop.inputs.check_owner);
    cr_assert_not(serve.gates.loop.inputs.config_required);
    cr_assert_eq(serve.gates.loop.inputs.listen_count, 0);
    cr_assert_null(serve.gates.admin.text);
    cr_assert_null(serve.user);
}

Test(serve_options, what_is_given_arrives_where_it_belongs)
{
    CLEANUP(serve_options_clear) struct serve_options serve;
    struct error error = {0};
    const char *const words[] = {"-l",
                                 "unix:/run/a",
                                 "--listen=tcp:127.0.0.1:1",
                                 "--upstream",
                                 "tcp:[::1]:99",
                                 "--config=/x/p.yaml",
                                 "--log",
                                 "-",
                                 "--no-seccomp",
                                 "--log-required=no",
                                 "--max-json-body=1k",
                                 "--upload-timeout=0",
                                 "--user=7:8",
                                 "--admin=unix:/run/adm",
                                 NULL};
    cr_assert(read_options(&serve, words, &error), "%s", error.text);
    check_upstream(&serve, "tcp:[::1]:99");
    cr_assert_eq(serve.gates.loop.inputs.listen_count, 2);
    cr_assert_str_eq(serve.gates.loop.inputs.listen[0], "unix:/run/a");
    cr_assert_str_eq(serve.gates.loop.inputs.listen[1], "tcp:127.0.0.1:1");
    cr_assert_str_eq(serve.gates.loop.inputs.config_path, "/x/p.yaml");
    cr_assert(serve.gates.loop.inputs.config_required, "a file that is named must be there");
    cr_assert_str_eq(serve.gates.loop.log.path, "-");
    cr_assert_not(serve.system_call_filter);
    cr_assert_not(serve.gates.loop.log_required);
    cr_assert_eq(serve.gates.loop.json_body_max, 1024);
    cr_assert_eq(serve.gates.loop.upload_timeout_ms, 0);
    cr_assert_str_eq(serve.user, "7:8");
    cr_assert_str_eq(serve.gates.admin.text, "unix:/run/adm");
}

Test(serve_options, socket_path_counts_in_compatibility_mode_only_and_gives_way)
{
    struct serve_options serve;
    struct error error = {0};
    char *none[] = {NULL};
    char upstream[] = "--upstream=/run/mine", *given[] = {upstream, NULL};
    bool help;
    setenv("SOCKET_PATH", "/run/theirs", 1);
    unsetenv("DOCKREEVE_COMPAT");
    cr_assert(serve_options_read(&serve, 0, none, &help, &error), "%s", error.text);
    check_upstream(&serve, "unix:/var/run/docker.sock");
    serve_options_clear(&serve);
    setenv("DOCKREEVE_COMPAT", "tecnativa", 1);
    cr_assert(serve_options_read(&serve, 0, none, &help, &error), "%s", error.text);
    cr_assert(serve.compat);
    check_upstream(&serve, "unix:/run/theirs");
    serve_options_clear(&serve);
    cr_assert(serve_options_read(&serve, 1, given, &help, &error), "%s", error.text);
    check_upstream(&serve, "unix:/run/mine");
    serve_options_clear(&serve);
}

Test(serve_options, what_makes_no_sense_is_refused_with_a_sentence)
{
    static const struct {
        const char *word, *says;
    } rows[] = {
        {"--log-required=maybe", "--log-required takes yes or no"},
        {"--upstream=docker.sock", "has no port"},
        {"--upstream=tcp:docker:2375", "is not an IP address"},
        {"--header-timeout=0", "header-timeout"},
        {"--max-head=100m", "max-head"},
        {"--lisen=x", "did you mean"},
        {"start", "argument"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct serve_options serve;
        struct error error = {0};
        cr_assert_not(read_options(&serve, (const char *const[]){rows[i].word, NULL}, &error), "%s",
                      rows[i].word);
        cr_assert_eq(error.exit_code, 2, "%s", rows[i].word);
        cr_assert_not_null(strstr(error.text, rows[i].says), "%s: %s", rows[i].word, error.text);
    }
}

/* ---- the egress gate's ---- */

Test(serve_options, the_defaults_of_the_egress_gate)
{
    CLEANUP(serve_options_clear) struct serve_options serve;
    struct error error = {0};
    cr_assert(read_options(&serve, (const char *const[]){NULL}, &error), "%s", error.text);
    const struct egress_options *egress = &serve.gates.egress;
    cr_expect_eq(egress->dial_timeout_ms, 10000);
    cr_expect_eq(egress->hello_timeout_ms, 5000);
    cr_expect_eq(egress->resolver.timeout_ms, 5000);
    cr_expect_eq(egress->resolver.server_count, 0);
    cr_expect_null(egress->resolver.hosts_path);
    cr_expect_eq(egress->tunnel_idle_ms, 0);
    cr_expect_eq(egress->tunnel_lifetime_ms, 0);
    cr_expect_eq(egress->tunnel_rate, 0);
    cr_expect_eq(egress->max_tunnels, 0);
    cr_expect_null(egress->upstream_proxy.url);
    cr_expect_null(egress->upstream_proxy.credentials);
    cr_expect_null(egress->upstream_proxy.exceptions);
}

Test(serve_options, settings_of_the_egress_gate_arrive_where_they_belong)
{
    CLEANUP(serve_options_clear) struct serve_options serve;
    struct error error = {0};
    AUTO_BUFFER struct buffer servers = BUFFER_EMPTY;
    char secret[] = "/tmp/dockreeve-auth-XXXXXX";
    char auth[64];
    int fd = mkstemp(secret);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "user:pass word\n", 15), 15);
    close(fd);
    snprintf(auth, sizeof(auth), "--upstream-proxy-auth=%s", secret);
    const char *const words[] = {"--egress=127.0.0.1:3128",
                                 "--egress=unix:/run/e",
                                 "--resolver=192.0.2.1",
                                 "--resolver=192.0.2.2:5353",
                                 "--resolver=[2001:db8::1]:54",
                                 "--resolver-timeout=2s",
                                 "--hosts=/etc/hosts",
                                 "--upstream-proxy=http://proxy.example:3128",
                                 auth,
                                 "--no-proxy=a.test,*.b.test",
                                 "--max-client-connections=7",
                                 "--max-tunnels=8",
                                 "--tunnel-idle=1m",
                                 "--tunnel-lifetime=2h",
                                 "--tunnel-rate=64k",
                                 "--hello-timeout=750ms",
                                 "--dial-timeout=3s",
                                 NULL};
    cr_assert(read_options(&serve, words, &error), "%s", error.text);
    unlink(secret);
    const struct egress_options *egress = &serve.gates.egress;
    for (unsigned i = 0; i < egress->resolver.server_count; i++) {
        endpoint_write(&egress->resolver.servers[i], &servers);
        buffer_append_byte(&servers, ' ');
    }
    cr_expect_str_eq(buffer_text(&servers),
                     "tcp:192.0.2.1:53 tcp:192.0.2.2:5353 tcp:[2001:db8::1]:54 ");
    cr_expect_eq(egress->resolver.timeout_ms, 2000);
    cr_expect_str_eq(egress->resolver.hosts_path, "/etc/hosts");
    cr_expect_str_eq(egress->upstream_proxy.url, "http://proxy.example:3128");
    cr_expect_str_eq(egress->upstream_proxy.credentials, "user:pass word");
    cr_expect_str_eq(egress->upstream_proxy.exceptions, "a.test,*.b.test");
    cr_expect_eq(egress->max_client_connections, 7);
    cr_expect_eq(egress->max_tunnels, 8);
    cr_expect_eq(egress->tunnel_idle_ms, 60000);
    cr_expect_eq(egress->tunnel_lifetime_ms, 7200000);
    cr_expect_eq(egress->tunnel_rate, 65536);
    cr_expect_eq(egress->hello_timeout_ms, 750);
    cr_expect_eq(egress->dial_timeout_ms, 3000);
    cr_assert_eq(serve.gates.loop.inputs.network_count, 2);
    cr_expect_eq(serve.gates.loop.inputs.network[0].role, POLICY_ROLE_EGRESS);
    cr_expect_str_eq(serve.gates.loop.inputs.network[1].text, "unix:/run/e");
}

Test(serve_options, settings_of_the_egress_gate_that_make_no_sense)
{
    static const struct {
        const char *word, *says;
    } rows[] = {
        {"--resolver=dns.example", "--resolver takes an address"},
        {"--resolver=192.0.2.1:0", "--resolver"},
        {"--resolver=192.0.2.1:65536", "--resolver"},
        {"--upstream-proxy-auth=/nowhere/at/all", "/nowhere/at/all"},
        {"--upstream-proxy-auth=/dev/null", "does not hold user:password"},
        {"--max-tunnels=-1", "max-tunnels"},
        {"--max-tunnels=many", "max-tunnels"},
        {"--tunnel-rate=fast", "tunnel-rate"},
        {"--tunnel-idle=soon", "tunnel-idle"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(serve_options_clear) struct serve_options serve;
        struct error error = {0};
        cr_expect_not(read_options(&serve, (const char *const[]){rows[i].word, NULL}, &error), "%s",
                      rows[i].word);
        cr_expect_not_null(strstr(error.text, rows[i].says), "%s: %s", rows[i].word, error.text);
    }
}
