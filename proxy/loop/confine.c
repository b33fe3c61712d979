/* SPDX-License-Identifier: Apache-2.0
 *
 * Users, capabilities and process flags, by the kernel's own calls: libcap would be one more
 * library for four of them. Each step is read back, since a step that quietly did nothing would be
 * worse than a refusal to start. */
#include "proxy/loop/confine.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/account.h"
#include "proxy/loop/confine_filter.h"

enum { GROUPS_MAX = 32, NAME_MAX_LEN = 255 };

struct identity {
    uid_t uid;
    gid_t gid;
};

static bool failed(struct error *error, const char *what)
{
    int reason = errno;
    return error_set_system(error, reason, "%s: %s", what, strerror(reason));
}

static bool unknown(struct error *error, const char *what, struct slice name, const char *advice)
{
    return error_set(error, 2, "%s %s %s", what, quote(name).text, advice);
}

static bool find_group(struct slice name, gid_t *gid_out, struct error *error)
{
    char text[NAME_MAX_LEN + 1] = "";
    if (account_parse_id(name, gid_out))
        return true;
    if (name.len > 0 && name.len <= NAME_MAX_LEN) {
        memcpy(text, name.ptr, name.len);
        if (account_find_group(text, gid_out))
            return true;
    }
    return unknown(error, "group", name, "is not in /etc/group: give its number");
}

static bool find_identity(const char *user, struct identity *identity, struct error *error)
{
    struct slice group = slice_from_text(user);
    struct slice name = slice_cut(&group, ':');
    char text[NAME_MAX_LEN + 1] = "";
    bool has_group = group.ptr != NULL;
    if (account_parse_id(name, &identity->uid)) {
        if (!has_group && !account_find_group_of(identity->uid, &identity->gid))
            return unknown(error, "user", name, "is not in /etc/passwd: give UID:GID");
    } else {
        if (name.len == 0 || name.len > NAME_MAX_LEN)
            return unknown(error, "user", name, "is no user name: give NAME, UID or UID:GID");
        memcpy(text, name.ptr, name.len);
        if (!account_find_user(text, &identity->uid, &identity->gid))
            return unknown(error, "user", name, "is not in /etc/passwd: give UID:GID");
    }
    return !has_group || find_group(group, &identity->gid, error);
}

bool confine_find_user(const char *user, uid_t *uid_out, gid_t *gid_out, struct error *error)
{
    struct identity identity;
    if (!find_identity(user, &identity, error))
        return false;
    *uid_out = identity.uid;
    *gid_out = identity.gid;
    return true;
}

static bool is_identity(struct identity identity)
{
    uid_t uids[3];
    gid_t gids[3];
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (uids[i] != identity.uid || gids[i] != identity.gid)
            return false;
    return true;
}

static bool holds_groups(const gid_t *groups, size_t group_count)
{
    gid_t held[1024];
    int held_count = getgroups(ARRAY_LEN(held), held);
    for (size_t i = 0; i < group_count; i++) {
        bool found = groups[i] == getegid();
        for (int j = 0; j < held_count && !found; j++)
            found = held[j] == groups[i];
        if (!found)
            return false;
    }
    return true;
}

/* Only a process with CAP_SETPCAP may; the first capability that does not exist ends the row. */
static bool drop_bounding(struct error *error)
{
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
        if (prctl(PR_CAPBSET_READ, capability) == 0 || prctl(PR_CAPBSET_DROP, capability) == 0)
            continue;
        return errno == EPERM || failed(error, "the capability bounding set cannot be dropped");
    }
    return true;
}

bool confine_drop_user(const char *user, const gid_t *groups, size_t group_count,
                       struct error *error)
{
    struct identity identity;
    if (!find_identity(user, &identity, error))
        return false;
    if (geteuid() != 0) {
        if (is_identity(identity) && holds_groups(groups, group_count))
            return true;
        return error_set_system(
            error, EPERM,
            "only root can become another user: start as root, or leave out --user and "
            "start as that user");
    }
    if (group_count > GROUPS_MAX)
        return error_set_system(error, EINVAL, "at most %d supplementary groups can be kept",
                                GROUPS_MAX);
    if (!drop_bounding(error))
        return false;
    if (setgroups(group_count, groups) != 0)
        return failed(error, "the supplementary groups cannot be set");
    if (setresgid(identity.gid, identity.gid, identity.gid) != 0)
        return failed(error, "the group cannot be changed");
    if (setresuid(identity.uid, identity.uid, identity.uid) != 0)
        return failed(error, "the user cannot be changed");
    if (!is_identity(identity) || (identity.uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)))
        return error_set_system(error, EPERM, "the user was changed but can be changed back");
    return true;
}

bool confine_capabilities(struct error *error)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3];
    if (!drop_bounding(error))
        return false;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return failed(error, "the ambient capabilities cannot be dropped");
    if (syscall(SYS_capset, &header, none) != 0)
        return failed(error, "the capabilities cannot be dropped");
    if (syscall(SYS_capget, &header, left) != 0)
        return failed(error, "the capabilities cannot be read back");
    if (memcmp(left, none, sizeof(none)) != 0)
        return error_set_system(error, EPERM, "capabilities are left after they were dropped");
    return true;
}

bool confine_lock(bool enabled, struct error *error)
{
    error->system_error = 0;
    error->text[0] = '\0';
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed(error, "no-new-privileges cannot be set");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return failed(error, "core dumps cannot be switched off");
#ifdef DOCKREEVE_SANITIZED
    (void)enabled;
    error_set(error, 0, "built with sanitizers: the system call filter is left out");
    return true;
#else
    if (enabled)
        return confine_filter_load(error);
    error_set(error, 0, "the system call filter is switched off");
    return true;
#endif
}
