/* SPDX-License-Identifier: Apache-2.0
 *
 * What a tunnel carries, told from its first bytes. Others fall to a ClientHello that is cut into
 * many records, or that names two servers of which they read one and the server the other; so the
 * handshake message is put together first, and whatever RFC 8446 forbids in it is refused instead
 * of guessed at. */
#include "proxy/egress/tls_hello.h"

#include <string.h>

#include "base/hex.h"
#include "base/slice.h"
#include "rules/reason.h"

enum {
    RECORD_TYPE_FIRST = 20, /* change_cipher_spec */
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_TYPE_LAST = 24,  /* heartbeat (RFC 6520) */
    OLD_LENGTH_MARK = 0x80, /* in front of the length of a record of SSL 2 */
    OLD_LENGTH_MAX = 16384, /* servers take no longer one */
    RECORD_MAJOR_MAX = 15,  /* of a version that some server takes for one of TLS */
    RECORD_HEAD_LEN = 5,
    RECORD_LEN_MAX = 16384,
    HANDSHAKE_CLIENT_HELLO = 1,
    HANDSHAKE_HEAD_LEN = 4,
    HELLO_MESSAGE_MAX = TLS_HELLO_LEN_MAX - RECORD_HEAD_LEN, /* in one record, it just fits */
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ALPN = 16,
    SERVER_NAME_HOST = 0,
};

/* Methods a plain HTTP connection begins with: RFC 9110, 5789, 4918, 3253, 5323 and the preface of
 * HTTP/2. A closed list, since other protocols begin with a word and a blank too (`EHLO x`). */
static const char *const http_beginnings[] = {
    "GET ",      "HEAD ",      "POST ",   "PUT ",    "DELETE ", "OPTIONS ", "PATCH ",
    "TRACE ",    "CONNECT ",   "PRI ",    "COPY ",   "LOCK ",   "MKCOL ",   "MOVE ",
    "PROPFIND ", "PROPPATCH ", "REPORT ", "SEARCH ", "UNLOCK ",
};

/* The handshake message, put together. On the stack: nothing is kept between two calls. */
struct message {
    unsigned char bytes[HELLO_MESSAGE_MAX];
    size_t len;    /* gathered so far */
    size_t wanted; /* head included; 0 while the head is not whole */
};

/* Bytes yet to be read of a vector (RFC 8446 section 3.4). */
struct vector {
    const unsigned char *at;
    size_t left;
};

static bool malformed(struct error *error, const char *what)
{
    return error_set_reason(error, 400, REASON_MALFORMED_CLIENT_HELLO, "the TLS ClientHello %s",
                            what);
}

static bool too_long(struct error *error)
{
    return error_set_reason(error, 400, REASON_LIMIT_CLIENT_HELLO,
                            "the TLS ClientHello does not end within its first %d bytes",
                            TLS_HELLO_LEN_MAX);
}

/* Whether bytes are the beginning of `text`, or the other way round. */
static bool agree(struct slice bytes, const char *text)
{
    size_t len = strlen(text);
    return memcmp(bytes.ptr, text, bytes.len < len ? bytes.len : len) == 0;
}

/* What is no TLS. MORE as long as it may still become one of the protocols we know. */
static enum tls_hello_result read_plain(struct slice bytes, enum network_protocol *protocol_out)
{
    bool undecided = agree(bytes, "SSH-");
    if (undecided && bytes.len >= sizeof("SSH-") - 1) {
        *protocol_out = NETWORK_PROTOCOL_SSH;
        return TLS_HELLO_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(http_beginnings); i++) {
        if (!agree(bytes, http_beginnings[i]))
            continue;
        if (bytes.len >= strlen(http_beginnings[i])) {
            *protocol_out = NETWORK_PROTOCOL_HTTP;
            return TLS_HELLO_OK;
        }
        undecided = true;
    }
    return undecided ? TLS_HELLO_MORE : TLS_HELLO_OK;
}

/* Looks at what has been gathered, of which the current record will add `expected` bytes more. */
static bool check_message(struct message *message, size_t expected, struct error *error)
{
    if (message->len > 0 && message->bytes[0] != HANDSHAKE_CLIENT_HELLO)
        return malformed(error, "is another handshake message");
    if (message->len < HANDSHAKE_HEAD_LEN)
        return true;
    message->wanted = HANDSHAKE_HEAD_LEN + ((size_t)message->bytes[1] << 16 |
                                            (size_t)message->bytes[2] << 8 | message->bytes[3]);
    if (message->wanted > sizeof(message->bytes))
        return too_long(error);
    /* The server would read a second message there, or refuse it: RFC 8446 section 5.1. */
    if (message->len + expected > message->wanted)
        return malformed(error, "is followed by something in its own record");
    return true;
}

static bool check_record_head(const unsigned char *head, size_t record_len, struct error *error)
{
    if (head[0] != RECORD_HANDSHAKE)
        return malformed(error, "is interrupted by a record of another type");
    if (head[1] != 3)
        return malformed(error, "is in a record of no version of TLS");
    if (record_len == 0)
        return malformed(error, "is in a record without content");
    if (record_len > RECORD_LEN_MAX)
        return malformed(error, "is in a record that is too long");
    return true;
}

/* Gathers the message from the records in bytes[0..len). */
static enum tls_hello_result gather(const unsigned char *bytes, size_t len, struct message *message,
                                    size_t *len_out, struct error *error)
{
    for (size_t at = 0; len - at >= RECORD_HEAD_LEN;) {
        size_t record_len = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
        if (!check_record_head(bytes + at, record_len, error))
            return TLS_HELLO_BAD;
        at += RECORD_HEAD_LEN;
        size_t here = record_len < len - at ? record_len : len - at;
        size_t room = sizeof(message->bytes) - message->len;
        size_t taken = here < room ? here : room;
        memcpy(message->bytes + message->len, bytes + at, taken);
        message->len += taken;
        at += here;
        if (!check_message(message, record_len - taken, error))
            return TLS_HELLO_BAD;
        if (message->wanted > 0 && message->len == message->wanted) {
            *len_out = at;
            return TLS_HELLO_OK;
        }
        if (here < record_len)
            break;
    }
    return TLS_HELLO_MORE;
}

static bool take(struct vector *from, size_t len, struct vector *out)
{
    if (from->left < len)
        return false;
    *out = (struct vector){from->at, len};
    from->at += len;
    from->left -= len;
    return true;
}

static bool take_number(struct vector *from, unsigned size, size_t *number_out)
{
    struct vector digits;
    if (!take(from, size, &digits))
        return false;
    *number_out = 0;
    for (unsigned i = 0; i < size; i++)
        *number_out = *number_out << 8 | digits.at[i];
    return true;
}

/* A vector behind its length of `size` bytes. */
static bool take_vector(struct vector *from, unsigned size, struct vector *out)
{
    size_t len;
    return take_number(from, size, &len) && take(from, len, out);
}

/* RFC 6066 section 3. A list whose lengths are wrong is malformed; one that can be read and does
 * not name one host is a bad name, which rules judge. */
static bool read_server_name(struct vector body, struct tunnel_facts *facts)
{
    struct vector list, name;
    struct error ignored;
    size_t type;
    struct host_name host;
    bool second = facts->has_sni;
    facts->has_sni = true;
    facts->sni_bad = true;
    facts->sni = (struct host_name){0}; /* of two names neither is the one */
    if (!take_vector(&body, 2, &list) || body.left > 0)
        return false;
    if (list.left == 0)
        return true;
    if (!take_number(&list, 1, &type))
        return false;
    if (type != SERVER_NAME_HOST) /* of which nobody can say where it ends */
        return true;
    if (!take_vector(&list, 2, &name))
        return false;
    if (second || list.left > 0 ||
        !host_name_parse_dns(slice_of((const char *)name.at, name.left), &host, &ignored))
        return true;
    facts->sni = host;
    facts->sni_bad = false;
    return true;
}

/* Appends a protocol's name; what is not printable, a comma and the percent sign are written as %XX
 * (after RFC 7639). False when it has no room. */
static bool write_protocol(struct vector name, char *out, size_t *len)
{
    size_t at = *len;
    if (at > 0)
        out[at++] = ',';
    for (size_t i = 0; i < name.left; i++) {
        unsigned char byte = name.at[i];
        bool plain = byte > ' ' && byte < 0x7f && byte != ',' && byte != '%';
        if (at + (plain ? 1 : 3) >= TLS_HELLO_ALPN_MAX) {
            out[*len] = '\0';
            return false;
        }
        if (plain) {
            out[at++] = (char)byte;
        } else {
            out[at++] = '%';
            out[at++] = HEX_DIGITS_UPPER[byte >> 4];
            out[at++] = HEX_DIGITS_UPPER[byte & 15];
        }
    }
    out[at] = '\0';
    *len = at;
    return true;
}

/* RFC 7301 section 3.1. */
static bool read_alpn(struct vector body, char alpn[TLS_HELLO_ALPN_MAX])
{
    struct vector list, name;
    size_t len = 0;
    bool room = true;
    if (!take_vector(&body, 2, &list) || body.left > 0 || list.left == 0)
        return false;
    while (list.left > 0) {
        if (!take_vector(&list, 1, &name) || name.left == 0)
            return false;
        room = room && write_protocol(name, alpn, &len);
    }
    return true;
}

/* encrypted_client_hello (RFC 9849) and what came before it: its drafts 8 to 12 and
 * encrypted_server_name. */
static bool hides_a_hello(size_t extension)
{
    return (extension >= 0xfe08 && extension <= 0xfe0d) || extension == 0xffce;
}

static bool read_extensions(struct vector extensions, struct tls_hello *hello, struct error *error)
{
    bool has_alpn = false;
    while (extensions.left > 0) {
        size_t type;
        struct vector body;
        if (!take_number(&extensions, 2, &type) || !take_vector(&extensions, 2, &body))
            return malformed(error, "has an extension that does not fit in it");
        if (type == EXTENSION_SERVER_NAME && !read_server_name(body, &hello->facts))
            return malformed(error, "has a server name extension that cannot be read");
        if (type == EXTENSION_ALPN && (has_alpn || !read_alpn(body, hello->alpn)))
            return malformed(error, "has protocol names (ALPN) that cannot be read");
        has_alpn = has_alpn || type == EXTENSION_ALPN;
        hello->facts.ech = hello->facts.ech || hides_a_hello(type);
    }
    return true;
}

/* RFC 8446 section 4.1.2; without extensions as in RFC 5246 section 7.4.1.2. */
static bool read_hello(const struct message *message, struct tls_hello *hello, struct error *error)
{
    struct vector left = {message->bytes + HANDSHAKE_HEAD_LEN, message->len - HANDSHAKE_HEAD_LEN};
    struct vector random, session, suites, compressions, extensions = {NULL, 0};
    size_t version;
    if (!take_number(&left, 2, &version) || version >> 8 != 3)
        return malformed(error, "is of no version of TLS");
    if (!take(&left, 32, &random) || !take_vector(&left, 1, &session) || session.left > 32)
        return malformed(error, "has no random value and session of the right length");
    if (!take_vector(&left, 2, &suites) || suites.left < 2 || suites.left % 2 != 0)
        return malformed(error, "has no list of cipher suites");
    if (!take_vector(&left, 1, &compressions) || compressions.left == 0)
        return malformed(error, "has no list of compression methods");
    if (left.left > 0 && (!take_vector(&left, 2, &extensions) || left.left > 0))
        return malformed(error, "has extensions that do not end with it");
    return read_extensions(extensions, hello, error);
}

static enum tls_hello_result bad(struct error *error, const char *what)
{
    return malformed(error, what) ? TLS_HELLO_OK : TLS_HELLO_BAD;
}

/* A CLIENT-HELLO of SSL 2 behind its length of two bytes, as it may ask for any version (RFC 5246
 * appendix E.2). */
static enum tls_hello_result read_old_hello(const unsigned char *bytes, size_t len,
                                            struct error *error)
{
    if (len < 3)
        return TLS_HELLO_MORE;
    if (bytes[2] != HANDSHAKE_CLIENT_HELLO)
        return TLS_HELLO_OK;
    if (len < 5)
        return TLS_HELLO_MORE;
    if (bytes[3] == 3 || (bytes[3] == 0 && bytes[4] == 2))
        return bad(error, "is one of SSL 2, which names no server");
    return TLS_HELLO_OK;
}

/* What begins with the type of a record and is no handshake record of version 3.x. */
static enum tls_hello_result read_odd_record(const unsigned char *bytes, size_t len,
                                             struct error *error)
{
    if (bytes[1] == 3)
        return bad(error, "comes behind a record of another type");
    bool asks = bytes[0] == RECORD_HANDSHAKE || bytes[0] == RECORD_ALERT;
    if (bytes[1] > RECORD_MAJOR_MAX || !asks)
        return TLS_HELLO_OK;
    if (len < RECORD_HEAD_LEN + 1)
        return TLS_HELLO_MORE;
    bool alert = bytes[0] == RECORD_ALERT && bytes[3] == 0 && bytes[4] == 2 &&
                 (bytes[5] == 1 || bytes[5] == 2);
    bool hello = bytes[0] == RECORD_HANDSHAKE && bytes[5] == HANDSHAKE_CLIENT_HELLO;
    return alert || hello ? bad(error, "is in a record of no version of TLS") : TLS_HELLO_OK;
}

/* Gathers and reads what begins as TLS. */
static enum tls_hello_result read_tls(const unsigned char *bytes, size_t len,
                                      struct tls_hello *hello, struct error *error)
{
    struct message message;
    message.len = message.wanted = 0;
    bool all = len >= TLS_HELLO_LEN_MAX; /* no more will be looked at */
    enum tls_hello_result result =
        gather(bytes, all ? TLS_HELLO_LEN_MAX : len, &message, &hello->len, error);
    if (result == TLS_HELLO_MORE && all)
        result = too_long(error) ? TLS_HELLO_OK : TLS_HELLO_BAD;
    if (result == TLS_HELLO_OK && !read_hello(&message, hello, error))
        result = TLS_HELLO_BAD;
    return result;
}

enum tls_hello_result tls_hello_read(const char *bytes, size_t len, struct tls_hello *hello_out,
                                     struct error *error)
{
    const unsigned char *at = (const unsigned char *)bytes;
    memset(hello_out, 0, sizeof(*hello_out));
    hello_out->facts.protocol = NETWORK_PROTOCOL_OTHER;
    if (len == 0)
        return TLS_HELLO_MORE;
    if (at[0] >= OLD_LENGTH_MARK && at[0] < OLD_LENGTH_MARK + OLD_LENGTH_MAX / 256)
        return read_old_hello(at, len, error);
    if (at[0] < RECORD_TYPE_FIRST || at[0] > RECORD_TYPE_LAST)
        return read_plain(slice_of(bytes, len), &hello_out->facts.protocol);
    if (len < 2)
        return TLS_HELLO_MORE;
    if (at[0] != RECORD_HANDSHAKE || at[1] != 3)
        return read_odd_record(at, len, error);
    hello_out->facts.protocol = NETWORK_PROTOCOL_TLS;
    return read_tls(at, len, hello_out, error);
}
