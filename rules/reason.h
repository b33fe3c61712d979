/* SPDX-License-Identifier: Apache-2.0
 *
 * The closed list of codes that records and refusals carry, stable for ever: why something was
 * refused (`reason`), and how a tunnel or a body ended (`close`, which may
 * also be a reason). The manual, dockreeve-log(5), explains each; a test compares the two. */
#pragma once

/* clang-format off */
#define REASONS(R) \
    R(RULE, "rule") \
    R(DEFAULT, "default") \
    R(CNAME_DENIED, "cname-denied") \
    R(OWN_ADDRESS, "own-address") \
    R(ADDRESS_CLASS_LOOPBACK, "address-class.loopback") \
    R(ADDRESS_CLASS_OWN_HOST, "address-class.own-host") \
    R(ADDRESS_CLASS_THIS_NETWORK, "address-class.this-network") \
    R(ADDRESS_CLASS_PRIVATE, "address-class.private") \
    R(ADDRESS_CLASS_SHARED, "address-class.shared") \
    R(ADDRESS_CLASS_LINK_LOCAL, "address-class.link-local") \
    R(ADDRESS_CLASS_METADATA, "address-class.metadata") \
    R(ADDRESS_CLASS_PROTOCOL, "address-class.protocol") \
    R(ADDRESS_CLASS_DOCUMENTATION, "address-class.documentation") \
    R(ADDRESS_CLASS_BENCHMARKING, "address-class.benchmarking") \
    R(ADDRESS_CLASS_MULTICAST, "address-class.multicast") \
    R(ADDRESS_CLASS_BROADCAST, "address-class.broadcast") \
    R(ADDRESS_CLASS_TRANSLATION, "address-class.translation") \
    R(ADDRESS_CLASS_DISCARD, "address-class.discard") \
    R(ADDRESS_CLASS_RESERVED, "address-class.reserved") \
    R(SNI_MISMATCH, "sni-mismatch") \
    R(SNI_MALFORMED, "sni-malformed") \
    R(SNI_MISSING, "sni-missing") \
    R(SNI_DENIED, "sni-denied") \
    R(ECH, "ech") \
    R(PROTOCOL, "protocol") \
    R(OPAQUE, "opaque") \
    R(FROM, "from") \
    R(LISTENER_CLOSED, "listener-closed") \
    R(NOT_ADMITTED, "not-admitted") \
    R(REVOKED, "revoked") \
    R(BROWSER, "browser") \
    R(OBJECT_MOVED, "object.moved") \
    R(ENGINE_INSPECT, "engine.inspect") \
    R(GATE_MEMORY, "gate.memory") \
    R(GUARD_QUERY, "guard.query") \
    R(GUARD_NAME, "guard.name") \
    R(GUARD_PRIVILEGED, "guard.privileged") \
    R(GUARD_HOST_NAMESPACES, "guard.host_namespaces") \
    R(GUARD_CAPABILITIES, "guard.capabilities") \
    R(GUARD_DEVICES, "guard.devices") \
    R(GUARD_SECURITY_OPT, "guard.security_opt") \
    R(GUARD_RUNTIMES, "guard.runtimes") \
    R(GUARD_BINDS, "guard.binds") \
    R(GUARD_VOLUMES, "guard.volumes") \
    R(GUARD_TMPFS, "guard.tmpfs") \
    R(GUARD_NETWORKS, "guard.networks") \
    R(GUARD_PUBLISH, "guard.publish") \
    R(GUARD_MEMORY, "guard.memory") \
    R(GUARD_CPUS, "guard.cpus") \
    R(GUARD_PIDS, "guard.pids") \
    R(GUARD_SYSCTLS, "guard.sysctls") \
    R(GUARD_ULIMITS, "guard.ulimits") \
    R(GUARD_LOG_DRIVERS, "guard.log_drivers") \
    R(GUARD_ANNOTATIONS, "guard.annotations") \
    R(GUARD_RESTART, "guard.restart") \
    R(GUARD_EXEC, "guard.exec") \
    R(GUARD_SERVICES, "guard.services") \
    R(UNKNOWN_OPERATION, "unknown.operation") \
    R(UNKNOWN_FIELD, "unknown.field") \
    R(UNKNOWN_METHOD, "unknown.method") \
    R(VERSION_UNKNOWN, "version.unknown") \
    R(VERSION_TOO_OLD, "version.too-old") \
    R(VERSION_TOO_NEW, "version.too-new") \
    R(DNS_NOT_FOUND, "dns.not-found") \
    R(DNS_NO_ADDRESS, "dns.no-address") \
    R(DNS_TIMEOUT, "dns.timeout") \
    R(DNS_FAILED, "dns.failed") \
    R(DNS_CNAME, "dns.cname") \
    R(DNS_FORGED, "dns.forged") \
    R(DNS_CLASS, "dns.class") \
    R(DNS_TRANSFER, "dns.transfer") \
    R(CONNECT_REFUSED, "connect.refused") \
    R(CONNECT_UNREACHABLE, "connect.unreachable") \
    R(CONNECT_TIMEOUT, "connect.timeout") \
    R(CONNECT_FAILED, "connect.failed") \
    R(CONNECT_SELF, "connect.self") \
    R(LIMIT_CONNECTIONS, "limit.connections") \
    R(LIMIT_TUNNELS, "limit.tunnels") \
    R(LIMIT_DESCRIPTORS, "limit.descriptors") \
    R(LIMIT_MEMORY, "limit.memory") \
    R(LIMIT_LOOKUPS, "limit.lookups") \
    R(LIMIT_DENIAL_RATE, "limit.denial-rate") \
    R(LIMIT_HEADER_TIME, "limit.header-time") \
    R(LIMIT_BODY_TIME, "limit.body-time") \
    R(LIMIT_HELLO_TIME, "limit.hello-time") \
    R(LIMIT_ANSWER_TIME, "limit.answer-time") \
    R(LIMIT_IDLE, "limit.idle") \
    R(LIMIT_LIFETIME, "limit.lifetime") \
    R(LIMIT_CLIENT_HELLO, "limit.client-hello") \
    R(LIMIT_HEAD_TOO_LARGE, "limit.head-too-large") \
    R(LIMIT_TARGET_TOO_LONG, "limit.target-too-long") \
    R(LIMIT_TOO_MANY_FIELDS, "limit.too-many-fields") \
    R(LIMIT_BODY, "limit.body") \
    R(MALFORMED_REQUEST_LINE, "malformed.request-line") \
    R(MALFORMED_LINE_END, "malformed.line-end") \
    R(MALFORMED_CONTROL_BYTE, "malformed.control-byte") \
    R(MALFORMED_METHOD, "malformed.method") \
    R(MALFORMED_TARGET, "malformed.target") \
    R(MALFORMED_VERSION, "malformed.version") \
    R(MALFORMED_FOLDED_LINE, "malformed.folded-line") \
    R(MALFORMED_FIELD_NAME, "malformed.field-name") \
    R(MALFORMED_REPEATED_FIELD, "malformed.repeated-field") \
    R(MALFORMED_HOST, "malformed.host") \
    R(MALFORMED_CONTENT_LENGTH, "malformed.content-length") \
    R(MALFORMED_FRAMING, "malformed.framing") \
    R(MALFORMED_TRANSFER_ENCODING, "malformed.transfer-encoding") \
    R(MALFORMED_EXPECT, "malformed.expect") \
    R(MALFORMED_PARSERS_DISAGREE, "malformed.parsers-disagree") \
    R(MALFORMED_CHUNK_SIZE, "malformed.chunk-size") \
    R(MALFORMED_CHUNK_EXTENSION, "malformed.chunk-extension") \
    R(MALFORMED_CHUNK_DATA, "malformed.chunk-data") \
    R(MALFORMED_TRAILER, "malformed.trailer") \
    R(MALFORMED_CONTENT_TYPE, "malformed.content-type") \
    R(MALFORMED_CONTENT_ENCODING, "malformed.content-encoding") \
    R(MALFORMED_START_BODY, "malformed.start-body") \
    R(MALFORMED_JSON, "malformed.json") \
    R(MALFORMED_FIELD, "malformed.field") \
    R(MALFORMED_CONNECT_BODY, "malformed.connect-body") \
    R(MALFORMED_ORIGIN_FORM, "malformed.origin-form") \
    R(MALFORMED_HOST_MISMATCH, "malformed.host-mismatch") \
    R(MALFORMED_MAX_FORWARDS, "malformed.max-forwards") \
    R(MALFORMED_AUTHORITY, "malformed.authority") \
    R(MALFORMED_PORT, "malformed.port") \
    R(MALFORMED_SCHEME, "malformed.scheme") \
    R(MALFORMED_PATH, "malformed.path") \
    R(MALFORMED_PATH_FORM, "malformed.path-form") \
    R(MALFORMED_PATH_BACKSLASH, "malformed.path-backslash") \
    R(MALFORMED_PATH_CONTROL, "malformed.path-control") \
    R(MALFORMED_PATH_DOT_SEGMENT, "malformed.path-dot-segment") \
    R(MALFORMED_PATH_EMPTY_SEGMENT, "malformed.path-empty-segment") \
    R(MALFORMED_PATH_ESCAPE, "malformed.path-escape") \
    R(MALFORMED_PATH_RAW_BYTE, "malformed.path-raw-byte") \
    R(MALFORMED_QUERY_ESCAPE, "malformed.query-escape") \
    R(MALFORMED_QUERY_NUL, "malformed.query-nul") \
    R(MALFORMED_QUERY_REPEATED, "malformed.query-repeated") \
    R(MALFORMED_QUERY_SEMICOLON, "malformed.query-semicolon") \
    R(MALFORMED_QUERY_TOO_MANY, "malformed.query-too-many") \
    R(MALFORMED_QUERY_UNKNOWN, "malformed.query-unknown") \
    R(MALFORMED_CLIENT_HELLO, "malformed.client-hello") \
    R(MALFORMED_TLS, "malformed.tls") \
    R(MALFORMED_SOCKS, "malformed.socks") \
    R(MALFORMED_DNS_MESSAGE, "malformed.dns-message") \
    R(UPSTREAM_CLOSED, "upstream.closed") \
    R(UPSTREAM_MALFORMED, "upstream.malformed") \
    R(UPSTREAM_FRAMING, "upstream.framing") \
    R(UPSTREAM_UNASKED, "upstream.unasked") \
    R(UPSTREAM_UNASKED_UPGRADE, "upstream.unasked-upgrade") \
    R(UPSTREAM_INFORMATIONAL, "upstream.informational") \
    R(UPSTREAM_HEAD_TOO_LARGE, "upstream.head-too-large") \
    R(UPSTREAM_PARSERS_DISAGREE, "upstream.parsers-disagree") \
    R(UPSTREAM_LOOKUP_TIMEOUT, "upstream.lookup-timeout") \
    R(UPSTREAM_UNREACHABLE, "upstream.unreachable") \
    R(UPSTREAM_CONNECT_TIMEOUT, "upstream.connect-timeout") \
    R(UPSTREAM_PROXY_REFUSED, "upstream-proxy.refused") \
    R(UPSTREAM_PROXY_CREDENTIALS, "upstream-proxy.credentials") \
    R(UPSTREAM_PROXY_MALFORMED, "upstream-proxy.malformed") \
    R(UPSTREAM_PROXY_CLOSED, "upstream-proxy.closed") \
    R(UPSTREAM_PROXY_TIMEOUT, "upstream-proxy.timeout") \
    R(LOG_UNWRITABLE, "log.unwritable") \
    R(LOG_FULL, "log.full") \
    R(RELOAD, "reload") \
    R(RELOAD_UNCHANGED, "reload.unchanged") \
    R(RELOAD_REFUSED, "reload.refused") \
    R(NOTE_OWN_ADDRESSES, "note.own-addresses") \
    R(NOTE_FORWARDING, "note.forwarding") \
    R(NOTE_READ_ONLY_SOCKET, "note.read-only-socket") \
    R(NOTE_API_VERSION, "note.api-version") \
    R(NOTE_ENGINE_AWAY, "note.engine-away") \
    R(NOTE_LOG_REOPENED, "note.log-reopened")

#define ENDINGS(E) \
    E(DONE, "done") \
    E(CLIENT_RESET, "client-reset") \
    E(ORIGIN_RESET, "origin-reset") \
    E(CLIENT_GONE, "client-gone") \
    E(REQUEST_CUT_SHORT, "request-cut-short") \
    E(UPSTREAM_CUT_SHORT, "upstream-cut-short") \
    E(SHUTDOWN, "shutdown") \
    E(EVICTED, "evicted")
/* clang-format on */

/* REASON_DNS_NOT_FOUND is "dns.not-found", ENDING_CLIENT_GONE is "client-gone". */
#define REASON_DECLARE(name, text) extern const char REASON_##name[sizeof(text)];
#define ENDING_DECLARE(name, text) extern const char ENDING_##name[sizeof(text)];
REASONS(REASON_DECLARE)
ENDINGS(ENDING_DECLARE)
#undef REASON_DECLARE
#undef ENDING_DECLARE
