/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "base/hex.h"

Test(hex, every_byte_is_written_so_that_it_reads_back)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const unsigned char bytes[2] = {(unsigned char)byte, (unsigned char)~byte};
        char text[5] = "";
        unsigned char back[2];
        cr_assert_eq(hex_write(text, bytes, 2), text + 4);
        cr_expect_eq(strspn(text, HEX_DIGITS), 4, "%s", text);
        cr_expect(hex_read(text, back, 2) && memcmp(back, bytes, 2) == 0, "%s", text);
    }
}

Test(hex, what_is_no_lower_case_digit_is_refused_wherever_it_stands)
{
    unsigned char bytes[2];
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 4; at++) {
            char text[] = "0af9";
            text[at] = (char)byte;
            bool digit = byte != 0 && strchr(HEX_DIGITS, (int)byte) != NULL;
            cr_expect_eq(hex_read(text, bytes, 2), digit, "%u at %zu", byte, at);
        }
    }
}
