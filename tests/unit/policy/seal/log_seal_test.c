/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdio.h>

#include "tests/unit/policy/seal/sealed_log_fixture.h"

static struct slice line_of(const struct sealed_log *log, unsigned number)
{
    struct slice rest = buffer_slice(&log->text), line = rest;
    for (unsigned i = 0; i <= number; i++)
        line = slice_cut(&rest, '\n');
    return line;
}

Test(log_seal, what_is_made_can_be_taken_apart)
{
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    static const struct log_chain none;
    struct log_chain before = none;
    sealed_log_begin(&log, 7);
    for (unsigned i = 0; i < 20; i++) {
        struct log_sealed sealed;
        struct log_mac_key mac = log.sealer.mac;
        uint64_t epoch = log.sealer.key.epoch;
        if (i % 5 == 4)
            sealed_log_seal(&log);
        else
            sealed_log_add(&log, i == 0 ? LOG_START : LOG_REQUEST);
        cr_assert(log_sealed_parse(&sealed, line_of(&log, i)));
        cr_expect_eq(sealed.epoch, epoch);
        cr_expect(log_sealed_follows(&sealed, &before));
        cr_expect_not(log_sealed_follows(&sealed, &sealed.chain));
        cr_expect(log_sealed_is_authentic(&sealed, &mac));
        before = sealed.chain;
    }
    cr_expect_eq(log.sealer.key.epoch, 5);
}

/* Worked out with Python's hashlib from the description in log_seal.h. */
Test(log_seal, has_the_form_that_is_described)
{
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    sealed_log_begin(&log, 7);
    sealed_log_add(&log, LOG_START);
    cr_expect_str_eq(
        buffer_text(&log.text),
        "{\"ts\":\"2023-11-14T22:13:20.000000Z\",\"id\":\"0a1b2c3d-1\",\"seq\":1,\"event\":"
        "\"start\",\"epoch\":1,\"chain\":"
        "\"ec55b848a5e4b7057fa33a7f1541e2e87b328e8a026cb6357bfe7c4b7488cf50\",\"mac\":"
        "\"78575aeab5c9ddd8105b8309cbc5cf6a\"}\n");
}

Test(log_seal, a_line_has_one_spelling)
{
    static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static const struct {
        const char *name, *body, *epoch, *between;
        bool good;
    } rows[] = {
        {"as it is made", "{\"a\":1", ",\"epoch\":12", "\",\"mac\":\"", true},
        {"largest epoch", "{\"a\":1", ",\"epoch\":9999999999999999999", "\",\"mac\":\"", true},
        {"epoch 0", "{\"a\":1", ",\"epoch\":0", "\",\"mac\":\"", false},
        {"leading zero", "{\"a\":1", ",\"epoch\":01", "\",\"mac\":\"", false},
        {"no epoch", "{\"a\":1", ",\"epoch\":", "\",\"mac\":\"", false},
        {"epoch too large", "{\"a\":1", ",\"epoch\":99999999999999999999", "\",\"mac\":\"", false},
        {"epoch as text", "{\"a\":1", ",\"epoch\":\"1\"", "\",\"mac\":\"", false},
        {"a blank", "{\"a\":1", ",\"epoch\": 1", "\",\"mac\":\"", false},
        {"no body", "", ",\"epoch\":1", "\",\"mac\":\"", false},
        {"another name", "{\"a\":1", ",\"epochs\":1", "\",\"mac\":\"", false},
        {"a blank before the mac", "{\"a\":1", ",\"epoch\":1", "\", \"mac\":\"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[512];
        struct log_sealed sealed;
        snprintf(line, sizeof(line), "%s%s,\"chain\":\"%s%s%.32s\"}", rows[i].body, rows[i].epoch,
                 hex, rows[i].between, hex);
        cr_expect_eq(log_sealed_parse(&sealed, slice_from_text(line)), rows[i].good, "%s",
                     rows[i].name);
    }
}

Test(log_seal, goes_on_behind_what_was_written)
{
    CLEANUP(sealed_log_free) struct sealed_log log = {.seq = 0};
    sealed_log_begin(&log, 7);
    sealed_log_add(&log, LOG_START);
    size_t written = log.text.len;
    struct log_chain chain = log.sealer.chain;
    sealed_log_add(&log, LOG_REQUEST);
    sealed_log_add(&log, LOG_REQUEST);
    log_sealer_written(&log.sealer, log.text.data, written);
    log_sealer_rewind(&log.sealer);
    cr_expect_arr_eq(&log.sealer.chain, &chain, sizeof(chain));
    log.text.len = written;
    sealed_log_add(&log, LOG_REQUEST);
    struct log_verify verify;
    const struct log_verdict *verdict = sealed_log_judge(&verify, buffer_slice(&log.text), "\x07");
    cr_expect_eq(verdict->fault, LOG_FAULT_NONE);
    cr_expect_eq(verdict->records, 2);
}

Test(log_seal, an_earlier_key_is_gone)
{
    struct log_seal_key key = sealed_log_first_key(7), earlier = key;
    log_seal_key_evolve(&key);
    cr_expect_eq(key.epoch, 1);
    cr_expect_neq(memcmp(key.bytes, earlier.bytes, sizeof(key.bytes)), 0);
    struct log_sealer sealer;
    static const struct log_chain none;
    log_sealer_init(&sealer, &key, &none);
    struct log_seal_key next = key;
    log_seal_key_evolve(&next);
    log_sealer_set_key(&sealer, &next);
    cr_expect_null(memmem(&sealer, sizeof(sealer), key.bytes, sizeof(key.bytes)));
    log_sealer_wipe(&sealer);
    cr_expect_null(memmem(&sealer, sizeof(sealer), next.bytes, sizeof(next.bytes)));
}
