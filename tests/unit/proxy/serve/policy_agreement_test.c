/* SPDX-License-Identifier: Apache-2.0
 *
 * The property behind `policy check`: what it says of a request is what the gate does with it, for
 * random policies and requests (docs/design.md 1.4). The left side is the command's path, the right side a
 * running gate between a client and an engine of this test: refused requests must not reach the
 * engine, permitted ones must, and the reasons' status must be the same. */
#include "policy/explain/asked_docker.h"
#include "policy/snapshot/policy.h"
#include "tests/unit/proxy/gate_fixture.h"

enum { POLICIES = 250, REQUESTS_EACH = 25 };

static const char client_name[] = "probe";

/* The objects that the engine has, as its inspect calls tell them and as a person tells `policy
 * check`. */
static const struct object_row {
    enum docker_object_kind kind;
    const char *name, *path, *json;
    const char *facts[6];
} objects[] = {
    {DOCKER_OBJECT_CONTAINER,
     "web",
     "/containers/web/json",
     "{\"Id\":\"aa11\",\"Name\":\"/"
     "web\",\"Image\":\"sha256:01\",\"Config\":{\"Image\":\"nginx:1\",\"Labels\":{\"a\":\"b\"}}}",
     {"id=aa11", "name=web", "image=nginx:1", "image=sha256:01", "label=a=b"}},
    {DOCKER_OBJECT_CONTAINER,
     "db",
     "/containers/db/json",
     "{\"Id\":\"bb22\",\"Name\":\"/"
     "db\",\"Image\":\"sha256:02\",\"Config\":{\"Image\":\"postgres\",\"Labels\":null},"
     "\"NetworkSettings\":{\"Networks\":{\"back\":{}}}}",
     {"id=bb22", "name=db", "image=postgres", "image=sha256:02", "network=back"}},
    {DOCKER_OBJECT_IMAGE,
     "web",
     "/images/web/json",
     "{\"Id\":\"sha256:03\",\"RepoTags\":[\"web:latest\"]}",
     {"id=sha256:03", "name=web:latest", "image=web:latest"}},
    {DOCKER_OBJECT_NETWORK,
     "back",
     "/networks/back",
     "{\"Id\":\"cc33\",\"Name\":\"back\",\"Labels\":{\"a\":\"c\"}}",
     {"id=cc33", "name=back", "network=back", "label=a=c"}},
    {DOCKER_OBJECT_VOLUME,
     "data",
     "/volumes/data",
     "{\"Name\":\"data\"}",
     {"id=data", "name=data", "volume=data"}},
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static bool chance(uint64_t *state, unsigned percent)
{
    return next_random(state) % 100 < percent;
}

#define PICK(state, array) ((array)[next_random(state) % ARRAY_LEN(array)])

/* ---- Policies ---- */

static void write_rule(uint64_t *state, struct buffer *out)
{
    static const char *const selectors[] = {"ContainerList",  "ContainerInspect",
                                            "ContainerStart", "Container*",
                                            "*Delete",        "@read",
                                            "@lifecycle",     "@logs",
                                            "@exec",          "@run",
                                            "@all",           "Image*",
                                            "Volume*",        "Network*",
                                            "@build",         "SystemPing",
                                            "@pull",          "System*"};
    static const char *const paths[] = {"{method: GET, path: \"/containers/*/json\"}",
                                        "{method: POST, path: \"/containers/**\"}",
                                        "{path: \"/volumes/data\"}",
                                        "{path: \"~/containers/(web|db)/.*\"}",
                                        "{method: DELETE, path: \"/**\"}",
                                        "{path: \"/images/*/json\"}",
                                        "{path: \"/networks/*\"}"};
    static const char *const wheres[] = {"{name: web}",
                                         "{name: \"*\"}",
                                         "{image: \"nginx*\"}",
                                         "{label: \"a=*\"}",
                                         "{id: \"aa*\"}",
                                         "{network: back}",
                                         "{volume: data}",
                                         "{query.all: \"1\"}",
                                         "{name: [db, data]}",
                                         "{query.force: {absent: true}}",
                                         "{label: \"a=b\", name: web}"};
    buffer_printf(out, "  - %s: ", chance(state, 60) ? "allow" : "deny");
    if (chance(state, 30))
        buffer_append_text(out, PICK(state, paths));
    else
        buffer_printf(out, "[\"%s\", \"%s\"]", PICK(state, selectors), PICK(state, selectors));
    buffer_append_byte(out, '\n');
    if (chance(state, 60))
        buffer_printf(out, "    where: %s\n", PICK(state, wheres));
}

static void write_policy(uint64_t *state, const char *gate_path, struct buffer *out)
{
    buffer_printf(out, "version: 1\ndefault: {docker: %s}\n", chance(state, 30) ? "allow" : "deny");
    buffer_append_literal(out, "docker:\n");
    for (unsigned count = 1 + (unsigned)next_random(state) % 6; count > 0; count--)
        write_rule(state, out);
    buffer_printf(out, "clients:\n  %s:\n    listen: \"unix:%s\"\n", client_name, gate_path);
    buffer_printf(out, "    mode: %s\n    inherit: %s\n    strict: %s\n",
                  chance(state, 15) ? "report" : "enforce", chance(state, 85) ? "true" : "false",
                  chance(state, 20) ? "true" : "false");
    if (chance(state, 30))
        buffer_append_literal(out, "    use: [preset/traefik]\n");
}

/* Random rules are often such that could never match, which is an error: then the next ones are
 * tried. */
static struct policy *make_policy(uint64_t *state, const struct gate_fixture *fixture,
                                  struct buffer *text)
{
    AUTO_BUFFER struct buffer why = BUFFER_EMPTY;
    for (int tries = 0; tries < 1000; tries++) {
        buffer_clear(text);
        write_policy(state, fixture->gate_path, text);
        struct policy *policy = fixture_load(fixture, buffer_text(text), &why);
        if (policy != NULL)
            return policy;
    }
    cr_assert_fail("no valid policy in 1000: %s", buffer_text(&why));
    return NULL;
}

/* ---- Requests ---- */

static void write_path(uint64_t *state, const char *path, struct buffer *out)
{
    static const char *const names[] = {"web",   "db",       "back",   "data", "missing",
                                        "w%65b", "ns%2Fweb", "%2e%2e", "we b"};
    struct slice rest = slice_from_text(path);
    while (rest.ptr != NULL) {
        buffer_append_slice(out, slice_cut(&rest, '{'));
        if (rest.ptr == NULL)
            return;
        size_t kinds = chance(state, 10) ? ARRAY_LEN(names) - 1 : 5;
        buffer_append_text(out, names[next_random(state) % kinds]);
        (void)slice_cut(&rest, '}');
    }
}

/* "METHOD TARGET", as it is given to `policy check` and, with the rest of a head, to the gate. */
static void write_request(uint64_t *state, struct buffer *out)
{
    static const char *const prefixes[] = {"",       "/v1.24", "/v1.45", "/v1.55",
                                           "/v1.23", "/v1.99", "/v2.0"};
    static const char *const queries[] = {
        "?all=1", "?all=0&all=1", "?force=1", "?unheard=of", "?all=%31", "?",
        "?x=%zz", "?a;b=c",       "?all={1}", "?all=\"1\"",  "?all=<1>", "?all=1|2",
        "?all=^", "?all=`",       "?all=\\",  "?all=[1]"};
    static const char *const odd[] = {"/",
                                      "//containers/json",
                                      "/containers/../info",
                                      "/no/such/thing",
                                      "/CONTAINERS/json",
                                      "/containers/json/",
                                      "/_ping%00",
                                      "/libpod/info",
                                      "/v1.45"};
    static const char *const methods[] = {"GET",    "HEAD",    "POST", "PUT",
                                          "DELETE", "OPTIONS", "PATCH"};
    enum docker_operation operation =
        (enum docker_operation)(1 + next_random(state) % (DOCKER_OPERATION_COUNT - 1));
    if (chance(state, 50)) { /* those that the rules above speak of, more often */
        static const enum docker_operation frequent[] = {
            DOCKER_CONTAINER_LIST,   DOCKER_CONTAINER_INSPECT, DOCKER_CONTAINER_START,
            DOCKER_CONTAINER_DELETE, DOCKER_VOLUME_INSPECT,    DOCKER_NETWORK_INSPECT,
            DOCKER_IMAGE_INSPECT,    DOCKER_CONTAINER_LOGS};
        operation = PICK(state, frequent);
    }
    const struct docker_operation_info *info = docker_operation_info(operation);
    buffer_printf(out, "%s ",
                  chance(state, 8) ? PICK(state, methods) : http_method_name(info->method));
    buffer_append_text(
        out, prefixes[next_random(state) % (chance(state, 10) ? ARRAY_LEN(prefixes) : 4)]);
    if (chance(state, 5))
        buffer_append_text(out, PICK(state, odd));
    else
        write_path(state, info->path, out);
    if (chance(state, 35))
        buffer_append_text(
            out, queries[next_random(state) % (chance(state, 20) ? ARRAY_LEN(queries) : 6)]);
}

/* ---- `policy check` ---- */

/* The status that a client must see: 404 is the engine's answer. */
static int check(const struct policy *policy, const char *text)
{
    CLEANUP(asked_docker_clear) struct asked_docker asked = {0};
    struct error error;
    const struct policy_client *client = policy_client_find(policy, slice_from_text(client_name));
    if (!asked_docker_read(&asked, policy, client, text, &error))
        return error.status;
    for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
        if (objects[i].kind != asked.object.kind ||
            !slice_equal_text(asked.request.object_name, objects[i].name))
            continue;
        for (size_t fact = 0; fact < ARRAY_LEN(objects[i].facts) && objects[i].facts[fact] != NULL;
             fact++)
            cr_assert(asked_docker_add_fact(&asked, objects[i].facts[fact], &error), "%s",
                      error.text);
    }
    asked_docker_decide(&asked);
    if (asked.malformed)
        return asked.error.status;
    return asked_docker_is_allowed(&asked) ? 404 : 403;
}

/* ---- The gate ---- */

/* The exchange that is under way; everything happens in the gate's loop. */
struct drive {
    struct gate_fixture fixture;
    uint64_t random;
    unsigned policies_left, requests_left;
    unsigned permitted, refused, looked_up;
    struct buffer policy_text, request, answer;
    int fd, expected;
    unsigned forwarded_before, forwarded;
    struct event readable;
};

/* Inspect calls of the gate itself are told from what it forwards by their User-Agent. */
static void answer_from_table(struct gate_fixture *fixture, const char *head, struct buffer *out)
{
    struct drive *drive = container_of(fixture, struct drive, fixture);
    if (strstr(head, "\r\nUser-Agent: dockreeve\r\n") == NULL) {
        drive->forwarded++;
        fixture_answer_404(fixture, head, out);
        return;
    }
    drive->looked_up++;
    for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
        char line[80];
        snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n", objects[i].path);
        if (strncmp(head, line, strlen(line)) == 0) {
            buffer_printf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(objects[i].json), objects[i].json);
            return;
        }
    }
    fixture_answer_404(fixture, head, out);
}

static void on_answer(evutil_socket_t fd, short what, void *context);

static void connect_client(struct drive *drive)
{
    drive->fd = fixture_connect(&drive->fixture);
    cr_assert_eq(fcntl(drive->fd, F_SETFL, O_NONBLOCK), 0);
    event_assign(&drive->readable, drive->fixture.loop->base, drive->fd, EV_READ | EV_PERSIST,
                 on_answer, drive);
    event_add(&drive->readable, NULL);
}

static void disconnect_client(struct drive *drive)
{
    if (drive->fd < 0)
        return;
    event_del(&drive->readable);
    close(drive->fd);
    drive->fd = -1;
}

/* As reload does: listeners first, then the policy, between two turns. */
static void swap_policy(struct drive *drive)
{
    struct loop *loop = drive->fixture.loop;
    struct listener_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
    struct error error;
    struct policy *policy = make_policy(&drive->random, &drive->fixture, &drive->policy_text);
    cr_assert(listener_prepare(loop, policy, &fresh, &error), "%s", error.text);
    listener_commit(loop, policy, &fresh);
    loop_set_policy(loop, policy);
}

static void next_request(struct drive *drive)
{
    if (drive->requests_left == 0) {
        if (--drive->policies_left == 0) {
            drive->fixture.loop->stopping = true;
            disconnect_client(drive);
            return;
        }
        swap_policy(drive);
        drive->requests_left = REQUESTS_EACH;
    }
    drive->requests_left--;
    buffer_clear(&drive->request);
    buffer_clear(&drive->answer);
    write_request(&drive->random, &drive->request);
    drive->expected = check(drive->fixture.loop->policy, buffer_text(&drive->request));
    drive->forwarded_before = drive->forwarded;
    if (drive->fd < 0)
        connect_client(drive);
    AUTO_BUFFER struct buffer head = BUFFER_EMPTY;
    buffer_printf(&head, "%s HTTP/1.1\r\nHost: d\r\n\r\n", buffer_text(&drive->request));
    fixture_send(drive->fd, head.data, head.len);
}

static void compare(struct drive *drive)
{
    const char *answer = buffer_text(&drive->answer), *request = buffer_text(&drive->request);
    int status = atoi(answer + 9);
    cr_assert_eq(status, drive->expected, "check says %d, the gate %d to `%s` under\n%s\n%s",
                 drive->expected, status, request, buffer_text(&drive->policy_text), answer);
    bool from_engine = strstr(answer, "\r\nX-Scripted: yes\r\n") != NULL;
    cr_assert_eq(from_engine, drive->expected == 404, "%s: %s", request, answer);
    cr_assert_eq(drive->forwarded - drive->forwarded_before, from_engine,
                 "%s reached the engine %u times", request,
                 drive->forwarded - drive->forwarded_before);
    drive->permitted += from_engine;
    drive->refused += !from_engine;
}

static void on_answer(evutil_socket_t fd, short, void *context)
{
    struct drive *drive = context;
    char bytes[4096];
    ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
    cr_assert_gt(got, 0, "the connection ended behind `%s` in answer to %s",
                 buffer_text(&drive->answer), buffer_text(&drive->request));
    buffer_append(&drive->answer, bytes, (size_t)got);
    bool is_head = strncmp(buffer_text(&drive->request), "HEAD ", 5) == 0;
    if (fixture_answer_len(buffer_text(&drive->answer), drive->answer.len, is_head) == 0)
        return;
    compare(drive);
    if (strstr(drive->answer.data, "\r\nConnection: close\r\n") != NULL)
        disconnect_client(drive);
    next_request(drive);
}

Test(policy_agreement, check_says_what_the_gate_does)
{
    static struct drive drive;
    fixture_init(&drive.fixture);
    drive.fixture.answer = answer_from_table;
    drive.random = 20261121;
    drive.fd = -1;
    drive.policies_left = POLICIES + 1;
    AUTO_BUFFER struct buffer first = BUFFER_EMPTY;
    buffer_printf(&first, "version: 1\nclients: {%s: {listen: \"unix:%s\"}}\n", client_name,
                  drive.fixture.gate_path);
    fixture_start(&drive.fixture, buffer_text(&first));
    next_request(&drive);
    cr_assert_eq(gates_run(drive.fixture.gates), 0);

    cr_assert_eq(drive.permitted + drive.refused, POLICIES * REQUESTS_EACH);
    cr_assert_gt(drive.permitted, POLICIES * REQUESTS_EACH / 5, "%u", drive.permitted);
    cr_assert_gt(drive.refused, POLICIES * REQUESTS_EACH / 5, "%u", drive.refused);
    cr_assert_gt(drive.looked_up, POLICIES, "%u", drive.looked_up);
    fixture_free(&drive.fixture);
    buffer_free(&drive.policy_text);
    buffer_free(&drive.request);
    buffer_free(&drive.answer);
}
