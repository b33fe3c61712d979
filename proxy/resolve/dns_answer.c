/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of answers in two passes over their records: the first gathers the aliases, which may
 * stand in any order, the second takes the addresses of the name at the end of the chain. What
 * cannot be read to the end of the answer section is not used at all; what stands behind it is not
 * looked at. */
#include "proxy/resolve/dns_answer.h"

#include <string.h>

#include "proxy/resolve/dns_message.h"

enum {
    HEADER_LEN = 12,
    NAME_WIRE_MAX = 255, /* RFC 1035 section 3.1 */
    POINTER = 0xc0,      /* section 4.1.4 */
    TYPE_CNAME = 5,
    FLAG_RESPONSE = 0x8000,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSION_DESIRED = 0x0100,
    OPCODE = 0x7800,
    CODE = 15,
    RECORDS_MAX = 512, /* more than an address has any use for */
    CNAMES_MAX = NAME_CHAIN_NAMES_MAX,
};

struct message {
    const unsigned char *bytes;
    size_t len;
};

/* One record of the answer section. */
struct record {
    struct host_name owner;
    bool owner_is_host;
    uint16_t type, class;
    uint32_t ttl_s;
    size_t data, data_len;
};

struct alias {
    struct host_name owner, target;
    bool target_is_host;
    uint32_t ttl_s;
};

struct aliases {
    struct alias list[CNAMES_MAX];
    unsigned count;
    bool too_many;
};

static bool read_u16(const struct message *message, size_t *at, uint16_t *number_out)
{
    if (message->len - *at < 2)
        return false;
    *number_out = (uint16_t)(message->bytes[*at] << 8 | message->bytes[*at + 1]);
    *at += 2;
    return true;
}

/* Appends one label to a name in text form. A label that looks like two is no host's. */
static void take_label(const unsigned char *label, size_t label_len, char text[NAME_WIRE_MAX],
                       size_t *len, bool *is_host)
{
    if (memchr(label, '.', label_len) != NULL)
        *is_host = false;
    if (*len > 0)
        text[(*len)++] = '.';
    memcpy(text + *len, label, label_len);
    *len += label_len;
}

/* Reads a name, compressed or not, and moves *at behind it. Pointers lead to what stands before
 * them, so there are no circles. *is_host_out tells whether it is the name of a host; the name is
 * canonical then. False when it cannot be read. */
static bool read_name(const struct message *message, size_t *at, struct host_name *name_out,
                      bool *is_host_out)
{
    char text[NAME_WIRE_MAX];
    struct error ignored;
    size_t here = *at, lowest = *at, len = 0, wire = 0;
    bool followed = false;
    *is_host_out = true;
    while (here < message->len) {
        unsigned char label = message->bytes[here];
        if ((label & POINTER) == POINTER) {
            uint16_t target;
            if (!read_u16(message, &here, &target) || (target & 0x3fff) >= lowest)
                return false;
            if (!followed)
                *at = here;
            followed = true;
            here = lowest = target & 0x3fff;
            continue;
        }
        wire += 1 + (size_t)label;
        if (label > HOST_LABEL_LEN_MAX || wire > NAME_WIRE_MAX || message->len - here <= label)
            return false;
        here += 1 + (size_t)label;
        if (label > 0) {
            take_label(message->bytes + here - label, label, text, &len, is_host_out);
            continue;
        }
        if (!followed)
            *at = here;
        *is_host_out = *is_host_out && host_name_parse_dns(slice_of(text, len), name_out, &ignored);
        return true;
    }
    return false;
}

static bool read_record(const struct message *message, size_t *at, struct record *record)
{
    uint16_t ttl_high, ttl_low, data_len;
    if (!read_name(message, at, &record->owner, &record->owner_is_host) ||
        !read_u16(message, at, &record->type) || !read_u16(message, at, &record->class) ||
        !read_u16(message, at, &ttl_high) || !read_u16(message, at, &ttl_low) ||
        !read_u16(message, at, &data_len) || message->len - *at < data_len)
        return false;
    /* RFC 2181 section 8: the top bit set means zero. */
    record->ttl_s = ttl_high > INT16_MAX ? 0 : (uint32_t)ttl_high << 16 | ttl_low;
    record->data = *at;
    record->data_len = data_len;
    *at += data_len;
    return true;
}

/* --- the first pass --- */

static bool take_alias(const struct message *message, const struct record *record,
                       struct aliases *aliases)
{
    struct host_name target;
    bool is_host;
    size_t at = record->data;
    if (!read_name(message, &at, &target, &is_host) || at != record->data + record->data_len)
        return false;
    if (!record->owner_is_host)
        return true; /* another name's */
    if (aliases->count == CNAMES_MAX) {
        aliases->too_many = true;
        return true;
    }
    struct alias *alias = &aliases->list[aliases->count++];
    alias->owner = record->owner;
    alias->target_is_host = is_host;
    alias->ttl_s = record->ttl_s;
    if (is_host)
        alias->target = target;
    return true;
}

static bool read_aliases(const struct message *message, size_t at, unsigned records,
                         struct aliases *aliases)
{
    struct record record;
    for (unsigned i = 0; i < records; i++) {
        if (!read_record(message, &at, &record))
            return false;
        bool is_alias = record.type == TYPE_CNAME && record.class == DNS_CLASS_IN;
        if (is_alias && !take_alias(message, &record, aliases))
            return false;
    }
    return true;
}

/* The one alias of a name; NULL = none. False when there are two that differ (RFC 2181 section
 * 10.1). */
static bool alias_of(const struct aliases *aliases, const struct host_name *name,
                     const struct alias **alias_out)
{
    *alias_out = NULL;
    for (unsigned i = 0; i < aliases->count; i++) {
        const struct alias *alias = &aliases->list[i], *known = *alias_out;
        if (!host_name_equal(&alias->owner, name))
            continue;
        if (known != NULL && !(known->target_is_host && alias->target_is_host &&
                               host_name_equal(&known->target, &alias->target)))
            return false;
        *alias_out = alias;
    }
    return true;
}

/* Goes from the name to where the records lead. False when that is nowhere. */
static bool follow(const struct aliases *aliases, const struct host_name *name,
                   struct host_name *last_out, struct dns_answer *answer)
{
    const struct alias *alias;
    *last_out = *name;
    while (!aliases->too_many && alias_of(aliases, last_out, &alias)) {
        if (alias == NULL)
            return true;
        if (!alias->target_is_host || host_name_equal(&alias->target, name) ||
            name_chain_has(&answer->chain, &alias->target) ||
            !name_chain_add(&answer->chain, &alias->target))
            return false;
        if (alias->ttl_s < answer->ttl_s)
            answer->ttl_s = alias->ttl_s;
        *last_out = alias->target;
    }
    return false;
}

/* --- the second pass --- */

static void take_address(const struct message *message, const struct record *record,
                         struct dns_answer *answer)
{
    struct ip_address *address = &answer->addresses[answer->count++];
    const unsigned char *data = message->bytes + record->data;
    if (record->data_len == sizeof(address->bytes))
        memcpy(address->bytes, data, sizeof(address->bytes));
    else
        *address = ip_address_from_v4(data);
    if (record->ttl_s < answer->ttl_s)
        answer->ttl_s = record->ttl_s;
}

static bool read_addresses(const struct message *message, size_t at, unsigned records,
                           uint16_t type, const struct host_name *name, struct dns_answer *answer)
{
    const size_t data_len = type == DNS_TYPE_A ? 4 : 16;
    struct record record;
    for (unsigned i = 0; i < records && answer->count < DNS_ANSWER_ADDRESSES_MAX; i++) {
        if (!read_record(message, &at, &record))
            return false;
        if (record.type != type || record.class != DNS_CLASS_IN || !record.owner_is_host ||
            !host_name_equal(&record.owner, name))
            continue;
        if (record.data_len != data_len)
            return false;
        take_address(message, &record, answer);
    }
    return true;
}

/* --- the message --- */

static enum dns_answer_result read_records(const struct message *message, size_t at,
                                           unsigned records, bool exists,
                                           const struct host_name *name, uint16_t type,
                                           struct dns_answer *answer)
{
    struct aliases aliases;
    struct host_name last;
    aliases.count = 0;
    aliases.too_many = false;
    if (records > RECORDS_MAX || !read_aliases(message, at, records, &aliases))
        return DNS_ANSWER_UNUSABLE;
    answer->ttl_s = UINT32_MAX;
    if (!follow(&aliases, name, &last, answer)) {
        answer->outcome = DNS_BAD_CHAIN;
        return DNS_ANSWER_OK;
    }
    if (exists && !read_addresses(message, at, records, type, &last, answer))
        return DNS_ANSWER_UNUSABLE;
    answer->outcome = !exists ? DNS_NOT_FOUND : answer->count > 0 ? DNS_FOUND : DNS_NO_ADDRESS;
    return DNS_ANSWER_OK;
}

/* Whether the question section is the very question that was asked; *at stands behind it then. */
static bool is_question(const struct message *message, size_t *at, const struct host_name *name,
                        uint16_t type)
{
    struct host_name asked;
    uint16_t asked_type, asked_class;
    bool is_host;
    return read_name(message, at, &asked, &is_host) && is_host && host_name_equal(&asked, name) &&
           read_u16(message, at, &asked_type) && read_u16(message, at, &asked_class) &&
           asked_type == type && asked_class == DNS_CLASS_IN;
}

enum dns_answer_result dns_answer_read(const unsigned char *bytes, size_t len,
                                       const struct host_name *name, uint16_t type,
                                       struct dns_answer *answer_out)
{
    const struct message message = {bytes, len};
    uint16_t flags, questions, records;
    size_t at = 2;
    answer_out->count = 0;
    name_chain_clear(&answer_out->chain);
    if (len < HEADER_LEN || !read_u16(&message, &at, &flags) ||
        !read_u16(&message, &at, &questions) || !read_u16(&message, &at, &records))
        return DNS_ANSWER_FOREIGN;
    at = HEADER_LEN;
    if ((flags & (FLAG_RESPONSE | OPCODE)) != FLAG_RESPONSE || questions != 1 ||
        !is_question(&message, &at, name, type))
        return DNS_ANSWER_FOREIGN;
    if ((flags & FLAG_TRUNCATED) != 0)
        return DNS_ANSWER_TRUNCATED;
    enum dns_code code = (enum dns_code)(flags & CODE);
    if (code != DNS_OK && code != DNS_NO_NAME)
        return DNS_ANSWER_UNUSABLE;
    return read_records(&message, at, records, code == DNS_OK, name, type, answer_out);
}

size_t dns_answer_ask(uint16_t id, const struct host_name *name, uint16_t type, unsigned char *out)
{
    const unsigned char head[HEADER_LEN] = {
        (unsigned char)(id >> 8), (unsigned char)id, FLAG_RECURSION_DESIRED >> 8, 0, 0, 1,
    };
    struct slice rest = host_name_slice(name);
    size_t at = HEADER_LEN;
    memcpy(out, head, sizeof(head));
    while (rest.len > 0) {
        struct slice label = slice_cut(&rest, '.');
        out[at++] = (unsigned char)label.len;
        memcpy(out + at, label.ptr, label.len);
        at += label.len;
    }
    const unsigned char tail[] = {0, (unsigned char)(type >> 8), (unsigned char)type, 0,
                                  DNS_CLASS_IN};
    memcpy(out + at, tail, sizeof(tail));
    return at + sizeof(tail);
}
