/* SPDX-License-Identifier: Apache-2.0
 *
 * Fatal alerts (RFC 8446 section 6) for TLS clients that are turned away by one who does not speak
 * TLS: a record that stands alone, in the clear, before any handshake. */
#pragma once

enum tls_alert {
    TLS_ALERT_UNEXPECTED_MESSAGE = 10, /* nobody here speaks TLS */
    TLS_ALERT_ACCESS_DENIED = 49,      /* the policy refuses it */
    TLS_ALERT_UNRECOGNIZED_NAME = 112, /* it names no server that could be meant, or reached */
};

/* The initialiser of an array of bytes: a record of version 3.3 with two bytes, fatal. */
#define TLS_ALERT_BYTES(alert)                                                                     \
    {                                                                                              \
        21, 3, 3, 0, 2, 2, (unsigned char)(alert)                                                  \
    }
enum { TLS_ALERT_LEN = 7 };
