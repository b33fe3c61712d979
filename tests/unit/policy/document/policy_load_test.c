/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/snapshot/policy_list.h"
#include "policy/document/preset.h"
#include "tests/unit/policy/policy_fixture.h"

#define V "version: 1\n"

Test(policy_load, every_error_has_its_place_and_a_sentence)
{
    static const struct {
        const char *name, *text, *error;
    } rows[] = {
        {"empty", "", "policy.yaml:1:1: the file is empty"},
        {"comment only", "# nothing\n", "policy.yaml:1:1: the file is empty"},
        {"not a map", "- a\n", "policy.yaml:1:1: a policy is a map"},
        {"no version", "docker: []\n", "policy.yaml:1:1: `version: 1` is missing"},
        {"other version", "version: 2\n", "policy.yaml:1:10: `version` is 1"},
        {"unknown key", V "dokcer: []\n",
         "policy.yaml:2:1: `dokcer` is no key of a policy; did you mean `docker`?"},
        {"duplicate key", V "docker: []\ndocker: []\n",
         "policy.yaml:3:1: the key `docker` stands here for the second time (first in line 2)"},
        {"alias", V "docker: *x\n", "policy.yaml:2:9: aliases"},
        {"anchor", V "docker: &x []\n", "policy.yaml:2:9: anchors"},
        {"tag", V "docker: !!seq []\n", "policy.yaml:2:9: tags"},
        {"scalar tag", "version: !!int 1\n", "policy.yaml:1:10: tags"},
        {"two documents", V "---\n" V, "policy.yaml:2:1: a policy file holds one document"},
        {"tab", V "\tdocker: []\n", "policy.yaml:2:1: this is not YAML: a TAB stands where"},
        {"tab behind blanks", V "network:\n  - allow:\n  \t  - a\n",
         "policy.yaml:4:3: this is not YAML: a TAB stands where only blanks may"},
        {"star", V "network:\n  - allow: *.example.com\n",
         "policy.yaml:3:12: this is not YAML: a text may not begin with `*` unless it is in "
         "quotes: "
         "write \"*.example.com\""},
        {"star in a list", V "network:\n  - allow: [\xc3\xa4, *.a.test]\n",
         "policy.yaml:3:16: this is not YAML: a text may not begin with `*` unless it is in "
         "quotes: "
         "write \"*.a.test\""},
        {"star and letters", V "network:\n  - allow: *a\n", "policy.yaml:3:12: aliases"},
        {"set", V "docker:\n  - allow: [@read, ContainerStart]\n", "write \"@read\""},
        {"back quotes", V "docker:\n  - allow: `a`\n", "begin with ```"},
        {"escape", V "network:\n  - allow: \"~x\\.y\"\n",
         "policy.yaml:3:15: this is not YAML: a backslash in double quotes begins an escape, and "
         "this "
         "is none: put the text in single quotes, '~x\\.y'"},
        {"open quote", V "network:\n  - allow: \"a\n",
         "policy.yaml:3:12: this is not YAML: the quote that begins here is not closed"},
        {"colon", V "network:\n  - deny: example.com:\n",
         "policy.yaml:3:22: this is not YAML: a `:` makes a key, and none can stand here"},
        {"blanks between hosts", V "network:\n  - allow: a.test, b.test  *.c.test\n",
         "policy.yaml:3:12: `a.test, b.test  *.c.test`: more than one: write a list, "
         "`[\"a.test\", "
         "\"b.test\", \"*.c.test\"]`"},
        {"blanks between sets", V "docker:\n  - allow: \"@read @logs\"\n",
         "`@read @logs`: more than one: write a list, `[\"@read\", \"@logs\"]`"},
        {"blanks between methods", V "network:\n  - {allow: a.test, methods: GET HEAD}\n",
         "`GET HEAD`: more than one: write a list, `[\"GET\", \"HEAD\"]`"},
        {"bad UTF-8", V "docker: [\xff]\n", "policy.yaml:2:10: this is not YAML"},
        {"syntax", V "docker: [\n", "this is not YAML"},
        {"complex key", V "? [a]\n: b\n", "policy.yaml:2:3: a key must be plain text"},
        {"deep",
         V "docker: "
           "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
         "nested deeper than 32"},
        {"NUL", V "docker:\n  - allow: \"a\\0b\"\n", "policy.yaml:3:12: a NUL character"},
        {"scope", V "scope: owner\n", "policy.yaml:2:1: `scope` is not supported in this version"},
        {"a guard of later", V "guard: {quota: {}}\n",
         "policy.yaml:2:9: `quota` is not supported in this version"},
        {"enforce", V "enforce: {}\n",
         "policy.yaml:2:1: `enforce` is not supported in this version"},
        {"scope", V "scope: owner\n", "policy.yaml:2:1: `scope` is not supported in this version"},
        {"default network", V "default: {network: maybe}\n",
         "policy.yaml:2:20: a default is allow or deny"},
        {"default word", V "default: {docker: yes}\n",
         "policy.yaml:2:19: a default is allow or deny"},
        {"default key", V "default: {docke: deny}\n", "did you mean `docker`?"},
        {"scope", V "clients:\n  a:\n    listen: tcp:127.0.0.1:1\n    scope: owner\n",
         "policy.yaml:5:5: `scope` is not supported in this version"},
        {"mode", V "mode: on\n", "policy.yaml:2:7: `mode` is enforce or report"},
        {"strict", V "strict: yes\n", "policy.yaml:2:9: `strict` takes true or false"},
        {"rule not a map", V "docker:\n  - ContainerList\n", "policy.yaml:3:5: a rule is a map"},
        {"docker not a list", V "docker: {allow: \"@read\"}\n",
         "policy.yaml:2:9: `docker` takes a list"},
        {"neither", V "docker:\n  - name: x\n",
         "policy.yaml:3:5: a rule has either `allow` or `deny`"},
        {"both", V "docker:\n  - {allow: \"@read\", deny: \"@all\"}\n", "not both"},
        {"unknown operation", V "docker:\n  - allow: ContainerLst\n",
         "policy.yaml:3:12: there is no operation `ContainerLst`; did you mean `ContainerList`?"},
        {"unknown set", V "docker:\n  - allow: \"@raed\"\n",
         "policy.yaml:3:12: there is no set `@raed`; did you mean `@read`?"},
        {"libpod by name", V "docker:\n  - allow: Libpod\n", "by path only"},
        {"path as selector", V "docker:\n  - allow: /containers/json\n", "looks like a path"},
        {"empty list", V "docker:\n  - allow: []\n", "policy.yaml:3:12: `allow` is an empty list"},
        {"null", V "docker:\n  - allow:\n", "policy.yaml:3:11: `allow` has no value"},
        {"path missing", V "docker:\n  - allow: {method: GET}\n", "needs `path` too"},
        {"method", V "docker:\n  - allow: {method: get, path: /info}\n",
         "policy.yaml:3:21: `get` is no method"},
        {"path never", V "docker:\n  - allow: {path: /contaners/json}\n",
         "policy.yaml:3:19: `/contaners/json` can never"},
        {"path version", V "docker:\n  - allow: {path: /v1.41/info}\n", "leave the version out"},
        {"expression", V "docker:\n  - allow: {path: \"~/a(\"}\n", "is not a regular expression"},
        {"where key", V "docker:\n  - allow: ContainerStart\n    where: {nam: x}\n",
         "policy.yaml:4:13: `nam` is no key of `where`"},
        {"where body", V "docker:\n  - allow: ContainerCreate\n    where: {body.Image: x}\n",
         "policy.yaml:4:13: `where` on the body is not supported in this version"},
        {"where image on create", V "docker:\n  - allow: ContainerCreate\n    where: {image: x}\n",
         "policy.yaml:4:13: `image` on ContainerCreate (which this selector includes) is not "
         "supported"},
        {"where image on a set with create",
         V "docker:\n  - allow: \"@run\"\n    where: {image: x}\n",
         "`image` on ContainerCreate (which this selector includes) is not supported"},
        {"where impossible", V "docker:\n  - allow: ContainerList\n    where: {name: x}\n",
         "policy.yaml:4:13: ContainerList can never have `name`"},
        {"where image on a build", V "docker:\n  - allow: ImageBuild\n    where: {image: x}\n",
         "policy.yaml:4:13: ImageBuild can never have `image`"},
        {"where impossible parameter",
         V "docker:\n  - allow: ContainerStop\n    where: {query.tt: x}\n",
         "ContainerStop can never have `query.tt`"},
        {"where bounds on a fact",
         V "docker:\n  - allow: ContainerStop\n    where: {name: {max: 1}}\n",
         "max, min, under and absent are for query.NAME"},
        {"where bad number",
         V "docker:\n  - allow: ContainerStop\n    where: {query.t: {max: 1s}}\n",
         "`max` takes a whole number"},
        {"where min above max",
         V "docker:\n  - allow: ContainerStop\n    where: {query.t: {max: 1, min: 2}}\n",
         "can never match"},
        {"where under",
         V "docker:\n  - allow: ContainerArchive\n    where: {query.path: {under: [a/../b]}}\n",
         "policy.yaml:4:34: `under` takes absolute paths"},
        {"where null", V "docker:\n  - allow: ContainerStop\n    where: {name: ~}\n",
         "`name` has no value"},
        {"preset", V "use: [preset/traefic]\n",
         "policy.yaml:2:7: there is no `preset/traefic`; did you mean `preset/traefik`?"},
        {"use", V "use: rules.yaml\n", "`use` names a built-in preset"},
        {"use missing file", V "use: ./rules.yaml\n", "policy.yaml:2:6: there is no file"},
        {"use above", V "use: ./../rules.yaml\n", "below the folder"},
        {"client name", V "clients:\n  Traefik: {listen: tcp:127.0.0.1:1}\n",
         "policy.yaml:3:3: a client's name"},
        {"listener", V "clients:\n  a: {listen: localhost:2375}\n",
         "policy.yaml:3:15: `localhost:2375` is not a listener"},
        {"listener name", V "clients:\n  a: {listen: tcp:localhost:2375}\n",
         "names are not looked up"},
        {"listener port", V "clients:\n  a: {listen: tcp:127.0.0.1:65536}\n",
         "the port is not a number"},
        {"listener v6 without brackets", V "clients:\n  a: {listen: \"tcp:::1:80\"}\n",
         "a TCP listener is"},
        {"relative socket", V "clients:\n  a: {listen: unix:a.sock}\n", "absolute path"},
        {"same socket", V "clients:\n  a: {listen: unix:/run/a/s}\n  b: {listen: unix:/run/a/s}\n",
         "policy.yaml:4:3: client `b` listens on unix:/run/a/s, and so does `a`"},
        {"same folder", V "clients:\n  a: {listen: unix:/run/a/s}\n  b: {listen: unix:/run/a/t}\n",
         "policy.yaml:4:3: the sockets of clients `a` and `b` are in one folder"},
        {"same port", V "clients:\n  a: {listen: [tcp:127.0.0.1:1, tcp:127.0.0.1:1]}\n",
         "and so does `a`"},
        {"from on unix", V "clients:\n  a: {listen: unix:/run/a/s, from: 10.0.0.0/8}\n",
         "no tcp listener"},
        {"from", V "clients:\n  a: {listen: tcp:0.0.0.0:1, from: [10.0.0.1/8]}\n",
         "is no address or range"},
        {"socket mode", V "clients:\n  a: {listen: unix:/run/a/s, socket: {mode: 1777}}\n",
         "three octal digits"},
        {"socket owner",
         V "clients:\n  a: {listen: unix:/run/a/s, socket: {owner: nobody-at-all}}\n",
         "there is no `nobody-at-all` in /etc/passwd"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        cr_expect_not(policy_fixture_text(&fixture, rows[i].text), "%s was accepted", rows[i].name);
        const char *errors = policy_fixture_show(&fixture, &fixture.errors, &shown);
        cr_expect(strstr(errors, rows[i].error) != NULL, "%s: %s", rows[i].name, errors);
        cr_expect_eq(fixture.errors.count, 1, "%s: %s", rows[i].name, errors);
    }
}

Test(policy_load, all_errors_are_told_at_once)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    cr_assert_not(policy_fixture_text(
        &fixture, V "mode: x\nscope: {}\ndocker:\n  - allow: Nope\n  - deny: {path: /x}\n"
                    "clients:\n  a: {listen: tcp:x:1}\n"));
    const char *errors = policy_fixture_show(&fixture, &fixture.errors, &shown);
    static const char *const places[] = {
        "policy.yaml:2:7:", "policy.yaml:3:1:", "policy.yaml:5:12:", "policy.yaml:6:18:",
        "policy.yaml:8:15:"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        cr_expect(strstr(errors, places[i]) != NULL, "%s in %s", places[i], errors);
}

Test(policy_load, drop_ins_add_up_in_the_order_of_their_names)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, "policy.yaml",
                         V "default: {docker: allow}\ndocker: [{deny: SystemInfo}]\n");
    policy_fixture_write(&fixture, "policy.d/20-b.yaml", V "docker: [{deny: ContainerKill}]\n");
    policy_fixture_write(&fixture, "policy.d/10-a.yaml", V "docker: [{deny: ContainerStop}]\n");
    policy_fixture_write(&fixture, "policy.d/90-cli.yaml", V "default: {docker: deny}\n");
    policy_fixture_write(&fixture, "policy.d/.hidden.yaml", "not yaml: [");
    policy_fixture_write(&fixture, "policy.d/note.txt", "not yaml: [");
    cr_assert(policy_fixture_load(&fixture));
    cr_assert_not(policy_default_allows(fixture.policy));
    static const char *const sources[] = {"policy.yaml:3", "policy.d/10-a.yaml:2",
                                          "policy.d/20-b.yaml:2"};
    size_t from = policy_rule_count(fixture.policy) - ARRAY_LEN(sources);
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        struct policy_listed_rule rule;
        policy_rule_at(fixture.policy, (uint32_t)(POLICY_NUMBER_RULES + from + i), &rule);
        cr_expect_str_eq(rule.label, sources[i]);
    }
    policy_fixture_write(&fixture, "policy.d/30-c.yaml", V "default: {docker: deny}\n");
    cr_assert_not(policy_fixture_load(&fixture),
                  "a second default is an error outside 90-cli.yaml");
}

Test(policy_load, used_files_hold_rules_and_may_not_go_in_a_circle)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, "policy.yaml", V "use: ./more/a.yaml\n");
    policy_fixture_write(&fixture, "more/a.yaml",
                         V "use: ./b.yaml\ndocker: [{allow: SystemInfo}]\n");
    policy_fixture_write(&fixture, "more/b.yaml", V "docker:\n  - allow: SystemEvents\n");
    cr_assert(policy_fixture_load(&fixture));
    struct verdict verdict =
        policy_fixture_ask(&fixture, "default", "GET /events", DOCKER_OBJECT_NOT_ASKED, NULL);
    cr_assert_eq(verdict.result, VERDICT_ALLOW);
    cr_assert_str_eq(verdict.source, "more/b.yaml:3");
    policy_fixture_write(&fixture, "more/b.yaml", V "use: ./a.yaml\n");
    cr_assert_not(policy_fixture_load(&fixture));
    cr_assert(strstr(policy_fixture_show(&fixture, &fixture.errors, &shown),
                     "more/b.yaml:2:6: `use` goes in a circle"));
    policy_fixture_write(&fixture, "more/b.yaml", V "mode: report\n");
    cr_assert_not(policy_fixture_load(&fixture));
    cr_assert(strstr(policy_fixture_show(&fixture, &fixture.errors, &shown),
                     "`mode` is no key of a file of rules"));
}

Test(policy_load, what_others_can_write_is_refused)
{
    static const struct {
        const char *name, *path;
        mode_t mode;
    } rows[] = {
        {"file", "policy.yaml", 0664},
        {"file by all", "policy.yaml", 0646},
        {"folder", ".", 0777},
        {"drop-in", "policy.d/a.yaml", 0666},
        {"drop-in folder", "policy.d", 0775},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        policy_fixture_init(&fixture);
        policy_fixture_write(&fixture, "policy.yaml", V);
        policy_fixture_write(&fixture, "policy.d/a.yaml", V);
        cr_assert(policy_fixture_load(&fixture), "%s", rows[i].name);
        char path[160];
        snprintf(path, sizeof(path), "%s/%s", fixture.folder, rows[i].path);
        chmod(path, rows[i].mode);
        cr_expect_not(policy_fixture_load(&fixture), "%s", rows[i].name);
        cr_expect(strstr(policy_fixture_show(&fixture, &fixture.errors, &shown), "chmod go-w"),
                  "%s", rows[i].name);
    }
}

Test(policy_load, a_links_target_is_what_counts)
{
    struct policy_fixture fixture, other;
    policy_fixture_init(&fixture);
    policy_fixture_init(&other);
    policy_fixture_write(&other, "real.yaml", V);
    char target[128];
    snprintf(target, sizeof(target), "%s/real.yaml", other.folder);
    cr_assert_eq(symlink(target, fixture.config), 0);
    cr_assert(policy_fixture_load(&fixture));
    chmod(other.folder, 0777);
    cr_assert_not(policy_fixture_load(&fixture));
    chmod(other.folder, 0755);
    unlink(fixture.config);
    cr_assert_eq(mkfifo(fixture.config, 0644), 0);
    cr_assert_not(policy_fixture_load(&fixture));
    policy_fixture_clear(&fixture);
    policy_fixture_clear(&other);
}

Test(policy_load, a_missing_file_is_an_error_only_when_it_was_named)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    policy_fixture_init(&fixture);
    cr_assert_not(policy_fixture_load(&fixture));
    const struct policy_inputs inputs = {.config_path = fixture.config, .check_owner = true};
    policy_messages_free(&fixture.errors);
    fixture.policy = policy_load(&inputs, &fixture.errors, &fixture.notices);
    cr_assert_not_null(fixture.policy);
    cr_expect_eq(
        policy_fixture_ask(&fixture, "default", "GET /_ping", DOCKER_OBJECT_NOT_ASKED, NULL).result,
        VERDICT_ALLOW);
    cr_expect_eq(
        policy_fixture_ask(&fixture, "default", "GET /info", DOCKER_OBJECT_NOT_ASKED, NULL).result,
        VERDICT_DENY);
}

Test(policy_load, every_preset_loads_and_each_of_its_lines_is_explained)
{
    for (size_t i = 0; i < preset_count(); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY, shown = BUFFER_EMPTY;
        buffer_printf(&text, V "use: %s\n", preset_at(i)->name);
        cr_expect(policy_fixture_text(&fixture, buffer_text(&text)), "%s: %s", preset_at(i)->name,
                  policy_fixture_show(&fixture, &fixture.errors, &shown));
        for (struct slice rest = preset_at(i)->text; rest.ptr != NULL;) {
            struct slice line = slice_cut(&rest, '\n');
            if (slice_starts_with(line, SLICE_LITERAL("  - ")))
                cr_expect(memchr(line.ptr, '#', line.len) != NULL, "%s: %.*s", preset_at(i)->name,
                          (int)line.len, line.ptr);
        }
        buffer_free(&shown);
    }
}

Test(policy_load, clients_get_what_the_document_says)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
    cr_assert(
        policy_fixture_text(
            &fixture, V
            "strict: true\nclients:\n"
            "  a:\n    listen: [unix:/run/dockreeve/a/docker.sock, \"tcp:[::1]:0\"]\n"
            "    socket: {mode: 0600, owner: 65534, group: root}\n    from: [10.0.0.0/8, \"::1\"]\n"
            "    mode: report\n    strict: false\n  b: {listen: tcp:0.0.0.0:2375}\n"),
        "%s", policy_fixture_show(&fixture, &fixture.errors, &shown));
    const struct policy_client *a = policy_client_find(fixture.policy, SLICE_LITERAL("a"));
    cr_assert_eq(a->listen_count, 2);
    cr_expect_str_eq(a->listens[0].path, "/run/dockreeve/a/docker.sock");
    cr_expect_eq(a->listens[0].mode, 0600);
    cr_expect_eq(a->listens[0].owner, 65534);
    cr_expect_eq(a->listens[0].group, 0);
    cr_expect_str_eq(a->listens[0].source, "policy.yaml:5");
    cr_expect_eq(a->listens[1].kind, POLICY_LISTEN_TCP);
    cr_expect_eq(a->from_count, 2);
    cr_expect_eq(a->mode, POLICY_REPORT);
    cr_expect_not(a->strict);
    const struct policy_client *b = policy_client_find(fixture.policy, SLICE_LITERAL("b"));
    cr_expect_eq(b->mode, POLICY_ENFORCE);
    cr_expect(b->strict);
    cr_expect_eq(b->listens[0].mode, 0660);
    cr_expect_eq(b->listens[0].port, 2375);
}

Test(policy_load, notices_claim_nothing_that_the_decision_refuses)
{
    static const char client[] = "clients: {a: {listen: tcp:127.0.0.1:0}}\n"
                                 "guard: {privileged: true}\n";
    static const struct {
        const char *name, *text, *not ;
    } rows[] = {
        {"create, denied", V "docker:\n  - allow: \"@all\"\n  - deny: ContainerCreate\n",
         "ContainerCreate is allowed"},
        {"create by default, denied",
         V "default: {docker: allow}\ndocker:\n  - deny: [ContainerCreate]\n",
         "allows ContainerCreate"},
        {"an expression over other paths",
         V "docker:\n  - allow: {path: \"~/containers/[0-9a-f]{12,64}/restart\"}\n",
         "ContainerCreate is allowed"},
        {"create, denied by a path",
         V "docker:\n  - allow: \"@all\"\n  - deny: {method: POST, path: /containers/create}\n",
         "ContainerCreate is allowed"},
        {"changes by an expression over what is read",
         V "docker:\n  - allow: {path: \"~/containers/.*/json\"}\n", "allows changes"},
        {"changes, denied",
         V "docker:\n  - allow: \"@all\"\n  - deny: {method: POST, path: \"/**\"}\n"
           "  - deny: {method: PUT, path: \"/**\"}\n  - deny: {method: DELETE, path: \"/**\"}\n",
         "allows changes"},
        {"every host, denied", V "default: {network: allow}\nnetwork:\n  - deny: \"*\"\n",
         "allows every public host"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY, text = BUFFER_EMPTY;
        buffer_printf(&text, "%s%s", rows[i].text, client);
        cr_expect(policy_fixture_text(&fixture, buffer_text(&text)), "%s: %s", rows[i].name,
                  policy_fixture_show(&fixture, &fixture.errors, &shown));
        const char *notices = policy_fixture_show(&fixture, &fixture.notices, &shown);
        cr_expect(strstr(notices, rows[i].not ) == NULL, "%s: %s", rows[i].name, notices);
    }
}

Test(policy_load, a_create_that_guards_judge_is_no_root_on_the_host)
{
    static const struct {
        const char *name, *text;
        bool noticed;
    } rows[] = {
        {"the safe values", "", false},
        {"some binds", "guard: {binds: [/srv/x]}\n", false},
        {"privileged ones", "guard: {privileged: true}\n", true},
        {"guards that report", "guard: {mode: report}\n", true},
        {"a client's that report",
         "clients: {a: {listen: tcp:127.0.0.1:0, guard: {mode: report}}}\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct policy_fixture fixture;
        struct buffer shown = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, V "docker:\n  - allow: ContainerCreate\n%s", rows[i].text);
        cr_expect(policy_fixture_text(&fixture, buffer_text(&text)), "%s", rows[i].name);
        const char *notices = policy_fixture_show(&fixture, &fixture.notices, &shown);
        cr_expect_eq(strstr(notices, "ContainerCreate is allowed") != NULL, rows[i].noticed,
                     "%s: %s", rows[i].name, notices);
        buffer_free(&shown);
        policy_fixture_clear(&fixture);
    }
}

Test(policy_load, notices_say_what_deserves_a_second_look)
{
    static const struct {
        const char *name, *text, *notice;
    } rows[] = {
        {"no listener", V "clients:\n  a: {}\n", "policy.yaml:3:3: client `a` has no `listen`"},
        {"create", V "docker:\n  - allow: ContainerCreate\n",
         "policy.yaml:3:5: ContainerCreate is allowed: whoever"},
        {"create by default", V "default: {docker: allow}\n", "allows ContainerCreate too"},
        {"changes for everybody",
         V "docker:\n  - allow: ContainerStop\nclients: {a: {listen: tcp:127.0.0.1:0}}\n",
         "policy.yaml:3:5: this top-level rule allows changes to every client"},
        {"shadowed", V "docker:\n  - allow: ContainerStop\n  - deny: \"@lifecycle\"\n",
         "policy.yaml:3:5: this rule can never decide"},
        {"key that some cannot have",
         V "docker:\n  - allow: [ContainerStop, ContainerList]\n    where: {name: x}\n",
         "policy.yaml:4:13: ContainerList cannot have `name`: this rule is not for it"},
        {"deny by spelling", V "docker:\n  - deny: {path: /containers/web/stop}\n",
         "policy.yaml:3:18: this deny goes by how the request spells the object"},
        {"report", V "mode: report\n", "client `default` is in report mode"},
        {"create of some images",
         V "docker:\n  - allow: ContainerCreate\n    where: {query.name: a}\n",
         "policy.yaml:3:5: ContainerCreate is allowed: whoever"},
        {"create by a path", V "docker:\n  - allow: {method: POST, path: \"~/containers/c.*\"}\n",
         "policy.yaml:3:5: ContainerCreate is allowed: whoever"},
        {"create of one client, denied to another",
         V "docker:\n  - allow: \"@all\"\nclients:\n"
           "  a: {listen: tcp:127.0.0.1:0, docker: [{deny: ContainerCreate}]}\n",
         "policy.yaml:3:5: ContainerCreate is allowed: whoever"},
        {"changes by the path of one object",
         V "docker:\n  - allow: {path: /containers/web/start}\nclients: {a: {listen: "
           "tcp:127.0.0.1:0}}\n",
         "policy.yaml:3:5: this top-level rule allows changes to every client"},
        {"changes by a path with stars",
         V "docker:\n  - allow: {method: DELETE, path: \"/volumes/ci-*\"}\n"
           "clients: {a: {listen: tcp:127.0.0.1:0}}\n",
         "policy.yaml:3:5: this top-level rule allows changes to every client"},
        {"a deny of some creates",
         V "docker:\n  - allow: ContainerCreate\n  - deny: ContainerCreate\n    where: "
           "{query.name: a}\n",
         "policy.yaml:3:5: ContainerCreate is allowed: whoever"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer shown = BUFFER_EMPTY;
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        buffer_printf(&text, "%sguard: {privileged: true}\n", rows[i].text);
        cr_expect(policy_fixture_text(&fixture, buffer_text(&text)), "%s", rows[i].name);
        const char *notices = policy_fixture_show(&fixture, &fixture.notices, &shown);
        cr_expect(strstr(notices, rows[i].notice) != NULL, "%s: %s", rows[i].name, notices);
    }
}

Test(policy_load, the_hash_follows_what_decides_and_nothing_else)
{
    struct policy_fixture a, b, c;
    cr_assert(policy_fixture_text(&a, V "docker:\n  - allow: SystemInfo\n"));
    cr_assert(policy_fixture_text(&b, V "docker:\n  - {allow: SystemInfo} # said otherwise\n"));
    cr_assert(policy_fixture_text(&c, V "docker:\n  - deny: SystemInfo\n"));
    cr_expect_eq(strlen(policy_hash(a.policy)), 12);
    cr_expect_str_eq(policy_hash(a.policy), policy_hash(b.policy));
    cr_expect_str_neq(policy_hash(a.policy), policy_hash(c.policy));
    policy_fixture_clear(&a);
    policy_fixture_clear(&b);
    policy_fixture_clear(&c);
}
