/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/loop/state_folder.h"

static mode_t mode_of(const char *path)
{
    struct stat status;
    cr_assert_eq(stat(path, &status), 0, "%s", path);
    return status.st_mode & 07777;
}

Test(state_folder, it_is_made_with_all_that_is_missing_above)
{
    char top[] = "/tmp/dockreeve-state-XXXXXX", middle[80], path[96];
    struct error error;
    cr_assert_not_null(mkdtemp(top));
    snprintf(middle, sizeof(middle), "%s/a", top);
    snprintf(path, sizeof(path), "%s/b", middle);
    umask(022);
    cr_assert(state_folder_make(path, NULL, &error), "%s", error.text);
    cr_expect_eq(mode_of(middle), 0755u);
    cr_expect_eq(mode_of(path), 0755u);
    cr_expect(state_folder_check(path, &error), "%s", error.text);
    cr_expect(state_folder_make(path, NULL, &error), "it may be there: %s", error.text);
    cr_expect_eq(rmdir(path) | rmdir(middle) | rmdir(top), 0);
}

Test(state_folder, one_that_is_there_is_given_to_nobody)
{
    char top[] = "/tmp/dockreeve-state-XXXXXX";
    struct error error;
    struct stat status;
    cr_assert_not_null(mkdtemp(top));
    cr_expect(state_folder_make(top, "65534:65534", &error), "%s", error.text);
    cr_assert_eq(stat(top, &status), 0);
    cr_expect_eq(status.st_uid, geteuid());
    cr_expect_eq(rmdir(top), 0);
}

Test(state_folder, what_cannot_be_one_is_named)
{
    char top[] = "/tmp/dockreeve-state-XXXXXX", file[64], below[80], missing[64];
    struct error error;
    cr_assert_not_null(mkdtemp(top));
    snprintf(file, sizeof(file), "%s/file", top);
    snprintf(below, sizeof(below), "%s/x", file);
    snprintf(missing, sizeof(missing), "%s/missing", top);
    AUTO_CLOSE int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    cr_expect_not(state_folder_make(below, NULL, &error));
    cr_expect(strstr(error.text, file) != NULL, "%s", error.text);
    cr_expect_not(state_folder_check(file, &error));
    cr_expect(strstr(error.text, "is no folder") != NULL, "%s", error.text);
    cr_expect_not(state_folder_check(missing, &error));
    for (mode_t mode = 0777; mode != 0; mode = mode == 0777 ? 0770 : 0) {
        cr_assert_eq(chmod(top, mode), 0);
        cr_expect_not(state_folder_check(top, &error), "%o", mode);
        cr_expect(strstr(error.text, "others can write") != NULL, "%s", error.text);
    }
    cr_expect_eq(unlink(file) | rmdir(top), 0);
}
