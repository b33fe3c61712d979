/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading of hosts in one pass over their bytes: what is checked is what is copied, so the text
 * that rules see is the text that is resolved and dialled. */
#include "rules/network/host_name.h"
#include "rules/reason.h"

/* What a byte does in a name. UPPER is the bit that makes an ASCII letter lower case. */
enum { NAME_NO, NAME_BYTE = 1, NAME_UPPER = 0x20 };

static const unsigned char name_byte[256] = {
    ['-' ... '.'] = NAME_BYTE, ['0' ... '9'] = NAME_BYTE, ['A' ... 'Z'] = NAME_UPPER,
    ['_'] = NAME_BYTE,         ['a' ... 'z'] = NAME_BYTE,
};

static bool refuse(struct error *error, const char *text)
{
    return error_set_reason(error, 400, REASON_MALFORMED_HOST, "%s", text);
}

static bool refuse_byte(struct error *error, unsigned char byte)
{
    if (byte >= 0x80)
        return refuse(error, "a host is written in ASCII: an international name is sent as its "
                             "A-label (xn--...)");
    if (byte == '%')
        return refuse(error, "a host has neither percent escapes nor an IPv6 zone");
    if (byte == '*')
        return refuse(error, "a star stands for names in a rule only, it is no name itself");
    if (byte == ':')
        return refuse(error, "an IPv6 address as host stands between brackets");
    if (byte == '[' || byte == ']')
        return refuse(error, "only an IPv6 address stands between brackets");
    return error_set_reason(error, 400, REASON_MALFORMED_HOST,
                            "the host has the byte 0x%02x, which no name has", byte);
}

static bool check_label(struct slice label, struct error *error)
{
    if (label.len == 0)
        return refuse(error, "the host has an empty label: a dot too many");
    if (label.len > HOST_LABEL_LEN_MAX)
        return refuse(error, "the host has a label of more than 63 bytes");
    if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return refuse(error, "the host has a label that begins or ends with a hyphen");
    return true;
}

/* Whether C libraries or browsers might take a name with this last label for an IPv4 address. */
static bool is_number(struct slice label)
{
    if (label.ptr[0] < '0' || label.ptr[0] > '9')
        return false;
    bool hexadecimal = label.len >= 2 && label.ptr[0] == '0' && label.ptr[1] == 'x';
    for (size_t i = hexadecimal ? 2 : 0; i < label.len; i++) {
        int digit = slice_hex_digit(label.ptr[i]);
        if (digit < 0 || (digit > 9 && !hexadecimal))
            return false;
    }
    return true;
}

static bool parse_name(struct slice text, struct host_name *host_out, struct error *error)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len == 0)
        return refuse(error, "the host is empty");
    if (text.len > HOST_NAME_LEN_MAX)
        return refuse(error, "the host has more than 253 bytes");
    size_t start = 0; /* of the label */
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i], class = name_byte[byte];
        if (class == NAME_NO)
            return refuse_byte(error, byte);
        host_out->text[i] = (char)(byte | (class & NAME_UPPER));
        if (byte == '.') {
            if (!check_label(slice_of(host_out->text + start, i - start), error))
                return false;
            start = i + 1;
        }
    }
    struct slice last = slice_of(host_out->text + start, text.len - start);
    if (!check_label(last, error))
        return false;
    host_out->text[text.len] = '\0';
    host_out->len = (uint8_t)text.len;
    host_out->is_address = is_number(last);
    host_out->address = (struct ip_address){{0}};
    if (host_out->is_address && !ip_address_parse(host_name_slice(host_out), &host_out->address))
        return refuse(error, "the host ends in a number, so it must be an IPv4 address of four "
                             "decimal parts");
    return true;
}

static bool parse_bracketed(struct slice text, struct host_name *host_out, struct error *error)
{
    if (text.len < 2 || text.ptr[text.len - 1] != ']')
        return refuse(error, "the host begins with a bracket and does not end with one");
    struct slice inside = slice_of(text.ptr + 1, text.len - 2);
    struct ip_address address;
    if (inside.len > 0 && memchr(inside.ptr, '%', inside.len) != NULL)
        return refuse_byte(error, '%');
    if (inside.len == 0 || memchr(inside.ptr, ':', inside.len) == NULL)
        return refuse_byte(error, '[');
    if (!ip_address_parse(inside, &address))
        return refuse(error, "what stands between the brackets is no IPv6 address");
    host_name_from_address(host_out, &address);
    return true;
}

bool host_name_parse(struct slice text, struct host_name *host_out, struct error *error)
{
    if (text.len > 0 && text.ptr[0] == '[')
        return parse_bracketed(text, host_out, error);
    return parse_name(text, host_out, error);
}

bool host_name_parse_dns(struct slice text, struct host_name *host_out, struct error *error)
{
    if (!host_name_parse(text, host_out, error))
        return false;
    if (host_out->is_address)
        return refuse(error, "an address stands where only a name may stand");
    return true;
}

void host_name_from_address(struct host_name *host_out, const struct ip_address *address)
{
    /* Writes in place: no text of an address is longer than a name, so the buffer never grows. */
    struct buffer text = {host_out->text, 0, sizeof(host_out->text), false};
    ip_address_write(address, &text);
    host_out->text[text.len] = '\0';
    host_out->len = (uint8_t)text.len;
    host_out->is_address = true;
    host_out->address = *address;
}

bool host_name_equal(const struct host_name *a, const struct host_name *b)
{
    return slice_equal(host_name_slice(a), host_name_slice(b));
}

const char *const host_name_localhost[HOST_NAME_LOCALHOST_COUNT] = {
    "localhost",
    "ip6-localhost",
    "ip6-loopback",
};

bool host_name_is_localhost(const struct host_name *host)
{
    for (size_t i = 0; i < HOST_NAME_LOCALHOST_COUNT; i++) {
        if (slice_equal_text(host_name_slice(host), host_name_localhost[i]))
            return true;
    }
    return false;
}

bool host_name_is_local(const struct host_name *host)
{
    static const char suffix[] = ".localhost";
    const size_t len = sizeof(suffix) - 1;
    struct slice name = host_name_slice(host);
    if (host_name_is_localhost(host))
        return true;
    return name.len > len && memcmp(name.ptr + name.len - len, suffix, len) == 0;
}

void host_name_write(const struct host_name *host, struct buffer *out)
{
    bool brackets = host->is_address && !ip_address_is_v4(&host->address);
    if (brackets)
        buffer_append_byte(out, '[');
    buffer_append_slice(out, host_name_slice(host));
    if (brackets)
        buffer_append_byte(out, ']');
}
