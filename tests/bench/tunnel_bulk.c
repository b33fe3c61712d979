/* SPDX-License-Identifier: Apache-2.0
 *
 * Moves many bytes through one tunnel and says how long that took. The origin is tunnel_origin;
 * what is downloaded is thrown away by the kernel instead of being copied, so that client and
 * origin, which share a core, can feed a fast proxy. Called by tests/bench/run.
 *
 *   tunnel_bulk PORT TARGET download|upload BYTES    prints "seconds=S"
 *
 * TARGET "-" means no proxy. The clock runs from the request inside the tunnel to the last byte of
 * the answer. */
#include "config.h"

#include "base/attributes.h"
#include "tests/bench/loopback.h"

enum { PIECE = 256 * 1024 };

static void download(int fd, uint64_t bytes, char *piece)
{
    static const char request[] = "GET /bytes HTTP/1.1\r\nHost: origin\r\n\r\n";
    char head[LOOPBACK_HEAD_MAX];
    loopback_write(fd, request, sizeof request - 1);
    for (uint64_t have = loopback_read_head(fd, head); have < bytes;) {
        ssize_t got = recv(fd, piece, PIECE, MSG_TRUNC);
        if (got <= 0)
            err(1, "only %llu bytes arrived", (unsigned long long)have);
        have += (uint64_t)got;
    }
}

static void upload(int fd, uint64_t bytes, char *piece)
{
    char head[LOOPBACK_HEAD_MAX];
    int len = snprintf(head, sizeof head,
                       "POST / HTTP/1.1\r\nHost: origin\r\nContent-Length: %llu\r\n\r\n",
                       (unsigned long long)bytes);
    loopback_write(fd, head, (size_t)len);
    for (uint64_t left = bytes; left > 0; left -= left < PIECE ? left : PIECE)
        loopback_write(fd, piece, left < PIECE ? (size_t)left : PIECE);
    loopback_read_head(fd, head);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        errx(2, "usage: tunnel_bulk PORT TARGET download|upload BYTES");
    AUTO_FREE char *piece = malloc(PIECE);
    if (piece == NULL)
        errx(1, "no memory");
    memset(piece, 'x', PIECE);
    AUTO_CLOSE int fd = loopback_tunnel(argv[1], argv[2]);
    uint64_t bytes = strtoull(argv[4], NULL, 10);
    int64_t start = loopback_now_ns();
    if (strcmp(argv[3], "download") == 0)
        download(fd, bytes, piece);
    else
        upload(fd, bytes, piece);
    printf("seconds=%.6f\n", (double)(loopback_now_ns() - start) / 1e9);
    return 0;
}
