/* SPDX-License-Identifier: Apache-2.0
 *
 * A table: first byte, what to say to whom, and what to answer. */
#include "proxy/http/foreign_client.h"

#include <string.h>

#include "base/attributes.h"
#include "proxy/io/tls_alert.h"
#include "rules/reason.h"

enum { HANDSHAKE_RECORD = 0x16, SOCKS_4 = 0x04, SOCKS_5 = 0x05 };

struct foreign_client {
    char first;
    enum http_fault fault;
    const char *advice[HTTP_TO_PROXY + 1]; /* by addressee */
    unsigned char answer[FOREIGN_CLIENT_ANSWER_MAX];
    size_t answer_len;
};

#define SOCKS_ADVICE                                                                               \
    {                                                                                              \
        [HTTP_TO_ENGINE] = "this listener speaks HTTP, not SOCKS: write http://, or tcp:// for "   \
                           "docker, in front of its address",                                      \
        [HTTP_TO_ORIGIN] = "this listener takes plain HTTP on its way to port 80, not SOCKS",      \
        [HTTP_TO_PROXY] = "this proxy speaks HTTP: write http:// in front of its address in "      \
                          "ALL_PROXY, not socks5:// or socks5h://",                                \
    }

static const struct foreign_client foreign_clients[] = {
    {
        .first = HANDSHAKE_RECORD,
        .fault = HTTP_FAULT_TLS,
        .advice =
            {
                [HTTP_TO_ENGINE] = "this listener speaks HTTP without TLS: write http://, or for "
                                   "docker tcp:// with DOCKER_TLS_VERIFY and --tls left out",
                [HTTP_TO_ORIGIN] = "this listener takes plain HTTP on its way to port 80; TLS has "
                                   "one of its own (--transparent-tls)",
                [HTTP_TO_PROXY] =
                    "this proxy speaks HTTP: write http:// in front of its address in "
                    "HTTPS_PROXY too, not https://",
            },
        .answer = TLS_ALERT_BYTES(TLS_ALERT_UNEXPECTED_MESSAGE),
        .answer_len = TLS_ALERT_LEN,
    },
    {SOCKS_5, HTTP_FAULT_SOCKS, SOCKS_ADVICE, {SOCKS_5, 0xff}, 2},
    {SOCKS_4, HTTP_FAULT_SOCKS, SOCKS_ADVICE, {0, 91}, 8},
};

static const struct foreign_client *find(char first)
{
    for (size_t i = 0; i < ARRAY_LEN(foreign_clients); i++) {
        if (foreign_clients[i].first == first)
            return &foreign_clients[i];
    }
    return NULL;
}

const char *foreign_client_advice(char first, enum http_addressee addressee)
{
    const struct foreign_client *client = find(first);
    return client == NULL ? NULL : client->advice[addressee];
}

char foreign_client_first(const char *reason, struct slice sent)
{
    bool foreign = reason == REASON_MALFORMED_TLS || reason == REASON_MALFORMED_SOCKS;
    return foreign && sent.len > 0 ? sent.ptr[0] : '\0';
}

enum http_fault foreign_client_fault(char first)
{
    const struct foreign_client *client = find(first);
    return client == NULL ? HTTP_FAULT_METHOD : client->fault;
}

size_t foreign_client_answer(char first, unsigned char out[FOREIGN_CLIENT_ANSWER_MAX])
{
    const struct foreign_client *client = find(first);
    if (client == NULL)
        return 0;
    memcpy(out, client->answer, sizeof(client->answer));
    return client->answer_len;
}
