/* SPDX-License-Identifier: Apache-2.0
 *
 * The table is an array of (name, address), sorted by name and, within a name, by line. */
#include "proxy/resolve/hosts_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/attributes.h"

struct hosts_row {
    char *name; /* owned */
    struct ip_address address;
    unsigned line;
};

struct hosts_table {
    struct hosts_row *rows; /* owned */
    size_t count;
    size_t capacity;
};

void hosts_table_free(struct hosts_table **table)
{
    struct hosts_table *left = steal_pointer(table);
    if (left == NULL)
        return;
    for (size_t i = 0; i < left->count; i++)
        free(left->rows[i].name);
    free(left->rows);
    free(left);
}

static void add(struct hosts_table *table, const struct host_name *host,
                const struct ip_address *address, unsigned line)
{
    table->rows = array_grow(table->rows, table->count, &table->capacity, sizeof(*table->rows));
    table->rows[table->count++] =
        (struct hosts_row){slice_to_text(host_name_slice(host)), *address, line};
}

/* The next word of a line whose blanks are spaces and tabs; empty at its end. */
static struct slice next_word(struct slice *rest)
{
    *rest = slice_trim_blanks(*rest);
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\t')
        len++;
    struct slice word = slice_of(rest->ptr, len);
    *rest = slice_of(rest->ptr + len, rest->len - len);
    return word;
}

static bool read_line(struct hosts_table *table, struct slice text, unsigned line, const char *path,
                      struct error *error)
{
    struct slice rest = slice_cut(&text, '#');
    struct slice word = next_word(&rest);
    if (word.len == 0)
        return true;
    struct ip_address address;
    if (!ip_address_parse(word, &address))
        return error_set(error, 2, "%s:%u: %s is not an IP address", path, line, quote(word).text);
    unsigned names = 0;
    for (word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
        struct host_name host;
        struct error fault;
        if (!host_name_parse_dns(word, &host, &fault))
            return error_set(error, 2, "%s:%u: %s", path, line, fault.text);
        add(table, &host, &address, line);
        names++;
    }
    return names > 0 || error_set(error, 2, "%s:%u: an address without a name", path, line);
}

static int compare_rows(const void *a_row, const void *b_row)
{
    const struct hosts_row *a = a_row, *b = b_row;
    int order = strcmp(a->name, b->name);
    if (order != 0)
        return order;
    return a->line < b->line ? -1 : a->line > b->line;
}

static bool check_counts(const struct hosts_table *table, const char *path, struct error *error)
{
    for (size_t i = HOSTS_TABLE_ADDRESSES_MAX; i < table->count; i++) {
        const struct hosts_row *row = &table->rows[i];
        if (strcmp(row->name, row[-HOSTS_TABLE_ADDRESSES_MAX].name) == 0) {
            error_set(error, 2, "%s:%u: `%s` has more than %d addresses", path, row->line,
                      row->name, HOSTS_TABLE_ADDRESSES_MAX);
            error->line = row->line;
            return false;
        }
    }
    return true;
}

static bool read_all(struct hosts_table *table, FILE *file, const char *path, struct error *error)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    unsigned line = 0;
    ssize_t len;
    while (errno = 0, (len = getline(&text, &size, file)) >= 0) {
        line++;
        if (len > 0 && text[len - 1] == '\n')
            len--;
        if (!read_line(table, slice_of(text, (size_t)len), line, path, error)) {
            error->line = line;
            return false;
        }
    }
    if (ferror(file))
        return error_set(error, 2, "cannot read %s: %s", path, strerror(errno));
    if (table->count > 0)
        qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
    return check_counts(table, path, error);
}

struct hosts_table *hosts_table_load(const char *path, struct error *error)
{
    AUTO_FCLOSE FILE *file = fopen(path, "re");
    if (file == NULL) {
        error_set(error, 2, "cannot open the table of hosts %s: %s", path, strerror(errno));
        return NULL;
    }
    struct hosts_table *table = calloc_or_abort(1, sizeof(*table));
    if (!read_all(table, file, path, error))
        hosts_table_free(&table);
    return table;
}

/* The first row whose name is not before `name`. */
static size_t lower_bound(const struct hosts_table *table, const char *name)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(table->rows[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

unsigned hosts_table_find(const struct hosts_table *table, const struct host_name *host,
                          struct ip_address *addresses)
{
    unsigned count = 0;
    for (size_t i = lower_bound(table, host->text);
         i < table->count && strcmp(table->rows[i].name, host->text) == 0; i++)
        addresses[count++] = table->rows[i].address;
    return count;
}
