/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole gate with one egress listener, and sockets to put a tunnel between. The loop is turned by
 * the test, so that nothing depends on timing. */
#pragma once

#include <arpa/inet.h>

#include "proxy/egress/tunnel.h"
#include "tests/unit/proxy/gate_fixture.h"

#define AUTO_FIXTURE CLEANUP(fixture_free)

static inline void egress_fixture_start(struct gate_fixture *fixture, const char *listen_at,
                                        const char *rules)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct resolver_options *resolver = &fixture->options.egress.resolver;
    resolver->server_count = 1;
    endpoint_from_ip(&resolver->servers[0],
                     &(struct ip_address){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}},
                     9);
    buffer_printf(&text, "version: 1\nnetwork:\n%sclients:\n  one:\n    egress: \"%s\"\n", rules,
                  listen_at);
    fixture_start(fixture, buffer_text(&text));
}

static inline struct listener *egress_fixture_listener(const struct gate_fixture *fixture)
{
    return TAILQ_FIRST(&fixture->loop->listeners);
}

/* The port that the only listener got. */
static inline uint16_t egress_fixture_port(const struct gate_fixture *fixture)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    listener_write_all(fixture->loop, &text);
    const char *colon = strrchr(buffer_text(&text), ':');
    cr_assert_not_null(colon, "%s", buffer_text(&text));
    return (uint16_t)atoi(colon + 1);
}

/* One turn of the loop, without waiting. */
static inline void egress_fixture_turn(const struct gate_fixture *fixture)
{
    cr_assert_geq(event_base_loop(fixture->loop->base, EVLOOP_NONBLOCK), 0);
    client_conn_free_closed(fixture->loop);
}

/* Everything that the log holds. */
static inline void egress_fixture_read_log(const struct gate_fixture *fixture, struct buffer *out)
{
    struct error error = {0};
    char bytes[8192];
    cr_assert(log_writer_flush(fixture->loop->log, &error), "%s", error.text);
    FILE *file = fopen(fixture->log_path, "r");
    cr_assert_not_null(file);
    for (size_t got; (got = fread(bytes, 1, sizeof(bytes), file)) > 0;)
        buffer_append(out, bytes, got);
    fclose(file);
    (void)buffer_text(out);
}

/* Two ends of a TCP connection over loopback; the second does not block. */
static inline void tcp_pair(int pair[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listening, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(getsockname(listening, (struct sockaddr *)&address, &len), 0);
    cr_assert_eq(listen(listening, 1), 0);
    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(pair[0], (struct sockaddr *)&address, len), 0);
    pair[1] = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    cr_assert_geq(pair[1], 0);
    close(listening);
}
