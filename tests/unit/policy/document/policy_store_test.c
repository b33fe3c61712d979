/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "policy/document/policy_lock.h"
#include "policy/document/policy_store.h"
#include "tests/unit/policy/policy_fixture.h"

#define NAME "policy.d/90-cli.yaml"

static struct policy_store *open_store(struct policy_fixture *fixture)
{
    struct policy_store *store = policy_store_open(fixture->config, &fixture->errors);
    cr_assert_not_null(store, "%s", fixture->errors.items[0].error.text);
    return store;
}

static bool exists(const struct policy_fixture *fixture, const char *name, struct stat *status)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
    return stat(path, status) == 0;
}

static void expect_file(const struct policy_fixture *fixture, const char *text)
{
    char path[256], found[1024] = "";
    snprintf(path, sizeof(path), "%s/" NAME, fixture->folder);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
    fclose(file);
    const char *rest = strchr(found, '\n');
    cr_assert(found[0] == '#' && rest != NULL, "%s", found);
    cr_expect_str_eq(rest + 1, text);
}

static void write_tree(struct policy_store *store)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct error error;
    policy_store_text(store, &text);
    cr_assert(policy_store_write(store, buffer_slice(&text), &error), "%s", error.text);
}

Test(policy_store, a_missing_file_is_an_empty_policy_and_is_made_with_its_folder)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    struct stat status;
    policy_fixture_init(&fixture);
    struct policy_store *store = open_store(&fixture);
    cr_expect_not(policy_store_exists(store));
    cr_assert(policy_store_read(store, &fixture.errors));
    cr_expect_not(exists(&fixture, NAME, &status), "reading makes no file");
    write_tree(store);
    cr_expect(policy_store_exists(store));
    policy_store_close(&store);
    cr_expect_null(store);
    cr_assert(exists(&fixture, NAME, &status));
    cr_expect_eq(status.st_mode & 07777, 0644);
    expect_file(&fixture, "version: 1\n");
}

Test(policy_store, what_was_there_stays_and_keys_are_put_in_order)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    policy_fixture_init(&fixture);
    policy_fixture_write(&fixture, NAME,
                         "clients: {a: {network: []}}\nnetwork: [{allow: x}] # gone\nnovel: [1]\n"
                         "use: [preset/npm]\nversion: 1\n");
    CLEANUP(policy_store_close) struct policy_store *store = open_store(&fixture);
    cr_assert(policy_store_read(store, &fixture.errors));
    write_tree(store);
    expect_file(&fixture,
                "version: 1\nuse:\n  - preset/npm\nnovel:\n  - 1\nnetwork:\n  - allow: x\n"
                "clients:\n  a:\n    network: []\n");
    struct error error;
    struct stat status;
    cr_expect(policy_store_remove(store, &error));
    cr_expect(policy_store_remove(store, &error), "twice is once");
    cr_expect_not(exists(&fixture, NAME, &status));
}

Test(policy_store, only_one_has_it_at_a_time)
{
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    char path[256];
    policy_fixture_init(&fixture);
    struct policy_store *store = open_store(&fixture);
    snprintf(path, sizeof(path), "%s/policy.d/" POLICY_LOCK_NAME, fixture.folder);
    AUTO_CLOSE int other = open(path, O_RDONLY);
    cr_expect_eq(flock(other, LOCK_EX | LOCK_NB), -1);
    policy_store_close(&store);
    cr_expect_eq(flock(other, LOCK_EX | LOCK_NB), 0);
}

Test(policy_store, what_dead_writers_left_goes_and_other_files_stay)
{
    static const struct {
        const char *name;
        bool stays;
    } rows[] = {
        {"policy.d/.90-cli.yaml.1", false}, {"policy.d/.90-cli.yaml.99999", false},
        {"policy.d/.90-cli.yaml", true},    {"policy.d/.90-cli.yml.1", true},
        {"policy.d/90-cli.yaml.1", true},   {"policy.d/10-mine.yaml", true},
        {".90-cli.yaml.1", true},
    };
    CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
    struct stat status;
    policy_fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        policy_fixture_write(&fixture, rows[i].name, "x");
    CLEANUP(policy_store_close) struct policy_store *store = open_store(&fixture);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_eq(exists(&fixture, rows[i].name, &status), rows[i].stays, "%s", rows[i].name);
}

Test(policy_store, files_that_cannot_be_edited_are_refused_with_their_place)
{
    static const struct {
        const char *name, *text, *says;
    } rows[] = {
        {"syntax", "version: [\n", NAME ":2:1: this is not YAML"},
        {"a list", "- a\n", NAME ":1:1: a policy is a map"},
        {"a key twice", "a: 1\na: 2\n", NAME ":2:1: the key `a` stands here for the second time"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(policy_fixture_clear) struct policy_fixture fixture;
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        policy_fixture_init(&fixture);
        policy_fixture_write(&fixture, NAME, rows[i].text);
        CLEANUP(policy_store_close) struct policy_store *store = open_store(&fixture);
        cr_expect_not(policy_store_read(store, &fixture.errors), "%s", rows[i].name);
        cr_expect(strstr(policy_fixture_show(&fixture, &fixture.errors, &out), rows[i].says),
                  "%s: %s", rows[i].name, buffer_text(&out));
    }
}
