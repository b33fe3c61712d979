/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/port_set.h"

#define SIXTEEN_PORTS "1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31"

Test(port_set, equal_sets_have_one_text)
{
    static const struct {
        const char *what, *text, *canonical;
    } rows[] = {
        {"one port", "443", "443"},
        {"every port", "*", "*"},
        {"every port as a range", "1-65535", "*"},
        {"every port in two ranges", "30000-65535,1-29999", "*"},
        {"a list", "80,443,8000-8100", "80,443,8000-8100"},
        {"out of order", "8000-8100,443,80", "80,443,8000-8100"},
        {"twice", "443,443", "443"},
        {"a range of one", "443-443", "443"},
        {"two that touch", "80,81", "80-81"},
        {"one between two", "80,82,81", "80-82"},
        {"ranges that overlap", "10-20,15-30", "10-30"},
        {"a range in another", "10-30,15-20", "10-30"},
        {"a range over others", "80,443,8000,1-9000", "1-9000"},
        {"the edges", "1,65535", "1,65535"},
        {"touching the last", "65535,65534", "65534-65535"},
        {"sixteen", SIXTEEN_PORTS, SIXTEEN_PORTS},
        {"seventeen that are sixteen", SIXTEEN_PORTS ",30",
         "1,3,5,7,9,11,13,15,17,19,21,23,25,27,29-31"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct port_set ports, again;
        struct error error = {0};
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        cr_assert(port_set_parse(slice_from_text(rows[i].text), &ports, &error), "%s: %s",
                  rows[i].what, error.text);
        port_set_write(&ports, &out);
        cr_expect_str_eq(buffer_text(&out), rows[i].canonical, "%s", rows[i].what);
        cr_assert(port_set_parse(buffer_slice(&out), &again, &error));
        cr_expect(port_set_equal(&ports, &again), "%s", rows[i].what);
    }
}

Test(port_set, what_is_no_list_of_ports_is_refused)
{
    static const struct {
        const char *what, *text;
    } rows[] = {
        {"nothing", ""},
        {"a comma", ","},
        {"a comma behind", "80,"},
        {"a comma in front", ",80"},
        {"two commas", "80,,443"},
        {"zero", "0"},
        {"too great", "65536"},
        {"a range too great", "1-65536"},
        {"a range from zero", "0-80"},
        {"leading zeros", "080"},
        {"a leading zero behind", "80-090"},
        {"a plus", "+80"},
        {"a minus", "-80"},
        {"no end", "80-"},
        {"two hyphens", "80-90-100"},
        {"backwards", "90-80"},
        {"a blank", "80, 443"},
        {"hexadecimal", "0x50"},
        {"a name", "https"},
        {"a star in a list", "80,*"},
        {"two stars", "**"},
        {"a star in a range", "80-*"},
        {"seventeen", SIXTEEN_PORTS ",33"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct port_set ports;
        struct error error = {0};
        cr_expect_not(port_set_parse(slice_from_text(rows[i].text), &ports, &error), "%s",
                      rows[i].what);
        cr_expect(error.text[0] != '\0', "%s", rows[i].what);
    }
}

Test(port_set, a_backward_range_is_answered_with_the_right_one)
{
    struct port_set ports;
    struct error error = {0};
    cr_expect_not(port_set_parse(SLICE_LITERAL("8100-8000"), &ports, &error));
    cr_expect(strstr(error.text, "`8000-8100`") != NULL, "%s", error.text);
}

Test(port_set, a_set_has_the_ports_of_its_ranges)
{
    static const struct {
        const char *text;
        uint16_t port;
        bool has;
    } rows[] = {
        {"80,443,8000-8100", 80, true},
        {"80,443,8000-8100", 79, false},
        {"80,443,8000-8100", 81, false},
        {"80,443,8000-8100", 443, true},
        {"80,443,8000-8100", 7999, false},
        {"80,443,8000-8100", 8000, true},
        {"80,443,8000-8100", 8050, true},
        {"80,443,8000-8100", 8100, true},
        {"80,443,8000-8100", 8101, false},
        {"*", 1, true},
        {"*", 65535, true},
        {"65535", 65535, true},
        {"65535", 1, false},
        {"1", 1, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct port_set ports;
        struct error error;
        cr_assert(port_set_parse(slice_from_text(rows[i].text), &ports, &error));
        cr_expect_eq(port_set_has(&ports, rows[i].port), rows[i].has, "%u in %s", rows[i].port,
                     rows[i].text);
    }
}

Test(port_set, no_ports_are_the_web_for_an_allow_and_all_for_a_deny)
{
    struct port_set allow = port_set_default(true), deny = port_set_default(false);
    AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
    port_set_write(&allow, &out);
    buffer_append_byte(&out, ' ');
    port_set_write(&deny, &out);
    cr_expect_str_eq(buffer_text(&out), "80,443 *");
    cr_expect_not(port_set_equal(&allow, &deny));
}

/* Against a table of 65,536 truth values, over seeded random lists. */
Test(port_set, random_lists_have_just_the_ports_that_were_put_in)
{
    static bool wanted[65536];
    uint32_t state = 20261121;
    for (unsigned round = 0; round < 300; round++) {
        AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
        memset(wanted, 0, sizeof(wanted));
        state = state * 1664525 + 1013904223;
        unsigned parts = 1 + (state >> 16) % PORT_SET_RANGES_MAX;
        unsigned scale = (state >> 8 & 1) != 0 ? 64 : 65535; /* crowded: many touch and overlap */
        for (unsigned part = 0; part < parts; part++) {
            state = state * 1664525 + 1013904223;
            unsigned first = 1 + (state >> 8) % scale;
            state = state * 1664525 + 1013904223;
            unsigned last = first + (state >> 8) % (1 + scale / 8);
            last = last > 65535 ? 65535 : last;
            buffer_printf(&text, "%s%u-%u", part == 0 ? "" : ",", first, last);
            for (unsigned port = first; port <= last; port++)
                wanted[port] = true;
        }
        struct port_set ports;
        struct error error = {0};
        cr_assert(port_set_parse(buffer_slice(&text), &ports, &error), "%s", buffer_text(&text));
        for (unsigned port = 0; port < 65536; port++)
            cr_assert_eq(port_set_has(&ports, (uint16_t)port), wanted[port], "%u in %s", port,
                         buffer_text(&text));
        for (unsigned i = 1; i < ports.count; i++)
            cr_assert(ports.ranges[i - 1].last + 1 < ports.ranges[i].first);
    }
}
