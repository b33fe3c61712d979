/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of hosts: what a file says, and the line of what cannot be read. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/resolve/hosts_table.h"

static struct hosts_table *load(const char *text, struct error *error)
{
    char path[] = "/tmp/dockreeve-hosts-XXXXXX";
    AUTO_CLOSE int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    struct hosts_table *table = hosts_table_load(path, error);
    unlink(path);
    return table;
}

static const char *addresses_of(const struct hosts_table *table, const char *text)
{
    static char written[1024];
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    struct ip_address addresses[HOSTS_TABLE_ADDRESSES_MAX];
    struct host_name host;
    struct error error;
    cr_assert(host_name_parse_dns(slice_from_text(text), &host, &error), "%s", error.text);
    unsigned count = hosts_table_find(table, &host, addresses);
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_byte(&out, ' ');
        ip_address_write(&addresses[i], &out);
    }
    snprintf(written, sizeof(written), "%s", buffer_text(&out));
    return written;
}

#define AUTO_TABLE CLEANUP(hosts_table_free)

Test(hosts_table, names_have_the_addresses_of_all_their_lines)
{
    static const struct {
        const char *name, *addresses;
    } rows[] = {
        {"a.test", "10.0.0.1"},
        {"b.test", "10.0.0.2 fd00::2"},
        {"alias.test", "10.0.0.2"},
        {"under_score.test", "10.0.0.3"},
        {"comment.test", ""},
        {"tail.test", ""},
        {"test", ""},
        {"zz.test", ""},
        {"sub.a.test", ""},
        {"last.test", "::1"},
        {"mapped.test", "192.0.2.1"},
        {"localhost", "127.0.0.1"},
    };
    struct error error;
    AUTO_TABLE struct hosts_table *table = load("# comment.test\n"
                                                "\n"
                                                "   \t \n"
                                                "10.0.0.2\tB.test. alias.test   # tail.test\n"
                                                "10.0.0.1 a.test#tail.test\n"
                                                "  fd00::2 b.test\n"
                                                "10.0.0.3 under_score.test\n"
                                                "::ffff:192.0.2.1 mapped.test\n"
                                                "127.0.0.1 localhost\n"
                                                "::1 last.test",
                                                &error);
    cr_assert_not_null(table, "%s", error.text);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_str_eq(addresses_of(table, rows[i].name), rows[i].addresses, "%s: %s",
                         rows[i].name, addresses_of(table, rows[i].name));
}

Test(hosts_table, an_empty_file_has_no_names)
{
    struct error error;
    AUTO_TABLE struct hosts_table *table = load("", &error);
    cr_assert_not_null(table, "%s", error.text);
    cr_expect_str_eq(addresses_of(table, "a.test"), "");
}

Test(hosts_table, what_cannot_be_read_is_refused_with_its_line)
{
    static const struct {
        const char *what, *text;
        unsigned line;
    } rows[] = {
        {"a name as address", "10.0.0.1 a.test\nb.test 10.0.0.2\n", 2},
        {"five parts", "10.0.0.1.1 a.test\n", 1},
        {"an octal part", "010.0.0.1 a.test\n", 1},
        {"a zone", "fe80::1%eth0 a.test\n", 1},
        {"an address between brackets", "[::1] a.test\n", 1},
        {"an address without a name", "# first\n\n10.0.0.1\n", 3},
        {"an address without a name, only a comment", "10.0.0.1 # a.test\n", 1},
        {"an address as name", "10.0.0.1 10.0.0.2\n", 1},
        {"a star", "10.0.0.1 *.a.test\n", 1},
        {"a name with a port", "10.0.0.1 a.test:80\n", 1},
        {"an empty label", "10.0.0.1 a..test\n", 1},
        {"a byte beyond ASCII", "10.0.0.1 \xc3\xa4.test\n", 1},
        {"a carriage return", "10.0.0.1 a.test\r\n", 1},
        {"seventeen addresses",
         "10.0.0.1 a\n10.0.0.2 a\n10.0.0.3 a\n10.0.0.4 a\n10.0.0.5 a\n10.0.0.6 a\n10.0.0.7 a\n"
         "10.0.0.8 a\n10.0.0.9 a\n10.0.0.10 a\n10.0.0.11 a\n10.0.0.12 a\n10.0.0.13 a\n"
         "10.0.0.14 a\n10.0.0.15 a\n10.0.0.16 a\n10.0.0.17 a\n",
         17},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error error = {0};
        char place[40];
        AUTO_TABLE struct hosts_table *table = load(rows[i].text, &error);
        cr_expect_null(table, "%s", rows[i].what);
        cr_expect_eq(error.line, rows[i].line, "%s: line %u", rows[i].what, error.line);
        cr_expect_eq(error.exit_code, 2);
        snprintf(place, sizeof(place), ":%u: ", rows[i].line);
        cr_expect(strstr(error.text, place) != NULL, "%s: %s", rows[i].what, error.text);
    }
}
