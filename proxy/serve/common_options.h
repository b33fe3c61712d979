/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of option tables that several commands have: the same name means the same thing everywhere. */
#pragma once

#include "base/cli/option.h"

#define COMMON_OPTION_UPSTREAM                                                                     \
    OPTION_TEXT_ROW(OPTION_TEXT, "upstream", "ADDRESS",                                            \
                    "where the Docker Engine listens: unix:PATH or tcp:ADDR:PORT", .letter = 'u',  \
                    .environment = "DOCKREEVE_UPSTREAM", .initial = "unix:/var/run/docker.sock")

#define COMMON_OPTION_CONFIG                                                                       \
    OPTION_TEXT_ROW(OPTION_TEXT, "config", "FILE",                                                 \
                    "the policy; its folder's policy.d/*.yaml add to it", .letter = 'c',           \
                    .environment = "DOCKREEVE_CONFIG")

#define COMMON_OPTION_STATE                                                                        \
    OPTION_TEXT_ROW(OPTION_TEXT, "state", "DIR",                                                   \
                    "the state folder of the gate, as given to serve",                             \
                    .environment = "DOCKREEVE_STATE")
