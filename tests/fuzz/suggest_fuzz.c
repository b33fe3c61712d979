/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a log. Whatever is suggested loads as a policy, is printable ASCII, and says the
 * same when it is made again. No rule of it names a host or operation that the log does not hold,
 * but a star for three hosts and a set for all of its members. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/document/policy_load.h"
#include "policy/suggest/suggest_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct made {
    struct suggest_evidence evidence;
    struct suggestion suggestion;
    struct buffer document;
};

static void make(struct slice log, bool include_denied, struct made *made)
{
    AUTO_LOG_LINE struct log_line line = LOG_LINE_EMPTY;
    const struct suggest_options options = {.any_object = false};
    memset(made, 0, sizeof(*made));
    made->evidence.include_denied = include_denied;
    while (log.ptr != NULL) {
        struct slice text = slice_cut(&log, '\n');
        if (log_line_parse(&line, text))
            suggest_evidence_add(&made->evidence, &line, text);
    }
    suggest_evidence_seal(&made->evidence);
    suggest_make(&made->suggestion, &made->evidence, &options);
    const struct suggest_document document = {.suggestion = &made->suggestion,
                                              .evidence = &made->evidence};
    suggest_write_document(&document, &made->document);
}

static void clear(struct made *made)
{
    suggest_free(&made->suggestion);
    suggest_evidence_free(&made->evidence);
    buffer_free(&made->document);
}

static void check_loads(struct slice document)
{
    int fd = memfd_create("policy.yaml", MFD_CLOEXEC);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, document.ptr, document.len) != (ssize_t)document.len)
        abort();
    const struct policy_inputs inputs = {.config_path = path, .config_required = true};
    struct policy_messages errors = {NULL, 0, 0}, notices = {NULL, 0, 0};
    struct policy *policy = policy_load(&inputs, &errors, &notices);
    if (policy == NULL) {
        AUTO_BUFFER struct buffer said = BUFFER_EMPTY;
        policy_messages_write(&errors, &said);
        fprintf(stderr, "%s%.*s\n", buffer_text(&said), (int)document.len, document.ptr);
        abort(); /* what is printed loads */
    }
    policy_messages_free(&errors);
    policy_messages_free(&notices);
    policy_unref(&policy);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct made made, again;
    bool include_denied = size > 0 && (data[0] & 1) != 0;
    struct slice log = slice_of((const char *)data, size);
    make(log, include_denied, &made);
    make(log, include_denied, &again);
    if (!slice_equal(buffer_slice(&made.document), buffer_slice(&again.document)))
        abort();
    for (size_t i = 0; i < made.document.len; i++) {
        char byte = made.document.data[i];
        if (byte != '\n' && (byte < 0x20 || byte > 0x7e))
            abort();
    }
    for (size_t i = 0; i < made.suggestion.rule_count; i++) {
        const struct suggest_rule *rule = &made.suggestion.rules[i];
        for (size_t n = 0; n < rule->item_count; n++) {
            AUTO_BUFFER struct buffer host = BUFFER_EMPTY;
            const char *text = rule->items[n].text;
            bool star = rule->network && text[0] == '*';
            buffer_append(&host, text + (star ? 2 : 0), strcspn(text + (star ? 2 : 0), ":@"));
            if (star ? rule->items[n].members < 3
                     : text[0] != '[' && text[0] != '@' &&
                           memmem(log.ptr, log.len, host.data, host.len) == NULL &&
                           memchr(log.ptr, '\\', log.len) == NULL)
                abort();
        }
    }
    check_loads(buffer_slice(&made.document));
    clear(&made);
    clear(&again);
    return 0;
}
