/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of message heads for tests that knows nothing of the code under test, and the fixed
 * pseudo-random sequence that property tests are made from. */
#pragma once

#include <criterion/criterion.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PLAIN_FIELDS_MAX = 64 };

struct plain_field {
    char name[80], value[600];
};

struct plain_head {
    char first[3]
              [9000]; /* the three words of the first line; the third may hold spaces (a reason) */
    struct plain_field fields[PLAIN_FIELDS_MAX];
    unsigned field_count;
};

static inline void plain_read(const char *seed_text, const char *bytes, struct plain_head *head)
{
    const char *line = bytes, *end;
    head->field_count = 0;
    for (unsigned number = 0; (end = strstr(line, "\r\n")) != line; number++, line = end + 2) {
        cr_assert_not_null(end, "%s: the head has no end", seed_text);
        for (const char *at = line; at < end; at++)
            cr_assert((unsigned char)*at >= 0x20 || *at == '\t', "%s: control byte in a line",
                      seed_text);
        if (number == 0) {
            const char *first = memchr(line, ' ', (size_t)(end - line));
            const char *second = memchr(first + 1, ' ', (size_t)(end - first - 1));
            snprintf(head->first[0], sizeof(head->first[0]), "%.*s", (int)(first - line), line);
            snprintf(head->first[1], sizeof(head->first[1]), "%.*s", (int)(second - first - 1),
                     first + 1);
            snprintf(head->first[2], sizeof(head->first[2]), "%.*s", (int)(end - second - 1),
                     second + 1);
            continue;
        }
        const char *colon = memchr(line, ':', (size_t)(end - line));
        cr_assert_not_null(colon, "%s: no field line", seed_text);
        cr_assert_eq(colon[1], ' ', "%s", seed_text);
        struct plain_field *field = &head->fields[head->field_count++];
        cr_assert_leq(head->field_count, PLAIN_FIELDS_MAX);
        snprintf(field->name, sizeof(field->name), "%.*s", (int)(colon - line), line);
        snprintf(field->value, sizeof(field->value), "%.*s", (int)(end - colon - 2), colon + 2);
    }
    cr_assert_str_eq(line, "\r\n", "%s: bytes behind the head", seed_text);
}

static inline unsigned plain_count(const struct plain_head *head, const char *name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < head->field_count; i++)
        count += strcasecmp(head->fields[i].name, name) == 0;
    return count;
}

static inline const char *plain_value(const struct plain_head *head, const char *name)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        if (strcasecmp(head->fields[i].name, name) == 0)
            return head->fields[i].value;
    }
    return "(none)";
}

static inline uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static inline bool chance(uint64_t *state, unsigned percent)
{
    return next_random(state) % 100 < percent;
}
