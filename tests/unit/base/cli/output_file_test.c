/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cli/output_file.h"

static char folder[64];

static const char *in_folder(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/dockreeve-output-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    umask(022);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

static void check(const char *path, const char *text, mode_t mode)
{
    char bytes[64] = "";
    struct stat status;
    AUTO_CLOSE int fd = open(path, O_RDONLY);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_geq(read(fd, bytes, sizeof(bytes) - 1), 0);
    cr_expect_str_eq(bytes, text);
    cr_assert_eq(fstat(fd, &status), 0);
    cr_expect_eq(status.st_mode & 07777, mode, "%o", status.st_mode);
}

static unsigned count_files(void)
{
    unsigned count = 0;
    DIR *listing = opendir(folder);
    cr_assert_not_null(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(listing);
    return count;
}

TestSuite(output_file, .init = make_folder, .fini = remove_folder);

Test(output_file, a_file_is_made_and_replaced_as_a_whole)
{
    char path[128];
    struct error error = {0};
    in_folder("new", path);
    cr_assert(output_file_write(path, SLICE_LITERAL("first"), 0640, &error), "%s", error.text);
    check(path, "first", 0640);
    AUTO_CLOSE int reader = open(path, O_RDONLY);
    cr_assert(output_file_write(path, SLICE_LITERAL("second"), 0666, &error), "%s", error.text);
    check(path, "second", 0644);
    char bytes[16] = "";
    cr_assert_eq(read(reader, bytes, sizeof(bytes)), 5);
    cr_expect_str_eq(bytes, "first", "who has the old file open still reads the old one");
    cr_expect_eq(count_files(), 1);
}

Test(output_file, a_link_stays_and_is_followed)
{
    char path[128], target[128];
    struct error error = {0};
    struct stat status;
    in_folder("target", target);
    in_folder("link", path);
    cr_assert(output_file_write(target, SLICE_LITERAL("longer"), 0600, &error));
    cr_assert_eq(symlink("target", path), 0);
    cr_assert(output_file_write(path, SLICE_LITERAL("b"), 0600, &error), "%s", error.text);
    check(target, "b", 0600);
    cr_expect_eq(count_files(), 2);
    cr_assert_eq(lstat(path, &status), 0);
    cr_expect(S_ISLNK(status.st_mode));
}

Test(output_file, what_is_no_regular_file_is_written_to)
{
    char path[128], bytes[16] = "";
    struct error error = {0};
    struct stat status;
    in_folder("fifo", path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    AUTO_CLOSE int reader = open(path, O_RDONLY | O_NONBLOCK);
    cr_assert(output_file_write(path, SLICE_LITERAL("through"), 0600, &error), "%s", error.text);
    cr_assert_eq(read(reader, bytes, sizeof(bytes)), 7);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect(S_ISFIFO(status.st_mode));
}

Test(output_file, a_failure_names_the_file_and_leaves_nothing)
{
    char path[128];
    struct error error = {0};
    in_folder("nowhere/at/all", path);
    cr_expect_not(output_file_write(path, SLICE_LITERAL("a"), 0600, &error));
    cr_expect_not_null(strstr(error.text, "nowhere/at/all"), "%s", error.text);
    cr_expect_not(output_file_write(folder, SLICE_LITERAL("a"), 0600, &error));
    cr_expect_not_null(strstr(error.text, "directory"), "%s", error.text);
    cr_expect_eq(count_files(), 0);
}
