/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "proxy/loop/policy_watch.h"

static char folder[] = "/tmp/dockreeve-watch-XXXXXX";

/* Watches what these files of the folder take; whether something was not watched before. */
static bool watch(struct policy_watch *watcher, const char *const *names)
{
    CLEANUP(policy_files_free) struct policy_files *files = policy_files_new();
    CLEANUP(policy_files_plan_clear) struct policy_files_plan plan = {0};
    struct error error;
    bool fresh;
    for (; *names != NULL; names++) {
        char path[80];
        snprintf(path, sizeof(path), "%s/%s", folder, *names);
        policy_files_add(files, path, NULL);
    }
    policy_files_plan(files, &plan);
    cr_assert(policy_watch_set(watcher, &plan, &fresh, &error), "%s", error.text);
    return fresh;
}

static void write_file(const char *name)
{
    char path[80];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "ae");
    cr_assert_not_null(file);
    fputs("# more\n", file);
    fclose(file);
}

/* A change between the reading of a file and its being watched is found by looking. */
Test(policy_watch, another_name_in_a_watched_folder_is_fresh)
{
    cr_assert_not_null(mkdtemp(folder));
    CLEANUP(policy_watch_free) struct policy_watch *watcher = policy_watch_new();
    cr_assert(watch(watcher, (const char *const[]){"policy.yaml", NULL}));
    cr_assert_not(watch(watcher, (const char *const[]){"policy.yaml", NULL}));
    cr_assert(watch(watcher, (const char *const[]){"policy.yaml", "x.yaml", NULL}));
    cr_assert_not(watch(watcher, (const char *const[]){"x.yaml", NULL}));
    rmdir(folder);
}

Test(policy_watch, a_folder_that_stood_on_the_way_is_fresh_when_its_entries_matter)
{
    char below[80];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(below, sizeof(below), "%s/sub", folder);
    cr_assert_eq(mkdir(below, 0755), 0);
    CLEANUP(policy_watch_free) struct policy_watch *watcher = policy_watch_new();
    cr_assert(watch(watcher, (const char *const[]){"sub/x.yaml", NULL}));
    rmdir(below);
    cr_assert(watch(watcher, (const char *const[]){"sub/x.yaml", NULL}));
    rmdir(folder);
}

Test(policy_watch, a_folder_on_the_way_tells_of_its_mode)
{
    char below[80];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(below, sizeof(below), "%s/sub", folder);
    cr_assert_eq(mkdir(below, 0755), 0);
    CLEANUP(policy_watch_free) struct policy_watch *watcher = policy_watch_new();
    watch(watcher, (const char *const[]){"sub/x.yaml", NULL});
    cr_assert_not(policy_watch_read(watcher));
    cr_assert_eq(chmod(folder, 0775), 0);
    cr_assert(policy_watch_read(watcher));
    write_file("other");
    cr_assert_not(policy_watch_read(watcher));
    snprintf(below, sizeof(below), "%s/other", folder);
    unlink(below);
    snprintf(below, sizeof(below), "%s/sub", folder);
    rmdir(below);
    rmdir(folder);
}

Test(policy_watch, what_is_written_by_another_name_is_heard)
{
    char path[80], other[80];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/far", folder);
    cr_assert_eq(mkdir(path, 0755), 0);
    write_file("x.yaml");
    snprintf(path, sizeof(path), "%s/x.yaml", folder);
    snprintf(other, sizeof(other), "%s/far/y.yaml", folder);
    cr_assert_eq(link(path, other), 0);
    CLEANUP(policy_watch_free) struct policy_watch *watcher = policy_watch_new();
    watch(watcher, (const char *const[]){"x.yaml", NULL});
    (void)policy_watch_read(watcher);
    write_file("far/y.yaml");
    cr_assert(policy_watch_read(watcher));
    unlink(other);
    unlink(path);
    snprintf(path, sizeof(path), "%s/far", folder);
    rmdir(path);
    rmdir(folder);
}
