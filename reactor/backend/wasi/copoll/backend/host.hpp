// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

/// The host calls the backend makes, in the canonical ABI's own shape, and the wrapper that counts
/// them. Nothing else in the library imports anything.
///
/// The version in the module names is the one the toolchain's libc was made with: two versions in
/// one component would each bring their own resource types.

#if !defined(COPOLL_WASI_VERSION)
#error "COPOLL_WASI_VERSION is set by libs/toolchain, from the sysroot's <wasi/wasip2.h>"
#endif

namespace copoll::backend {
inline namespace wasi {
namespace host {

using handle = std::int32_t;
inline constexpr handle none = -1;

/// One row a kind of call that tests and benchmarks look at.
enum class call : std::uint8_t {
    poll, now, timer, read, check_write, write, subscribe, accept, socket, datagram_streams, lookup,
    drop, other, count_,
};

struct call_counters {
    std::array<std::uint64_t, static_cast<std::size_t>(call::count_)> of{};
    std::uint64_t total() const noexcept {
        std::uint64_t sum = 0;
        for (auto n : of) sum += n;
        return sum;
    }
    std::uint64_t operator[](call c) const noexcept { return of[static_cast<std::size_t>(c)]; }
};
inline constinit call_counters calls;

inline void count(call c) noexcept { ++calls.of[static_cast<std::size_t>(c)]; }

/// Where the next list that the host hands over lands, if it fits: a read goes straight into the
/// caller's buffer. Used up by the first allocation; disarmed after the call in any case.
struct landing_slot {
    void* at = nullptr;
    std::size_t capacity = 0;
};
extern constinit landing_slot landing;
/// The slots of the lists after it, for a call that hands over several.
extern constinit std::span<const landing_slot> landing_next;
/// Lists that did not fit their slot, or came without one, and so were allocated.
extern constinit std::uint64_t landing_misses;

/// error-code of wasi:sockets/network.
enum class socket_error : std::uint8_t {
    unknown, access_denied, not_supported, invalid_argument, out_of_memory, timeout,
    concurrency_conflict, not_in_progress, would_block, invalid_state, new_socket_limit,
    address_not_bindable, address_in_use, remote_unreachable, connection_refused,
    connection_reset, connection_aborted, datagram_too_large, name_unresolvable,
    temporary_resolver_failure, permanent_resolver_failure,
};

enum class stream_error : std::uint8_t { last_operation_failed, closed };

// Return areas. `tag` 0 is ok; only its low byte is written.
struct list_result {  // list<u8> or list<u32>, no error
    void* data;
    std::uint32_t size;
};
struct stream_failure {  // stream-error
    std::uint32_t kind;  // only the low byte is written
    handle error;
    stream_error which() const noexcept { return static_cast<stream_error>(kind & 0xff); }
};
struct read_result {  // result<list<u8>, stream-error>
    std::uint8_t tag;
    union {
        list_result ok;
        stream_failure err;
    };
};
struct stream_status {  // result<_, stream-error>
    std::uint8_t tag;
    stream_failure err;
};
struct permit_result {  // result<u64, stream-error>
    std::uint8_t tag;
    union {
        std::uint64_t permit;
        stream_failure err;
    };
};
struct socket_status {  // result<_, error-code>
    std::uint8_t tag;
    socket_error code;
};
struct handle_result {  // result<own<T>, error-code>
    std::uint8_t tag;
    union {
        handle value;
        socket_error code;
    };
};
/// result<T, error-code>
template <class T>
struct value_result {
    std::uint8_t tag;
    union {
        T value;
        socket_error code;
    };
};
struct stream_pair {
    handle input, output;
};
struct connect_result {  // result<tuple<input-stream, output-stream>, error-code>
    std::uint8_t tag;
    union {
        stream_pair ok;
        socket_error code;
    };
};
struct accepted {
    handle socket, input, output;
};
struct accept_result {  // result<tuple<tcp-socket, input-stream, output-stream>, error-code>
    std::uint8_t tag;
    union {
        accepted ok;
        socket_error code;
    };
};
struct v4_address {
    std::uint16_t port;
    std::array<std::uint8_t, 4> octets;
};
struct v6_address {
    std::uint16_t port;
    std::uint32_t flow;
    std::array<std::uint16_t, 8> segments;
    std::uint32_t scope;
};
struct socket_address {  // ip-socket-address
    std::uint8_t family;  // 0 = v4, 1 = v6
    union {
        v4_address v4;
        v6_address v6;
    };
};
struct address_result {  // result<ip-socket-address, error-code>
    std::uint8_t tag;
    union {
        socket_error code;
        socket_address ok;
    };
};
struct resolved_address {  // ip-address
    std::uint8_t family;  // 0 = v4, 1 = v6
    union {
        std::array<std::uint8_t, 4> v4;
        std::array<std::uint16_t, 8> v6;
    };
};
struct resolved {  // option<ip-address>
    std::uint8_t some;
    resolved_address address;
};
struct resolve_result {  // result<option<ip-address>, error-code>
    std::uint8_t tag;
    union {
        socket_error code;
        resolved ok;
    };
};
struct incoming_datagram {  // the record of wasi:sockets/udp
    void* data;
    std::uint32_t size;
    socket_address from;
};
struct incoming_list {  // list<incoming-datagram>
    incoming_datagram* data;
    std::uint32_t size;
};
struct incoming_result {  // result<list<incoming-datagram>, error-code>
    std::uint8_t tag;
    union {
        incoming_list ok;
        socket_error code;
    };
};
struct outgoing_datagram {  // the record of wasi:sockets/udp
    const void* data;
    std::uint32_t size;
    std::uint8_t has_to;
    socket_address to;
};
struct count_result {  // result<u64, error-code>
    std::uint8_t tag;
    union {
        std::uint64_t ok;
        socket_error code;
    };
};
static_assert(sizeof(incoming_datagram) == 40 && sizeof(outgoing_datagram) == 44 &&
              sizeof(incoming_result) == 12 && sizeof(count_result) == 16);
static_assert(sizeof(value_result<std::uint8_t>) == 2 &&
              sizeof(value_result<std::uint32_t>) == 8 &&
              sizeof(value_result<std::uint64_t>) == 16 && sizeof(resolve_result) == 22 &&
              sizeof(address_result) == 36 && sizeof(accept_result) == 16 &&
              sizeof(permit_result) == 16 && sizeof(stream_status) == 12 &&
              sizeof(read_result) == 12);

/// ip-socket-address as it is passed flat: the case, then its fields, then zeros.
struct flat_address {
    std::int32_t family;  // 0 = v4, 1 = v6
    std::int32_t v[11];
};

#define COPOLL_IMPORT(interface, name) \
    [[clang::import_module("wasi:" interface "@" COPOLL_WASI_VERSION), clang::import_name(name)]]

namespace raw {
extern "C" {
COPOLL_IMPORT("io/poll", "poll")
void copoll_io_poll(const handle*, std::uint32_t, list_result*);
COPOLL_IMPORT("io/poll", "[resource-drop]pollable") void copoll_drop_pollable(handle);
COPOLL_IMPORT("clocks/monotonic-clock", "now") std::int64_t copoll_clock_now();
COPOLL_IMPORT("clocks/monotonic-clock", "subscribe-instant")
handle copoll_clock_subscribe_instant(std::int64_t);
COPOLL_IMPORT("clocks/monotonic-clock", "subscribe-duration")
handle copoll_clock_subscribe_duration(std::int64_t);

COPOLL_IMPORT("io/error", "[method]error.to-debug-string")
void copoll_error_to_debug_string(handle, list_result*);
COPOLL_IMPORT("io/error", "[resource-drop]error") void copoll_drop_error(handle);

COPOLL_IMPORT("io/streams", "[method]input-stream.read")
void copoll_input_read(handle, std::int64_t, read_result*);
COPOLL_IMPORT("io/streams", "[method]input-stream.subscribe")
handle copoll_input_subscribe(handle);
COPOLL_IMPORT("io/streams", "[resource-drop]input-stream") void copoll_drop_input(handle);
COPOLL_IMPORT("io/streams", "[method]output-stream.check-write")
void copoll_output_check_write(handle, permit_result*);
COPOLL_IMPORT("io/streams", "[method]output-stream.write")
void copoll_output_write(handle, const void*, std::uint32_t, stream_status*);
COPOLL_IMPORT("io/streams", "[method]output-stream.flush")
void copoll_output_flush(handle, stream_status*);
COPOLL_IMPORT("io/streams", "[method]output-stream.subscribe")
handle copoll_output_subscribe(handle);
COPOLL_IMPORT("io/streams", "[resource-drop]output-stream") void copoll_drop_output(handle);

COPOLL_IMPORT("cli/stdin", "get-stdin") handle copoll_get_stdin();
COPOLL_IMPORT("cli/stdout", "get-stdout") handle copoll_get_stdout();
COPOLL_IMPORT("cli/stderr", "get-stderr") handle copoll_get_stderr();

COPOLL_IMPORT("sockets/instance-network", "instance-network") handle copoll_instance_network();
COPOLL_IMPORT("sockets/tcp-create-socket", "create-tcp-socket")
void copoll_create_tcp_socket(std::int32_t, handle_result*);
COPOLL_IMPORT("sockets/tcp", "[resource-drop]tcp-socket") void copoll_drop_tcp_socket(handle);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.subscribe") handle copoll_tcp_subscribe(handle);
#define COPOLL_FLAT_ADDRESS                                                                    \
    std::int32_t, std::int32_t, std::int32_t, std::int32_t, std::int32_t, std::int32_t,        \
        std::int32_t, std::int32_t, std::int32_t, std::int32_t, std::int32_t, std::int32_t
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.start-bind")
void copoll_tcp_start_bind(handle, handle, COPOLL_FLAT_ADDRESS, socket_status*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.finish-bind")
void copoll_tcp_finish_bind(handle, socket_status*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.start-connect")
void copoll_tcp_start_connect(handle, handle, COPOLL_FLAT_ADDRESS, socket_status*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.finish-connect")
void copoll_tcp_finish_connect(handle, connect_result*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.start-listen")
void copoll_tcp_start_listen(handle, socket_status*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.finish-listen")
void copoll_tcp_finish_listen(handle, socket_status*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.set-listen-backlog-size")
void copoll_tcp_set_backlog(handle, std::int64_t, socket_status*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.accept")
void copoll_tcp_accept(handle, accept_result*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.shutdown")
void copoll_tcp_shutdown(handle, std::int32_t, socket_status*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.local-address")
void copoll_tcp_local_address(handle, address_result*);
COPOLL_IMPORT("sockets/tcp", "[method]tcp-socket.remote-address")
void copoll_tcp_remote_address(handle, address_result*);

COPOLL_IMPORT("sockets/udp-create-socket", "create-udp-socket")
void copoll_create_udp_socket(std::int32_t, handle_result*);
COPOLL_IMPORT("sockets/udp", "[resource-drop]udp-socket") void copoll_drop_udp_socket(handle);
COPOLL_IMPORT("sockets/udp", "[method]udp-socket.subscribe") handle copoll_udp_subscribe(handle);
COPOLL_IMPORT("sockets/udp", "[method]udp-socket.start-bind")
void copoll_udp_start_bind(handle, handle, COPOLL_FLAT_ADDRESS, socket_status*);
COPOLL_IMPORT("sockets/udp", "[method]udp-socket.finish-bind")
void copoll_udp_finish_bind(handle, socket_status*);
COPOLL_IMPORT("sockets/udp", "[method]udp-socket.stream")
void copoll_udp_stream(handle, std::int32_t, COPOLL_FLAT_ADDRESS, connect_result*);
#undef COPOLL_FLAT_ADDRESS
COPOLL_IMPORT("sockets/udp", "[method]udp-socket.local-address")
void copoll_udp_local_address(handle, address_result*);
COPOLL_IMPORT("sockets/udp", "[method]udp-socket.remote-address")
void copoll_udp_remote_address(handle, address_result*);
COPOLL_IMPORT("sockets/udp", "[method]incoming-datagram-stream.receive")
void copoll_incoming_receive(handle, std::int64_t, incoming_result*);
COPOLL_IMPORT("sockets/udp", "[method]incoming-datagram-stream.subscribe")
handle copoll_incoming_subscribe(handle);
COPOLL_IMPORT("sockets/udp", "[resource-drop]incoming-datagram-stream")
void copoll_drop_incoming(handle);
COPOLL_IMPORT("sockets/udp", "[method]outgoing-datagram-stream.check-send")
void copoll_outgoing_check_send(handle, count_result*);
COPOLL_IMPORT("sockets/udp", "[method]outgoing-datagram-stream.send")
void copoll_outgoing_send(handle, const outgoing_datagram*, std::uint32_t, count_result*);
COPOLL_IMPORT("sockets/udp", "[method]outgoing-datagram-stream.subscribe")
handle copoll_outgoing_subscribe(handle);
COPOLL_IMPORT("sockets/udp", "[resource-drop]outgoing-datagram-stream")
void copoll_drop_outgoing(handle);

#define COPOLL_OPTION(kind, function, option, flat, value)                                     \
    COPOLL_IMPORT("sockets/" #kind, "[method]" #kind "-socket." option)                        \
    void copoll_##kind##_##function(handle, value_result<value>*);                             \
    COPOLL_IMPORT("sockets/" #kind, "[method]" #kind "-socket.set-" option)                    \
    void copoll_##kind##_set_##function(handle, flat, socket_status*);
COPOLL_OPTION(tcp, keep_alive_enabled, "keep-alive-enabled", std::int32_t, std::uint8_t)
COPOLL_OPTION(tcp, keep_alive_idle, "keep-alive-idle-time", std::int64_t, std::uint64_t)
COPOLL_OPTION(tcp, keep_alive_interval, "keep-alive-interval", std::int64_t, std::uint64_t)
COPOLL_OPTION(tcp, keep_alive_count, "keep-alive-count", std::int32_t, std::uint32_t)
COPOLL_OPTION(tcp, hop_limit, "hop-limit", std::int32_t, std::uint8_t)
COPOLL_OPTION(tcp, receive_buffer, "receive-buffer-size", std::int64_t, std::uint64_t)
COPOLL_OPTION(tcp, send_buffer, "send-buffer-size", std::int64_t, std::uint64_t)
COPOLL_OPTION(udp, hop_limit, "unicast-hop-limit", std::int32_t, std::uint8_t)
COPOLL_OPTION(udp, receive_buffer, "receive-buffer-size", std::int64_t, std::uint64_t)
COPOLL_OPTION(udp, send_buffer, "send-buffer-size", std::int64_t, std::uint64_t)
#undef COPOLL_OPTION

COPOLL_IMPORT("sockets/ip-name-lookup", "resolve-addresses")
void copoll_resolve_addresses(handle, const char*, std::uint32_t, handle_result*);
COPOLL_IMPORT("sockets/ip-name-lookup", "[method]resolve-address-stream.resolve-next-address")
void copoll_resolve_next_address(handle, resolve_result*);
COPOLL_IMPORT("sockets/ip-name-lookup", "[method]resolve-address-stream.subscribe")
handle copoll_resolve_subscribe(handle);
COPOLL_IMPORT("sockets/ip-name-lookup", "[resource-drop]resolve-address-stream")
void copoll_drop_resolve(handle);
}
}  // namespace raw
#undef COPOLL_IMPORT

/// Calls one import and counts it.
template <auto Import, call Kind, class... Args>
inline auto counted(Args... args) noexcept {
    count(Kind);
    return Import(args...);
}

/// Calls an import that fills a return area.
template <class Area, auto Import, call Kind, class... Args>
inline Area returned(Args... args) noexcept {
    Area area;
    count(Kind);
    Import(args..., &area);
    return area;
}

/// The indices of the ready ones land in `ready`, which has room for `n`.
inline list_result poll(const handle* pollables, std::uint32_t n, std::uint32_t* ready) noexcept {
    landing = {ready, n * sizeof(std::uint32_t)};
    const auto list = returned<list_result, raw::copoll_io_poll, call::poll>(pollables, n);
    landing = {};
    return list;
}
inline std::int64_t now() noexcept { return counted<raw::copoll_clock_now, call::now>(); }

/// Reads at most `n` bytes, which land at `into` unless the program has a cabi_realloc of its own.
inline read_result read(handle input, void* into, std::size_t n) noexcept {
    landing = {into, n};
    const auto r = returned<read_result, raw::copoll_input_read, call::read>(
        input, static_cast<std::int64_t>(n));
    landing = {};
    return r;
}
inline permit_result check_write(handle output) noexcept {
    return returned<permit_result, raw::copoll_output_check_write, call::check_write>(output);
}
inline stream_status write(handle output, const void* from, std::uint32_t n) noexcept {
    return returned<stream_status, raw::copoll_output_write, call::write>(output, from, n);
}

/// Receives at most as many datagrams as there are slots for what they carry. The list of them
/// lands at `list`, unless the program has a cabi_realloc of its own.
inline incoming_result receive(handle incoming, incoming_datagram* list,
                               std::span<const landing_slot> payloads) noexcept {
    landing = {list, payloads.size() * sizeof *list};
    landing_next = payloads;
    const auto r = returned<incoming_result, raw::copoll_incoming_receive, call::read>(
        incoming, static_cast<std::int64_t>(payloads.size()));
    landing = {};
    landing_next = {};
    return r;
}
inline count_result check_send(handle outgoing) noexcept {
    return returned<count_result, raw::copoll_outgoing_check_send, call::check_write>(outgoing);
}
inline count_result send(handle outgoing, std::span<const outgoing_datagram> list) noexcept {
    return returned<count_result, raw::copoll_outgoing_send, call::write>(
        outgoing, list.data(), static_cast<std::uint32_t>(list.size()));
}

inline void drop_pollable(handle h) noexcept { counted<raw::copoll_drop_pollable, call::drop>(h); }
inline void drop_input(handle h) noexcept { counted<raw::copoll_drop_input, call::drop>(h); }
inline void drop_output(handle h) noexcept { counted<raw::copoll_drop_output, call::drop>(h); }
inline void drop_tcp(handle h) noexcept { counted<raw::copoll_drop_tcp_socket, call::drop>(h); }
inline void drop_resolve(handle h) noexcept { counted<raw::copoll_drop_resolve, call::drop>(h); }
inline void drop_udp(handle h) noexcept { counted<raw::copoll_drop_udp_socket, call::drop>(h); }
inline void drop_incoming(handle h) noexcept { counted<raw::copoll_drop_incoming, call::drop>(h); }
inline void drop_outgoing(handle h) noexcept { counted<raw::copoll_drop_outgoing, call::drop>(h); }
inline void drop_error(handle h) noexcept { counted<raw::copoll_drop_error, call::drop>(h); }

}  // namespace host
}  // namespace wasi
}  // namespace copoll::backend
