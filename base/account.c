/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of passwd(5) and group(5). A line with fewer fields, or with numbers that are none, is
 * passed over: such files are edited by hand and by many programs, and a broken line names nobody.
 * NIS lines ("+…") have no numbers and fall under that. */
#include "base/account.h"

#include "base/buffer.h"

#include <fcntl.h>
#include <unistd.h>

enum { ACCOUNT_FILE_MAX = 8 << 20 };

bool account_parse_id(struct slice text, uint32_t *id_out)
{
    uint64_t number;
    if (!slice_to_u64(text, &number) || number >= UINT32_MAX)
        return false;
    *id_out = (uint32_t)number;
    return true;
}

bool account_search_passwd(struct slice text, const char *name, uid_t number, uid_t *uid_out,
                           gid_t *gid_out)
{
    for (struct slice rest = text; rest.ptr != NULL;) {
        struct slice line = slice_cut(&rest, '\n');
        struct slice user = slice_cut(&line, ':');
        (void)slice_cut(&line, ':'); /* password */
        struct slice uid_text = slice_cut(&line, ':');
        struct slice gid_text = slice_cut(&line, ':');
        uint32_t uid;
        uint32_t gid;
        if (!account_parse_id(uid_text, &uid) || !account_parse_id(gid_text, &gid))
            continue;
        if (name != NULL ? !slice_equal_text(user, name) : uid != number)
            continue;
        *uid_out = uid;
        *gid_out = gid;
        return true;
    }
    return false;
}

bool account_search_group(struct slice text, const char *name, gid_t *gid_out)
{
    for (struct slice rest = text; rest.ptr != NULL;) {
        struct slice line = slice_cut(&rest, '\n');
        struct slice group = slice_cut(&line, ':');
        (void)slice_cut(&line, ':'); /* password */
        uint32_t gid;
        if (!slice_equal_text(group, name) || !account_parse_id(slice_cut(&line, ':'), &gid))
            continue;
        *gid_out = gid;
        return true;
    }
    return false;
}

static bool read_file(const char *path, struct buffer *out)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    while (out->len < ACCOUNT_FILE_MAX && buffer_reserve(out, 4096)) {
        ssize_t got = read(fd, out->data + out->len, out->capacity - out->len);
        if (got <= 0)
            return got == 0;
        out->len += (size_t)got;
    }
    return false;
}

bool account_find_user(const char *name, uid_t *uid_out, gid_t *gid_out)
{
    AUTO_BUFFER struct buffer file = BUFFER_EMPTY;
    return read_file("/etc/passwd", &file) &&
           account_search_passwd(buffer_slice(&file), name, 0, uid_out, gid_out);
}

bool account_find_group(const char *name, gid_t *gid_out)
{
    AUTO_BUFFER struct buffer file = BUFFER_EMPTY;
    return read_file("/etc/group", &file) &&
           account_search_group(buffer_slice(&file), name, gid_out);
}

bool account_find_group_of(uid_t uid, gid_t *gid_out)
{
    AUTO_BUFFER struct buffer file = BUFFER_EMPTY;
    uid_t same;
    return read_file("/etc/passwd", &file) &&
           account_search_passwd(buffer_slice(&file), NULL, uid, &same, gid_out);
}
