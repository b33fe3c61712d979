/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a log. Whatever is suggested loads as a policy, is printable ASCII, and says the
 * same when it is made again. No rule of it names a host or operation that the log does not hold,
 * but a star for three hosts and a set for all of its members. */

#include "policy/document/policy_load.h"
#include "policy/suggest/suggest_write.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/policy_loads.h"

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
    struct policy *policy = policy_loads(buffer_slice(&made.document), "");
    policy_unref(&policy);
    clear(&made);
    clear(&again);
    return 0;
}
