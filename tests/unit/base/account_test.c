/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/account.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "short:x:5\n"
                             "+nis::::::\n"
                             "words:x:abc:def::/:/bin/sh\n"
                             "minus:x:-1:5::/:/bin/sh\n"
                             "huge:x:4294967295:5::/:/bin/sh\n"
                             "web:x:33:44:www:/var/www:/usr/sbin/nologin\n"
                             "web:x:0:0:second of the name:/:/bin/sh\n"
                             "last:x:4294967294:7::/:/bin/sh";

static const char group[] = "root:x:0:\nbroken\ndocker:x:999:a,b\ndocker:x:0:\nlast:x:5";

Test(account, users_are_found_by_name)
{
    static const struct {
        const char *name;
        bool found;
        uid_t uid;
        gid_t gid;
    } rows[] = {
        {"root", true, 0, 0},      {"web", true, 33, 44},       {"last", true, 4294967294, 7},
        {"short", false, 0, 0},    {"words", false, 0, 0},      {"minus", false, 0, 0},
        {"huge", false, 0, 0},     {"", false, 0, 0},           {"+nis", false, 0, 0},
        {"roo", false, 0, 0},      {"rootx", false, 0, 0},      {"0", false, 0, 0},
        {"root:x:0", false, 0, 0}, {"nobodyhere", false, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uid_t uid = 1;
        gid_t gid = 1;
        bool found = account_search_passwd(slice_from_text(passwd), rows[i].name, 0, &uid, &gid);
        cr_assert_eq(found, rows[i].found, "%s", rows[i].name);
        if (found) {
            cr_assert_eq(uid, rows[i].uid, "%s", rows[i].name);
            cr_assert_eq(gid, rows[i].gid, "%s", rows[i].name);
        }
    }
}

Test(account, users_are_found_by_number)
{
    uid_t uid;
    gid_t gid;
    cr_assert(account_search_passwd(slice_from_text(passwd), NULL, 33, &uid, &gid));
    cr_assert_eq(gid, 44);
    cr_assert_not(account_search_passwd(slice_from_text(passwd), NULL, 34, &uid, &gid));
}

Test(account, groups_are_found_by_name)
{
    gid_t gid;
    cr_assert(account_search_group(slice_from_text(group), "docker", &gid));
    cr_assert_eq(gid, 999);
    cr_assert(account_search_group(slice_from_text(group), "last", &gid));
    cr_assert_eq(gid, 5);
    cr_assert_not(account_search_group(slice_from_text(group), "broken", &gid));
    cr_assert_not(account_search_group(slice_from_text(group), "a", &gid));
    cr_assert_not(account_search_group(slice_from_text(""), "docker", &gid));
}

Test(account, the_number_that_means_unchanged_is_no_id)
{
    uint32_t id;
    cr_assert(account_parse_id(SLICE_LITERAL("4294967294"), &id));
    cr_assert_not(account_parse_id(SLICE_LITERAL("4294967295"), &id));
    cr_assert_not(account_parse_id(SLICE_LITERAL("4294967296"), &id));
    cr_assert_not(account_parse_id(SLICE_LITERAL(""), &id));
    cr_assert_not(account_parse_id(SLICE_LITERAL("-2"), &id));
}

Test(account, the_machine_has_root)
{
    uid_t uid;
    gid_t gid;
    cr_assert(account_find_user("root", &uid, &gid));
    cr_assert_eq(uid, 0);
    cr_assert(account_find_group("root", &gid));
    cr_assert(account_find_group_of(0, &gid));
    cr_assert_not(account_find_user("no such user", &uid, &gid));
}
