/* SPDX-License-Identifier: Apache-2.0
 *
 * Moves one large body through a gate and says how long it took: an image saved (download) or
 * loaded (upload). Called by tests/bench/run. Uploads go out with a Content-Length or, as the
 * docker command sends them, in chunks of 32 kB. A download is counted to the end of the connection
 * and must carry at least BYTES; an upload must be answered with 200.
 *
 *   bulk_client PORT download|upload|upload-chunked TARGET BYTES    prints "seconds=S bytes=N" */
#include <stdbool.h>

#include "base/attributes.h"
#include "tests/bench/loopback.h"

enum { PIECE = 256 * 1024, CHUNK = 32 * 1024 };

/* Reads to the end of the connection; the first bytes stay in `piece` only until the next read, so
 * the status is judged here. */
static uint64_t read_answer(int fd, char *piece)
{
    uint64_t total = 0;
    ssize_t got;
    while ((got = read(fd, piece, PIECE)) > 0) {
        if (total == 0 && (got < 13 || memcmp(piece, "HTTP/1.1 200 ", 13) != 0))
            errx(1, "the answer is not a 200: %.40s", piece);
        total += (uint64_t)got;
    }
    if (got < 0 || total == 0)
        err(1, "the connection ended without an answer");
    return total;
}

static void send_body(int fd, uint64_t len, bool chunked, char *piece)
{
    memset(piece, 'x', PIECE);
    if (!chunked) {
        for (uint64_t left = len; left > 0; left -= left < PIECE ? left : PIECE)
            loopback_write(fd, piece, left < PIECE ? (size_t)left : PIECE);
        return;
    }
    int head = snprintf(piece, PIECE, "%x\r\n", CHUNK);
    piece[head] = 'x';
    memcpy(piece + head + CHUNK, "\r\n", 2);
    for (uint64_t sent = 0; sent < len; sent += CHUNK)
        loopback_write(fd, piece, (size_t)head + CHUNK + 2);
    loopback_write(fd, "0\r\n\r\n", 5);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        errx(2, "usage: bulk_client PORT download|upload|upload-chunked TARGET BYTES");
    bool download = strcmp(argv[2], "download") == 0;
    bool chunked = strcmp(argv[2], "upload-chunked") == 0;
    uint64_t len = strtoull(argv[4], NULL, 10);
    AUTO_FREE char *piece = malloc(PIECE);
    if (piece == NULL)
        errx(1, "no memory");

    char framing[64] = "";
    if (chunked)
        snprintf(framing, sizeof framing, "Transfer-Encoding: chunked\r\n");
    else if (!download)
        snprintf(framing, sizeof framing, "Content-Length: %llu\r\n", (unsigned long long)len);
    char head[1024];
    int head_len = snprintf(head, sizeof head,
                            "%s %s HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n%s%s\r\n",
                            download ? "GET" : "POST", argv[3],
                            download ? "" : "Content-Type: application/x-tar\r\n", framing);
    if (head_len >= (int)sizeof head)
        errx(1, "the target is too long");

    int64_t start = loopback_now_ns();
    AUTO_CLOSE int fd = loopback_tunnel(argv[1], "-");
    loopback_write(fd, head, (size_t)head_len);
    if (!download)
        send_body(fd, len, chunked, piece);
    uint64_t total = read_answer(fd, piece);
    double seconds = (double)(loopback_now_ns() - start) / 1e9;
    if (download && total < len)
        errx(1, "only %llu of %llu bytes arrived", (unsigned long long)total,
             (unsigned long long)len);
    printf("seconds=%.6f bytes=%llu\n", seconds, (unsigned long long)len);
    return 0;
}
