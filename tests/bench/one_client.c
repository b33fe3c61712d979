/* SPDX-License-Identifier: Apache-2.0
 *
 * One client that asks, waits for the whole answer and asks again on the same connection: the
 * latency that a gate adds when nothing else is going on. wrk rounds to what its own event loop
 * sees; this takes the clock around each request and keeps every sample. Called by tests/bench/run.
 * Understands only answers with a Content-Length and fails on anything else, so that a gate that
 * answers differently cannot look fast.
 *
 *   one_client PORT TARGET SECONDS    prints "requests=N p50_ns=N p99_ns=N" */
#include "base/attributes.h"
#include "tests/bench/loopback.h"

enum { ANSWER_MAX = 65536, SAMPLES_MAX = 8 * 1024 * 1024 };

/* Bytes of the whole answer once its head is complete, else 0. Needs a 200 with Content-Length. */
static size_t answer_len(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    if (end == NULL)
        return 0;
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
        errx(1, "the answer is not a 200: %.40s", answer);
    const char *field = strcasestr(answer, "\r\ncontent-length:");
    if (field == NULL || field > end)
        errx(1, "the answer has no Content-Length");
    return (size_t)(end + 4 - answer) + strtoul(field + 17, NULL, 10);
}

static void ask_once(int fd, const char *request, size_t request_len, char *answer)
{
    if (write(fd, request, request_len) != (ssize_t)request_len)
        err(1, "cannot write the request");
    size_t have = 0, want = 0;
    while (want == 0 || have < want) {
        ssize_t got = read(fd, answer + have, ANSWER_MAX - 1 - have);
        if (got <= 0)
            err(1, "the connection ended inside an answer");
        have += (size_t)got;
        answer[have] = '\0';
        if (want == 0)
            want = answer_len(answer);
    }
    if (have != want)
        errx(1, "%zu bytes follow the answer", have - want);
}

static int compare_samples(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: one_client PORT TARGET SECONDS");
    AUTO_CLOSE int fd = loopback_tunnel(argv[1], "-");
    AUTO_FREE char *answer = malloc(ANSWER_MAX);
    AUTO_FREE uint32_t *samples = malloc(sizeof *samples * SAMPLES_MAX);
    char request[1024];
    int request_len =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: docker\r\n\r\n", argv[2]);
    if (answer == NULL || samples == NULL || request_len >= (int)sizeof request)
        errx(1, "no memory, or the target is too long");

    for (int warm = 0; warm < 200; warm++)
        ask_once(fd, request, (size_t)request_len, answer);
    size_t count = 0;
    int64_t start = loopback_now_ns(), stop = start + (int64_t)(strtod(argv[3], NULL) * 1e9);
    while (start < stop && count < SAMPLES_MAX) {
        ask_once(fd, request, (size_t)request_len, answer);
        int64_t end = loopback_now_ns();
        samples[count++] = (uint32_t)(end - start);
        start = end;
    }
    if (count == 0)
        errx(1, "no request was made");
    qsort(samples, count, sizeof *samples, compare_samples);
    printf("requests=%zu p50_ns=%u p99_ns=%u\n", count, samples[count / 2],
           samples[count * 99 / 100]);
    return 0;
}
