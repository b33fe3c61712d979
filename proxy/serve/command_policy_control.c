/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy status` and `policy reload`: what the running gate says of itself, and having it read its
 * policy again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/terminal_text.h"
#include "base/timestamp.h"
#include "policy/command/command_policy.h"
#include "policy/command/command_policy_apply.h"
#include "policy/document/policy_paths.h"
#include "proxy/serve/commands.h"
#include "proxy/serve/common_options.h"
#include "proxy/operator/control_client.h"

enum { STATE, JSON, TIMEOUT, OPTION_COUNT, CUT = OPTION_COUNT, RELOAD_OPTION_COUNT };

static const struct option status_options[OPTION_COUNT] = {
    [STATE] = COMMON_OPTION_STATE,
    [JSON] = OPTION_FLAG_ROW("json", "one JSON object"),
    [TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "timeout", "TIME", "5s", 10, 3600000,
                                  "how long to wait for the gate's answer"),
};

static const struct option reload_options[RELOAD_OPTION_COUNT] = {
    [STATE] = COMMON_OPTION_STATE,
    [JSON] = OPTION_FLAG_ROW("json", "one JSON object"),
    [TIMEOUT] = OPTION_NUMBER_ROW(OPTION_DURATION, "timeout", "TIME", "60s", 10, 3600000,
                                  "how long to wait until the policy is loaded or refused"),
    [CUT] = COMMAND_POLICY_CUT,
};

static int status(const struct command_call *call);

const struct option_table policy_status_option_table = {
    .command = "policy status",
    .arguments = "",
    .summary = "Says which policy the running gate obeys, and how its last reload went.",
    .options = status_options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy status\n"
                "  dockreeve policy status --json --state /var/lib/dockreeve-egress\n",
    .run = status,
};

static int reload(const struct command_call *call);

const struct option_table policy_reload_option_table = {
    .command = "policy reload",
    .arguments = "",
    .summary = "Has the running gate read its policy now, and waits for what comes of it.",
    .options = reload_options,
    .option_count = RELOAD_OPTION_COUNT,
    .examples = "  dockreeve policy reload\n"
                "  dockreeve policy validate && dockreeve policy reload --timeout 10s\n"
                "  dockreeve policy reload --cut\n",
    .run = reload,
};

/* ---- texts ---- */

/* Lines "key: value": aligned for people, with a tab otherwise. */
struct sheet {
    struct buffer out;
    bool aligned;
};

enum { KEY_WIDTH = 13 };

/* A time without the fraction of a second: "2026-11-21T08:28:04Z". */
static void append_time(struct slice time, struct buffer *out)
{
    terminal_text_append(out, slice_cut(&time, '.'));
    if (time.ptr != NULL)
        buffer_append_byte(out, 'Z');
}

static void append_span(uint64_t seconds, struct buffer *out)
{
    if (seconds >= 86400)
        buffer_printf(out, "%llud ", (unsigned long long)(seconds / 86400));
    if (seconds >= 3600)
        buffer_printf(out, "%lluh ", (unsigned long long)(seconds / 3600 % 24));
    if (seconds >= 60)
        buffer_printf(out, "%llum ", (unsigned long long)(seconds / 60 % 60));
    buffer_printf(out, "%llus", (unsigned long long)(seconds % 60));
}

/* Appends `form`, in which {path} is the text of a member, {path@} its time and {path~} its span of
 * seconds. Safe for a terminal, whatever the members hold. */
static void append(struct sheet *sheet, const struct json_tree_node *node, const char *form)
{
    for (struct slice rest = slice_from_text(form); rest.ptr != NULL;) {
        char path[64] = "";
        buffer_append_slice(&sheet->out, slice_cut(&rest, '{'));
        if (rest.ptr == NULL)
            return;
        struct slice name = slice_cut(&rest, '}');
        char as = name.ptr[name.len - 1];
        memcpy(path, name.ptr, as == '@' || as == '~' ? name.len - 1 : name.len);
        if (as == '@')
            append_time(json_tree_text(node, path), &sheet->out);
        else if (as == '~')
            append_span(json_tree_u64(node, path), &sheet->out);
        else
            terminal_text_append(&sheet->out, json_tree_text(node, path));
    }
}

static void write_line(struct sheet *sheet, const char *key, const struct json_tree_node *node,
                       const char *form)
{
    if (sheet->aligned)
        buffer_printf(&sheet->out, "%s:%*s", key, KEY_WIDTH - 1 - (int)strlen(key), "");
    else
        buffer_printf(&sheet->out, "%s\t", key);
    append(sheet, node, form);
}

/* "FILE:LINE:COLUMN: TEXT", a line each. */
static void write_messages(const struct json_tree_node *message, const char *indent,
                           struct buffer *out)
{
    static const char *const keys[] = {"file", "line", "column", "text"};
    for (; message != NULL; message = message->next) {
        const char *separator = indent;
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            const struct json_tree_node *value = json_tree_at(message, keys[i]);
            if (value == NULL)
                continue;
            bool last = i + 1 == ARRAY_LEN(keys) && separator != indent;
            buffer_append_text(out, last ? ": " : separator);
            terminal_text_append(out, value->text);
            separator = ":";
        }
        buffer_append_byte(out, '\n');
    }
}

/* ---- status ---- */

/* What has become of a file since it was read, as far as it can be seen from here. */
static const char *change_of(const struct json_tree_node *file)
{
    struct stat status;
    int64_t modified_us = 0;
    AUTO_FREE char *path = slice_to_text(json_tree_text(file, "path"));
    if (path[0] != '/' || !timestamp_parse(json_tree_text(file, "modified"), &modified_us))
        return ""; /* a preset, or where the gate's folder is not known */
    if (stat(path, &status) != 0)
        return errno == ENOENT ? ", gone since" : "";
    int64_t now_us = (int64_t)status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000;
    return now_us == modified_us && (uint64_t)status.st_size == json_tree_u64(file, "bytes")
               ? ""
               : ", changed since";
}

static void write_files(struct sheet *sheet, const struct json_tree_node *file)
{
    for (; file != NULL; file = file->next) {
        if (json_tree_at(file, "modified") == NULL) {
            write_line(sheet, "made of", file, "{path}\n");
            continue;
        }
        write_line(sheet, "file", file, "{path} ({bytes} bytes of {modified@}");
        buffer_printf(&sheet->out, "%s)\n", change_of(file));
    }
}

static void write_clients(struct sheet *sheet, const struct json_tree_node *client)
{
    for (; client != NULL; client = client->next) {
        const struct json_tree_node *place = json_tree_first(client, "listeners");
        write_line(sheet, "client", client, "{name} ({mode})");
        for (const char *separator = " "; place != NULL; place = place->next, separator = ", ") {
            buffer_append_text(&sheet->out, separator);
            terminal_text_append(&sheet->out, place->text);
        }
        buffer_append_byte(&sheet->out, '\n');
    }
}

static void write_last_reload(struct sheet *sheet, const struct json_tree_node *reload)
{
    if (json_tree_is(reload, "ok", JSON_TREE_TRUE)) {
        write_line(sheet, "last reload", reload, "{at@}, good\n");
    } else if (json_tree_is(reload, "ok", JSON_TREE_FALSE)) {
        write_line(sheet, "last reload", reload,
                   "{at@}, REFUSED: the policy above stays in force although its files say "
                   "something else now\n");
        write_messages(json_tree_first(reload, "errors"), "  ", &sheet->out);
    } else {
        write_line(sheet, "last reload", NULL, "none since the start\n");
    }
}

static void write_status(struct sheet *sheet, const struct json_tree_node *status)
{
    write_line(sheet, "gate", status,
               json_tree_is(status, "draining", JSON_TREE_TRUE) ? "stopping" : "running");
    append(sheet, status, ", version {version}, pid {pid}, since {started@} ({uptime_s~})\n");
    write_line(sheet, "policy", status, "{policy.hash}, in force since {policy.loaded_at@}\n");
    write_line(sheet, "rules", json_tree_at(status, "policy"),
               "{docker_rules} docker (default {default.docker}), {network_rules} network (default "
               "{default.network})\n");
    write_files(sheet, json_tree_first(status, "policy.files"));
    write_clients(sheet, json_tree_first(status, "clients"));
    write_last_reload(sheet, json_tree_at(status, "reload"));
    write_line(sheet, "log", status, "{log.path}");
    if (json_tree_is(json_tree_at(status, "log"), "failing", JSON_TREE_TRUE))
        buffer_append_literal(&sheet->out, ", CANNOT BE WRITTEN");
    append(sheet, status, ", records lost: {log.lost}\n");
    write_line(sheet, "requests", json_tree_at(status, "requests"),
               "{allowed} allowed, {denied} denied, {suppressed} more denied without a record "
               "each\n");
    write_line(sheet, "open", json_tree_at(status, "no_longer_allowed"),
               "{streams} streams and {tunnels} tunnels that are not allowed any more\n");
}

/* ---- commands ---- */

/* Returns -1 to go on with the answer, or the exit code. */
static int ask(const struct command_call *call, const char *request, struct json_tree *answer)
{
    struct error error;
    AUTO_FREE char *folder = option_text_or(&call->values[STATE], policy_path_state);
    if (control_client_ask(folder, request, call->values[TIMEOUT].number, answer, &error))
        return -1;
    return command_fail(call->table->command, error.exit_code, "%s", error.text);
}

static bool print_json(struct json_tree *answer)
{
    buffer_append_byte(&answer->source, '\n');
    return command_policy_print(&answer->source);
}

static int status(const struct command_call *call)
{
    AUTO_JSON_TREE struct json_tree answer = {.root = NULL};
    int code = ask(call, "status", &answer);
    if (code >= 0)
        return code;
    if (call->values[JSON].flag)
        return print_json(&answer) ? COMMAND_DONE : COMMAND_FAILED;
    struct sheet sheet = {.out = BUFFER_EMPTY, .aligned = isatty(STDOUT_FILENO)};
    write_status(&sheet, answer.root);
    bool good = command_policy_print(&sheet.out);
    buffer_free(&sheet.out);
    return good ? COMMAND_DONE : COMMAND_FAILED;
}

/* What the answer says in words: errors and notices to standard error. */
static bool print_reload(const struct json_tree_node *answer, bool ok)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY, told = BUFFER_EMPTY;
    struct policy_applied applied;
    struct slice hash = json_tree_text(answer, "policy");
    write_messages(json_tree_first(answer, ok ? "notices" : "errors"), "", &told);
    command_policy_read_open(answer, &applied);
    command_policy_write_open(&applied, &told);
    if (ok)
        buffer_printf(&out, "policy %.*s is in force%s\n", (int)hash.len, hash.ptr,
                      json_tree_is(answer, "unchanged", JSON_TREE_TRUE)
                          ? "; it decides as the one before"
                          : "");
    else
        fprintf(stderr, "dockreeve policy reload: refused, policy %.*s stays in force\n",
                (int)hash.len, hash.ptr);
    fputs(buffer_text(&told), stderr);
    return command_policy_print(&out);
}

static int reload(const struct command_call *call)
{
    AUTO_JSON_TREE struct json_tree answer = {.root = NULL};
    int code = ask(call, call->values[CUT].flag ? "reload cut" : "reload", &answer);
    if (code >= 0)
        return code;
    bool ok = json_tree_is(answer.root, "ok", JSON_TREE_TRUE);
    if (!(call->values[JSON].flag ? print_json(&answer) : print_reload(answer.root, ok)))
        return COMMAND_FAILED;
    return ok ? COMMAND_DONE : COMMAND_USAGE;
}
