/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies in the form in which the engine is sent them, and those that no form can save. */
#include "rules/guard/body.h"

#include <criterion/criterion.h>

static const struct taken_row {
    const char *name;
    enum docker_operation operation;
    const char *text, *sent, *dropped;
} taken_rows[] = {
    {"nothing", DOCKER_CONTAINER_CREATE, "", "", ""},
    {"an empty object", DOCKER_CONTAINER_CREATE, " { } ", "{}", ""},
    {"an ordinary create", DOCKER_CONTAINER_CREATE,
     "{\"Image\":\"busybox\", \"Cmd\":[\"a\",\"b\"],\"HostConfig\":{\"Memory\":1}}",
     "{\"Image\":\"busybox\",\"Cmd\":[\"a\",\"b\"],\"HostConfig\":{\"Memory\":1}}", ""},
    {"one text for a list", DOCKER_CONTAINER_CREATE,
     "{\"Cmd\":\"x\",\"HostConfig\":{\"CapAdd\":\"ALL\"}}",
     "{\"Cmd\":[\"x\"],\"HostConfig\":{\"CapAdd\":[\"ALL\"]}}", ""},
    {"null, absent and [] stay three things", DOCKER_CONTAINER_CREATE,
     "{\"HostConfig\":{\"MaskedPaths\":null,\"ReadonlyPaths\":[]}}",
     "{\"HostConfig\":{\"MaskedPaths\":null,\"ReadonlyPaths\":[]}}", ""},
    {"numbers keep their digits", DOCKER_CONTAINER_CREATE,
     "{\"HostConfig\":{\"Memory\":9223372036854775807,\"ShmSize\":-0}}",
     "{\"HostConfig\":{\"Memory\":9223372036854775807,\"ShmSize\":-0}}", ""},
    {"keys that are data stay (J02)", DOCKER_CONTAINER_CREATE,
     "{\"Labels\":{\"a\":\"1\",\"A\":\"2\",\"Ima\\u017fe\":null}}",
     "{\"Labels\":{\"a\":\"1\",\"A\":\"2\",\"Ima\xc5\xbf"
     "e\":null}}",
     ""},
    {"escapes in keys (J03)", DOCKER_CONTAINER_CREATE, "{\"\\u0049mage\":\"\\u0062\"}",
     "{\"Image\":\"b\"}", ""},
    {"unknown fields that say nothing", DOCKER_CONTAINER_CREATE,
     "{\"A\":null,\"B\":false,\"C\":-0.0e9,\"D\":\"\",\"E\":[],\"F\":{},\"HostConfig\":{\"G\":0},"
     "\"Image\":\"x\"}",
     "{\"HostConfig\":{},\"Image\":\"x\"}", "A,B,C,D,E,F,HostConfig.G"},
    {"fields that no engine acts on", DOCKER_CONTAINER_EXEC,
     "{\"Detach\":true,\"Container\":\"x\",\"Cmd\":[\"id\"]}", "{\"Cmd\":[\"id\"]}",
     "Detach,Container"},
    {"parameters of the query (dockerode)", DOCKER_IMAGE_COMMIT,
     "{\"repo\":\"a\",\"container\":\"x\",\"Cmd\":[]}", "{\"Cmd\":[]}", "repo,container"},
    {"what dockerode says of a stream", DOCKER_EXEC_START,
     "{\"hijack\":true,\"stdin\":true,\"Tty\":false}", "{\"Tty\":false}", "hijack,stdin"},
    {"an older spelling", DOCKER_CONTAINER_UPDATE, "{\"NanoCPUs\":5}", "{\"NanoCpus\":5}", ""},
    {"docker-py's spelling", DOCKER_CONTAINER_CREATE,
     "{\"HostConfig\":{\"CPURealtimePeriod\":1,\"CPURealtimeRuntime\":2}}",
     "{\"HostConfig\":{\"CpuRealtimePeriod\":1,\"CpuRealtimeRuntime\":2}}", ""},
    {"docker-py's spelling of an exec", DOCKER_CONTAINER_EXEC, "{\"detachKeys\":\"ctrl-p\"}",
     "{\"DetachKeys\":\"ctrl-p\"}", ""},
    {"docker-py's place of a runtime", DOCKER_CONTAINER_CREATE, "{\"Runtime\":\"runc\"}",
     "{\"Runtime\":\"runc\"}", ""},
    {"null where the CLI sends it", DOCKER_IMAGE_COMMIT, "null\n", "null", ""},
    {"a list at the top", DOCKER_PLUGIN_SET, "[\"A=b\"]", "[\"A=b\"]", ""},
    {"a publish of any port", DOCKER_CONTAINER_CREATE,
     "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":null,\"81/tcp\":[{\"HostPort\":\"\"}]}}}",
     "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":null,\"81/tcp\":[{\"HostPort\":\"\"}]}}}", ""},
};

Test(body, is_written_as_it_was_judged)
{
    for (size_t i = 0; i < ARRAY_LEN(taken_rows); i++) {
        const struct taken_row *row = &taken_rows[i];
        struct error error;
        AUTO_BODY struct body body;
        AUTO_BUFFER struct buffer sent = BUFFER_EMPTY;
        cr_assert(body_read(&body, row->operation, 41, slice_from_text(row->text), &error),
                  "%s: %s", row->name, error.text);
        body_write(&body, &sent);
        cr_expect_str_eq(buffer_text(&sent), row->sent, "%s: %s", row->name, buffer_text(&sent));
        for (size_t at = 0; at < body.dropped.len; at++) {
            if (body.dropped.data[at] == '\0')
                body.dropped.data[at] = ',';
        }
        cr_expect_str_eq(buffer_text(&body.dropped), row->dropped, "%s", row->name);
    }
}

Test(body, of_a_version_before_the_tables_is_refused_where_it_is_judged)
{
    static const struct {
        const char *name;
        enum docker_operation operation;
        unsigned minor;
        const char *text;
        bool good;
    } rows[] = {
        {"a create", DOCKER_CONTAINER_CREATE, 24, "{\"Image\":\"a\"}", false},
        {"the oldest that is judged", DOCKER_CONTAINER_CREATE, 25, "{\"Image\":\"a\"}", true},
        {"no version", DOCKER_CONTAINER_CREATE, 0, "{\"Image\":\"a\"}", true},
        {"no body", DOCKER_CONTAINER_CREATE, 24, "", true},
        {"an exec", DOCKER_CONTAINER_EXEC, 12, "{\"Cmd\":[]}", false},
        {"its start, in which nothing is judged", DOCKER_EXEC_START, 12, "{\"Tty\":true}", true},
        {"a volume", DOCKER_VOLUME_CREATE, 24, "{\"Name\":\"a\"}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error error = {0};
        AUTO_BODY struct body body;
        cr_expect_eq(body_read(&body, rows[i].operation, rows[i].minor,
                               slice_from_text(rows[i].text), &error),
                     rows[i].good, "%s: %s", rows[i].name, error.text);
        if (!rows[i].good)
            cr_expect_str_eq(error.reason, "version.too-old", "%s", rows[i].name);
    }
}

static const struct refused_row {
    const char *name, *text;
    int status;
    const char *reason, *says;
} refused_rows[] = {
    {"a field in another case", "{\"HostConfig\":{\"privileged\":true}}", 400, "malformed.field",
     "`HostConfig.privileged` would be taken for Privileged"},
    {"even where it says nothing", "{\"hostConfig\":null}", 400, "malformed.field", "HostConfig"},
    {"a long s (J02)", "{\"Ho\xc5\xbftConfig\":{}}", 400, "malformed.field", "HostConfig"},
    {"a Kelvin sign (J02)", "{\"HostConfig\":{\"Networ\xe2\x84\xaaMode\":\"host\"}}", 400,
     "malformed.field", "NetworkMode"},
    {"a long s by escape (J03)", "{\"HostConfig\":{\"Bind\\u017f\":[]}}", 400, "malformed.field",
     "Binds"},
    {"a repeated key (J04)", "{\"Tty\":true,\"Tty\":true}", 400, "malformed.json", "twice"},
    {"a key repeated by escapes (J04)", "{\"Tty\":true,\"\\u0054ty\":true}", 400, "malformed.json",
     "twice"},
    {"an object after null (J07)", "{\"HostConfig\":{},\"HostConfig\":null}", 400, "malformed.json",
     "twice"},
    {"a repeated data key (J10)", "{\"Labels\":{\"a\":\"\",\"a\":\"\"}}", 400, "malformed.json",
     "twice"},
    {"two spellings of one field", "{\"HostConfig\":{\"NanoCpus\":1,\"NanoCPUs\":2}}", 400,
     "malformed.field", "NanoCpus"},
    {"fields of HostConfig at the top (J13)", "{\"Privileged\":true}", 403, "unknown.field",
     "`Privileged` is a field that this gate does not know"},
    {"an unknown field with a value (J23)", "{\"HostConfig\":{\"New\":{\"a\":0}}}", 403,
     "unknown.field", "ContainerCreate: `HostConfig.New`"},
    {"a parameter of the query, but not at the top", "{\"HostConfig\":{\"name\":\"x\"}}", 403,
     "unknown.field", "`HostConfig.name`"},
    {"one below a list", "{\"HostConfig\":{\"Mounts\":[{},{\"New\":1}]}}", 403, "unknown.field",
     "`HostConfig.Mounts[1].New`"},
    {"one in an object of which nothing is read", "{\"Volumes\":{\"/x\":{\"a\":1}}}", 403,
     "unknown.field", "`Volumes./x.a`"},
    {"a text for a flag (J19)", "{\"Tty\":\"true\"}", 400, "malformed.field", "true or false"},
    {"a fraction for an integer", "{\"HostConfig\":{\"Memory\":1.0}}", 400, "malformed.field",
     "`HostConfig.Memory` takes a whole number"},
    {"an exponent for an integer", "{\"HostConfig\":{\"Memory\":1e9}}", 400, "malformed.field",
     "whole number"},
    {"an object for a list", "{\"HostConfig\":{\"Binds\":{}}}", 400, "malformed.field", "a list"},
    {"null in a list (J09)", "{\"HostConfig\":{\"Binds\":[null]}}", 400, "malformed.field",
     "`HostConfig.Binds[0]` is null"},
    {"a NUL (J18)", "{\"Image\":\"a\\u0000b\"}", 400, "malformed.field", "NUL"},
    {"a NUL in a key (J18)", "{\"Labels\":{\"a\\u0000b\":\"\"}}", 400, "malformed.field", "NUL"},
    {"a NUL in an unknown key (J18)", "{\"\\u0000\":\"\"}", 400, "malformed.field", "NUL"},
    {"bytes that are no UTF-8 (J18)", "{\"Image\":\"\xff\"}", 400, "malformed.json", "byte"},
    {"half a surrogate (J18)", "{\"Image\":\"\\ud800\"}", 400, "malformed.json", "byte"},
    {"a byte order mark", "\xef\xbb\xbf{}", 400, "malformed.json", "byte 1"},
    {"something behind", "{}{}", 400, "malformed.json", "byte"},
    {"a list at the top (J22)", "[]", 400, "malformed.field", "the body takes an object"},
    {"null at the top (J22)", "null", 400, "malformed.field", "the body takes an object"},
    {"a comment", "{/**/}", 400, "malformed.json", "byte"},
};

Test(body, is_refused_where_the_engine_might_read_another)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_rows); i++) {
        const struct refused_row *row = &refused_rows[i];
        struct error error;
        AUTO_BODY struct body body;
        cr_expect_not(
            body_read(&body, DOCKER_CONTAINER_CREATE, 41, slice_from_text(row->text), &error), "%s",
            row->name);
        cr_expect_eq(error.status, row->status, "%s: %d", row->name, error.status);
        cr_expect_str_eq(error.reason, row->reason, "%s: %s", row->name, error.reason);
        cr_expect_not_null(strstr(error.text, row->says), "%s: %s", row->name, error.text);
    }
}

Test(body, has_bounds)
{
    struct error error;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    buffer_append_text(&text, "{\"Env\":[");
    for (unsigned i = 0; i < BODY_VALUES_MAX; i++)
        buffer_append_text(&text, i == 0 ? "\"\"" : ",\"\"");
    buffer_append_text(&text, "]}");
    AUTO_BODY struct body large;
    cr_expect_not(body_read(&large, DOCKER_CONTAINER_CREATE, 0, buffer_slice(&text), &error));
    cr_expect_eq(error.status, 413);
    buffer_clear(&text);
    for (unsigned i = 0; i < 1000; i++)
        buffer_printf(&text, "%c\"k%u\":null", i == 0 ? '{' : ',', i);
    buffer_append_byte(&text, '}');
    AUTO_BODY struct body wide;
    cr_expect(body_read(&wide, DOCKER_CONTAINER_CREATE, 0, buffer_slice(&text), &error), "%s",
              error.text);
    cr_expect_eq(wide.dropped_count, 1000);
    cr_expect_str_eq(buffer_text(&wide.dropped) + wide.dropped.len - strlen("k31"), "k31");
}
