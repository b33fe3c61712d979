/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that speak another protocol to a port for HTTP: TLS (HTTPS_PROXY=https://…, docker with
 * DOCKER_TLS_VERIFY) and SOCKS (ALL_PROXY=socks5h://…). The first byte tells, since no method begins
 * with it. They are refused in their own words, so that they stop and can say why. */
#pragma once

#include <stddef.h>

#include "proxy/http/http_line.h"

/* What is to be written instead, for people; NULL when HTTP may begin with this byte. Static text. */
const char *foreign_client_advice(char first, enum http_addressee addressee);
/* The first byte of what was refused for `reason`, '\0' when it is HTTP all the same. */
char foreign_client_first(const char *reason, struct slice sent);
/* The fault of a request that begins with such a byte. */
enum http_fault foreign_client_fault(char first);

/* Writes the refusal: a fatal alert (RFC 8446 section 6), "no acceptable methods" (RFC 1928 section
 * 3), "request rejected" (SOCKS 4). Returns its length, 0 when HTTP may begin with this byte. */
enum { FOREIGN_CLIENT_ANSWER_MAX = 8 };
size_t foreign_client_answer(char first, unsigned char out[FOREIGN_CLIENT_ANSWER_MAX]);

