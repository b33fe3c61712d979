/* SPDX-License-Identifier: Apache-2.0
 *
 * `dockreeve version`: which build this is, and of which libraries. A static binary carries its
 * libraries inside, so that this is the only place where somebody can look up what a security
 * notice is about. */
#include "config.h"

#include <event2/event.h>
#include <http_parser.h>
#include <pcre2.h>
#include <seccomp.h>
#include <stdio.h>
#include <yaml.h>

#include "base/buffer.h"
#include "base/cli/command.h"
#include "base/json_write.h"
#include "proxy/serve/commands.h"

enum { JSON, OPTION_COUNT };

static const struct option options[OPTION_COUNT] = {
    [JSON] = OPTION_FLAG_ROW("json", "print one JSON object, with libraries"),
};

static int run(const struct command_call *call);

const struct option_table version_option_table = {
    .command = "version",
    .arguments = "",
    .summary = "Prints the version.",
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = "  dockreeve version\n"
                "  dockreeve version --json\n",
    .run = run,
};

static void write_libraries(struct buffer *out)
{
    char text[64] = "";
    unsigned long parser = http_parser_version();
    const struct scmp_version *seccomp = seccomp_version();
    json_write_key_object(out, "libraries");
    snprintf(text, sizeof(text), "%lu.%lu.%lu", (parser >> 16) & 255, (parser >> 8) & 255,
             parser & 255);
    json_write_key_text(out, "http-parser", text);
    json_write_key_text(out, "libevent", event_get_version());
    if (seccomp != NULL) {
        snprintf(text, sizeof(text), "%u.%u.%u", seccomp->major, seccomp->minor, seccomp->micro);
        json_write_key_text(out, "libseccomp", text);
    }
    json_write_key_text(out, "libyaml", yaml_get_version_string());
    pcre2_config(PCRE2_CONFIG_VERSION, text);
    json_write_key_text(out, "pcre2", text);
    json_write_object_end(out);
}

static int run(const struct command_call *call)
{
    if (!call->values[JSON].flag) {
        puts("dockreeve " PACKAGE_VERSION);
        return COMMAND_DONE;
    }
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    json_write_object_begin(&out);
    json_write_key_text(&out, "version", PACKAGE_VERSION);
    write_libraries(&out);
    json_write_key_object(&out, "seccomp");
    json_write_key_u64(&out, "api", seccomp_api_get());
    json_write_object_end(&out);
    json_write_object_end(&out);
    puts(buffer_text(&out));
    return COMMAND_DONE;
}
