/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "base/path_trust.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/path_walk.h"

struct judging {
    const struct path_trust_rules *rules;
    struct path_trust_fault *fault;
    bool good;
};

bool path_trust_owner(const struct path_trust_rules *rules, uid_t owner)
{
    return owner == 0 || owner == geteuid() ||
           (rules->has_other_user && owner == rules->other_user);
}

static void report(struct judging *judging, enum path_trust_fault_kind kind, const char *folder,
                   const struct stat *status)
{
    judging->good = false;
    judging->fault->kind = kind;
    judging->fault->owner = status->st_uid;
    judging->fault->mode = (unsigned)status->st_mode & 07777;
    snprintf(judging->fault->path, sizeof(judging->fault->path), "%s", folder);
}

/* Whether nobody else can have put it, or take it away, where everybody may make entries. Another
 * name of somebody's file may have been made by anybody (link(2)). */
static bool is_ours_for_sure(const struct path_trust_rules *rules, const struct stat *entry)
{
    return entry == NULL || (path_trust_owner(rules, entry->st_uid) &&
                             (S_ISDIR(entry->st_mode) || entry->st_nlink == 1));
}

static void judge(void *context, const struct path_walk_step *step)
{
    struct judging *judging = context;
    struct stat folder;
    if (!judging->good || stat(step->folder, &folder) != 0)
        return;
    bool sticky = (folder.st_mode & S_ISVTX) != 0 &&
                  (judging->rules->sticky_is_enough || !step->is_last) &&
                  is_ours_for_sure(judging->rules, step->status);
    unsigned others = S_IWOTH;
    if (step->is_last || !judging->rules->group_is_fine_above)
        others |= S_IWGRP;
    if (!path_trust_owner(judging->rules, folder.st_uid))
        report(judging, PATH_TRUST_OWNER, step->folder, &folder);
    else if ((folder.st_mode & others) != 0 && !sticky)
        report(judging, PATH_TRUST_MODE, step->folder, &folder);
}

bool path_trust_check(const char *path, const struct path_trust_rules *rules,
                      struct path_trust_fault *fault_out)
{
    struct judging judging = {rules, fault_out, true};
    (void)path_walk(path, judge, &judging);
    return judging.good;
}
