/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/path_trust.h"
#include "policy/document/policy_files.h"

struct place {
    char folder[40], first[64], second[64];
};

static void place_make(struct place *place)
{
    snprintf(place->folder, sizeof(place->folder), "/tmp/dockreeve-files-XXXXXX");
    cr_assert_not_null(mkdtemp(place->folder));
    snprintf(place->first, sizeof(place->first), "%s/first.yaml", place->folder);
    snprintf(place->second, sizeof(place->second), "%s/second.yaml", place->folder);
}

static void place_remove(struct place *place)
{
    unlink(place->first);
    unlink(place->second);
    rmdir(place->folder);
}
#define AUTO_PLACE CLEANUP(place_remove)

static void put(const char *path)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    fputs("version: 1\n", file);
    fclose(file);
}

/* How many files are to be watched by themselves. */
static size_t files_of_plan(const struct policy_files *files)
{
    CLEANUP(policy_files_plan_clear) struct policy_files_plan plan = {0};
    size_t count = 0;
    policy_files_plan(files, &plan);
    for (size_t i = 0; i < plan.count; i++)
        count += plan.folders[i].is_file;
    return count;
}

Test(policy_files, what_cannot_be_opened_is_what_it_was_as_long_as_it_stays)
{
    struct place place AUTO_PLACE;
    place_make(&place);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", place.first);
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    CLEANUP(policy_files_free) struct policy_files *files = policy_files_new();
    policy_files_add(files, place.first, NULL);
    cr_assert_not(policy_files_changed(files));
    unlink(place.first);
    cr_assert(policy_files_changed(files));
}

Test(policy_files, a_file_with_another_name_is_watched_itself)
{
    struct place place AUTO_PLACE;
    place_make(&place);
    put(place.first);
    CLEANUP(policy_files_free) struct policy_files *files = policy_files_new();
    policy_files_add(files, place.first, NULL);
    cr_assert_eq(files_of_plan(files), 0);
    cr_assert_eq(link(place.first, place.second), 0);
    cr_assert_eq(files_of_plan(files), 1);
}

Test(path_trust, anybody_may_have_made_another_name_in_a_sticky_folder)
{
    static const struct path_trust_rules rules = {.sticky_is_enough = true};
    struct path_trust_fault fault;
    struct place place AUTO_PLACE;
    place_make(&place);
    put(place.first);
    cr_assert_eq(chmod(place.folder, 01777), 0);
    cr_assert(path_trust_check(place.first, &rules, &fault));
    cr_assert_eq(link(place.first, place.second), 0);
    cr_assert_not(path_trust_check(place.first, &rules, &fault));
    cr_assert_eq(fault.kind, PATH_TRUST_MODE);
    cr_assert_eq(chmod(place.folder, 0755), 0);
    cr_assert(path_trust_check(place.first, &rules, &fault), "where nobody else makes entries");
}
