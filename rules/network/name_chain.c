/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of names in one block of text. */
#include "rules/network/name_chain.h"

bool name_chain_add(struct name_chain *chain, const struct host_name *name)
{
    if (chain->count == NAME_CHAIN_NAMES_MAX ||
        (size_t)chain->len + name->len + 1 > sizeof(chain->text))
        return false;
    memcpy(chain->text + chain->len, name->text, name->len);
    chain->text[chain->len + name->len] = '\0';
    chain->len = (uint16_t)(chain->len + name->len + 1);
    chain->count++;
    return true;
}

bool name_chain_has(const struct name_chain *chain, const struct host_name *name)
{
    struct slice rest = name_chain_slice(chain);
    while (rest.len > 0) {
        if (slice_equal(slice_cut(&rest, '\0'), host_name_slice(name)))
            return true;
    }
    return false;
}

bool name_chain_next(struct slice *text, struct host_name *name_out)
{
    if (text->len == 0)
        return false;
    struct slice name = slice_cut(text, '\0');
    if (name.len == 0 || name.len > HOST_NAME_LEN_MAX)
        return false;
    memcpy(name_out->text, name.ptr, name.len);
    name_out->text[name.len] = '\0';
    name_out->len = (uint8_t)name.len;
    name_out->is_address = false;
    return true;
}

bool name_chain_merge(struct name_chain *chain, const struct name_chain *other)
{
    struct slice rest = name_chain_slice(other);
    struct host_name name;
    while (name_chain_next(&rest, &name)) {
        if (!name_chain_has(chain, &name) && !name_chain_add(chain, &name))
            return false;
    }
    return true;
}

bool name_chain_from_slice(struct name_chain *chain_out, struct slice text)
{
    struct host_name name;
    name_chain_clear(chain_out);
    while (text.len > 0) {
        if (!name_chain_next(&text, &name) || !name_chain_add(chain_out, &name))
            return false;
    }
    return true;
}
