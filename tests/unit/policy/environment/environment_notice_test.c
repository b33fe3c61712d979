/* SPDX-License-Identifier: Apache-2.0
 *
 * What people are told of an environment: notices at the start, the rule in the log, the advice in
 * a denial. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "policy/environment/environment.h"
#include "policy/environment/environment_notice.h"
#include "tests/unit/policy/environment/environment_fixture.h"

static unsigned count_notices(const struct environment_fixture *f, const char *a, const char *b)
{
    unsigned count = 0;
    for (size_t i = 0; i < f->notices.count; i++) {
        const char *text = f->notices.items[i].error.text;
        if (strstr(text, a) != NULL && strstr(text, b) != NULL)
            count++;
    }
    return count;
}

struct notice_row {
    const char *compat, *variables, *first, *second; /* second NULL: no notice has the first */
};

static const struct notice_row notice_rows[] = {
    {"tecnativa", "CONTAINERS=true", "CONTAINERS=`true` means 0", "write CONTAINERS=1"},
    {"tecnativa", "CONTAINERS=yes", "CONTAINERS=`yes` means 0", "write CONTAINERS=1"},
    {"tecnativa", "CONTAINERS=on", "CONTAINERS=`on` means 0", "write CONTAINERS=1"},
    {"tecnativa", "CONTAINERS=", "CONTAINERS is set to nothing", "write CONTAINERS=1"},
    {"tecnativa", "POST= 1", "POST=` 1` means 0", "write POST=1"},
    {"tecnativa", "POST=\"1\"", "POST=", "write POST=1"},
    {"linuxserver", "ALLOW_LOGS=true", "ALLOW_LOGS=`true` means 0", "write ALLOW_LOGS=1"},
    {"tecnativa", "INFO=0x1", "INFO=`0x1` means 0", "write INFO=1"},
    {"tecnativa", "CONTAINERS=1|INFO=0|POST=false|EXEC=off|IMAGES=2", "means 0", NULL},
    {"tecnativa", "CONTAINERS=2", "CONTAINERS=`2` means 1", "write CONTAINERS=1"},
    {"tecnativa", "CONTAINERS=01", "CONTAINERS=`01` means 1", "write CONTAINERS=1"},
    {"tecnativa", "CONTAINERS=1|INFO=0", "means 1", NULL},
    {"tecnativa", "EXEC=", "EXEC is set to nothing", "write EXEC=1 or EXEC=0"},
    {"tecnativa", "CONTAINER=1", "`CONTAINER`", "did you mean CONTAINERS?"},
    {"tecnativa", "NETWORK=1", "`NETWORK`", "did you mean NETWORKS?"},
    {"tecnativa", "containers=1", "`containers`", "did you mean CONTAINERS?"},
    {"tecnativa", "ALLOW_PAUSE=1", "`ALLOW_PAUSE`", "DOCKREEVE_COMPAT=linuxserver"},
    {"tecnativa", "LIBPOD_CONTAINERS=1", "`LIBPOD_CONTAINERS`", "DOCKREEVE_COMPAT=linuxserver"},
    {"tecnativa", "ALLOW_EVERYTHING=1", "`ALLOW_EVERYTHING`", "policy.d"},
    {"tecnativa", "LOGS=1", "`LOGS`", "does nothing"},
    {"linuxserver", "DELETE=1", "`DELETE`", "DOCKREEVE_COMPAT=tecnativa"},
    {"tecnativa-literal", "DELETE=0", "`DELETE`", "DOCKREEVE_COMPAT=tecnativa"},
    {"tecnativa", "DELETE=1|POST=1", "DELETE", NULL},
    {"tecnativa", "DELETE=1", "DELETE=1", "without POST=1"},
    {"tecnativa", "ALLOW_START=1", "ALLOW_START=1", "without POST=1"},
    {"linuxserver", "ALLOW_START=1", "ALLOW_START", NULL},
    {"tecnativa", "BUILD=1", "BUILD=1", "without POST=1"},
    {"tecnativa", "BUILD=1|POST=1|IMAGES=1", "without POST", NULL},
    {"tecnativa", "HOST=a|PORT=1|PATH=/bin|container=podman|HOME=/|TZ=x|HOSTNAME=h|TERM=x|LANG=C",
     "variable", NULL},
    {"tecnativa", "SOCKET_PATH=/s|DISABLE_IPV6=1|LOG_LEVEL=info|DOCKREEVE_LOG=-", "DIS", NULL},
    {"tecnativa", "LOG_LEVEL=loud", "LOG_LEVEL=`loud`", "info is taken"},
    {"linuxserver", "DISABLE_IPV6=true", "DISABLE_IPV6=`true`", "DISABLE_IPV6=1"},
    {"tecnativa", "DISABLE_IPV6=true", "DISABLE_IPV6", NULL},
    {"linuxserver", "CONTAINERS=1|POST=1|EXEC=0", "EXEC=0 does not deny ContainerExec", "policy.d"},
    {"linuxserver", "CONTAINERS=1|POST=1|ALLOW_PAUSE=0", "ALLOW_PAUSE=0 does not deny", "policy.d"},
    {"linuxserver", "CONTAINERS=1|POST=0|EXEC=0", "EXEC=0", NULL},
    {"tecnativa-literal", "CONTAINERS=1|POST=1|ALLOW_START=0", "ALLOW_START=0 does not deny",
     "policy.d"},
    {"tecnativa", "CONTAINERS=1|POST=1|ALLOW_START=0|EXEC=0", "does not deny", NULL},
    {"tecnativa", "POST=1|ALLOW_STOP=0|ALLOW_RESTARTS=1",
     "ALLOW_STOP=0 does not deny ContainerStop", "ALLOW_RESTARTS=1 opens it"},
    {"tecnativa", ENVIRONMENT_FIXTURE_AGENTS, "", NULL},
    {"tecnativa", "EVIL\x1b[2JALLOW_=1|ALLOW_\x1b[2J=1", "\x1b", NULL},
};

Test(environment_notice, the_start_says_what_was_meant_otherwise)
{
    for (size_t i = 0; i < ARRAY_LEN(notice_rows); i++) {
        const struct notice_row *row = &notice_rows[i];
        CLEANUP(environment_fixture_teardown) struct environment_fixture f;
        environment_fixture_setup(&f, row->compat, row->variables);
        unsigned count = count_notices(&f, row->first, row->second == NULL ? "" : row->second);
        cr_expect_eq(count, row->second == NULL ? 0 : 1, "%s %s: %u notices with \"%s\"",
                     row->compat, row->variables, count, row->first);
    }
}

Test(environment_notice, what_is_ours_and_not_read_is_named)
{
    static const struct {
        const char *name, *variables, *says; /* NULL = nothing */
    } rows[] = {
        {"switches without a contract", "CONTAINERS=1|POST=1|TZ=x",
         "not followed: CONTAINERS=`1`, POST=`1`: such variables are the policy only with"},
        {"a word for yes", "IMAGES=true", "not followed: IMAGES=`true`"},
        {"words that others use", "VERSION=1|SYSTEM=0|INFO=1|CONTAINERS=my-name", NULL},
        {"a misspelt name", "DOCKREEVE_LOGS=-",
         "the variable `DOCKREEVE_LOGS` is not read; did you mean `DOCKREEVE_LOG`?"},
        {"a name of nothing", "DOCKREEVE_QQQQQQQQ=1", "`DOCKREEVE_QQQQQQQQ` is not read"},
        {"names that are read", "DOCKREEVE_LOG=-|DOCKREEVE_USER=1|DOCKREEVE_HOSTS=a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(environment_fixture_teardown) struct environment_fixture f = {0};
        AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
        environment_fixture_split(&f, "", rows[i].variables);
        environment_notices_add_unread(f.environment, &f.notices);
        environment_notices_add_own(f.environment, &f.notices);
        policy_messages_write(&f.notices, &said);
        if (rows[i].says == NULL)
            cr_expect_str_eq(buffer_text(&said), "", "%s", rows[i].name);
        else
            cr_expect(strstr(buffer_text(&said), rows[i].says) != NULL, "%s: %s", rows[i].name,
                      buffer_text(&said));
    }
}

Test(environment_notice, a_misspelt_guard_is_an_error)
{
    static const struct {
        const char *variables;
        bool good;
    } rows[] = {
        {"A=1", true},
        {"DOCKREEVE_GUARD=", true},
        {"DOCKREEVE_GUARD=report", true},
        {"DOCKREEVE_GUARD=enforce", true},
        {"DOCKREEVE_GUARD=Enforce", false},
        {"DOCKREEVE_GUARD=1", false},
        {"DOCKREEVE_GUARD=enforced", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(environment_fixture_teardown) struct environment_fixture f = {0};
        environment_fixture_split(&f, "", rows[i].variables);
        cr_expect_eq(environment_check_guard(f.environment, &f.errors), rows[i].good, "%s",
                     rows[i].variables);
        cr_expect_eq(f.errors.count, rows[i].good ? 0 : 1, "%s", rows[i].variables);
    }
}

Test(environment_notice, an_unknown_contract_is_an_error_that_names_the_choices)
{
    static const char *const wrong[] = {"Tecnativa", "1", "true", "tecnativa ",
                                        "linuxserver-literal"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CLEANUP(environment_fixture_teardown) struct environment_fixture f;
        environment_fixture_setup(&f, wrong[i], "CONTAINERS=1");
        cr_expect_null(f.policy, "[%s]", wrong[i]);
        cr_assert_eq(f.errors.count, 1);
        cr_expect_not_null(
            strstr(f.errors.items[0].error.text, "tecnativa, tecnativa-literal or linuxserver"));
    }
}

Test(environment_notice, nothing_is_read_without_a_contract)
{
    CLEANUP(environment_fixture_teardown) struct environment_fixture f;
    environment_fixture_setup(&f, "", "CONTAINERS=1|PING=0|LOGS=1");
    struct verdict verdict;
    cr_expect_eq(environment_fixture_judge(&f, "GET /containers/json", &verdict, NULL), 'D');
    cr_expect_eq(environment_fixture_judge(&f, "GET /_ping", &verdict, NULL), 'A');
    cr_expect_eq(f.notices.count, 0);
    cr_expect_not(environment_is_compat(f.environment));
    cr_expect_null(environment_default_listen(f.environment));
    environment_note_ended(f.environment, "policy.yaml", &f.notices);
    cr_expect_eq(f.notices.count, 0);
}

Test(environment_notice, a_policy_file_ends_it_with_a_notice)
{
    struct environment_fixture f;
    environment_fixture_setup(&f, "tecnativa", "CONTAINERS=1|POST=1");
    environment_note_ended(f.environment, "/etc/dockreeve/policy.yaml", &f.notices);
    cr_expect_eq(count_notices(&f, "is not followed", "/etc/dockreeve/policy.yaml"), 1);
    environment_fixture_teardown(&f);
    environment_fixture_setup(&f, "tecnativa", "");
    size_t before = f.notices.count;
    environment_note_ended(f.environment, "/etc/dockreeve/policy.yaml", &f.notices);
    cr_expect_eq(f.notices.count, before, "the image itself sets DOCKREEVE_COMPAT");
    environment_fixture_teardown(&f);
}

/* ---- what the log and a denied client see ---- */

static const struct {
    const char *compat, *variables, *request, *rule, *source;
} shown_rows[] = {
    {"tecnativa", "CONTAINERS=1", "GET /containers/json", "CONTAINERS=1", "env CONTAINERS=1"},
    {"tecnativa", "CONTAINERS=2|POST=1", "POST /containers/create", "CONTAINERS=1",
     "env CONTAINERS=1"},
    {"tecnativa", "", "GET /events", "EVENTS=1", "env EVENTS=1"},
    {"tecnativa", "PING=0", "GET /_ping", "PING=0", "env PING=0"},
    {"tecnativa", "CONTAINERS=1|POST=1|EXEC=0", "POST /containers/x/exec", "EXEC=0", "env EXEC=0"},
    {"tecnativa", "CONTAINERS=1|POST=1|DELETE=0", "DELETE /containers/x", "DELETE=0",
     "env DELETE=0"},
    {"tecnativa", "ALLOW_START=1|POST=1", "POST /containers/x/start", "ALLOW_START=1",
     "env ALLOW_START=1"},
    {"linuxserver", "CONTAINERS=1", "GET /containers/x/logs", "ALLOW_LOGS=0", "env ALLOW_LOGS=0"},
    {"linuxserver", "", "GET /libpod/version", "LIBPOD_VERSION=1", "env LIBPOD_VERSION=1"},
    {"tecnativa", "", "GET /containers/json", "default", "default"},
};

Test(environment_notice, the_rule_shown_is_the_variable)
{
    for (size_t i = 0; i < ARRAY_LEN(shown_rows); i++) {
        CLEANUP(environment_fixture_teardown) struct environment_fixture f;
        environment_fixture_setup(&f, shown_rows[i].compat, shown_rows[i].variables);
        struct verdict verdict;
        (void)environment_fixture_judge(&f, shown_rows[i].request, &verdict, NULL);
        cr_expect_str_eq(verdict.rule, shown_rows[i].rule, "%s", shown_rows[i].request);
        cr_expect_str_eq(verdict.source, shown_rows[i].source, "%s", shown_rows[i].request);
    }
}

static const struct {
    const char *compat, *variables, *request, *advice;
} advice_rows[] = {
    {"tecnativa", "", "GET /containers/json", "set CONTAINERS=1 in"},
    {"tecnativa", "", "POST /containers/create", "set CONTAINERS=1 and POST=1 in"},
    {"tecnativa", "CONTAINERS=1", "POST /containers/create", "set POST=1 in"},
    {"tecnativa", "POST=1", "POST /containers/create", "set CONTAINERS=1 in"},
    {"tecnativa", "POST=1", "POST /containers/x/stop", "set ALLOW_STOP=1 in"},
    {"tecnativa", "", "POST /containers/x/kill", "set ALLOW_RESTARTS=1 and POST=1 in"},
    {"tecnativa", "ALLOW_START=1", "POST /containers/x/start", "set POST=1 in"},
    {"tecnativa", "CONTAINERS=1", "POST /containers/x/start", "set POST=1 in"},
    {"tecnativa", "CONTAINERS=1|POST=1|ALLOW_START=0", "POST /containers/x/start",
     "set ALLOW_START=1 in"},
    {"tecnativa", "EXEC=0", "POST /containers/x/exec", "set EXEC=1, CONTAINERS=1 and POST=1 in"},
    {"tecnativa", "EXEC=0", "POST /exec/e/start", "set EXEC=1 and POST=1 in"},
    {"tecnativa", "DELETE=0", "DELETE /volumes/v", "set DELETE=1, VOLUMES=1 and POST=1 in"},
    {"tecnativa", "PING=0", "GET /_ping", "set PING=1 in"},
    {"tecnativa", "", "GET /libpod/info", "policy.d"},
    {"tecnativa", "", "GET /debug/vars", "policy.d"},
    {"linuxserver", "", "GET /libpod/info", "LIBPOD_"},
    {"linuxserver", "", "POST /containers/x/stop", "set ALLOW_STOP=1 in"},
    {"linuxserver", "CONTAINERS=1", "GET /containers/x/logs", "set ALLOW_LOGS=1 in"},
    {"linuxserver", "", "GET /containers/x/logs", "set ALLOW_LOGS=1 and CONTAINERS=1 in"},
    {"linuxserver", "", "PUT /containers/x/archive?path=/",
     "set ALLOW_ARCHIVE=1, CONTAINERS=1 and POST=1 in"},
};

Test(environment_notice, a_denial_says_which_variables_would_permit_it)
{
    for (size_t i = 0; i < ARRAY_LEN(advice_rows); i++) {
        CLEANUP(environment_fixture_teardown) struct environment_fixture f;
        environment_fixture_setup(&f, advice_rows[i].compat, advice_rows[i].variables);
        struct verdict verdict;
        AUTO_BUFFER struct buffer denial = BUFFER_EMPTY;
        cr_expect_eq(environment_fixture_judge(&f, advice_rows[i].request, &verdict, &denial), 'D');
        buffer_append_byte(&denial, '\0');
        cr_expect_not_null(strstr(denial.data, advice_rows[i].advice), "%s %s: %s",
                           advice_rows[i].variables, advice_rows[i].request, denial.data);
    }
}

/* The advice is true: what it tells to set opens the operation. */
Test(environment_notice, an_advice_that_is_followed_permits)
{
    static const char *const modes[] = {"tecnativa", "tecnativa-literal", "linuxserver"};
    static const char zeros[] =
        "PING=0|VERSION=0|EXEC=0|ALLOW_START=0|ALLOW_STOP=0|ALLOW_RESTARTS=0|DELETE=0";
    for (size_t n = 0; n < (DOCKER_OPERATION_COUNT - 1) * ARRAY_LEN(modes); n++) {
        enum docker_operation operation = (enum docker_operation)(n / ARRAY_LEN(modes) + 1);
        const struct docker_operation_info *info = docker_operation_info(operation);
        char line[160], followed[400] = "";
        if (operation == DOCKER_LIBPOD || operation == DOCKER_DEBUG)
            continue;
        snprintf(line, sizeof(line), "%s %s", http_method_name(info->method), info->path);
        for (char *brace = line; *brace != '\0'; brace++) {
            if (*brace == '{' || *brace == '}')
                *brace = 'x';
        }
        struct environment_fixture f;
        struct verdict verdict;
        struct buffer denial = BUFFER_EMPTY;
        environment_fixture_setup(&f, modes[n % ARRAY_LEN(modes)], zeros);
        char before = environment_fixture_judge(&f, line, &verdict, &denial);
        environment_fixture_teardown(&f);
        if (before == 'A') {
            buffer_free(&denial);
            continue;
        }
        buffer_append_byte(&denial, '\0');
        for (char *at = strstr(denial.data, "set "); at != NULL && (at = strstr(at, "=1")) != NULL;
             at++) {
            char *start = at;
            while (start[-1] != ' ')
                start--;
            strncat(followed, start, (size_t)(at + 2 - start));
            strcat(followed, "|");
        }
        strcat(followed, zeros);
        environment_fixture_setup(&f, modes[n % ARRAY_LEN(modes)], followed);
        cr_expect_eq(environment_fixture_judge(&f, line, &verdict, NULL), 'A', "%s: %s: %s",
                     modes[n % ARRAY_LEN(modes)], line, denial.data);
        environment_fixture_teardown(&f);
        buffer_free(&denial);
    }
}
