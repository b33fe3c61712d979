/* SPDX-License-Identifier: Apache-2.0
 *
 * What reading one request head costs, both parsers included: prints nanoseconds a head for a short
 * and a long one. Not a test; `make tests/bench/http_head_bench` builds it. */
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "proxy/http/http_head.h"

static int measure(const char *name, const char *text)
{
    enum { ROUNDS = 500000 };
    const struct http_head_limits limits = {HTTP_HEAD_LEN_MAX, HTTP_HEAD_TARGET_MAX,
                                            HTTP_HEAD_FIELDS_MAX};
    size_t len = strlen(text);
    double best = 0;
    for (int run = 0; run < 5; run++) {
        int64_t start = timestamp_monotonic_us();
        for (int i = 0; i < ROUNDS; i++) {
            struct http_head head;
            struct error error;
            size_t scanned = 0, consumed;
            if (http_head_parse_request(&head, text, len, &scanned, &limits, &consumed, &error) !=
                HTTP_HEAD_OK)
                return 1;
        }
        double each = (double)(timestamp_monotonic_us() - start) * 1000 / ROUNDS;
        if (run == 0 || each < best)
            best = each;
    }
    printf("%s\t%zu bytes\t%.0f ns\n", name, len, best);
    return 0;
}

int main(void)
{
    return measure("list containers",
                   "GET /v1.41/containers/json?all=1 HTTP/1.1\r\nHost: docker\r\n"
                   "User-Agent: Docker-Client/20.10.24 (linux)\r\n"
                   "Accept: */*\r\n\r\n") |
           measure("create a container",
                   "POST /v1.43/containers/create?name=agent-0001 HTTP/1.1\r\nHost: docker\r\n"
                   "User-Agent: Docker-Client/24.0.7 (linux)\r\nContent-Length: 1513\r\n"
                   "Content-Type: application/json\r\nAccept: application/json\r\n"
                   "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
                   "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
                   "Cache-Control: no-cache\r\nPragma: no-cache\r\n\r\n");
}
