/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids and peers as text. Both are made for every record, so neither uses printf(3). */
#include "proxy/loop/log_identity.h"

#include "base/hex.h"

struct slice log_identity_id(const struct loop *loop, uint64_t number, char text[LOG_ID_LEN_MAX])
{
    size_t at = 0;
    for (int shift = 28; shift >= 0; shift -= 4)
        text[at++] = HEX_DIGITS[loop->id_prefix >> shift & 15];
    text[at++] = '-';
    for (int shift = 44; shift >= 0; shift -= 4)
        text[at++] = HEX_DIGITS[number >> shift & 15];
    return slice_of(text, at);
}

struct slice log_identity_peer(const struct endpoint *peer, uint32_t uid, int32_t pid,
                               char text[LOG_PEER_LEN_MAX])
{
    struct buffer out = {text, 0, LOG_PEER_LEN_MAX, false}; /* room for every form: never grows */
    if (endpoint_is_unix(peer)) {
        buffer_append_literal(&out, "uid=");
        buffer_append_u64(&out, uid);
        buffer_append_literal(&out, " pid=");
        buffer_append_u64(&out, pid < 0 ? 0 : (uint64_t)pid);
        return buffer_slice(&out);
    }
    struct ip_address ip = endpoint_ip(peer);
    ip_address_write_port(&ip, endpoint_port(peer), &out);
    return buffer_slice(&out);
}
