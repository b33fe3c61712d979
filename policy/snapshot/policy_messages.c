/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. */
#include "policy/snapshot/policy_messages.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"

void policy_messages_add(struct policy_messages *messages, const char *file, unsigned line,
                         unsigned column, const char *format, ...)
{
    messages->items = array_grow(messages->items, messages->count, &messages->capacity,
                                 sizeof(messages->items[0]));
    struct policy_message *message = &messages->items[messages->count++];
    memset(message, 0, sizeof(*message));
    if (file != NULL)
        message->file = slice_to_text(slice_from_text(file));
    message->error.exit_code = 2;
    message->error.line = line;
    message->error.column = column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message->error.text, sizeof(message->error.text), format, arguments);
    va_end(arguments);
}

void policy_messages_write(const struct policy_messages *messages, struct buffer *out)
{
    policy_messages_write_as(messages, "", out);
}

void policy_messages_write_as(const struct policy_messages *messages, const char *prefix,
                              struct buffer *out)
{
    for (size_t i = 0; i < messages->count; i++) {
        const struct policy_message *message = &messages->items[i];
        buffer_append_text(out, prefix);
        if (message->file != NULL) {
            buffer_append_text(out, message->file);
            if (message->error.line > 0)
                buffer_printf(out, ":%u", message->error.line);
            if (message->error.line > 0 && message->error.column > 0)
                buffer_printf(out, ":%u", message->error.column);
            buffer_append_literal(out, ": ");
        }
        buffer_printf(out, "%s\n", message->error.text);
    }
}

void policy_messages_free(struct policy_messages *messages)
{
    for (size_t i = 0; i < messages->count; i++)
        free(messages->items[i].file);
    free(messages->items);
    *messages = (struct policy_messages){NULL, 0, 0};
}
