/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of option tables that several commands have: the same name means the same thing everywhere.
 */
#ifndef DOCKREEVE_PROXY_COMMON_OPTIONS_H
#define DOCKREEVE_PROXY_COMMON_OPTIONS_H

#include "base/cli/option.h"

#define COMMON_OPTION_UPSTREAM                                                                     \
    {                                                                                              \
        .name = "upstream", .letter = 'u', .type = OPTION_TEXT, .argument = "ADDRESS",             \
        .initial = "unix:/var/run/docker.sock", .environment = "DOCKREEVE_UPSTREAM",               \
        .help = "where the Docker Engine listens: unix:PATH or tcp:ADDR:PORT"                      \
    }

#define COMMON_OPTION_CONFIG                                                                       \
    {                                                                                              \
        .name = "config", .letter = 'c', .type = OPTION_TEXT, .argument = "FILE",                  \
        .environment = "DOCKREEVE_CONFIG",                                                         \
        .help = "the policy; its folder's policy.d/*.yaml add to it"                               \
    }

#define COMMON_OPTION_STATE                                                                        \
    {                                                                                              \
        .name = "state", .type = OPTION_TEXT, .argument = "DIR", .environment = "DOCKREEVE_STATE", \
        .help = "the state folder of the gate, as given to serve"                                  \
    }

#endif
