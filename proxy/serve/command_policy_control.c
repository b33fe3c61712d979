/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy status` and `policy reload`: what the running gate says of itself, and having it read its
 * policy again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cli/command.h"
#include "base/json_value.h"
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
    [JSON] = {.name = "json", .type = OPTION_FLAG, .help = "one JSON object"},
    [TIMEOUT] = {.name = "timeout",
                 .type = OPTION_DURATION,
                 .argument = "TIME",
                 .initial = "5s",
                 .min = 10,
                 .max = 3600000,
                 .help = "how long to wait for the gate's answer"},
};

static const struct option reload_options[RELOAD_OPTION_COUNT] = {
    [STATE] = COMMON_OPTION_STATE,
    [JSON] = {.name = "json", .type = OPTION_FLAG, .help = "one JSON object"},
    [TIMEOUT] = {.name = "timeout",
                 .type = OPTION_DURATION,
                 .argument = "TIME",
                 .initial = "60s",
                 .min = 10,
                 .max = 3600000,
                 .help = "how long to wait until the policy is loaded or refused"},
    [CUT] = COMMAND_POLICY_CUT,
};

const struct option_table policy_status_option_table = {
    .command = "policy status",
    .arguments = "",
    .summary = "Says which policy the running gate obeys, and how its last reload went.",
    .options = status_options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy status\n"
                "  dockreeve policy status --json --state /var/lib/dockreeve-egress\n",
};

const struct option_table policy_reload_option_table = {
    .command = "policy reload",
    .arguments = "",
    .summary = "Has the running gate read its policy now, and waits for what comes of it.",
    .options = reload_options,
    .option_count = RELOAD_OPTION_COUNT,
    .examples = "  dockreeve policy reload\n"
                "  dockreeve policy validate && dockreeve policy reload --timeout 10s\n"
                "  dockreeve policy reload --cut\n",
};

/* ---- texts ---- */

/* Lines "key: value": aligned for people, with a tab otherwise. */
struct sheet {
    struct buffer out;
    bool aligned;
};

enum { KEY_WIDTH = 13 };

static void begin_line(struct sheet *sheet, const char *key)
{
    buffer_append_text(&sheet->out, key);
    if (!sheet->aligned) {
        buffer_append_byte(&sheet->out, '\t');
        return;
    }
    buffer_append_byte(&sheet->out, ':');
    for (size_t width = strlen(key) + 1; width < KEY_WIDTH; width++)
        buffer_append_byte(&sheet->out, ' ');
}

static void end_line(struct sheet *sheet)
{
    buffer_append_byte(&sheet->out, '\n');
}

/* The member as text that is safe for a terminal. */
static void append(struct sheet *sheet, struct slice object, const char *key)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    json_value_append(json_value_member(object, key), &text);
    terminal_text_append(&sheet->out, buffer_slice(&text));
}

/* A time without the fraction of a second: "2026-11-21T08:28:04Z". */
static void append_time(struct sheet *sheet, struct slice object, const char *key)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    json_value_append(json_value_member(object, key), &text);
    struct slice fraction = buffer_slice(&text);
    terminal_text_append(&sheet->out, slice_cut(&fraction, '.'));
    if (fraction.ptr != NULL)
        buffer_append_byte(&sheet->out, 'Z');
}

static void append_span(struct sheet *sheet, struct slice object, const char *key)
{
    uint64_t seconds;
    if (!slice_to_u64(json_value_member(object, key), &seconds))
        return;
    if (seconds >= 86400)
        buffer_printf(&sheet->out, "%llud ", (unsigned long long)(seconds / 86400));
    if (seconds >= 3600)
        buffer_printf(&sheet->out, "%lluh ", (unsigned long long)(seconds / 3600 % 24));
    if (seconds >= 60)
        buffer_printf(&sheet->out, "%llum ", (unsigned long long)(seconds / 60 % 60));
    buffer_printf(&sheet->out, "%llus", (unsigned long long)(seconds % 60));
}

/* "FILE:LINE:COLUMN: TEXT", a line each. */
static void write_messages(struct slice list, const char *indent, struct buffer *out)
{
    struct json_reader elements = json_value_elements(list);
    for (struct slice each; (each = json_value_next(&elements)).ptr != NULL;) {
        static const char *const keys[] = {"file", "line", "column", "text"};
        bool first = true;
        buffer_append_text(out, indent);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            struct slice value = json_value_member(each, keys[i]);
            AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
            if (value.ptr == NULL)
                continue;
            json_value_append(value, &text);
            if (!first)
                buffer_append_text(out, i + 1 == ARRAY_LEN(keys) ? ": " : ":");
            terminal_text_append(out, buffer_slice(&text));
            first = false;
        }
        buffer_append_byte(out, '\n');
    }
}

/* ---- status ---- */

/* What has become of a file since it was read, as far as it can be seen from here. */
static const char *change_of(const char *path, struct slice file)
{
    struct stat status;
    uint64_t bytes = 0;
    int64_t modified_us = 0;
    AUTO_BUFFER struct buffer modified = BUFFER_EMPTY;
    json_value_append(json_value_member(file, "modified"), &modified);
    if (path[0] != '/' || !timestamp_parse(buffer_slice(&modified), &modified_us) ||
        !slice_to_u64(json_value_member(file, "bytes"), &bytes))
        return ""; /* a preset, or where the gate's folder is not known */
    if (stat(path, &status) != 0)
        return errno == ENOENT ? ", gone since" : "";
    int64_t now_us = (int64_t)status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000;
    return now_us == modified_us && (uint64_t)status.st_size == bytes ? "" : ", changed since";
}

static void write_files(struct sheet *sheet, struct slice policy)
{
    struct json_reader elements = json_value_elements(json_value_member(policy, "files"));
    for (struct slice file; (file = json_value_next(&elements)).ptr != NULL;) {
        AUTO_BUFFER struct buffer path = BUFFER_EMPTY;
        json_value_append(json_value_member(file, "path"), &path);
        bool dated = json_value_member(file, "modified").ptr != NULL;
        begin_line(sheet, dated ? "file" : "made of");
        append(sheet, file, "path");
        if (dated) {
            buffer_append_literal(&sheet->out, " (");
            append(sheet, file, "bytes");
            buffer_append_literal(&sheet->out, " bytes of ");
            append_time(sheet, file, "modified");
            buffer_append_text(&sheet->out, change_of(buffer_text(&path), file));
            buffer_append_byte(&sheet->out, ')');
        }
        end_line(sheet);
    }
}

static void write_clients(struct sheet *sheet, struct slice status)
{
    struct json_reader elements = json_value_elements(json_value_member(status, "clients"));
    for (struct slice client; (client = json_value_next(&elements)).ptr != NULL;) {
        begin_line(sheet, "client");
        append(sheet, client, "name");
        buffer_append_literal(&sheet->out, " (");
        append(sheet, client, "mode");
        buffer_append_literal(&sheet->out, ")");
        struct json_reader places = json_value_elements(json_value_member(client, "listeners"));
        const char *separator = " ";
        for (struct slice place; (place = json_value_next(&places)).ptr != NULL;) {
            AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
            json_value_append(place, &text);
            buffer_append_text(&sheet->out, separator);
            terminal_text_append(&sheet->out, buffer_slice(&text));
            separator = ", ";
        }
        end_line(sheet);
    }
}

static void write_last_reload(struct sheet *sheet, struct slice status)
{
    struct slice reload = json_value_member(status, "reload");
    begin_line(sheet, "last reload");
    if (slice_equal_text(reload, "null")) {
        buffer_append_literal(&sheet->out, "none since the start\n");
    } else if (json_value_is_true(json_value_member(reload, "ok"))) {
        append_time(sheet, reload, "at");
        buffer_append_literal(&sheet->out, ", good\n");
    } else {
        append_time(sheet, reload, "at");
        buffer_append_literal(&sheet->out, ", REFUSED: the policy above stays in force although "
                                           "its files say something else now\n");
        write_messages(json_value_member(reload, "errors"), "  ", &sheet->out);
    }
}

static void write_gate(struct sheet *sheet, struct slice status)
{
    begin_line(sheet, "gate");
    buffer_append_text(&sheet->out, json_value_is_true(json_value_member(status, "draining"))
                                        ? "stopping, version "
                                        : "running, version ");
    append(sheet, status, "version");
    buffer_append_literal(&sheet->out, ", pid ");
    append(sheet, status, "pid");
    buffer_append_literal(&sheet->out, ", since ");
    append_time(sheet, status, "started");
    buffer_append_literal(&sheet->out, " (");
    append_span(sheet, status, "uptime_s");
    buffer_append_literal(&sheet->out, ")\n");
}

static void write_policy(struct sheet *sheet, struct slice policy)
{
    struct slice defaults = json_value_member(policy, "default");
    begin_line(sheet, "policy");
    append(sheet, policy, "hash");
    buffer_append_literal(&sheet->out, ", in force since ");
    append_time(sheet, policy, "loaded_at");
    end_line(sheet);
    begin_line(sheet, "rules");
    append(sheet, policy, "docker_rules");
    buffer_append_literal(&sheet->out, " docker (default ");
    append(sheet, defaults, "docker");
    buffer_append_literal(&sheet->out, "), ");
    append(sheet, policy, "network_rules");
    buffer_append_literal(&sheet->out, " network (default ");
    append(sheet, defaults, "network");
    buffer_append_literal(&sheet->out, ")\n");
    write_files(sheet, policy);
}

static void write_rest(struct sheet *sheet, struct slice status)
{
    struct slice log = json_value_member(status, "log");
    struct slice requests = json_value_member(status, "requests");
    begin_line(sheet, "log");
    append(sheet, log, "path");
    if (json_value_is_true(json_value_member(log, "failing")))
        buffer_append_literal(&sheet->out, ", CANNOT BE WRITTEN");
    buffer_append_literal(&sheet->out, ", records lost: ");
    append(sheet, log, "lost");
    end_line(sheet);
    begin_line(sheet, "requests");
    append(sheet, requests, "allowed");
    buffer_append_literal(&sheet->out, " allowed, ");
    append(sheet, requests, "denied");
    buffer_append_literal(&sheet->out, " denied, ");
    append(sheet, requests, "suppressed");
    buffer_append_literal(&sheet->out, " more denied without a record each\n");
}

/* What was let open before, and the policy would not let open now. */
static void write_open(struct sheet *sheet, struct slice status)
{
    struct slice open = json_value_member(status, "no_longer_allowed");
    begin_line(sheet, "open");
    append(sheet, open, "streams");
    buffer_append_literal(&sheet->out, " streams and ");
    append(sheet, open, "tunnels");
    buffer_append_literal(&sheet->out, " tunnels that are not allowed any more\n");
}

/* ---- commands ---- */

/* Returns -1 to go on with the answer, or the exit code. */
static int ask(const struct option_table *table, const struct option_value *values,
               const char *request, struct buffer *answer)
{
    struct error error;
    AUTO_FREE char *folder = values[STATE].given
                                 ? slice_to_text(slice_from_text(values[STATE].text))
                                 : policy_path_state();
    if (control_client_ask(folder, request, values[TIMEOUT].number, answer, &error))
        return -1;
    fprintf(stderr, "dockreeve %s: %s\n", table->command, error.text);
    return error.code;
}

static bool print_json(struct buffer *answer)
{
    buffer_append_byte(answer, '\n');
    return command_policy_print(answer);
}

int command_policy_status(int argc, char **argv)
{
    struct option_value values[OPTION_COUNT];
    AUTO_BUFFER struct buffer answer = BUFFER_EMPTY;
    int code = command_begin(&policy_status_option_table, values, &argc, argv);
    if (code < 0)
        code = ask(&policy_status_option_table, values, "status", &answer);
    if (code >= 0)
        return code;
    if (values[JSON].flag)
        return print_json(&answer) ? COMMAND_DONE : COMMAND_FAILED;
    struct sheet sheet = {.out = BUFFER_EMPTY, .aligned = isatty(STDOUT_FILENO)};
    struct slice status = buffer_slice(&answer);
    write_gate(&sheet, status);
    write_policy(&sheet, json_value_member(status, "policy"));
    write_clients(&sheet, status);
    write_last_reload(&sheet, status);
    write_rest(&sheet, status);
    write_open(&sheet, status);
    bool good = command_policy_print(&sheet.out);
    buffer_free(&sheet.out);
    return good ? COMMAND_DONE : COMMAND_FAILED;
}

/* What the answer says in words: errors and notices to standard error. */
static bool print_reload(struct slice answer, bool ok)
{
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY, told = BUFFER_EMPTY, hash = BUFFER_EMPTY;
    struct policy_applied applied;
    write_messages(json_value_member(answer, ok ? "notices" : "errors"), "", &told);
    json_value_append(json_value_member(answer, "policy"), &hash);
    command_policy_read_open(answer, &applied);
    command_policy_write_open(&applied, &told);
    if (ok)
        buffer_printf(&out, "policy %s is in force%s\n", buffer_text(&hash),
                      json_value_is_true(json_value_member(answer, "unchanged"))
                          ? "; it decides as the one before"
                          : "");
    else
        fprintf(stderr, "dockreeve policy reload: refused, policy %s stays in force\n",
                buffer_text(&hash));
    fputs(buffer_text(&told), stderr);
    return command_policy_print(&out);
}

int command_policy_reload(int argc, char **argv)
{
    struct option_value values[RELOAD_OPTION_COUNT];
    AUTO_BUFFER struct buffer answer = BUFFER_EMPTY;
    int code = command_begin(&policy_reload_option_table, values, &argc, argv);
    if (code < 0)
        code = ask(&policy_reload_option_table, values, values[CUT].flag ? "reload cut" : "reload",
                   &answer);
    if (code >= 0)
        return code;
    bool ok = json_value_is_true(json_value_member(buffer_slice(&answer), "ok"));
    bool printed =
        values[JSON].flag ? print_json(&answer) : print_reload(buffer_slice(&answer), ok);
    if (!printed)
        return COMMAND_FAILED;
    return ok ? COMMAND_DONE : COMMAND_USAGE;
}
