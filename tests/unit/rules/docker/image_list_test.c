/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/docker/image_list.h"

/* As the engine writes it, but for the parent; of every fourth image there is a digest only. */
static void write_summary(struct buffer *out, int number)
{
    buffer_printf(out,
                  "%s{\"Containers\":-1,\"Created\":1,\"Id\":\"sha256:%064d\",\"Labels\":null,",
                  number == 0 ? "" : ",", number);
    if (number % 4 != 0)
        buffer_printf(out, "\"RepoDigests\":[],\"RepoTags\":[\"acme:%d\"],", number);
    else
        buffer_printf(out, "\"RepoDigests\":[\"acme@sha256:%064d\"],\"RepoTags\":null,", number);
    buffer_append_literal(out, "\"SharedSize\":-1,\"Size\":1}");
}

struct seen {
    unsigned tags, ids;
};

static bool count(void *context, struct slice reference)
{
    struct seen *seen = context;
    if (slice_starts_with(reference, SLICE_LITERAL("acme:")))
        seen->tags++;
    else
        seen->ids++;
    return true;
}

Test(image_list, a_host_with_twenty_thousand_images_is_read)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct seen seen = {0, 0};
    struct error error;
    buffer_append_byte(&text, '[');
    for (int i = 0; i < 20000; i++)
        write_summary(&text, i);
    buffer_append_byte(&text, ']');
    cr_assert(image_list_read(buffer_slice(&text), SLICE_LITERAL("acme"), count, &seen, &error),
              "%s", error.text);
    cr_expect_eq(seen.tags, 15000);
    cr_expect_eq(seen.ids, 5000);
    cr_expect_lt(text.len, 4 << 20, "more than the gate takes of an answer");
}
