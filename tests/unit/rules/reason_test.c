/* SPDX-License-Identifier: Apache-2.0
 *
 * The codes of the program and those that dockreeve-log(5) explains are the same. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "rules/reason.h"

#define NOT_EXPLAINED "deploy/man/dockreeve-log.5 does not have `%s` of rules/reason.h"
#define NO_CODE "rules/reason.h does not have `%s` of deploy/man/dockreeve-log.5"
#define TEXT(name, text) text,
static const char *const reasons[] = {REASONS(TEXT)};
static const char *const endings[] = {ENDINGS(TEXT)};

/* The manual from `from` to `to`, as text. */
static void read_part(const char *from, const char *to, struct buffer *out)
{
    AUTO_BUFFER struct buffer page = BUFFER_EMPTY;
    char bytes[4096];
    size_t got;
    FILE *file = fopen(MAN_FOLDER "/dockreeve-log.5", "r");
    cr_assert_not_null(file);
    while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0)
        buffer_append(&page, bytes, got);
    fclose(file);
    const char *begin = strstr(buffer_text(&page), from);
    cr_assert_not_null(begin);
    const char *end = strstr(begin, to);
    cr_assert_not_null(end);
    buffer_append(out, begin, (size_t)(end - begin));
    buffer_append_byte(out, '\0');
}

/* The codes behind `macro` at the beginning of lines, each between spaces. What stands behind
 * " Ns " is not one: "malformed. Ns Ar what" is a whole family. */
static void list_codes(char *page, const char *macro, struct buffer *out)
{
    char *after_line, *after_word;
    buffer_append_byte(out, ' ');
    for (char *line = strtok_r(page, "\n", &after_line); line != NULL;
         line = strtok_r(NULL, "\n", &after_line)) {
        if (strncmp(line, macro, strlen(macro)) != 0)
            continue;
        for (char *word = strtok_r(line + strlen(macro), " ", &after_word);
             word != NULL && strcmp(word, "Ns") != 0; word = strtok_r(NULL, " ", &after_word)) {
            if (strcmp(word, ",") != 0 && strcmp(word, ".") != 0)
                buffer_printf(out, "%s ", word);
        }
    }
    buffer_append_byte(out, '\0');
}

static bool has_code(const struct buffer *list, const char *code, size_t len)
{
    char spaced[80];
    snprintf(spaced, sizeof(spaced), " %.*s ", (int)len, code);
    return strstr(list->data, spaced) != NULL;
}

/* The beginning of a code up to its dot, where the manual explains all that begin so together. */
static size_t family_len(const char *code)
{
    static const char *const families[] = {"address-class.", "malformed."};
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (strncmp(code, families[i], strlen(families[i])) == 0)
            return strlen(families[i]);
    }
    return 0;
}

static bool is_one_of(const char *code, const char *const *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(code, codes[i]) == 0 ||
            (family_len(code) == strlen(code) && family_len(codes[i]) == strlen(code)))
            return true;
    }
    return false;
}

Test(reason, the_manual_explains_every_code_and_no_other)
{
    AUTO_BUFFER struct buffer page = BUFFER_EMPTY, listed = BUFFER_EMPTY;
    char *rest;
    read_part(".Sh REASONS", ".Sh SEE ALSO", &page);
    list_codes(page.data, ".It Cm ", &listed);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        size_t family = family_len(reasons[i]);
        cr_expect(has_code(&listed, reasons[i], family > 0 ? family : strlen(reasons[i])),
                  NOT_EXPLAINED, reasons[i]);
    }
    for (char *code = strtok_r(listed.data, " ", &rest); code != NULL;
         code = strtok_r(NULL, " ", &rest))
        cr_expect(is_one_of(code, reasons, ARRAY_LEN(reasons)), NO_CODE, code);
}

Test(reason, the_manual_lists_the_classes_of_addresses)
{
    AUTO_BUFFER struct buffer page = BUFFER_EMPTY, listed = BUFFER_EMPTY;
    char code[80], *rest;
    read_part(".It Cm address-class.", "and no rule names it", &page);
    list_codes(page.data, ".Cm ", &listed);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        const char *class = reasons[i] + strlen("address-class.");
        if (strncmp(reasons[i], "address-class.", strlen("address-class.")) == 0)
            cr_expect(has_code(&listed, class, strlen(class)), NOT_EXPLAINED, class);
    }
    for (char *class = strtok_r(listed.data, " ", &rest); class != NULL;
         class = strtok_r(NULL, " ", &rest)) {
        snprintf(code, sizeof(code), "address-class.%s", class);
        cr_expect(is_one_of(code, reasons, ARRAY_LEN(reasons)), NO_CODE, class);
    }
}

Test(reason, the_manual_names_every_way_to_end)
{
    AUTO_BUFFER struct buffer page = BUFFER_EMPTY, listed = BUFFER_EMPTY;
    char *rest;
    read_part("of a tunnel is\n", ".It Cm policy\n", &page);
    list_codes(page.data, ".Cm ", &listed);
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        cr_expect(has_code(&listed, endings[i], strlen(endings[i])) ||
                      strcmp(endings[i], ENDING_EVICTED) == 0, /* of idle connections: no record */
                  NOT_EXPLAINED, endings[i]);
    for (char *code = strtok_r(listed.data, " ", &rest); code != NULL;
         code = strtok_r(NULL, " ", &rest))
        cr_expect(is_one_of(code, endings, ARRAY_LEN(endings)) ||
                      is_one_of(code, reasons, ARRAY_LEN(reasons)),
                  NO_CODE, code);
}
