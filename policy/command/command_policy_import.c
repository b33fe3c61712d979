/* SPDX-License-Identifier: Apache-2.0
 *
 * `policy import`: another program's list as a policy document. Notes go to standard error and,
 * as comments, into the document. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cli/command.h"
#include "base/json_write.h"
#include "base/near_word.h"
#include "policy/command/command_policy.h"
#include "policy/command/commands.h"
#include "policy/import/policy_import.h"

enum {
    FROM,
    GENERATION,
    LIST,
    ANY_CLIENT,
    EXTENDED,
    STAR_INCLUDES_ROOT,
    OUTPUT,
    JSON,
    OPTION_COUNT
};

static const struct option options[OPTION_COUNT] = {
    [FROM] = OPTION_TEXT_ROW(OPTION_TEXT, "from", "tinyproxy|squid|sbx|hosts|domains",
                             "whose file it is; domains: a plain list of hosts"),
    [GENERATION] = OPTION_NUMBER_ROW(OPTION_NUMBER, "generation", "N", NULL, 2, 3,
                                     "sbx: 2 up to v0.34, 3 since v0.35; decides what *.x means"),
    [LIST] = OPTION_TEXT_ROW(OPTION_CHOICE, "list", "allows|denies",
                             "tinyproxy, domains: what a list by itself does"),
    [ANY_CLIENT] =
        OPTION_FLAG_ROW("any-client", "squid: take conditions on the client's address as met"),
    [EXTENDED] = OPTION_FLAG_ROW("extended", "tinyproxy: a list's lines are extended expressions"),
    [STAR_INCLUDES_ROOT] =
        OPTION_FLAG_ROW("star-includes-root", "domains: *.x means x and all below it"),
    [OUTPUT] =
        OPTION_TEXT_ROW(OPTION_TEXT, "output", "FILE",
                        "write the document there instead of to standard output", .letter = 'o'),
    [JSON] = OPTION_FLAG_ROW("json", "document, notes and errors as one JSON object"),
};

static int run(const struct command_call *call);

const struct option_table policy_import_option_table = {
    .command = "policy import",
    .arguments = "FILE",
    .summary =
        "Convert another program's list of hosts into a policy document that permits no more.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve policy import --from tinyproxy /etc/tinyproxy/tinyproxy.conf\n"
                "  dockreeve policy import --from domains --star-includes-root domains.txt\n"
                "  sbx policy ls --wide | dockreeve policy import --from sbx -o imported.yaml -\n",
    .run = run,
};

/* One run: what was made, and what is to be said about it. */
struct conversion {
    const char *file;
    const struct policy_import_source *source;
    struct buffer document;               /* owned */
    struct policy_messages notes, errors; /* owned */
    bool done;
};

static void conversion_clear(struct conversion *conversion)
{
    buffer_free(&conversion->document);
    policy_messages_free(&conversion->notes);
    policy_messages_free(&conversion->errors);
}

static bool read_stream(FILE *in, struct buffer *out)
{
    char chunk[16384];
    for (size_t got; (got = fread(chunk, 1, sizeof(chunk), in)) > 0;)
        buffer_append(out, chunk, got);
    return !ferror(in) && !out->failed;
}

static bool read_path(const char *path, struct buffer *out)
{
    struct stat status;
    AUTO_FCLOSE FILE *in = fopen(path, "re");
    if (in == NULL || fstat(fileno(in), &status) != 0)
        return false;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return false;
    }
    return read_stream(in, out);
}

/* `name` in the folder of the file. */
static const char *beside(const char *file, const char *name, struct buffer *path)
{
    const char *slash = strrchr(file, '/');
    buffer_clear(path);
    buffer_append(path, file, slash == NULL ? 0 : (size_t)(slash - file) + 1);
    buffer_append_text(path, name);
    return buffer_text(path);
}

/* A file that the text names: where it says, or, as settings are often copied to be looked at,
 * under the same last name beside the file itself. */
static bool read_named(void *context, struct slice name, struct buffer *out)
{
    AUTO_FREE char *path = slice_to_text(name);
    AUTO_BUFFER struct buffer other = BUFFER_EMPTY;
    if (name.len == 0 || strlen(path) != name.len)
        return false;
    if (path[0] == '/' && read_path(path, out))
        return true;
    return read_path(beside(context, path[0] == '/' ? strrchr(path, '/') + 1 : path, &other), out);
}

/* The names that match a glob, as read_named() takes them: without the folder that they are looked for in. */
struct matches {
    struct buffer path; /* owned: as far as the pattern was followed */
    size_t folder_len;  /* of the first folder, in path */
    struct buffer *out; /* borrowed: a line a match */
};

static void match_pattern(struct matches *matches, const char *pattern);

/* Goes on to `name`, and to what the rest of the pattern, from its slash on, matches there. */
static void match_name(struct matches *matches, const char *name, const char *rest)
{
    struct buffer *path = &matches->path;
    size_t before = path->len;
    struct stat status;
    buffer_append_text(path, name);
    if (*rest == '/') {
        buffer_append_byte(path, '/');
        match_pattern(matches, rest + 1);
    } else if (lstat(buffer_text(path), &status) == 0) {
        buffer_printf(matches->out, "%s\n", buffer_text(path) + matches->folder_len);
    }
    path->len = before;
}

/* As glob(3), which would bring the users and their homes into the program. */
static void match_pattern(struct matches *matches, const char *pattern)
{
    const char *rest = strchrnul(pattern, '/');
    const char *folder = matches->path.len == 0 ? "." : buffer_text(&matches->path);
    AUTO_FREE char *name = slice_to_text(slice_of(pattern, (size_t)(rest - pattern)));
    if (strpbrk(name, "*?[\\") == NULL) {
        match_name(matches, name, rest);
        return;
    }
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (fnmatch(name, entries[i]->d_name, FNM_PERIOD) == 0)
            match_name(matches, entries[i]->d_name, rest);
        free(entries[i]);
    }
    free(entries);
}

/* From the folder of `file` on; "" for a pattern that begins at the root. */
static bool list_matches(const char *file, const char *pattern, struct buffer *out)
{
    struct matches matches = {.out = out};
    size_t before = out->len;
    (void)beside(file, "", &matches.path);
    matches.folder_len = matches.path.len;
    match_pattern(&matches, pattern);
    buffer_free(&matches.path);
    return out->len > before;
}

/* The files that the text names by a glob: where it says, or beside the file under the last two names,
 * folder and file, or the last. */
static bool list_named(void *context, struct slice name, struct buffer *out)
{
    AUTO_FREE char *pattern = slice_to_text(name);
    if (name.len == 0 || strlen(pattern) != name.len)
        return false;
    if (pattern[0] != '/')
        return list_matches(context, pattern, out);
    char *last = strrchr(pattern, '/'), *before = last;
    while (before > pattern && before[-1] != '/')
        before--;
    return list_matches("", pattern, out) ||
           (before > pattern && list_matches(context, before, out)) ||
           (strpbrk(last, "*?[") == NULL && list_matches(context, last + 1, out));
}

static const struct policy_import_source *find_source(const struct option_value *from)
{
    const struct policy_import_source *source =
        from->given ? policy_import_source_find(slice_from_text(from->text)) : NULL;
    if (source != NULL)
        return source;
    struct near_word near;
    near_word_init(&near, slice_from_text(from->given ? from->text : ""));
    fputs("dockreeve policy import: --from names whose file it is:", stderr);
    for (size_t i = 0; i < policy_import_source_count(); i++) {
        fprintf(stderr, "%s %s", i > 0 ? "," : "", policy_import_source_at(i)->name);
        near_word_offer(&near, policy_import_source_at(i)->name);
    }
    fprintf(stderr, "%s\n", near_word_hint(&near).text);
    return NULL;
}

static int convert(struct conversion *conversion, const struct option_value *values)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct policy_import_input input = {.file = conversion->file,
                                        .generation = (unsigned)values[GENERATION].number,
                                        .any_client = values[ANY_CLIENT].flag,
                                        .extended = values[EXTENDED].flag,
                                        .star_includes_root = values[STAR_INCLUDES_ROOT].flag,
                                        .read_file = read_named,
                                        .list_files = list_named,
                                        .context = (void *)(uintptr_t)conversion->file};
    conversion->source = find_source(&values[FROM]);
    if (conversion->source == NULL)
        return COMMAND_USAGE;
    if (values[LIST].given)
        input.list =
            values[LIST].number == 0 ? POLICY_IMPORT_LIST_ALLOWS : POLICY_IMPORT_LIST_DENIES;
    bool from_stdin = strcmp(conversion->file, "-") == 0;
    if (!(from_stdin ? read_stream(stdin, &text) : read_path(conversion->file, &text)))
        return command_fail("policy import", errno == ENOENT ? COMMAND_NOT_FOUND : COMMAND_FAILED,
                            "%s: %s", conversion->file, strerror(errno));
    input.text = buffer_slice(&text);
    conversion->done = policy_import(conversion->source, &input, &conversion->document,
                                     &conversion->notes, &conversion->errors);
    return conversion->done ? COMMAND_DONE : COMMAND_USAGE;
}

static void write_json(const struct conversion *conversion, struct buffer *out)
{
    json_write_object_begin(out);
    json_write_key_bool(out, "converted", conversion->done);
    json_write_key_text(out, "file", conversion->file);
    json_write_key_text(out, "from", conversion->source->name);
    if (conversion->done)
        json_write_key_string(out, "document", buffer_slice(&conversion->document));
    json_write_key(out, "errors");
    command_policy_write_json(&conversion->errors, out);
    json_write_key(out, "notes");
    command_policy_write_json(&conversion->notes, out);
    json_write_line_end(out);
}

static int run(const struct command_call *call)
{
    const struct option_value *values = call->values;
    if (call->argc != 1)
        return command_fail(call->table->command, COMMAND_USAGE,
                            "name one file, or - for standard input");
    CLEANUP(conversion_clear) struct conversion conversion = {.file = call->argv[0]};
    int code = convert(&conversion, values);
    if (conversion.source == NULL || (!conversion.done && conversion.errors.count == 0))
        return code;
    AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    if (values[JSON].flag) {
        write_json(&conversion, &out);
    } else {
        policy_messages_write_as(&conversion.notes, POLICY_NOTE, &said);
        policy_messages_write_as(&conversion.errors, POLICY_ERROR, &said);
        fputs(buffer_text(&said), stderr);
    }
    if (conversion.done && values[OUTPUT].given &&
        !command_policy_write_file("policy import", values[OUTPUT].text, &conversion.document))
        return COMMAND_FAILED;
    if (!values[JSON].flag && !values[OUTPUT].given)
        buffer_append_slice(&out, buffer_slice(&conversion.document));
    return command_policy_print(&out) ? code : COMMAND_FAILED;
}
