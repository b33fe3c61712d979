/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking absolute URIs apart, and the canonical path. A byte is either one that every reader takes
 * alike, or one that is escaped here, or the target is refused. */
#include "rules/network/url_target.h"

#include "base/hex.h"
#include "base/percent_code.h"
#include "base/utf8.h"
#include "rules/reason.h"

/* Where a byte may stand as it is. */
enum { TARGET_SEGMENT = 1, TARGET_BORDER = 2, TARGET_RAW = 4 };

/* Visible ASCII without "#" and the percent sign. Square brackets are no bytes of a path in
 * RFC 3986, but are sent as they are typed, and no server gives them a meaning. The raw ones have to
 * be escaped. */
static const unsigned char target_byte[256] = {
    ['!'] = TARGET_SEGMENT,
    ['$'] = TARGET_SEGMENT,
    ['&' ... '.'] = TARGET_SEGMENT,
    ['0' ... ';'] = TARGET_SEGMENT,
    ['='] = TARGET_SEGMENT,
    ['@' ... '['] = TARGET_SEGMENT,
    [']'] = TARGET_SEGMENT,
    ['_'] = TARGET_SEGMENT,
    ['a' ... 'z'] = TARGET_SEGMENT,
    ['~'] = TARGET_SEGMENT,
    ['/'] = TARGET_BORDER,
    ['?'] = TARGET_BORDER,
    ['"'] = TARGET_RAW,
    ['<'] = TARGET_RAW,
    ['>'] = TARGET_RAW,
    ['\\'] = TARGET_RAW,
    ['^'] = TARGET_RAW,
    ['`'] = TARGET_RAW,
    ['{' ... '}'] = TARGET_RAW,
};

static bool refuse(struct error *error, const char *text)
{
    return error_set_reason(error, 400, REASON_MALFORMED_TARGET, "%s", text);
}

static bool refuse_byte(unsigned char byte, struct error *error)
{
    return error_set_reason(error, 400, REASON_MALFORMED_TARGET,
                            "the target has the byte 0x%02x, which must be written as the escape "
                            "%%%02X",
                            byte, byte);
}

/* *raw_out: whether some bytes have to be escaped. */
static bool check_bytes(struct slice text, bool *raw_out, struct error *error)
{
    *raw_out = false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        *raw_out |= target_byte[byte] == TARGET_RAW;
        if (target_byte[byte] != 0)
            continue;
        if (byte >= 0x80) {
            size_t len = utf8_sequence_len((const unsigned char *)text.ptr + i, text.len - i);
            if (len == 0)
                return refuse_byte(byte, error);
            *raw_out = true;
            i += len - 1;
            continue;
        }
        if (byte == '#')
            return refuse(error, "a fragment (#...) is never sent: leave it out of the target");
        if (byte != '%')
            return refuse_byte(byte, error);
        if (percent_decode_at(text, i) < 0)
            return refuse(error, "the target has a % that is not followed by two hexadecimal "
                                 "digits; write %25 for a percent sign");
    }
    return true;
}

static void append_escape(struct buffer *out, unsigned char byte)
{
    const char escape[3] = {'%', HEX_DIGITS_UPPER[byte >> 4], HEX_DIGITS_UPPER[byte & 15]};
    buffer_append(out, escape, sizeof(escape));
}

/* Writes a checked text with all escapes that it needs. */
static struct slice escape_raw(struct slice text, struct buffer *room)
{
    size_t start = room->len;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte >= 0x80 || target_byte[byte] == TARGET_RAW)
            append_escape(room, byte);
        else
            buffer_append_byte(room, (char)byte);
    }
    return slice_of(room->data + start, room->len - start);
}

/* `rest`: what follows the authority, maybe nothing. */
static bool take_path_and_query(struct slice rest, struct buffer *room,
                                struct url_target *target_out, struct error *error)
{
    bool raw;
    if (!check_bytes(rest, &raw, error))
        return false;
    if (raw)
        rest = escape_raw(rest, room);
    if (room->failed)
        return error_set_reason(error, 503, REASON_LIMIT_MEMORY,
                                "no memory is left for this request; try again later");
    struct slice query = rest;
    struct slice path = slice_cut(&query, '?');
    target_out->leading_slash = path.len == 0 && rest.len > 0;
    target_out->origin_form = rest.len > 0 ? rest : SLICE_LITERAL("/");
    target_out->path = path.len > 0 ? path : SLICE_LITERAL("/");
    return path.len <= URL_TARGET_PATH_MAX ||
           error_set_reason(error, 414, REASON_LIMIT_TARGET_TOO_LONG,
                            "the path of the target is longer than %d bytes", URL_TARGET_PATH_MAX);
}

/* Reads the scheme and the "//" behind it, and takes them off *text. */
static bool take_scheme(struct slice *text, struct error *error)
{
    struct slice rest = *text;
    struct slice scheme = slice_cut(&rest, ':');
    if (text->len > 0 && text->ptr[0] == '/')
        return refuse(error, "this is a proxy: the target must be a whole URL, as in "
                             "http://example.com/path");
    if (!slice_starts_with(rest, SLICE_LITERAL("//")))
        return refuse(error, "the target is no URL: write http://host/path");
    if (slice_equal_nocase(scheme, SLICE_LITERAL("https")))
        return error_set_reason(error, 400, REASON_MALFORMED_SCHEME,
                                "https goes through a proxy by the method CONNECT with host:port");
    if (slice_equal_nocase(scheme, SLICE_LITERAL("wss")))
        return error_set_reason(error, 400, REASON_MALFORMED_SCHEME,
                                "wss goes through a proxy by the method CONNECT with host:port");
    /* ws asks for a WebSocket, as the fields Connection and Upgrade do (RFC 6455 section 3). */
    if (!slice_equal_nocase(scheme, SLICE_LITERAL("http")) &&
        !slice_equal_nocase(scheme, SLICE_LITERAL("ws")))
        return error_set_reason(error, 400, REASON_MALFORMED_SCHEME,
                                "the target has another scheme than http; all else goes by the "
                                "method CONNECT with host:port");
    *text = slice_of(rest.ptr + 2, rest.len - 2);
    return true;
}

bool url_target_parse(struct slice text, struct buffer *room, struct url_target *target_out,
                      struct error *error)
{
    if (!take_scheme(&text, error))
        return false;
    size_t len = 0;
    while (len < text.len && memchr("/?#", text.ptr[len], 3) == NULL)
        len++;
    struct slice rest = slice_of(text.ptr + len, text.len - len);
    return authority_parse(slice_of(text.ptr, len), 80, &target_out->authority, error) &&
           take_path_and_query(rest, room, target_out, error);
}

bool url_target_parse_origin(struct slice text, struct buffer *room, struct url_target *target_out,
                             struct error *error)
{
    if (text.len == 0 || text.ptr[0] != '/')
        return refuse(error, "the target must begin with a slash, as in /path");
    return take_path_and_query(text, room, target_out, error);
}

/* Appends the canonical spelling of `path`; the segments are judged afterwards. */
static void write_canonical(struct slice path, struct buffer *out)
{
    for (size_t i = 0; i < path.len; i++) {
        int byte = path.ptr[i] == '%' ? percent_decode_at(path, i) : -1;
        if (byte < 0) {
            buffer_append_byte(out, path.ptr[i]);
            continue;
        }
        if (target_byte[byte] == TARGET_SEGMENT)
            buffer_append_byte(out, (char)byte);
        else
            append_escape(out, (unsigned char)byte);
        i += 2;
    }
}

/* Whether an escape of a blank or a control character stands in front in a canonical text. */
static bool escapes_blank(struct slice text)
{
    int byte = text.len > 0 && text.ptr[0] == '%' ? percent_decode_at(text, 0) : -1;
    return byte >= 0 && byte <= ' ';
}

/* Whether a canonical segment begins or ends in what only some servers take off or resolve: dots
 * behind (all of "." and ".."; on Windows those behind a name, too), blanks and control characters
 * at both ends (Java's trim()). */
static bool has_loose_end(struct slice segment)
{
    const size_t len = 3; /* of an escape */
    if (segment.len >= len &&
        (escapes_blank(segment) || escapes_blank(slice_of(segment.ptr + segment.len - len, len))))
        return true;
    return segment.len > 0 && segment.ptr[segment.len - 1] == '.';
}

/* Characters that a server which normalizes Unicode, or maps it to an older character set, makes a
 * dot, a slash, a backslash, a percent sign or a semicolon of; as canonical paths have them. */
static const char *const look_alikes[] = {
    "%EF%BC%8E", "%E2%80%A4", "%E2%80%A5", "%E2%80%A6", "%EF%B9%92", /* full stops, leaders, */
    "%EF%B8%99", "%EF%B8%B0",                                        /* and upright ones */
    "%EF%BC%8F", "%E2%88%95", "%E2%81%84",                           /* slashes, */
    "%E2%84%80", "%E2%84%81", "%E2%84%85", "%E2%84%86",              /* and letters around one */
    "%EF%BC%BC", "%EF%B9%A8", "%E2%88%96",                           /* backslashes, */
    "%C2%A5",    "%E2%82%A9",                        /* which Japan and Korea show as money */
    "%EF%BC%85", "%EF%B9%AA",                        /* percent signs */
    "%EF%BC%9B", "%EF%B9%94", "%EF%B8%94", "%CD%BE", /* semicolons */
};

static bool looks_alike(struct slice text)
{
    for (size_t i = 0; i < ARRAY_LEN(look_alikes); i++) {
        if (slice_starts_with(text, slice_from_text(look_alikes[i])))
            return true;
    }
    return false;
}

/* Whether an escaped percent sign stands in front of what a second decoding takes for an escape:
 * two digits, or the `u` and four of some servers. */
static bool escapes_twice(struct slice behind)
{
    bool wide = behind.len > 0 && (behind.ptr[0] | 0x20) == 'u';
    size_t count = wide ? 4 : 2, at = wide ? 1 : 0;
    if (behind.len < at + count)
        return false;
    for (size_t i = at; i < at + count; i++) {
        if (slice_hex_digit(behind.ptr[i]) < 0)
            return false;
    }
    return true;
}

/* Whether an escape of a byte in first..last stands at text[at]. */
static bool escapes_between(struct slice text, size_t at, int first, int last)
{
    int byte = at < text.len && text.ptr[at] == '%' ? percent_decode_at(text, at) : -1;
    return byte >= first && byte <= last;
}

/* Whether the escape at text[at] of a canonical path is none, or begins something that a server may
 * decode to a slash, a dot, or the end of the text. */
static bool is_ambiguous_escape(struct slice text, size_t at)
{
    switch (percent_decode_at(text, at)) {
    case -1:
    case '\0':
    case '/':
    case '\\':
    case '?':  /* decoded too early it ends the path (CVE-2024-38474) */
    case 0xc0: /* overlong UTF-8: always with these two, */
    case 0xc1:
        return true;
    case 0xe0: /* with these if the next byte is a small one */
        return escapes_between(text, at + 3, 0x80, 0x9f);
    case 0xf0:
        return escapes_between(text, at + 3, 0x80, 0x8f);
    case 0xf8: /* five and six bytes are of an older UTF-8 (RFC 2279) */
        return escapes_between(text, at + 3, 0x80, 0x87);
    case 0xfc:
        return escapes_between(text, at + 3, 0x80, 0x83);
    case '%':
        return escapes_twice(slice_of(text.ptr + at + 3, text.len - at - 3));
    case 0xc2:
    case 0xcd:
    case 0xe2:
    case 0xef:
        return looks_alike(slice_of(text.ptr + at, text.len - at));
    default:
        return false;
    }
}

bool url_path_canonical(struct slice path, struct buffer *out)
{
    size_t start = out->len;
    write_canonical(path, out);
    if (out->failed)
        return false;
    struct slice text = slice_of(out->data + start, out->len - start);
    if (text.len == 0 || text.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' || text.ptr[i] == ';' ||
            (text.ptr[i] == '%' && is_ambiguous_escape(text, i)))
            return false;
        if (text.ptr[i] != '/')
            continue;
        struct slice rest = slice_of(text.ptr + i + 1, text.len - i - 1);
        struct slice segment = slice_cut(&rest, '/');
        if (has_loose_end(segment) || (segment.len == 0 && rest.ptr != NULL))
            return false;
    }
    return true;
}
