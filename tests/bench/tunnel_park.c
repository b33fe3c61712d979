/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens many tunnels, lets one small request and its answer through each and leaves them idle, so
 * that tests/bench/run can look at the memory of the proxy; and asks once more over every one in
 * the end, which tells whether they still stand.
 *
 *   tunnel_park PORT TARGET COUNT    prints "parked", waits for the end of its input, then prints
 *                                    "alive=N"
 *
 * TARGET "-" means no proxy. */
#include "config.h"

#include <stdbool.h>

#include "base/attributes.h"
#include "tests/bench/loopback.h"

static const char request[] = "GET /small HTTP/1.1\r\nHost: origin\r\n\r\n";
static const char answer_end[] = "\r\n\r\nOK";

/* One question and its answer; false when the connection is gone. */
static bool ask(int fd)
{
    char answer[LOOPBACK_HEAD_MAX];
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1)
        return false;
    size_t have = 0;
    do {
        ssize_t got = recv(fd, answer + have, sizeof answer - 1 - have, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
        answer[have] = '\0';
    } while (strstr(answer, answer_end) == NULL);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: tunnel_park PORT TARGET COUNT");
    size_t count = strtoul(argv[3], NULL, 10), alive = 0;
    AUTO_FREE int *tunnels = calloc(count + 1, sizeof *tunnels);
    if (tunnels == NULL)
        errx(1, "no memory");
    for (size_t i = 0; i < count; i++) {
        tunnels[i] = loopback_tunnel(argv[1], argv[2]);
        if (!ask(tunnels[i]))
            errx(1, "tunnel %zu ended at once", i);
    }
    puts("parked");
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    for (size_t i = 0; i < count; i++)
        alive += ask(tunnels[i]);
    printf("alive=%zu\n", alive);
    return 0;
}
