/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole gates in this process (docs/design.md 1.9): two at once, each with its own loop, policy and log,
 * and what is left of a gate when it is gone. */
#include <pthread.h>
#include <sys/stat.h>

#include "tests/unit/proxy/gate_fixture.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#define LEAKED() __lsan_do_recoverable_leak_check()
#else
#define LEAKED() 0
#endif

#define AUTO_FIXTURE CLEANUP(fixture_free)

static const char allow_lists[] = "version: 1\n"
                                  "docker:\n"
                                  "  - allow: ContainerList\n"
                                  "clients:\n"
                                  "  one:\n";
static const char deny_lists[] = "version: 1\n"
                                 "default: {docker: allow}\n"
                                 "docker:\n"
                                 "  - deny: ContainerList\n"
                                 "    name: no lists here\n"
                                 "clients:\n"
                                 "  other:\n";

static const char *policy_text(const struct gate_fixture *fixture, const char *rules,
                               struct buffer *out)
{
    buffer_printf(out, "%s    {listen: \"unix:%s\"}\n", rules, fixture->gate_path);
    return buffer_text(out);
}

static void start(struct gate_fixture *fixture, const char *rules)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    fixture_init(fixture);
    fixture_start(fixture, policy_text(fixture, rules, &text));
}

static void *run(void *context)
{
    struct gate_fixture *fixture = context;
    return gates_run(fixture->gates) == 0 ? fixture : NULL;
}

static void join(pthread_t thread, const struct gate_fixture *fixture)
{
    void *result;
    cr_assert_eq(pthread_join(thread, &result), 0);
    cr_assert_eq(result, fixture, "loop_run() did not return 0");
}

static void read_log(const struct gate_fixture *fixture, struct buffer *out)
{
    char bytes[4096];
    size_t got;
    FILE *file = fopen(fixture->log_path, "r");
    cr_assert_not_null(file);
    buffer_clear(out);
    while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0)
        buffer_append(out, bytes, got);
    fclose(file);
    (void)buffer_text(out);
}

static unsigned occurrences(const char *text, const char *wanted)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++)
        count++;
    return count;
}

/* libevent warns that signals go to the last loop only: here nobody sends one. */
static void hush(int, const char *)
{
}

static void two_gates(void)
{
    AUTO_FIXTURE struct gate_fixture one, other;
    AUTO_BUFFER struct buffer answer = BUFFER_EMPTY, log = BUFFER_EMPTY;
    pthread_t threads[2];
    event_set_log_callback(hush);
    start(&one, allow_lists);
    start(&other, deny_lists);
    cr_assert_eq(pthread_create(&threads[0], NULL, run, &one), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, run, &other), 0);
    int to_one = fixture_connect(&one), to_other = fixture_connect(&other);

    fixture_ask(to_other, "GET /v1.45/containers/json HTTP/1.1\r\nHost: d\r\n\r\n", &answer);
    cr_assert(strncmp(answer.data, "HTTP/1.1 403 Forbidden\r\n", 24) == 0, "%s", answer.data);
    cr_assert_not_null(strstr(answer.data, "no lists here"), "%s", answer.data);
    fixture_ask(to_one, "GET /v1.45/containers/json HTTP/1.1\r\nHost: d\r\n\r\n", &answer);
    cr_assert(strncmp(answer.data, "HTTP/1.1 404 Not Found\r\n", 24) == 0, "%s", answer.data);
    cr_assert_not_null(strstr(answer.data, "X-Scripted: yes"), "%s", answer.data);

    close(to_one);
    close(to_other);
    fixture_stop(&one);
    fixture_stop(&other);
    join(threads[0], &one);
    join(threads[1], &other);
    cr_assert_eq(one.requests, 1);
    cr_assert(strncmp(buffer_text(&one.heads),
                      "GET /v1.45/containers/json HTTP/1.1\r\nHost: docker\r\n", 51) == 0,
              "%s", one.heads.data);
    cr_assert_eq(other.requests, 0, "what is denied never reaches the engine");
    read_log(&one, &log);
    cr_assert_eq(occurrences(log.data, "\"event\":\"request\""), 1, "%s", log.data);
    cr_assert_eq(occurrences(log.data, "\"client\":\"one\""), 1, "%s", log.data);
    cr_assert_eq(occurrences(log.data, "\"client\":\"other\""), 0, "%s", log.data);
    read_log(&other, &log);
    cr_assert_eq(
        occurrences(
            log.data,
            "\"decision\":\"deny\",\"rule\":\"no lists here\",\"source\":\"policy.yaml:4\""),
        1, "%s", log.data);
}

Test(gates, two_gates_in_one_process_know_nothing_of_each_other)
{
    two_gates();
    cr_assert_eq(LEAKED(), 0, "memory leaked; see the sanitizer's report");
}

Test(gates, what_it_made_is_gone_with_it)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    struct stat status;
    start(&fixture, allow_lists);
    cr_assert_eq(stat(fixture.gate_path, &status), 0);
    cr_assert(S_ISSOCK(status.st_mode));
    cr_assert_eq(status.st_mode & 0777, 0660);
    fixture_stop(&fixture);
    cr_assert_eq(gates_run(fixture.gates), 0);
    cr_assert_eq(stat(fixture.gate_path, &status), -1);
    cr_assert_eq(errno, ENOENT);
}

Test(gates, a_live_socket_is_not_taken_from_its_owner)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    AUTO_BUFFER struct buffer why = BUFFER_EMPTY;
    struct error error = {0};
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    start(&fixture, allow_lists);
    struct policy *policy = fixture_load(&fixture, policy_text(&fixture, allow_lists, &text), &why);
    cr_assert_null(gates_new(&fixture.options, policy, &error));
    cr_assert_eq(error.exit_code, COMMAND_CONFLICT);
    cr_assert_not_null(strstr(error.text, "something listens on"), "%s", error.text);
    cr_assert_not_null(strstr(error.text, fixture.gate_path), "%s", error.text);
    close(fixture_connect(&fixture));
}

Test(gates, a_dead_socket_is_taken_over_and_other_files_are_not)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    AUTO_BUFFER struct buffer why = BUFFER_EMPTY;
    struct error error = {0};
    struct endpoint address;
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    fixture_init(&fixture);
    policy_text(&fixture, allow_lists, &text);
    close(open(fixture.gate_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    struct policy *policy = fixture_load(&fixture, buffer_text(&text), &why);
    cr_assert_null(gates_new(&fixture.options, policy, &error));
    cr_assert_not_null(strstr(error.text, "exists and is no socket"), "%s", error.text);
    unlink(fixture.gate_path);

    cr_assert(endpoint_from_path(&address, slice_from_text(fixture.gate_path)));
    int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(dead, &address.address.any, address.len), 0);
    close(dead);
    fixture_start(&fixture, buffer_text(&text));
    close(fixture_connect(&fixture));
}

Test(gates, draining_ends_idle_connections_at_once)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    AUTO_BUFFER struct buffer answer = BUFFER_EMPTY;
    pthread_t thread;
    char byte;
    start(&fixture, allow_lists);
    cr_assert_eq(pthread_create(&thread, NULL, run, &fixture), 0);
    int fd = fixture_connect(&fixture);
    fixture_ask(fd, "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n", &answer);
    fixture_stop(&fixture);
    cr_assert_eq(recv(fd, &byte, 1, 0), 0);
    join(thread, &fixture);
    close(fd);
}

static void say_nothing(struct gate_fixture *fixture, const char *head, struct buffer *out)
{
    (void)fixture;
    (void)head;
    (void)out; /* the connection is closed without an answer */
}

/* The answer to a ping. */
static void ping(struct gate_fixture *fixture, struct buffer *answer)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, run, fixture), 0);
    int fd = fixture_connect(fixture);
    fixture_ask(fd, "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n", answer);
    fixture_stop(fixture);
    join(thread, fixture);
    close(fd);
}

Test(gates, an_engine_that_hangs_up_is_a_502)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    AUTO_BUFFER struct buffer answer = BUFFER_EMPTY;
    start(&fixture, allow_lists);
    fixture.answer = say_nothing;
    ping(&fixture, &answer);
    cr_assert(strncmp(answer.data, "HTTP/1.1 502 ", 13) == 0, "%s", answer.data);
    cr_assert_not_null(strstr(answer.data, "closed the connection before it answered"), "%s",
                       answer.data);
}

Test(gates, an_engine_that_is_gone_is_a_502_that_names_its_socket)
{
    AUTO_FIXTURE struct gate_fixture fixture;
    AUTO_BUFFER struct buffer answer = BUFFER_EMPTY;
    start(&fixture, allow_lists);
    unlink(fixture.engine_path);
    ping(&fixture, &answer);
    cr_assert(strncmp(answer.data, "HTTP/1.1 502 ", 13) == 0, "%s", answer.data);
    cr_assert_not_null(strstr(answer.data, fixture.engine_path), "%s", answer.data);
}
