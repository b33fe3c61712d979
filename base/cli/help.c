/* SPDX-License-Identifier: Apache-2.0
 *
 * `--help`, from a command's option table. Lines are as long as the terminal is wide, as far as that
 * is known; only a word that is longer than the line, or an example, stands out. */
#include "base/cli/help.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { WIDTH = 80, WIDTH_MIN = 40, WIDTH_MAX = 100, COLUMN_MAX = 32 };

/* Of a line. Shells say COLUMNS. */
static size_t line_width(void)
{
    const char *columns = getenv("COLUMNS");
    uint64_t width;
    if (columns == NULL || !slice_to_u64(slice_from_text(columns), &width) || width == 0)
        return WIDTH;
    return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : (size_t)width;
}

/* "  -n, --limit N" */
static void spell_option(const struct option *option, struct buffer *out)
{
    if (option->letter != '\0')
        buffer_printf(out, "  -%c, --%s", option->letter, option->name);
    else
        buffer_printf(out, "      --%s", option->name);
    if (option->type != OPTION_FLAG)
        buffer_printf(out, " %s", option->argument != NULL ? option->argument : "TEXT");
}

/* The sentence and, in brackets behind it, what the table knows beside it. */
static void spell_details(const struct option *option, struct buffer *out)
{
    AUTO_BUFFER struct buffer range = BUFFER_EMPTY;
    if (option->type >= OPTION_NUMBER)
        option_spell_range(option, &range);
    buffer_append_text(out, option->help);
    const char *before = " [";
    if (option->type == OPTION_LIST) {
        buffer_printf(out, "%srepeatable", before);
        before = "; ";
    }
    if (option->initial != NULL && option->type != OPTION_FLAG) {
        buffer_printf(out, "%sdefault %s", before, option->initial);
        before = "; ";
    }
    if (range.len > 0) {
        buffer_printf(out, "%s%s", before, buffer_text(&range));
        before = "; ";
    }
    if (option->environment != NULL) {
        buffer_printf(out, "%senvironment %s", before, option->environment);
        before = "; ";
    }
    if (before[0] == ';')
        buffer_append_byte(out, ']');
}

void help_print_wrapped(struct slice text, size_t at, size_t column, FILE *out)
{
    const size_t width = line_width();
    bool first = true;
    while (text.ptr != NULL) {
        struct slice word = slice_cut(&text, ' ');
        if (first) {
            if (at >= column && column > 0) {
                fputc('\n', out);
                at = 0;
            }
            if (column > at)
                fprintf(out, "%*s", (int)(column - at), "");
            at = column;
        } else if (at + 1 + word.len > width) {
            fprintf(out, "\n%*s", (int)column, "");
            at = column;
        } else {
            fputc(' ', out);
            at++;
        }
        fwrite(word.ptr, 1, word.len, out);
        at += word.len;
        first = false;
    }
    fputc('\n', out);
}

static void print_option(const struct option *option, size_t column, FILE *out)
{
    AUTO_BUFFER struct buffer left = BUFFER_EMPTY, right = BUFFER_EMPTY;
    spell_option(option, &left);
    spell_details(option, &right);
    fwrite(left.data, 1, left.len, out);
    help_print_wrapped(buffer_slice(&right), left.len, column, out);
}

void help_print_command(const struct option_table *table, FILE *out)
{
    static const struct option help = {.name = "help", .letter = 'h', .help = "show this help"};
    bool letter_taken = false;
    size_t column = 0;
    for (unsigned i = 0; i < table->option_count; i++) {
        AUTO_BUFFER struct buffer left = BUFFER_EMPTY;
        spell_option(&table->options[i], &left);
        if (left.len + 2 > column && left.len + 2 <= COLUMN_MAX)
            column = left.len + 2;
        letter_taken = letter_taken || table->options[i].letter == help.letter;
    }
    if (column < sizeof("  -h, --help  ") - 1)
        column = sizeof("  -h, --help  ") - 1;
    AUTO_BUFFER struct buffer usage = BUFFER_EMPTY;
    buffer_printf(&usage, "dockreeve %s%s%s%s", table->command,
                  table->option_count > 0 ? " [OPTIONS]" : "",
                  table->arguments[0] != '\0' ? " " : "", table->arguments);
    size_t usage_at = (size_t)fprintf(out, "Usage:");
    help_print_wrapped(buffer_slice(&usage), usage_at, usage_at + 1, out);
    fputc('\n', out);
    help_print_wrapped(slice_from_text(table->summary), 0, 0, out);
    fputs("\nOptions:\n", out);
    for (unsigned i = 0; i < table->option_count; i++)
        print_option(&table->options[i], column, out);
    struct option last = help;
    last.letter = letter_taken ? '\0' : help.letter;
    print_option(&last, column, out);
    if (table->examples != NULL)
        fprintf(out, "\nExamples:\n%s%s", table->examples,
                table->examples[strlen(table->examples) - 1] == '\n' ? "" : "\n");
}
