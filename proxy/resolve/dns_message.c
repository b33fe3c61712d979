/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of questions and writing of answers. A message that can be read in two ways (compression
 * in a question, bytes behind the end, a second OPT record) is a format error: what we judge must
 * be what another server would have been asked. */
#include "proxy/resolve/dns_message.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum {
    HEADER_LEN = 12,
    NAME_WIRE_MAX = 255, /* RFC 1035 section 3.1 */
    ADDITIONAL_MAX = 4,  /* OPT, TSIG or SIG(0), and some room */
    TYPE_OPT = 41,
    OPT_LEN = 11,
    RECORD_FIXED_LEN = 12, /* with a pointer for its name */
    UDP_MIN = 512,
    FLAG_RESPONSE = 0x8000,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSION_DESIRED = 0x0100,
    FLAG_RECURSION_AVAILABLE =
        0x0080, /* stub resolvers want it, and it is true as far as they see */
    POINTER_TO_QUESTION = 0xc000 | HEADER_LEN,
};

/* Names of the types that are asked for in practice (IANA, DNS parameters). */
static const struct {
    uint16_t type;
    const char *name;
} type_names[] = {
    {1, "A"},      {2, "NS"},     {5, "CNAME"},   {6, "SOA"},   {12, "PTR"},
    {15, "MX"},    {16, "TXT"},   {28, "AAAA"},   {33, "SRV"},  {35, "NAPTR"},
    {43, "DS"},    {46, "RRSIG"}, {48, "DNSKEY"}, {52, "TLSA"}, {64, "SVCB"},
    {65, "HTTPS"}, {251, "IXFR"}, {252, "AXFR"},  {255, "ANY"}, {257, "CAA"},
};

struct reader {
    const unsigned char *bytes;
    size_t len, at;
};

static bool read_u16(struct reader *reader, uint16_t *number_out)
{
    if (reader->len - reader->at < 2)
        return false;
    *number_out = (uint16_t)(reader->bytes[reader->at] << 8 | reader->bytes[reader->at + 1]);
    reader->at += 2;
    return true;
}

/* Goes over a name without compression. */
static bool skip_name(struct reader *reader)
{
    size_t start = reader->at;
    while (reader->at < reader->len) {
        unsigned char label = reader->bytes[reader->at];
        reader->at += 1 + (size_t)label;
        if (label > HOST_LABEL_LEN_MAX || reader->at > reader->len ||
            reader->at - start > NAME_WIRE_MAX)
            return false;
        if (label == 0)
            return true;
    }
    return false;
}

/* The name as in a zone file (RFC 1035 section 5.1), cut when it is too long. */
static void show_name(const unsigned char *wire, char shown[256])
{
    char text[4 * NAME_WIRE_MAX + 1];
    size_t len = 0;
    for (; *wire != 0; wire += 1 + *wire) {
        if (len > 0)
            text[len++] = '.';
        for (size_t i = 1; i <= *wire; i++) {
            bool plain = wire[i] > ' ' && wire[i] < 0x7f && wire[i] != '.' && wire[i] != '\\';
            if (plain)
                text[len++] = (char)wire[i];
            else
                len += (size_t)snprintf(text + len, sizeof(text) - len, "\\%03u", wire[i]);
        }
    }
    if (len == 0)
        text[len++] = '.';
    snprintf(shown, 256, "%.*s%s", (int)(len < 256 ? len : 252), text, len < 256 ? "" : "...");
}

/* The name as the canonical host that is judged. False when it is none: a host has no label with a
 * dot in it, which would look like two. */
static bool read_name(const unsigned char *wire, struct host_name *name_out)
{
    char text[NAME_WIRE_MAX];
    struct error ignored;
    size_t len = 0;
    for (; *wire != 0; wire += 1 + *wire) {
        if (memchr(wire + 1, '.', *wire) != NULL)
            return false;
        if (len > 0)
            text[len++] = '.';
        memcpy(text + len, wire + 1, *wire);
        len += *wire;
    }
    return host_name_parse_dns(slice_of(text, len), name_out, &ignored);
}

static bool read_question(struct reader *reader, struct dns_question *question)
{
    size_t start = reader->at;
    if (!skip_name(reader) || !read_u16(reader, &question->type) ||
        !read_u16(reader, &question->class))
        return false;
    question->raw_len = (uint16_t)(reader->at - start);
    memcpy(question->raw, reader->bytes + start, question->raw_len);
    show_name(question->raw, question->shown);
    question->name_bad = !read_name(question->raw, &question->name);
    if (question->name_bad)
        question->name = (struct host_name){0};
    return true;
}

/* One record behind the question: an OPT (RFC 6891 section 6.1), or one that is passed over. */
static bool read_additional(struct reader *reader, struct dns_question *question,
                            uint8_t *version_out)
{
    uint16_t type, size, flags, len;
    bool root = reader->at < reader->len && reader->bytes[reader->at] == 0;
    if (!skip_name(reader) || !read_u16(reader, &type) || !read_u16(reader, &size))
        return false;
    uint8_t version = reader->at + 1 < reader->len ? reader->bytes[reader->at + 1] : 0;
    if (!read_u16(reader, &flags) || !read_u16(reader, &flags) || !read_u16(reader, &len) ||
        reader->len - reader->at < len)
        return false;
    reader->at += len;
    if (type != TYPE_OPT)
        return true;
    if (!root || question->has_edns)
        return false;
    question->has_edns = true;
    question->udp_size = size < UDP_MIN ? UDP_MIN : size > DNS_UDP_MAX ? DNS_UDP_MAX : size;
    *version_out = version;
    return true;
}

static bool read_body(struct reader *reader, const uint16_t counts[4],
                      struct dns_question *question, uint8_t *version_out)
{
    if (counts[0] != 1 || counts[1] != 0 || counts[2] != 0 || counts[3] > ADDITIONAL_MAX ||
        !read_question(reader, question))
        return false;
    for (unsigned i = 0; i < counts[3]; i++) {
        if (!read_additional(reader, question, version_out))
            return false;
    }
    return reader->at == reader->len;
}

enum dns_question_result dns_question_read(const unsigned char *bytes, size_t len,
                                           struct dns_question *question_out,
                                           enum dns_code *code_out)
{
    struct reader reader = {bytes, len, 0};
    uint16_t flags = 0, counts[4] = {0};
    uint8_t version = 0;
    memset(question_out, 0, sizeof(*question_out));
    question_out->udp_size = UDP_MIN;
    *code_out = DNS_OK;
    bool whole = read_u16(&reader, &question_out->id) && read_u16(&reader, &flags);
    for (unsigned i = 0; i < ARRAY_LEN(counts); i++)
        whole = whole && read_u16(&reader, &counts[i]);
    if (!whole || (flags & FLAG_RESPONSE) != 0)
        return DNS_QUESTION_DROP;
    question_out->recursion_desired = (flags & FLAG_RECURSION_DESIRED) != 0;
    question_out->opcode = flags >> 11 & 15;
    if (question_out->opcode != 0)
        *code_out = DNS_NOT_DONE;
    else if ((flags & FLAG_TRUNCATED) != 0 || !read_body(&reader, counts, question_out, &version))
        *code_out = DNS_FORMAT_ERROR;
    else if (version != 0)
        *code_out = DNS_BAD_VERSION;
    return *code_out == DNS_OK ? DNS_QUESTION_OK : DNS_QUESTION_REFUSE;
}

const char *dns_type_name(uint16_t type, char text[12])
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
        if (type_names[i].type == type)
            return type_names[i].name;
    }
    snprintf(text, 12, "TYPE%u", type);
    return text;
}

static void write_u16(unsigned char *out, size_t *at, unsigned number)
{
    out[(*at)++] = (unsigned char)(number >> 8);
    out[(*at)++] = (unsigned char)number;
}

static void write_u32(unsigned char *out, size_t *at, uint32_t number)
{
    write_u16(out, at, number >> 16);
    write_u16(out, at, number & 0xffff);
}

static bool answers(const struct dns_question *question, const struct ip_address *address)
{
    bool v4 = ip_address_is_v4(address);
    return question->class == DNS_CLASS_IN &&
           ((question->type == DNS_TYPE_A && v4) || (question->type == DNS_TYPE_AAAA && !v4));
}

static void write_address(const struct dns_question *question, const struct ip_address *address,
                          uint32_t ttl_s, unsigned char *out, size_t *at)
{
    size_t len = question->type == DNS_TYPE_A ? 4 : 16;
    write_u16(out, at, POINTER_TO_QUESTION);
    write_u16(out, at, question->type);
    write_u16(out, at, DNS_CLASS_IN);
    write_u32(out, at, ttl_s > INT32_MAX ? INT32_MAX : ttl_s); /* RFC 2181 section 8 */
    write_u16(out, at, (unsigned)len);
    memcpy(out + *at, address->bytes + sizeof(address->bytes) - len, len);
    *at += len;
}

static void write_opt(enum dns_code code, unsigned char *out, size_t *at)
{
    out[(*at)++] = 0; /* the root */
    write_u16(out, at, TYPE_OPT);
    write_u16(out, at, DNS_UDP_MAX);
    write_u32(out, at, (uint32_t)code >> 4 << 24); /* the upper bits of the code; version 0 */
    write_u16(out, at, 0);
}

size_t dns_answer_write(const struct dns_question *question, enum dns_code code,
                        const struct ip_address *addresses, unsigned count, uint32_t ttl_s,
                        size_t limit, unsigned char *out)
{
    size_t room = limit < DNS_MESSAGE_MAX ? limit : DNS_MESSAGE_MAX, at = HEADER_LEN;
    size_t opt_len = question->has_edns ? OPT_LEN : 0;
    unsigned written = 0;
    if (room < HEADER_LEN)
        return 0;
    bool fits = at + question->raw_len + opt_len <= room;
    if (fits && question->raw_len > 0) {
        memcpy(out + at, question->raw, question->raw_len);
        at += question->raw_len;
    }
    bool truncated = !fits;
    for (unsigned i = 0; i < count && code == DNS_OK && !truncated; i++) {
        if (!answers(question, &addresses[i]))
            continue;
        truncated =
            at + RECORD_FIXED_LEN + (question->type == DNS_TYPE_A ? 4 : 16) + opt_len > room;
        if (truncated)
            break;
        write_address(question, &addresses[i], ttl_s, out, &at);
        written++;
    }
    if (fits && question->has_edns)
        write_opt(code, out, &at);
    size_t head = 0;
    write_u16(out, &head, question->id);
    write_u16(out, &head,
              FLAG_RESPONSE | (unsigned)question->opcode << 11 | (truncated ? FLAG_TRUNCATED : 0) |
                  (question->recursion_desired ? FLAG_RECURSION_DESIRED : 0) |
                  FLAG_RECURSION_AVAILABLE | ((unsigned)code & 15));
    write_u16(out, &head, fits && question->raw_len > 0);
    write_u16(out, &head, written);
    write_u16(out, &head, 0);
    write_u16(out, &head, fits && question->has_edns);
    return at;
}
