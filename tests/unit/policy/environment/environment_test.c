/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment as a policy, against the table of verdicts that the two images gave when their
 * own configurations were executed, and where Dockreeve differs on purpose. Each request goes
 * through docker_request_parse() and policy_decide_docker(), with and without an observer; a
 * request that does not parse counts as refused. What needs a request head (rows 3, 15, 38 and 39:
 * a lower-case method, a fragment, the absolute form) is judged by the conversation tests. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "policy/environment/environment_variables.h"
#include "tests/unit/policy/environment/environment_fixture.h"

struct row {
    const char *name;      /* row number of the table, or a sentence */
    const char *variables; /* separated by | */
    const char *requests;  /* separated by | */
    char expected;
};

static void check_row(const char *compat, const struct row *row)
{
    CLEANUP(environment_fixture_teardown) struct environment_fixture f;
    environment_fixture_setup(&f, compat, row->variables);
    cr_assert_not_null(f.policy, "%s: %s: no policy", compat, row->name);
    for (struct slice rest = slice_from_text(row->requests); rest.ptr != NULL;) {
        char *line = slice_to_text(slice_cut(&rest, '|'));
        struct verdict verdict;
        char got = environment_fixture_judge(&f, line, &verdict, NULL);
        cr_expect_eq(got, row->expected, "%s, row %s, %s: %s is %c, not %c", compat, row->name,
                     row->variables, line, got, row->expected);
        free(line);
    }
}

static void check_rows(const char *compat, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(compat, &rows[i]);
}

/* ---- the table ---- */

/* Three rows of the published table cannot be read (between 28 and 34, and between 80 and 82) and
 * are left out. */
static const struct {
    const char *name, *variables, *requests;
    char tecnativa, linuxserver;
} table[] = {
    {"2", "", "GET /info|GET /containers/json|POST /_ping|PUT /version|OPTIONS /_ping", 'D', 'D'},
    {"4", "", "GET /_ping?x=/containers", 'A', 'A'},
    {"5", "", "GET /x?/_ping", 'D', 'D'},
    {"7", "", "GET /_PING|GET /V1.41/_PING", 'D', 'D'},
    {"8", "", "GET /%5fping", 'A', 'A'},
    {"9", "", "GET /%255fping", 'D', 'D'},
    {"10", "", "GET /v1.41%2f_ping", 'A', 'A'},
    {"11", "", "GET /v1.41./_ping|GET /v...../_ping", 'D', 'D'},
    {"12", "", "GET //_ping|GET /./_ping", 'D', 'D'},
    {"14", "", "GET /_ping%00", 'D', 'D'},
    {"18 PING", "PING=0", "GET /_ping|HEAD /_ping", 'D', 'D'},
    {"18 EVENTS", "EVENTS=0", "GET /events", 'D', 'D'},
    {"18 VERSION", "VERSION=0", "GET /version", 'D', 'D'},
    {"19", "POST=1", "POST /containers/create|GET /containers/json", 'D', 'D'},
    {"22", "CONTAINERS=1", "GET /containers/json", 'A', 'A'},
    {"23", "CONTAINERS=1", "GET /v1.51/containers/json", 'A', 'A'},
    {"24", "CONTAINERS=1", "HEAD /containers/json", 'A', 'A'},
    {"25", "CONTAINERS=1", "GET /containers/x/json|GET /containers/x/stats", 'A', 'A'},
    {"26", "CONTAINERS=1", "GET /containers/x/attach/ws", 'A', 'A'},
    {"28", "CONTAINERS=1",
     "GET /containers/x/top|GET /containers/x/changes|GET /containers/x/export", 'A', 'D'},
    {"34", "CONTAINERS=1", "GET /containers/x/y/logs", 'A', 'D'},
    {"35", "CONTAINERS=1", "GET /containers%2fjson|GET /%63ontainers/json", 'A', 'A'},
    {"36", "CONTAINERS=1", "GET /containersfoo", 'D', 'D'},
    {"40", "CONTAINERS=1", "GET /libpod/containers/json|GET /v5.0.0/libpod/containers/json", 'D',
     'D'},
    {"42", "CONTAINERS=1", "POST /containers/x/start", 'D', 'D'},
    {"44 true", "CONTAINERS=true", "GET /containers/json", 'D', 'D'},
    {"44 yes", "CONTAINERS=yes", "GET /containers/json", 'D', 'D'},
    {"44 on", "CONTAINERS=on", "GET /containers/json", 'D', 'D'},
    {"44 empty", "CONTAINERS=", "GET /containers/json", 'D', 'D'},
    {"48", "CONTAINERS=1|POST=1",
     "POST /containers/x/start|POST /containers/x/stop|POST /containers/x/kill|"
     "POST /containers/x/restart|POST /containers/x/update|POST /containers/x/rename|"
     "POST /containers/x/wait|POST /containers/x/attach|POST /containers/prune",
     'A', 'A'},
    {"49", "CONTAINERS=1|POST=1", "POST /containers/x/exec", 'A', 'A'},
    {"50", "CONTAINERS=1|POST=1", "POST /exec/e/start", 'D', 'D'},
    {"51", "CONTAINERS=1|POST=1", "DELETE /containers/x", 'A', 'A'},
    {"52", "CONTAINERS=1|POST=1", "PUT /containers/x/archive", 'A', 'D'},
    {"53", "CONTAINERS=1|POST=1|ALLOW_ARCHIVE=1", "PUT /containers/x/archive", 'A', 'A'},
    {"57", "ALLOW_START=1|POST=1", "POST /containers/x/start|POST /v1.24/containers/x/start?x=1",
     'A', 'A'},
    {"59", "ALLOW_START=1|POST=1", "GET /containers/x/json", 'D', 'D'},
    {"60", "ALLOW_START=1|POST=1", "DELETE /containers/x/start", 'D', 'D'},
    {"64", "ALLOW_START=1|POST=1", "POST /containers/x%2fstart", 'A', 'A'},
    {"65", "ALLOW_STOP=1", "POST /containers/x/stop", 'D', 'A'},
    {"66", "ALLOW_STOP=1|POST=1", "POST /containers/x/stop", 'A', 'A'},
    {"69", "ALLOW_RESTARTS=1|POST=1",
     "POST /containers/x/restart|POST /containers/x/stop|POST /containers/x/kill", 'A', 'A'},
    {"71", "ALLOW_RESTARTS=1|POST=1", "POST /containers/x/stopx|POST /containers/x/killall", 'D',
     'D'},
    {"72 pause", "ALLOW_PAUSE=1", "POST /containers/x/pause", 'D', 'A'},
    {"72 unpause", "ALLOW_UNPAUSE=1", "POST /containers/x/unpause", 'D', 'A'},
    {"73", "ALLOW_LOGS=1", "GET /containers/x/logs", 'D', 'D'},
    {"75", "EXEC=1", "GET /exec/e/json", 'A', 'A'},
    {"76", "EXEC=1", "POST /exec/e/start", 'D', 'D'},
    {"78", "EXEC=1|POST=1", "POST /containers/x/exec", 'D', 'D'},
    {"79", "BUILD=1|POST=1", "POST /build|POST /build/prune|POST /build/cancel", 'A', 'A'},
    {"80 session", "SESSION=1|POST=1", "POST /session|POST /v1.41/session", 'A', 'A'},
    {"80 grpc", "GRPC=1|POST=1", "POST /grpc", 'A', 'A'},
    {"82", "IMAGES=1", "GET /images/json|GET /images/a/get|GET /images/get", 'A', 'A'},
    {"83", "IMAGES=1|POST=1", "POST /images/create|POST /images/load|DELETE /images/a", 'A', 'A'},
    {"84", "SWARM=1", "GET /swarm/unlockkey", 'A', 'A'},
};

static void check_table(const char *compat, bool linuxserver)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct row row = {table[i].name, table[i].variables, table[i].requests,
                          linuxserver ? table[i].linuxserver : table[i].tecnativa};
        check_row(compat, &row);
    }
}

Test(environment, the_verdicts_of_tecnativa_hold)
{
    check_table("tecnativa", false);
    check_table("tecnativa-literal", false);
}

Test(environment, the_verdicts_of_linuxserver_hold)
{
    check_table("linuxserver", true);
}

/* Every section opens its reads alone, and with POST everything, and nothing else. */
Test(environment, a_section_opens_its_own_operations_and_no_others)
{
    static const char *const modes[] = {"tecnativa", "tecnativa-literal", "linuxserver"};
    for (size_t n = 0; n < environment_section_count * ARRAY_LEN(modes) * 2; n++) {
        const struct environment_section *section = &environment_sections[n / 2 / ARRAY_LEN(modes)];
        const char *mode = modes[n / 2 % ARRAY_LEN(modes)];
        bool post = n % 2 == 1;
        char variables[160];
        snprintf(variables, sizeof(variables),
                 "PING=0|VERSION=0|EVENTS=0|ALLOW_ARCHIVE=1|ALLOW_CHANGES=1|"
                 "ALLOW_EXPORT=1|ALLOW_LOGS=1|ALLOW_TOP=1|POST=%d",
                 post);
        CLEANUP(environment_fixture_teardown) struct environment_fixture f;
        char all[200];
        snprintf(all, sizeof(all), "%s=1|%s", section->variable, variables);
        environment_fixture_setup(&f, mode, all);
        cr_assert_not_null(f.policy);
        for (unsigned i = DOCKER_OPERATION_NONE + 1; i < DOCKER_OPERATION_COUNT; i++) {
            const struct docker_operation_info *info =
                docker_operation_info((enum docker_operation)i);
            bool wanted = environment_section_covers(section, info->path) &&
                          (post || http_method_is_read(info->method));
            char line[160];
            snprintf(line, sizeof(line), "%s %s", http_method_name(info->method), info->path);
            for (char *brace = line; *brace != '\0'; brace++) {
                if (*brace == '{' || *brace == '}')
                    *brace = 'x';
            }
            struct verdict verdict;
            cr_expect_eq(environment_fixture_judge(&f, line, &verdict, NULL), wanted ? 'A' : 'D',
                         "%s %s POST=%d: %s", mode, section->variable, post, line);
        }
    }
}

Test(environment, a_section_covers_whole_segments)
{
    static const struct environment_section section = {"INFO", "/info", false, false};
    cr_expect(environment_section_covers(&section, "/info"));
    cr_expect(environment_section_covers(&section, "/info/more"));
    cr_expect_not(environment_section_covers(&section, "/infos"));
    cr_expect_not(environment_section_covers(&section, "/inf"));
    cr_expect_not(environment_section_covers(&section, "/v1.41/info"));
}

/* ---- tecnativa ---- */

static const struct row tightenings[] = {
    {"agents work", ENVIRONMENT_FIXTURE_AGENTS,
     "POST /containers/create|POST /containers/x/start|POST /containers/x/stop|DELETE "
     "/containers/x|"
     "GET /containers/json|GET /containers/x/logs|POST /images/create?fromImage=alpine|"
     "POST /containers/x/wait|POST /containers/x/attach",
     'A'},
    {"agents are held", ENVIRONMENT_FIXTURE_AGENTS,
     "GET /networks|POST /networks/create|GET /volumes|POST /volumes/create|DELETE /volumes/x|"
     "POST /containers/x/exec|POST /exec/e/start|POST /exec/e/resize|GET /exec/e/json|"
     "POST /containers/x/restart|POST /containers/x/kill",
     'D'},
    {"EXEC=0 denies making an exec", "CONTAINERS=1|POST=1|EXEC=0",
     "POST /containers/x/exec|POST /exec/e/start|POST /exec/e/resize", 'D'},
    {"EXEC=0 leaves the rest", "CONTAINERS=1|POST=1|EXEC=0", "POST /containers/x/start", 'A'},
    {"EXEC=false is a zero", "CONTAINERS=1|POST=1|EXEC=false", "POST /containers/x/exec", 'D'},
    {"EXEC=true is no zero", "CONTAINERS=1|POST=1|EXEC=true", "POST /containers/x/exec", 'A'},
    {"EXEC= is no zero", "CONTAINERS=1|POST=1|EXEC=", "POST /containers/x/exec", 'A'},
    {"ALLOW_START=0", "CONTAINERS=1|POST=1|ALLOW_START=0", "POST /containers/x/start", 'D'},
    {"ALLOW_START=0 leaves stop", "CONTAINERS=1|POST=1|ALLOW_START=0", "POST /containers/x/stop",
     'A'},
    {"ALLOW_STOP=0", "CONTAINERS=1|POST=1|ALLOW_STOP=0", "POST /containers/x/stop", 'D'},
    {"ALLOW_STOP=0 leaves kill and restart", "CONTAINERS=1|POST=1|ALLOW_STOP=0",
     "POST /containers/x/kill|POST /containers/x/restart", 'A'},
    {"ALLOW_STOP=0 yields to ALLOW_RESTARTS=1", "POST=1|ALLOW_STOP=0|ALLOW_RESTARTS=1",
     "POST /containers/x/stop|POST /containers/x/kill|POST /containers/x/restart", 'A'},
    {"ALLOW_RESTARTS=0", "CONTAINERS=1|POST=1|ALLOW_RESTARTS=0",
     "POST /containers/x/restart|POST /containers/x/kill", 'D'},
    {"ALLOW_RESTARTS=0 never denies stop", "CONTAINERS=1|POST=1|ALLOW_RESTARTS=0",
     "POST /containers/x/stop", 'A'},
    {"ALLOW_RESTARTS=0 never denies what ALLOW_STOP=1 opens",
     "POST=1|ALLOW_STOP=1|ALLOW_RESTARTS=0", "POST /containers/x/stop", 'A'},
    {"DELETE=0 narrows", "CONTAINERS=1|IMAGES=1|NETWORKS=1|VOLUMES=1|POST=1|DELETE=0",
     "DELETE /containers/x|DELETE /images/x|DELETE /networks/x|DELETE /volumes/x|"
     "DELETE /containers/x/checkpoints/c",
     'D'},
    {"DELETE=0 leaves the rest", "CONTAINERS=1|POST=1|DELETE=0", "POST /containers/prune", 'A'},
    {"DELETE=1 opens nothing alone", "CONTAINERS=1|DELETE=1", "DELETE /containers/x", 'D'},
    {"DELETE=1 changes nothing", "CONTAINERS=1|POST=1|DELETE=1", "DELETE /containers/x", 'A'},
    {"ALLOW_ needs POST", "ALLOW_START=1|ALLOW_STOP=1|ALLOW_RESTARTS=1",
     "POST /containers/x/start|POST /containers/x/stop|POST /containers/x/kill", 'D'},
    {"linuxserver's variables are dead", "CONTAINERS=1|ALLOW_LOGS=0|LIBPOD_CONTAINERS=1",
     "GET /containers/x/logs", 'A'},
    {"libpod stays closed", "CONTAINERS=1|POST=1|LIBPOD_CONTAINERS=1",
     "GET /libpod/containers/json|GET /libpod/_ping", 'D'},
    {"no variable opens the debugger", "SYSTEM=1|INFO=1|POST=1", "GET /debug/pprof", 'D'},
};

Test(environment, an_explicit_zero_means_what_it_says_in_tecnativa_mode)
{
    check_rows("tecnativa", tightenings, ARRAY_LEN(tightenings));
}

Test(environment, an_explicit_zero_denies_nothing_in_literal_mode)
{
    static const struct row rows[] = {
        {"zeros", "CONTAINERS=1|POST=1|EXEC=0|ALLOW_START=0|ALLOW_STOP=0|ALLOW_RESTARTS=0|DELETE=0",
         "POST /containers/x/exec|POST /containers/x/start|POST /containers/x/stop|"
         "POST /containers/x/restart|POST /containers/x/kill|DELETE /containers/x",
         'A'},
        {"ping", "PING=0", "GET /_ping|HEAD /_ping|GET /v1.41/_ping", 'D'},
    };
    check_rows("tecnativa-literal", rows, ARRAY_LEN(rows));
}

/* ---- linuxserver ---- */

#define CONTENTS                                                                                   \
    "GET /containers/x/archive?path=/|HEAD /containers/x/archive?path=/|GET "                      \
    "/containers/x/changes|"                                                                       \
    "GET /containers/x/export|GET /containers/x/logs|GET /containers/x/top"
#define LIBPOD_CONTENTS                                                                            \
    "GET /libpod/containers/x/archive|PUT /libpod/containers/x/archive|GET "                       \
    "/libpod/containers/x/changes|"                                                                \
    "GET /libpod/containers/x/export|GET /v5.0.0/libpod/containers/x/logs|GET /libpod/pods/p/top|" \
    "GET /libpod/containers/x/y/logs"

static const struct row linuxserver_rows[] = {
    {"contents are closed", "CONTAINERS=1|POST=1", CONTENTS, 'D'},
    {"contents can be opened",
     "CONTAINERS=1|ALLOW_ARCHIVE=1|ALLOW_CHANGES=1|ALLOW_EXPORT=1|ALLOW_LOGS=1|ALLOW_TOP=1",
     CONTENTS, 'A'},
    {"ALLOW_LOGS opens logs", "CONTAINERS=1|ALLOW_LOGS=1", "GET /containers/x/logs", 'A'},
    {"ALLOW_LOGS opens only logs", "CONTAINERS=1|ALLOW_LOGS=1",
     "GET /containers/x/top|GET /containers/x/export", 'D'},
    {"other logs are not meant", "SERVICES=1|TASKS=1", "GET /services/s/logs|GET /tasks/t/logs",
     'A'},
    {"libpod contents are closed", "LIBPOD_CONTAINERS=1|LIBPOD_PODS=1|POST=1", LIBPOD_CONTENTS,
     'D'},
    {"libpod contents can be opened",
     "LIBPOD_CONTAINERS=1|LIBPOD_PODS=1|POST=1|ALLOW_ARCHIVE=1|ALLOW_CHANGES=1|ALLOW_EXPORT=1|"
     "ALLOW_LOGS=1|ALLOW_TOP=1",
     LIBPOD_CONTENTS, 'A'},
    {"a container called logs", "LIBPOD_CONTAINERS=1|CONTAINERS=1",
     "GET /libpod/containers/logs/json|GET /containers/logs/json", 'A'},
    {"openers need no POST", "ALLOW_RESTARTS=1|ALLOW_START=1|ALLOW_PAUSE=1|ALLOW_UNPAUSE=1",
     "POST /containers/x/restart|POST /containers/x/stop|POST /containers/x/kill|"
     "POST /containers/x/start|POST /containers/x/pause|POST /containers/x/unpause",
     'A'},
    {"openers open libpod too", "ALLOW_RESTARTS=1|ALLOW_START=1",
     "POST /libpod/containers/x/restart|POST /libpod/pods/x/stop|POST /v5.0.0/libpod/pods/x/kill|"
     "POST /libpod/containers/x/start",
     'A'},
    {"openers keep to the method", "ALLOW_START=1",
     "DELETE /libpod/containers/x/start|GET /libpod/containers/x/start|DELETE /containers/x/start",
     'D'},
    {"openers keep to their verb", "ALLOW_START=1",
     "POST /containers/x/stop|POST /libpod/containers/x/stop|POST /libpod/containers/x/startx|"
     "POST /libpod/containers/x/y/start|POST /libpod/images/x/start",
     'D'},
    {"LIBPOD_ALLOW_STOP opens containers", "LIBPOD_ALLOW_STOP=1", "POST /libpod/containers/x/stop",
     'A'},
    {"LIBPOD_ALLOW_STOP opens nothing else", "LIBPOD_ALLOW_STOP=1",
     "POST /libpod/pods/x/stop|POST /containers/x/stop|POST /libpod/containers/x/kill", 'D'},
    {"LIBPOD_ALLOW_POD_RESTARTS opens pods", "LIBPOD_ALLOW_POD_RESTARTS=1",
     "POST /libpod/pods/x/stop|POST /libpod/pods/x/restart|POST /libpod/pods/x/kill", 'A'},
    {"LIBPOD_ALLOW_POD_RESTARTS opens nothing else", "LIBPOD_ALLOW_POD_RESTARTS=1",
     "POST /libpod/containers/x/stop|POST /containers/x/restart|POST /libpod/pods/x/start", 'D'},
    {"libpod defaults", "", "GET /libpod/_ping|HEAD /libpod/_ping|GET /v5.0.0/libpod/version", 'A'},
    {"libpod defaults are exact", "", "GET /libpod/_pingx|POST /libpod/_ping|GET /libpod/info",
     'D'},
    {"libpod zeros", "LIBPOD_PING=0|LIBPOD_VERSION=0", "GET /libpod/_ping|GET /libpod/version",
     'D'},
    {"libpod sections read", "LIBPOD_IMAGES=1", "GET /libpod/images/json|GET /libpod/images/a/json",
     'A'},
    {"libpod sections do not change", "LIBPOD_IMAGES=1",
     "POST /libpod/images/pull|DELETE /libpod/images/a", 'D'},
    {"libpod sections with POST", "LIBPOD_IMAGES=1|POST=1",
     "POST /libpod/images/pull|DELETE /libpod/images/a", 'A'},
    {"libpod sections are exact", "LIBPOD_IMAGES=1|POST=1",
     "GET /libpod/imagesfoo|GET /libpod/containers/json|GET /images/json", 'D'},
    {"a zero is only a notice",
     "CONTAINERS=1|POST=1|EXEC=0|ALLOW_START=0|ALLOW_STOP=0|ALLOW_RESTARTS=0|ALLOW_PAUSE=0|DELETE="
     "0",
     "POST /containers/x/exec|POST /containers/x/start|POST /containers/x/stop|POST "
     "/containers/x/kill|"
     "POST /containers/x/restart|POST /containers/x/pause|DELETE /containers/x",
     'A'},
};

Test(environment, linuxserver_closes_contents_and_opens_verbs_without_post)
{
    check_rows("linuxserver", linuxserver_rows, ARRAY_LEN(linuxserver_rows));
}

/* ---- values ---- */

Test(environment, a_value_is_true_when_it_begins_with_a_number_that_is_not_zero)
{
    static const char *const yes[] = {"1",
                                      "2",
                                      "-1",
                                      "01",
                                      "+1",
                                      "1x",
                                      "1.5",
                                      "1 ",
                                      "99999999999999999999",
                                      "18446744073709551616"};
    static const char *const no[] = {"0",   "true", "TRUE", "yes", "on", "",  " 1",  "x1",
                                     "0x1", "0.9",  "00",   "-0",  "-",  "+", "--1", "\"1\""};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        cr_expect(environment_is_true(yes[i]), "[%s] is true", yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        cr_expect_not(environment_is_true(no[i]), "[%s] is false", no[i]);
}

Test(environment, a_default_holds_only_while_the_variable_is_not_set)
{
    char *set[] = {"PINGS=1", "PING=", "EXEC=0", "EXEC=1", NULL};
    char *unset[] = {"PINGS=0", "XPING=0", NULL};
    cr_expect_not(environment_is_on(set, "PING", true));
    cr_expect(environment_is_on(unset, "PING", true));
    cr_expect_not(environment_is_on(unset, "EXEC", false));
    cr_expect_not(environment_is_on(set, "EXEC", true), "the first of two counts");
}

/* ---- settings ---- */

static const struct {
    const char *compat, *value, *listen;
} listen_rows[] = {
    {"tecnativa", NULL, "tcp:[::]:2375"},     {"tecnativa", "0", "tcp:[::]:2375"},
    {"tecnativa", "1", "tcp:0.0.0.0:2375"},   {"tecnativa", "TRUE", "tcp:0.0.0.0:2375"},
    {"tecnativa", "Yes", "tcp:0.0.0.0:2375"}, {"tecnativa", "on", "tcp:[::]:2375"},
    {"linuxserver", "1", "tcp:0.0.0.0:2375"}, {"linuxserver", "true", "tcp:[::]:2375"},
    {"linuxserver", "", "tcp:[::]:2375"},
};

Test(environment, disable_ipv6_is_read_as_the_images_read_it)
{
    for (size_t i = 0; i < ARRAY_LEN(listen_rows); i++) {
        char variables[64] = "";
        if (listen_rows[i].value != NULL)
            snprintf(variables, sizeof(variables), "DISABLE_IPV6=%s", listen_rows[i].value);
        CLEANUP(environment_fixture_teardown) struct environment_fixture f = {0};
        environment_fixture_split(&f, listen_rows[i].compat, variables);
        cr_expect_str_eq(environment_default_listen(f.environment), listen_rows[i].listen, "%s %s",
                         listen_rows[i].compat, variables);
    }
}

Test(environment, socket_path_is_the_engine_unless_it_is_empty)
{
    static const struct {
        const char *variables, *path;
    } rows[] = {
        {"", "/var/run/docker.sock"},
        {"SOCKET_PATH=", "/var/run/docker.sock"},
        {"SOCKET_PATH=/run/user/1000/docker.sock", "/run/user/1000/docker.sock"},
        {"SOCKET_PATH=10.0.0.1:2375", "10.0.0.1:2375"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(environment_fixture_teardown) struct environment_fixture f = {0};
        environment_fixture_split(&f, "tecnativa", rows[i].variables);
        cr_expect_str_eq(environment_socket_path(f.environment), rows[i].path);
    }
}

Test(environment, a_log_level_of_errors_quiets_the_rest)
{
    static const struct {
        const char *variables;
        bool quiet;
    } rows[] = {
        {"", false},
        {"LOG_LEVEL=", false},
        {"LOG_LEVEL=debug", false},
        {"LOG_LEVEL=info", false},
        {"LOG_LEVEL=notice", false},
        {"LOG_LEVEL=warning", false},
        {"LOG_LEVEL=err", true},
        {"LOG_LEVEL=Error", true},
        {"LOG_LEVEL=emerg", true},
        {"LOG_LEVEL=loud", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(environment_fixture_teardown) struct environment_fixture f = {0};
        environment_fixture_split(&f, "tecnativa", rows[i].variables);
        cr_expect_eq(environment_is_quiet(f.environment), rows[i].quiet, "%s", rows[i].variables);
    }
}
