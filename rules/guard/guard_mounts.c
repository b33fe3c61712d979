/* SPDX-License-Identifier: Apache-2.0
 *
 * What of the host's files a container sees, and where in it something is mounted.
 *
 * `binds` lists folders: `/srv/projects` is that folder and nothing in it, `/srv/projects/`+`*` whatever
 * stands right in it; `:ro` behind either admits it read-only. A source has one spelling, and no part
 * of it below the listed folder is a link: the engine resolves it once more, and must come to the same
 * place. Deeper places are not offered: who may write a folder could put a link there. */
#include "rules/guard/guard_case.h"

#include "base/attributes.h"

static const char bind_line[] = "binds: [%s]";

/* ---- paths ---- */

/* Absolute, without empty parts and dots; "/" is clean too. */
static bool is_clean(struct slice path)
{
    struct slice rest = path;
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    (void)slice_cut(&rest, '/');
    if (rest.len == 0)
        return true;
    while (rest.ptr != NULL) {
        struct slice part = slice_cut(&rest, '/');
        if (part.len == 0 || slice_equal_text(part, ".") || slice_equal_text(part, ".."))
            return false;
    }
    return true;
}

static bool is_at_or_below(struct slice path, const char *folder)
{
    struct slice above = slice_from_text(folder);
    return slice_starts_with(path, above) && (path.len == above.len || path.ptr[above.len] == '/');
}

/* Mounts there redirect what the runtime itself writes (CVE-2025-31133 and others). */
static void judge_target(struct guard_case *c, const struct json_tree_node *node,
                         struct slice target)
{
    static const char *const folders[] = {"/proc", "/sys", "/dev"};
    bool bad = !is_clean(target) || target.len == 1;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        bad = bad || is_at_or_below(target, folders[i]);
    if (bad && !slice_equal_text(target, "/dev/shm"))
        guard_case_refuse_text(c, GUARD_BINDS, node, target,
                               "nothing may be mounted at %s: targets are clean absolute paths, "
                               "not /, /proc, /sys, /dev or anything below",
                               NULL);
}

/* ---- sources ---- */

/* An entry of `binds` taken apart. */
struct entry {
    struct slice folder;
    bool inside, read_only;
};

static struct entry entry_of(struct slice text)
{
    struct entry entry = {.folder = text};
    entry.read_only = slice_ends_with(text, SLICE_LITERAL(":ro"));
    if (entry.read_only)
        entry.folder.len -= 3;
    entry.inside = slice_ends_with(entry.folder, SLICE_LITERAL("/*"));
    if (entry.inside)
        entry.folder.len -= 2;
    return entry;
}

static bool entry_covers(const struct entry *entry, struct slice source)
{
    if (!entry->inside)
        return slice_equal(entry->folder, source);
    if (source.len <= entry->folder.len + 1 || !slice_starts_with(source, entry->folder) ||
        source.ptr[entry->folder.len] != '/')
        return false;
    size_t behind = entry->folder.len + 1;
    return memchr(source.ptr + behind, '/', source.len - behind) == NULL;
}

static void judge_source(struct guard_case *c, const struct json_tree_node *node,
                         struct slice source, bool read_only)
{
    const struct guard_value *value = &c->set->values[GUARD_BINDS];
    bool only_read = false;
    const char *why = "the host's files cannot be seen from here";
    if (value->any)
        return;
    for (size_t i = 0; i < value->count && is_clean(source); i++) {
        struct entry entry = entry_of(value->items[i].text);
        if (!entry_covers(&entry, source))
            continue;
        if (entry.read_only && !read_only) {
            only_read = true;
            continue;
        }
        if (c->host_path != NULL && c->host_path(c->context, entry.folder, source, &why))
            return;
        guard_case_refuse_text(
            c, GUARD_BINDS, node, slice_from_text(why),
            "the listed source cannot be mounted: %s (a gate in a container needs "
            "the listed folder mounted read-only at the same path)",
            NULL);
        return;
    }
    if (only_read)
        guard_case_refuse_text(c, GUARD_BINDS, node, source,
                               "%s may be mounted read-only, and is asked for to be written",
                               bind_line);
    else
        guard_case_refuse_text(c, GUARD_BINDS, node, source, "it mounts %s of the host", bind_line);
}

/* ---- Binds ---- */

static bool is_mode_harmless(struct slice mode)
{
    static const char *const harmless[] = {"rw",        "ro",         "nocopy",  "cached",
                                           "delegated", "consistent", "private", "rprivate"};
    return slice_find(mode, harmless, ARRAY_LEN(harmless)) < ARRAY_LEN(harmless);
}

static void judge_bind(struct guard_case *c, const struct json_tree_node *node)
{
    struct slice rest = node->text, first = slice_cut(&rest, ':');
    struct slice target = rest.ptr == NULL ? first : slice_cut(&rest, ':');
    bool read_only = false;
    while (rest.ptr != NULL && rest.len > 0) {
        struct slice mode = slice_cut(&rest, ',');
        read_only = read_only || slice_equal_text(mode, "ro");
        if (!is_mode_harmless(mode))
            guard_case_refuse_text(c, GUARD_BINDS, node, mode,
                                   "the mode %s shares or relabels files of the host", NULL);
    }
    judge_target(c, node, target);
    bool is_bind = first.ptr != target.ptr && first.len > 0 && first.ptr[0] == '/';
    if (is_bind)
        judge_source(c, node, first, read_only);
}

/* ---- Mounts ---- */

static void judge_bind_options(struct guard_case *c, const struct json_tree_node *options)
{
    struct slice propagation = json_tree_text(options, "Propagation");
    if (propagation.len > 0 && !slice_equal_text(propagation, "rprivate") &&
        !slice_equal_text(propagation, "private"))
        guard_case_refuse_text(c, GUARD_BINDS, options, propagation,
                               "the propagation %s reaches the host", NULL);
    if (json_tree_is(options, "CreateMountpoint", JSON_TREE_TRUE))
        guard_case_refuse(c, GUARD_BINDS, options, "it makes folders of the host", NULL);
}

static void judge_mount(struct guard_case *c, const struct json_tree_node *mount)
{
    static const char *const kinds[] = {"volume", "tmpfs", "image"};
    struct slice kind = json_tree_text(mount, "Type"), source = json_tree_text(mount, "Source");
    bool read_only = json_tree_is(mount, "ReadOnly", JSON_TREE_TRUE) &&
                     !json_tree_is(mount, "BindOptions.ReadOnlyNonRecursive", JSON_TREE_TRUE);
    judge_target(c, mount, json_tree_text(mount, "Target"));
    if (slice_equal_text(kind, "bind"))
        judge_source(c, mount, source, read_only);
    else if (slice_find(kind, kinds, ARRAY_LEN(kinds)) == ARRAY_LEN(kinds))
        guard_case_refuse_text(c, GUARD_BINDS, mount, kind, "mounts of the type %s are not taken",
                               NULL);
    if (json_tree_at(mount, "BindOptions") != NULL)
        judge_bind_options(c, json_tree_at(mount, "BindOptions"));
}

void guard_binds(struct guard_case *c, const struct json_tree_node *node)
{
    if (guard_key_is(node, "Binds")) {
        for (const struct json_tree_node *each = node->first; each != NULL; each = each->next)
            judge_bind(c, each);
    } else if (guard_key_is(node, "Mounts")) {
        for (const struct json_tree_node *each = node->first; each != NULL; each = each->next)
            judge_mount(c, each);
    } else if (guard_key_is(node, "WorkingDir") || guard_key_is(node, "Dir")) {
        if (slice_starts_with(node->text, SLICE_LITERAL("/proc")))
            guard_case_refuse(c, GUARD_BINDS, node,
                              "a working directory under /proc can lead out of the container",
                              NULL);
    } else if (guard_key_is(node, "VolumesFrom")) {
        if (!c->set->values[GUARD_BINDS].any)
            guard_case_refuse(c, GUARD_BINDS, node,
                              "it mounts what another container has mounted; name the volumes",
                              NULL);
    } else if (guard_key_is(node, "CheckpointDir") || guard_key_is(node, "CheckpointID")) {
        if (!c->set->values[GUARD_BINDS].any)
            guard_case_refuse(c, GUARD_BINDS, node, "a checkpoint is a path of the host", NULL);
    } /* else: a part of a mount, judged with the whole */
}

/* ---- volumes, tmpfs ---- */

static void take_driver(struct guard_case *c, const struct json_tree_node *node,
                        struct slice driver)
{
    if (!guard_set_permits(c->set, GUARD_VOLUMES, driver))
        guard_case_refuse_text(c, GUARD_VOLUMES, node, driver,
                               "with options, or of another driver, a volume can be any place of "
                               "the host or of the network (driver %s)",
                               "volumes: [%s]");
}

/* The driver that options are for: that of the volume, or of a mount's DriverConfig. */
static struct slice driver_of(const struct json_tree_node *options)
{
    struct slice name =
        json_tree_text(options->parent, guard_key_is(options, "DriverOpts") ? "Driver" : "Name");
    return name.len > 0 ? name : SLICE_LITERAL("local");
}

/* A volume with options is what they say: a bind of any folder, a device, a share. */
void guard_volumes(struct guard_case *c, const struct json_tree_node *node)
{
    bool names_driver = guard_key_is(node, "Driver") || guard_key_is(node, "VolumeDriver") ||
                        (guard_key_is(node, "Name") && guard_key_is(node->parent, "DriverConfig"));
    if (guard_key_is(node, "DriverOpts") || guard_key_is(node, "Options") ||
        guard_key_is(node, "StorageOpt"))
        take_driver(c, node, driver_of(node));
    else if (names_driver && !slice_equal_text(node->text, "local"))
        take_driver(c, node, node->text);
    else if (guard_key_is(node, "ClusterVolumeSpec") || guard_key_is(node, "Spec"))
        take_driver(c, node, SLICE_LITERAL("cluster"));
    else if (guard_key_is(node, "Subpath") &&
             (node->text.ptr[0] == '/' || memmem(node->text.ptr, node->text.len, "..", 2) != NULL))
        guard_case_refuse(c, GUARD_VOLUMES, node, "the subpath %s leads out of the volume", NULL);
}

static void judge_tmpfs_options(struct guard_case *c, const struct json_tree_node *node,
                                struct slice options)
{
    static const char *const risky[] = {"exec", "suid", "dev"};
    while (options.ptr != NULL && options.len > 0) {
        struct slice option = slice_cut(&options, ',');
        if (slice_find(option, risky, ARRAY_LEN(risky)) < ARRAY_LEN(risky) &&
            !guard_set_permits(c->set, GUARD_TMPFS, option))
            guard_case_refuse_text(c, GUARD_TMPFS, node, option, "it mounts a tmpfs with %s",
                                   "tmpfs: [%s]");
    }
}

void guard_tmpfs(struct guard_case *c, const struct json_tree_node *node)
{
    if (guard_key_is(node, "Tmpfs")) {
        for (const struct json_tree_node *each = node->first; each != NULL; each = each->next) {
            judge_target(c, each, each->key);
            judge_tmpfs_options(c, each, each->text);
        }
    } else if (guard_key_is(node, "Options")) {
        for (const struct json_tree_node *pair = node->first; pair != NULL; pair = pair->next) {
            if (pair->first != NULL)
                judge_tmpfs_options(c, pair, pair->first->text);
        }
    }
}
