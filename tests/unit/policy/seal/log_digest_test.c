/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "policy/seal/log_digest.h"

static void check_hex(const char *name, const unsigned char *bytes, const char *wanted)
{
    char text[2 * LOG_DIGEST_LEN + 1];
    for (size_t i = 0; i < LOG_DIGEST_LEN; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    cr_expect_str_eq(text, wanted, "%s", name);
}

Test(log_digest, gives_the_sums_of_fips_180_4)
{
    static const struct {
        const char *name, *text, *sum;
    } rows[] = {
        {"empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct log_digest digest;
        unsigned char sum[LOG_DIGEST_LEN];
        log_digest_begin(&digest);
        for (const char *byte = rows[i].text; *byte != '\0'; byte++)
            log_digest_add(&digest, byte, 1);
        log_digest_end(&digest, sum);
        check_hex(rows[i].name, sum, rows[i].sum);
        static const struct log_digest wiped;
        cr_expect_arr_eq(&digest, &wiped, sizeof(digest), "%s: the state is not wiped",
                         rows[i].name);
    }
}

Test(log_digest, gives_the_macs_of_rfc_4231)
{
    unsigned char aa[131];
    memset(aa, 0xaa, sizeof(aa));
    const struct {
        const char *name, *key;
        size_t key_len;
        const char *text, *mac;
    } rows[] = {
        {"case 1",
         "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b", 20,
         "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"case 2", "Jefe", 4, "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"case 6, a key longer than a block", (const char *)aa, sizeof(aa),
         "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct log_mac_key key;
        unsigned char mac[LOG_DIGEST_LEN];
        log_mac_key_set(&key, (const unsigned char *)rows[i].key, rows[i].key_len);
        for (int round = 0; round < 2; round++) { /* the key may be used again */
            log_mac(&key, rows[i].text, strlen(rows[i].text), mac);
            check_hex(rows[i].name, mac, rows[i].mac);
        }
    }
}

Test(log_digest, a_domain_fills_the_first_block)
{
    char block[LOG_DIGEST_BLOCK_LEN + 3] = "some domain";
    memcpy(block + LOG_DIGEST_BLOCK_LEN, "abc", 3);
    struct log_digest plain, domain;
    unsigned char a[LOG_DIGEST_LEN], b[LOG_DIGEST_LEN];
    log_digest_begin(&plain);
    log_digest_add(&plain, block, sizeof(block));
    log_digest_end(&plain, a);
    log_digest_begin_domain(&domain, "some domain");
    log_digest_add(&domain, "abc", 3);
    log_digest_end(&domain, b);
    cr_expect_arr_eq(a, b, sizeof(a));
}
