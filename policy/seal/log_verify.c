/* SPDX-License-Identifier: Apache-2.0
 *
 * A record that does not fit says little by itself; the ones behind it say what it is. With P the
 * last record before it, R the one that does not fit and N the next sealed one:
 *
 *   N follows P                         R was inserted, or stands before its predecessor
 *   N follows what R's chain should be  R's chain was changed
 *   R's mac is good                     R is whole and does not stand behind P: records between
 *                                       them were removed, or R was moved
 *   R's mac is bad, N's is good         R was changed
 *   R's and N's are bad                 from R on somebody wrote without the key
 *
 * Without a key the numbers (`seq`) have to stand in for the macs. */
#include "policy/seal/log_verify.h"

#include <string.h>

/* Epochs that a key is evolved for one record: at the log's beginning, and later. */
enum { EPOCHS_FIRST_MAX = 1 << 29, EPOCHS_LATER_MAX = 1 << 20 };

static const struct log_chain beginning;

static bool same_chain(const struct log_chain *a, const struct log_chain *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* A number of the line, 0 when there is none. */
static uint64_t number_of(const struct log_verify *verify, enum log_field field)
{
    uint64_t number;
    return slice_to_u64(verify->fields.fields[field], &number) ? number : 0;
}

static bool is_event(const struct log_verify *verify, const char *event)
{
    return slice_equal_text(verify->fields.fields[LOG_FIELD_EVENT], event);
}

/* The seal says whether the line is good: of a broken one, what can be read of it serves to find it
 * again. */
static void read_fields(struct log_verify *verify, struct slice line)
{
    bool whole = log_line_parse(&verify->fields, line);
    (void)whole;
}

static void keep_word(char word[static LOG_VERIFY_WORD_MAX], struct slice text)
{
    size_t len = text.len < LOG_VERIFY_WORD_MAX ? text.len : LOG_VERIFY_WORD_MAX - 1;
    if (len > 0)
        memcpy(word, text.ptr, len);
    word[len] = '\0';
}

/* The line that is judged. */
static void set_place(const struct log_verify *verify, struct log_place *place, uint64_t epoch)
{
    place->file = verify->file;
    place->line = verify->line;
    place->epoch = epoch;
    place->seq = number_of(verify, LOG_FIELD_SEQ);
    keep_word(place->ts, verify->fields.fields[LOG_FIELD_TS]);
    keep_word(place->id, verify->fields.fields[LOG_FIELD_ID]);
}

void log_verify_init(struct log_verify *verify, const struct log_seal_key *keys, unsigned count)
{
    *verify = (struct log_verify){.key_count = count};
    for (unsigned i = 0; i < count && i < LOG_VERIFY_KEYS_MAX; i++)
        verify->first_keys[i] = keys[i];
}

void log_verify_file(struct log_verify *verify, unsigned file)
{
    verify->file = file;
    verify->line = 0;
}

static void fault(struct log_verify *verify, enum log_fault kind, const struct log_place *place,
                  const char *why)
{
    struct log_verdict *verdict = &verify->verdict;
    if (verdict->fault != LOG_FAULT_NONE)
        return;
    verdict->fault = kind;
    verdict->place = *place;
    verdict->why = why;
}

static void use_key(struct log_verify *verify, const struct log_seal_key *key)
{
    verify->key = *key;
    verify->has_key = true;
    log_mac_key_set(&verify->mac, key->bytes, sizeof(key->bytes));
}

/* Whether the mac is good under `key` once that is in the record's epoch; the key is left there. */
static bool is_authentic_under(struct log_seal_key *key, const struct log_sealed *sealed,
                               uint64_t epochs_max)
{
    struct log_mac_key mac;
    if (sealed->epoch < key->epoch || sealed->epoch - key->epoch > epochs_max)
        return false;
    while (key->epoch < sealed->epoch)
        log_seal_key_evolve(key);
    log_mac_key_set(&mac, key->bytes, sizeof(key->bytes));
    return log_sealed_is_authentic(sealed, &mac);
}

/* Finds the key whose series the record belongs to. Those that do not fit are kept as far as they
 * were evolved. */
static bool choose_key(struct log_verify *verify, const struct log_sealed *sealed)
{
    for (unsigned i = 0; i < verify->key_count; i++) {
        struct log_seal_key key = verify->first_keys[i];
        if (is_authentic_under(&key, sealed, EPOCHS_FIRST_MAX)) {
            use_key(verify, &key);
            verify->keys_used |= UINT32_C(1) << i;
            return true;
        }
        verify->evolved[i] = key;
    }
    return false;
}

/* As long as no record was good: the first one may be what was changed, and another key right. */
static bool choose_later(struct log_verify *verify, const struct log_sealed *sealed)
{
    for (unsigned i = 0; i < verify->key_count; i++) {
        struct log_seal_key key = verify->evolved[i];
        if (is_authentic_under(&key, sealed, 1)) {
            use_key(verify, &key);
            verify->keys_used |= UINT32_C(1) << i;
            return true;
        }
    }
    return false;
}

static bool is_authentic(struct log_verify *verify, const struct log_sealed *sealed)
{
    if (verify->has_key && verify->key.epoch == sealed->epoch)
        return log_sealed_is_authentic(sealed, &verify->mac);
    struct log_seal_key key = verify->key;
    uint64_t epochs_max = verify->verdict.fault == LOG_FAULT_NONE ? EPOCHS_LATER_MAX : 1;
    if (!verify->has_key || !is_authentic_under(&key, sealed, epochs_max))
        return false;
    use_key(verify, &key);
    return true;
}

/* What the record behind a suspect, which does not follow the one before it, says of it. */
static void settle_misplaced(struct log_verify *verify, const struct log_sealed *next,
                             bool next_authentic)
{
    const struct log_place *place = &verify->suspect;
    bool keyed = verify->key_count > 0;
    verify->misplaced = true;
    if (next != NULL && log_sealed_follows(next, &verify->before))
        fault(verify, LOG_FAULT_INSERTED, place, "it is not part of the chain");
    else if (next != NULL && log_sealed_follows(next, &verify->computed))
        fault(verify, LOG_FAULT_CHANGED, place, "its chain was changed");
    else if (keyed && verify->suspect_authentic)
        fault(verify, LOG_FAULT_REMOVED, place, "records before it are not there");
    else if (keyed && next != NULL && !next_authentic)
        fault(verify, LOG_FAULT_FORGED, place,
              "from here on records were written without the key, or come from another log");
    else if (keyed)
        fault(verify, LOG_FAULT_CHANGED, place, "its content was changed");
    else if (verify->suspect_starts)
        fault(verify, LOG_FAULT_CHANGED, place,
              "it was changed, or records before it were removed: only the key can tell");
    else if (place->seq == verify->before_seq + 1 ||
             (next != NULL && number_of(verify, LOG_FIELD_SEQ) == verify->before_seq + 2))
        fault(verify, LOG_FAULT_CHANGED, place, "its content was changed");
    else
        fault(verify, LOG_FAULT_REMOVED, place, "records before it are not there");
}

/* `next` NULL: the log is over. */
static void settle(struct log_verify *verify, const struct log_sealed *next, bool next_authentic)
{
    verify->suspected = false;
    if (!verify->suspect_follows)
        settle_misplaced(verify, next, next_authentic);
    else if (next == NULL || next_authentic)
        fault(verify, LOG_FAULT_CHANGED, &verify->suspect, "it does not fit its mac");
    else
        fault(verify, LOG_FAULT_FORGED, &verify->suspect,
              "from here on the chain was made anew without the key");
}

/* A record that follows what another fault has left open tells that nothing was removed, or
 * inserted, but moved. */
static void find_moved(struct log_verify *verify, const struct log_sealed *sealed, bool follows)
{
    struct log_verdict *verdict = &verify->verdict;
    if (!verify->misplaced)
        return;
    if (verdict->fault == LOG_FAULT_REMOVED && log_sealed_follows(sealed, &verify->before)) {
        verdict->fault = LOG_FAULT_REORDERED;
        verdict->why = "what should stand before it stands further down";
    } else if (verdict->fault == LOG_FAULT_INSERTED && !follows &&
               log_sealed_follows(sealed, &verify->stated)) {
        verdict->fault = LOG_FAULT_REORDERED;
        verdict->why = "it should stand further down";
    }
}

static void suspect(struct log_verify *verify, const struct log_sealed *sealed, bool follows,
                    bool authentic)
{
    set_place(verify, &verify->suspect, sealed->epoch);
    verify->suspected = true;
    verify->suspect_follows = follows;
    verify->suspect_authentic = authentic;
    verify->suspect_starts = is_event(verify, "start");
    verify->before = verify->chain;
    verify->before_seq = verify->seq;
    verify->stated = sealed->chain;
    verify->computed = log_sealed_chain(sealed, &verify->chain);
}

/* The lines without a seal that stand before this record. */
static void judge_odd_lines(struct log_verify *verify, bool fits, bool begins, bool starts)
{
    if (verify->odd_count == 0)
        return;
    if (!verify->begun && begins)
        verify->verdict.unsealed += verify->odd_count;
    else if (!verify->odd_is_record && starts && fits)
        verify->verdict.fragments += verify->odd_count; /* what a crash cut off */
    else if (fits && verify->begun)
        fault(verify, LOG_FAULT_INSERTED, &verify->odd, "it has no seal and is not in the chain");
    else
        fault(verify, LOG_FAULT_CHANGED, &verify->odd, "it has no seal, or a broken one");
    verify->odd_count = 0;
    verify->odd_is_record = false;
}

/* Of a record whose chain and mac are good: an epoch begins behind the seal of the one before. */
static void judge_epoch(struct log_verify *verify, const struct log_sealed *sealed)
{
    struct log_verdict *verdict = &verify->verdict;
    if (!verify->begun || sealed->epoch == verify->epoch)
        return;
    struct log_place place;
    set_place(verify, &place, sealed->epoch);
    if (sealed->epoch < verify->epoch) {
        fault(verify, LOG_FAULT_FORGED, &place, "it was sealed with the key of an earlier epoch");
    } else if (sealed->epoch > verify->epoch + 1 || !verify->closed) {
        verdict->missing_from = verify->epoch + (verify->closed ? 1 : 0);
        verdict->missing_to = sealed->epoch - 1;
        fault(verify, LOG_FAULT_REMOVED, &place,
              "epochs before it are not there, or not to their end");
    }
}

static void count_event(struct log_verify *verify, const struct log_sealed *sealed, bool good)
{
    struct log_verdict *verdict = &verify->verdict;
    bool is_seal = is_event(verify, "seal");
    verdict->records++;
    verdict->behind_proven++;
    /* A start has several records; the numbers begin anew at the first. */
    if (is_event(verify, "start") && verify->begun &&
        number_of(verify, LOG_FIELD_SEQ) <= verify->seq) {
        verdict->restarts++;
        verdict->crashes += verify->stopped ? 0 : 1;
    }
    if (is_event(verify, "lost"))
        verdict->lost += number_of(verify, LOG_FIELD_COUNT);
    if (is_seal) {
        verdict->seals++;
        if (good && verdict->fault == LOG_FAULT_NONE && !verify->suspected) {
            set_place(verify, &verdict->proven, sealed->epoch);
            verdict->behind_proven = 0;
        }
    }
    verify->closed = is_seal;
    /* The last seal of a run stands behind its stop. */
    verify->stopped = is_event(verify, "stop") || (verify->stopped && is_seal);
}

/* Whether the record, of epoch 1, begins a series: the chain shows it, or a key that is not used
 * yet. */
static bool is_series(struct log_verify *verify, const struct log_sealed *sealed, bool follows)
{
    if (!follows && log_sealed_follows(sealed, &beginning))
        return true;
    if (follows && (verify->epoch > 1 || verify->closed))
        return true;
    if (!verify->begun)
        return false;
    for (unsigned i = 0; i < verify->key_count && !is_authentic(verify, sealed); i++) {
        struct log_seal_key key = verify->first_keys[i];
        if ((verify->keys_used & UINT32_C(1) << i) == 0 && is_authentic_under(&key, sealed, 1))
            return true;
    }
    return false;
}

/* A series begins: behind the one before, if there is one, with a key of its own. Its first record
 * follows that one's last, so that nobody who comes later can cut off the end of it. */
static void begin_series(struct log_verify *verify, const struct log_sealed *sealed, bool follows)
{
    struct log_verdict *verdict = &verify->verdict;
    struct log_place place;
    set_place(verify, &place, sealed->epoch);
    uint32_t used = verify->keys_used;
    verdict->series++;
    if (same_chain(&verify->series_began, &sealed->chain))
        fault(verify, LOG_FAULT_INSERTED, &place, "it is a copy of the first record");
    verify->series_began = sealed->chain;
    if (verify->begun && !follows && log_sealed_follows(sealed, &beginning))
        fault(verify, LOG_FAULT_FORGED, &place,
              "a series begins that is not chained to the records before it: it comes from "
              "another log");
    else if (verify->begun && !follows)
        fault(verify, LOG_FAULT_REMOVED, &place, "records of the series before it are not there");
    if (verify->key_count == 0 || choose_key(verify, sealed)) {
        if (verify->key_count > 0 && used == verify->keys_used)
            fault(verify, LOG_FAULT_FORGED, &place, "the series begins a second time");
        return;
    }
    verdict->unknown_series = verify->begun;
    if (verify->begun)
        fault(verify, LOG_FAULT_FORGED, &place,
              "a new series begins with a key that was not given: if nobody of yours asked for "
              "that, the log was cut here and sealed anew");
}

/* The first sealed record of all has nothing that it could follow. With no key that fits, the first
 * is as good as another: that is told from tampering at the end. */
static void judge_first(struct log_verify *verify, const struct log_sealed *sealed, bool begins)
{
    verify->verdict.from_beginning = begins;
    set_place(verify, &verify->verdict.first, sealed->epoch);
    if (verify->key_count > 0 && !verify->has_key && !choose_key(verify, sealed))
        use_key(verify, &verify->evolved[0]);
}

static void judge_sealed(struct log_verify *verify, const struct log_sealed *sealed)
{
    struct log_verdict *verdict = &verify->verdict;
    bool follows = verify->begun && log_sealed_follows(sealed, &verify->chain);
    bool begins = sealed->epoch == 1 && is_series(verify, sealed, follows);
    if (begins)
        begin_series(verify, sealed, follows);
    if (!verify->begun)
        judge_first(verify, sealed, begins);
    else
        find_moved(verify, sealed, follows);
    bool fits = follows || begins || !verify->begun;
    bool authentic = verify->key_count == 0 || is_authentic(verify, sealed) ||
                     (verify->keys_used == 0 && choose_later(verify, sealed));
    verdict->authentic += verify->key_count > 0 && authentic;
    verdict->faults += !fits;
    if (verify->suspected)
        settle(verify, sealed, authentic);
    judge_odd_lines(verify, fits, begins, is_event(verify, "start"));
    if (verdict->fault == LOG_FAULT_NONE && (!fits || !authentic))
        suspect(verify, sealed, fits, authentic);
    else if (verdict->fault == LOG_FAULT_NONE && !begins)
        judge_epoch(verify, sealed);
    count_event(verify, sealed, authentic && fits);
    verify->begun = true;
    verify->chain = sealed->chain;
    verify->epoch = sealed->epoch;
    verify->seq = number_of(verify, LOG_FIELD_SEQ);
    set_place(verify, &verdict->last, sealed->epoch);
}

/* Whether a crash can have left the line: the beginning of a record, of which the file system may
 * have kept the length and not the bytes. What any reader of JSON could take for a record, with
 * whatever behind it, is none. */
static bool is_fragment(struct slice line)
{
    bool in_text = false;
    unsigned depth = 0;
    while (line.len > 0 && line.ptr[line.len - 1] == '\0')
        line.len--;
    if (line.len > 0 && line.ptr[0] != '{')
        return false;
    for (size_t i = 0; i < line.len; i++) {
        char byte = line.ptr[i];
        if (in_text && byte == '\\')
            i++;
        else if (byte == '"')
            in_text = !in_text;
        else if (!in_text && (byte == '{' || byte == '['))
            depth++;
        else if (!in_text && (byte == '}' || byte == ']'))
            depth--;
        if (depth == 0)
            return false;
    }
    return true;
}

static void keep_odd(struct log_verify *verify, struct slice line)
{
    if (verify->odd_count++ == 0)
        set_place(verify, &verify->odd, 0);
    verify->odd_is_record = verify->odd_is_record || !is_fragment(line);
}

void log_verify_line(struct log_verify *verify, struct slice line)
{
    struct log_sealed sealed;
    verify->line++;
    read_fields(verify, line);
    if (log_sealed_parse(&sealed, line))
        judge_sealed(verify, &sealed);
    else
        keep_odd(verify, line);
}

void log_verify_torn(struct log_verify *verify, struct slice rest, bool last)
{
    verify->line++;
    read_fields(verify, rest);
    if (last)
        verify->verdict.fragments++;
    else
        keep_odd(verify, rest);
}

const struct log_verdict *log_verify_end(struct log_verify *verify)
{
    struct log_verdict *verdict = &verify->verdict;
    if (verify->suspected)
        settle(verify, NULL, false);
    if (verify->begun && !verify->odd_is_record)
        verdict->fragments += verify->odd_count;
    else if (verify->begun && verify->odd_count > 0)
        fault(verify, LOG_FAULT_INSERTED, &verify->odd, "it has no seal and is not in the chain");
    else
        verdict->unsealed += verify->odd_count;
    verdict->stopped = verify->stopped;
    explicit_bzero(verify->first_keys, sizeof(verify->first_keys));
    explicit_bzero(verify->evolved, sizeof(verify->evolved));
    explicit_bzero(&verify->key, sizeof(verify->key));
    explicit_bzero(&verify->mac, sizeof(verify->mac));
    log_line_free(&verify->fields);
    return verdict;
}
