/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: an authority is taken exactly when a second reader takes it, and as the same place; it
 * is written as text that reads back as the same one; capitals and a trailing dot of the host change
 * nothing; and no host that is taken for a name is an address to the C library. Behind a line end
 * stands a Host field: it names the authority exactly when the second reader says so. The first input
 * byte chooses the default port. */
#include "rules/network/authority.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/place_model.h"

static void require_same(const struct host_name *a, const struct host_name *b)
{
    require(host_name_equal(a, b) && a->is_address == b->is_address);
    require(memcmp(&a->address, &b->address, sizeof(a->address)) == 0);
}

static void require_canonical(const struct host_name *host)
{
    struct in_addr address;
    require(host->len > 0 && host->text[host->len] == '\0' && strlen(host->text) == host->len);
    require(host->text[host->len - 1] != '.');
    for (size_t i = 0; i < host->len; i++) {
        char byte = host->text[i];
        bool colon = byte == ':' && host->is_address;
        require((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
                byte == '.' || byte == '_' || colon);
    }
    require(host->is_address || inet_aton(host->text, &address) == 0);
}

/* Reads the host again in capitals and, where that may be, with a dot behind it. */
static void require_same_spelled_otherwise(const struct host_name *host)
{
    AUTO_BUFFER struct buffer text = BUFFER_EMPTY;
    struct host_name again;
    struct error error;
    host_name_write(host, &text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= 'a' && text.data[i] <= 'z')
            text.data[i] = (char)(text.data[i] & ~0x20);
    }
    if (text.data[0] != '[')
        buffer_append_byte(&text, '.');
    require(host_name_parse(buffer_slice(&text), &again, &error));
    require_same(host, &again);
    require(host_name_parse_dns(buffer_slice(&text), &again, &error) == !host->is_address);
}

/* The second reader's word on the text; `taken` is what was read of it, NULL = nothing. */
static struct place require_same_place(struct slice text, unsigned default_port,
                                       const struct authority *taken)
{
    struct place place;
    require(place_read(text, default_port, &place) == (taken != NULL));
    if (taken == NULL)
        return place;
    require(place.port == taken->port && (place.name[0] == '\0') == taken->host.is_address);
    if (taken->host.is_address)
        require(memcmp(place.address, taken->host.address.bytes, sizeof(place.address)) == 0);
    else
        require(strcmp(place.name, taken->host.text) == 0);
    return place;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned default_ports[] = {0, 80, 443};
    if (size == 0)
        return 0;
    unsigned default_port = default_ports[data[0] % 3];
    struct authority first, second;
    struct error error = {0};
    struct slice host = slice_of((const char *)data + 1, size - 1), text = slice_cut(&host, '\n');
    if (!authority_parse(text, default_port, &first, &error)) {
        require_same_place(text, default_port, NULL);
        require(error.status == 400 && error.text[0] != '\0');
        require(strncmp(error.reason, "malformed.", strlen("malformed.")) == 0);
        return 0;
    }
    struct place place = require_same_place(text, default_port, &first), of_host;
    bool named = place_read(host, first.port, &of_host) && place_same(&place, &of_host);
    require(authority_is_named(&first, host) == named);
    require_canonical(&first.host);
    require_same_spelled_otherwise(&first.host);
    AUTO_BUFFER struct buffer once = BUFFER_EMPTY, twice = BUFFER_EMPTY;
    authority_write(&first, default_port, &once);
    require(authority_parse(buffer_slice(&once), default_port, &second, &error));
    require(authority_equal(&first, &second));
    require_same(&first.host, &second.host);
    authority_write(&second, default_port, &twice);
    require(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
    return 0;
}
