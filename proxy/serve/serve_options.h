/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of `serve`: one table that the parser, --help, the completion and the man page's test
 * read, and the gates_options made of it. */
#pragma once

#include "base/cli/option.h"
#include "proxy/serve/gates.h"

/* What serve needs beside the gates' own options. */
struct serve_options {
    struct gates_options gates;
    const char *user; /* NULL = stay */
    bool system_call_filter;
    bool compat;                          /* DOCKREEVE_COMPAT is on */
    char *config_path;                    /* owned */
    char *log_path;                       /* owned */
    char *log_folder;                     /* owned; to be made; NULL = somebody named the log */
    char *state_path;                     /* owned */
    const char *listens[OPTION_LIST_MAX]; /* borrowed from argv, or default_listen */
    char default_listen[256];
    struct policy_input_listen network[4 * OPTION_LIST_MAX]; /* --egress and the like */
    char *proxy_credentials;                                 /* owned; of --upstream-proxy-auth */
};

/* Fills `options` from the command line and the environment. False with `error` (code 2); *help_out
 * when --help was asked. */
MUST_CHECK bool serve_options_read(struct serve_options *options, int argc, char **argv,
                                   bool *help_out, struct error *error);
void serve_options_clear(struct serve_options *serve);

/* `serve` itself. */
int command_serve(const struct command_call *call);

/* The engine's address by an option `--upstream`: what was given, else SOCKET_PATH in compatibility
 * mode, else the default. */
const char *serve_options_upstream(const struct option_value *upstream);

/* The name servers of an option `--resolver`; none = those of /etc/resolv.conf. False with `error`
 * (code 2). */
MUST_CHECK bool serve_options_read_resolvers(const struct option_value *value,
                                             struct resolver_options *resolver,
                                             struct error *error);

/* Where the client `default` listens when nobody says so: a socket in its own folder. */
void serve_options_default_listen(char *text, size_t size);
