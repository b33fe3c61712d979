/* SPDX-License-Identifier: Apache-2.0
 *
 * The chunk decoder: one switch, the grammar above each state (RFC 9112 section 7.1 without
 * chunk-ext and trailer-section). A body may arrive in any pieces. What is refused here was read
 * differently by two real parsers: extensions, blanks behind the size, LF alone, other bytes than
 * CR LF behind the data, fields behind the last chunk. */
#include "proxy/http/http_chunk.h"
#include "rules/reason.h"

enum { SIZE_DIGITS_MAX = 16 };

void http_chunk_init(struct http_chunk_decoder *decoder)
{
    *decoder = (struct http_chunk_decoder){.state = HTTP_CHUNK_SIZE_START};
}

void http_chunk_init_dropping(struct http_chunk_decoder *decoder)
{
    *decoder = (struct http_chunk_decoder){.state = HTTP_CHUNK_SIZE_START, .drops_extras = true};
}

/* What a broken place is called. After an error the state says only that there was one, so `digits`
 * keeps which. */
enum flaw { FLAW_SIZE, FLAW_EXTENSION, FLAW_DATA, FLAW_TRAILER, FLAW_COUNT };

static const struct {
    const char *reason, *text;
} flaws[FLAW_COUNT] = {
    [FLAW_SIZE] =
        {REASON_MALFORMED_CHUNK_SIZE,
         "a chunk does not begin with its size in 1 to 16 hex digits (less than 2^63) and CR LF"},
    [FLAW_EXTENSION] = {REASON_MALFORMED_CHUNK_EXTENSION,
                        "a chunk size is followed by an extension or a blank; send the size alone"},
    [FLAW_DATA] = {REASON_MALFORMED_CHUNK_DATA, "the data of a chunk is not followed by CR LF"},
    [FLAW_TRAILER] =
        {REASON_MALFORMED_TRAILER,
         "the last chunk is not followed by an empty line; trailer fields are not accepted"},
};

static void refuse(struct http_chunk_decoder *decoder, enum flaw flaw)
{
    decoder->state = HTTP_CHUNK_BAD;
    decoder->digits = flaw;
}

/* chunk-size = 1*16HEXDIG, below 2^63 so that lengths may be added without overflow. */
static void take_size_digit(struct http_chunk_decoder *decoder, int digit)
{
    if (decoder->digits == SIZE_DIGITS_MAX || decoder->remaining >> 59 != 0) {
        refuse(decoder, FLAW_SIZE);
        return;
    }
    decoder->remaining = decoder->remaining << 4 | (unsigned)digit;
    decoder->digits++;
    decoder->state = HTTP_CHUNK_SIZE;
}

static void begin_chunk(struct http_chunk_decoder *decoder)
{
    decoder->state = HTTP_CHUNK_SIZE_START;
    decoder->digits = 0;
    decoder->remaining = 0;
}

/* A byte of an extension or trailer field that is read over. A line ends with CR LF here too: an LF
 * alone is where readers part. */
static void drop_byte(struct http_chunk_decoder *decoder, char byte, enum http_chunk_state at_cr,
                      enum flaw flaw)
{
    if (byte == '\r')
        decoder->state = at_cr;
    else if (byte == '\n' || byte == '\0' || decoder->dropped == HTTP_CHUNK_EXTRAS_MAX)
        refuse(decoder, flaw);
    else
        decoder->dropped++;
}

/* The one byte that may stand here, and the state behind it. */
static void expect(struct http_chunk_decoder *decoder, char byte, char wanted, enum flaw flaw,
                   enum http_chunk_state next)
{
    if (byte != wanted)
        refuse(decoder, flaw);
    else
        decoder->state = next;
}

/* One byte of framing, in every state but HTTP_CHUNK_DATA. */
static void take_framing_byte(struct http_chunk_decoder *decoder, char byte)
{
    int digit;
    switch (decoder->state) {
    case HTTP_CHUNK_SIZE_START: /* HEXDIG */
    case HTTP_CHUNK_SIZE:       /* *HEXDIG CR */
        digit = slice_hex_digit(byte);
        if (digit >= 0)
            take_size_digit(decoder, digit);
        else if (decoder->state == HTTP_CHUNK_SIZE && byte == '\r')
            decoder->state = HTTP_CHUNK_SIZE_LF;
        else if (decoder->state != HTTP_CHUNK_SIZE || (byte != ';' && byte != ' ' && byte != '\t'))
            refuse(decoder, FLAW_SIZE);
        else if (decoder->drops_extras)
            decoder->state = HTTP_CHUNK_EXTENSION;
        else
            refuse(decoder, FLAW_EXTENSION);
        return;
    case HTTP_CHUNK_EXTENSION: /* *( BWS ";" … ) CR */
        drop_byte(decoder, byte, HTTP_CHUNK_SIZE_LF, FLAW_EXTENSION);
        return;
    case HTTP_CHUNK_SIZE_LF: /* LF, then chunk-data; size 0 is the last-chunk */
        expect(decoder, byte, '\n', FLAW_SIZE,
               decoder->remaining > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_END_CR);
        return;
    case HTTP_CHUNK_DATA_CR: /* CR behind chunk-data */
        expect(decoder, byte, '\r', FLAW_DATA, HTTP_CHUNK_DATA_LF);
        return;
    case HTTP_CHUNK_DATA_LF: /* LF, then the next chunk */
        if (byte != '\n')
            refuse(decoder, FLAW_DATA);
        else
            begin_chunk(decoder);
        return;
    case HTTP_CHUNK_END_CR: /* CR of the empty line; anything else begins a trailer field */
        if (byte == '\r')
            decoder->state = HTTP_CHUNK_END_LF;
        else if (!decoder->drops_extras)
            refuse(decoder, FLAW_TRAILER);
        else
            drop_byte(decoder, byte, HTTP_CHUNK_TRAILER_LF, FLAW_TRAILER);
        if (decoder->state == HTTP_CHUNK_END_CR)
            decoder->state = HTTP_CHUNK_TRAILER;
        return;
    case HTTP_CHUNK_TRAILER: /* *( field-line CRLF ) */
        drop_byte(decoder, byte, HTTP_CHUNK_TRAILER_LF, FLAW_TRAILER);
        return;
    case HTTP_CHUNK_TRAILER_LF:
        expect(decoder, byte, '\n', FLAW_TRAILER, HTTP_CHUNK_END_CR);
        return;
    case HTTP_CHUNK_END_LF: /* its LF */
        expect(decoder, byte, '\n', FLAW_TRAILER, HTTP_CHUNK_DONE);
        return;
    case HTTP_CHUNK_DATA:
    case HTTP_CHUNK_DONE:
    case HTTP_CHUNK_BAD:
        return;
    }
}

enum http_chunk_result http_chunk_decode(struct http_chunk_decoder *decoder, char *bytes,
                                         size_t len, size_t *consumed_out, size_t *payload_len_out,
                                         struct error *error)
{
    size_t read = 0, written = 0;
    while (read < len && decoder->state != HTTP_CHUNK_DONE && decoder->state != HTTP_CHUNK_BAD) {
        if (decoder->state != HTTP_CHUNK_DATA) {
            take_framing_byte(decoder, bytes[read++]);
            continue;
        }
        size_t run = len - read;
        if (run > decoder->remaining)
            run = (size_t)decoder->remaining;
        if (read != written)
            memmove(bytes + written, bytes + read, run);
        read += run;
        written += run;
        decoder->remaining -= run;
        if (decoder->remaining == 0)
            decoder->state = HTTP_CHUNK_DATA_CR;
    }
    *consumed_out = read;
    *payload_len_out = written;
    if (decoder->state == HTTP_CHUNK_BAD) {
        error_set_reason(error, 400, flaws[decoder->digits].reason, "%s",
                         flaws[decoder->digits].text);
        return HTTP_CHUNK_ERROR;
    }
    return decoder->state == HTTP_CHUNK_DONE ? HTTP_CHUNK_FINISHED : HTTP_CHUNK_MORE;
}
