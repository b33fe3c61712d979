/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "rules/network/ip_range.h"

Test(ip_range, addresses_have_one_canonical_text)
{
    static const char *const rows[][2] = {
        {"127.0.0.1", "127.0.0.1"},
        {"::ffff:10.1.2.3", "10.1.2.3"},
        {"::ffff:a01:203", "10.1.2.3"},
        {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"::", "::"},
        {"::1", "::1"},
        {"::1:2", "::1:2"},
        {"1::", "1::"},
        {"fd00:0:0:0:0:0:0:0", "fd00::"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip_address address;
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        cr_assert(ip_address_parse(slice_from_text(rows[i][0]), &address), "%s", rows[i][0]);
        ip_address_write(&address, &out);
        cr_expect_str_eq(buffer_text(&out), rows[i][1]);
    }
}

Test(ip_range, what_is_no_address_is_refused)
{
    static const char *const rows[] = {
        "",           "1",         "1.2.3",     "01.2.3.4",          "1.2.3.256",
        "0x1.2.3.4",  "1.2.3.4.5", "1.2.3.4 ",  " 1.2.3.4",          "[::1]",
        "fe80::1%1",  ":::",       "1::2::3",   "12345::",           "::1.2.3",
        "::01.2.3.4", "localhost", "1.2.3.4/8", "1:2:3:4:5:6:7:8:9",
    };
    struct ip_address address;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_not(ip_address_parse(slice_from_text(rows[i]), &address), "%s", rows[i]);
    cr_expect_not(ip_address_parse(slice_of("1.2.3.4\0", 8), &address));
}

Test(ip_range, ranges_contain_their_own_and_nothing_beside)
{
    static const struct {
        const char *range, *address;
        bool inside;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.0.0.1", true},
        {"172.16.0.0/12", "172.31.255.255", true},
        {"172.16.0.0/12", "172.32.0.0", false},
        {"0.0.0.0/0", "1.2.3.4", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "1.2.3.4", true},
        {"1.2.3.4", "1.2.3.4", true},
        {"1.2.3.4", "1.2.3.5", false},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"::1/128", "::1", true},
        {"::ffff:10.0.0.0/104", "10.9.9.9", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip_range range;
        struct ip_address address;
        cr_assert(ip_range_parse(slice_from_text(rows[i].range), &range), "%s", rows[i].range);
        cr_assert(ip_address_parse(slice_from_text(rows[i].address), &address));
        cr_expect_eq(ip_range_contains(&range, &address), rows[i].inside, "%s in %s",
                     rows[i].address, rows[i].range);
    }
}

Test(ip_range, what_is_no_range_is_refused)
{
    static const char *const rows[] = {
        "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8",
        "::1/127",    "::/129",      "/8",        "10.0.0/8",    "10.0.0.0/+8", "10.0.0.0/8 ",
    };
    struct ip_range range;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect_not(ip_range_parse(slice_from_text(rows[i]), &range), "%s", rows[i]);
}

Test(ip_range, ranges_have_one_canonical_text)
{
    static const char *const rows[][2] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"1.2.3.4", "1.2.3.4"},
        {"1.2.3.4/32", "1.2.3.4"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"::/0", "::/0"},
        {"::/95", "::/95"},
        {"2001:DB8::/32", "2001:db8::/32"},
        {"::1/128", "::1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip_range range;
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        cr_assert(ip_range_parse(slice_from_text(rows[i][0]), &range), "%s", rows[i][0]);
        ip_range_write(&range, &out);
        cr_expect_str_eq(buffer_text(&out), rows[i][1]);
    }
}

Test(ip_range, four_bytes_are_the_address_that_their_text_is)
{
    static const uint8_t bytes[4] = {192, 0, 2, 7};
    struct ip_address parsed, made = ip_address_from_v4(bytes);
    cr_assert(ip_address_parse(SLICE_LITERAL("192.0.2.7"), &parsed));
    cr_expect_arr_eq(made.bytes, parsed.bytes, sizeof(made.bytes));
}

Test(ip_range, the_loopback_is_one_address_of_each_family)
{
    static const char *const texts[IP_LOOPBACK_COUNT] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < IP_LOOPBACK_COUNT; i++) {
        AUTO_BUFFER struct buffer out = BUFFER_EMPTY;
        ip_address_write(&ip_loopback[i], &out);
        cr_expect_str_eq(buffer_text(&out), texts[i]);
    }
}
