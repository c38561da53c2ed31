// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

// The WASI 0.2 host calls that a TCP server needs, declared as the canonical ABI lowers them: a
// handle is an int32_t, a result that does not fit one value is written to the last parameter.
// COPOLL_WASI_VERSION must be the version the C library imports: a component imports one version.

#include <cstddef>
#include <cstdint>

// No extern "C": the linker's names of `read` and `poll` must not be those of the C library.
#define HOST_CALL(interface, function) \
    [[clang::import_module(interface "@" COPOLL_WASI_VERSION), clang::import_name(function)]]

namespace host {

using handle = std::int32_t;

// list<u8>
struct byte_list {
    std::byte* data;
    std::size_t size;
};

// list<u32>
struct index_list {
    std::uint32_t* data;
    std::size_t size;
};

// stream-error of wasi:io/streams
struct stream_error {
    std::uint8_t closed;  // 0: last-operation-failed, which hands over `error`
    handle error;
};

// result<list<u8>, stream-error>
struct read_result {
    std::uint8_t failed;
    union {
        byte_list ok;
        stream_error error;
    };
};

// result<u64, stream-error>
struct permit_result {
    std::uint8_t failed;
    union {
        std::uint64_t bytes;
        stream_error error;
    };
};

// result<_, stream-error>
struct write_result {
    std::uint8_t failed;
    stream_error error;
};

// result<_, error-code> of wasi:sockets
struct socket_result {
    std::uint8_t failed;
    std::uint8_t code;
};

// result<tcp-socket, error-code>
struct create_result {
    std::uint8_t failed;
    union {
        handle socket;
        std::uint8_t code;
    };
};

// tuple<tcp-socket, input-stream, output-stream>
struct accepted_socket {
    handle socket;
    handle input;
    handle output;
};

// result<tuple<tcp-socket, input-stream, output-stream>, error-code>
struct accept_result {
    std::uint8_t failed;
    union {
        accepted_socket ok;
        std::uint8_t code;
    };
};

struct ipv4_address {
    std::uint16_t port;
    std::uint8_t octets[4];
};

struct ipv6_address {
    std::uint16_t port;
    std::uint32_t flow;
    std::uint16_t groups[8];
    std::uint32_t scope;
};

// ip-socket-address
struct ip_address {
    std::uint8_t is_ipv6;
    union {
        ipv4_address v4;
        ipv6_address v6;
    };
};

// result<ip-socket-address, error-code>
struct address_result {
    std::uint8_t failed;
    union {
        std::uint8_t code;
        ip_address ok;
    };
};

static_assert(sizeof(void*) == 4, "these layouts are those of wasm32");
static_assert(offsetof(read_result, ok) == 4 && sizeof(read_result) == 12);
static_assert(offsetof(permit_result, bytes) == 8 && sizeof(permit_result) == 16);
static_assert(offsetof(accept_result, ok) == 4 && sizeof(accept_result) == 16);
static_assert(offsetof(address_result, ok.v4) == 8 && sizeof(address_result) == 36);

enum error_code : std::uint8_t { would_block = 8, connection_aborted = 16 };

HOST_CALL("wasi:io/poll", "poll")
void poll(const handle* pollables, std::size_t count, index_list* ready);
HOST_CALL("wasi:io/poll", "[method]pollable.block") void block(handle pollable);
HOST_CALL("wasi:io/poll", "[resource-drop]pollable") void drop_pollable(handle);

HOST_CALL("wasi:io/error", "[resource-drop]error") void drop_error(handle);

HOST_CALL("wasi:io/streams", "[method]input-stream.read")
void read(handle input, std::uint64_t most, read_result*);
HOST_CALL("wasi:io/streams", "[method]input-stream.subscribe") handle subscribe_input(handle);
HOST_CALL("wasi:io/streams", "[resource-drop]input-stream") void drop_input(handle);
HOST_CALL("wasi:io/streams", "[method]output-stream.check-write")
void check_write(handle output, permit_result*);
HOST_CALL("wasi:io/streams", "[method]output-stream.write")
void write(handle output, const std::byte* data, std::size_t size, write_result*);
HOST_CALL("wasi:io/streams", "[method]output-stream.splice")
void splice(handle output, handle input, std::uint64_t size, permit_result*);
HOST_CALL("wasi:io/streams", "[method]output-stream.subscribe") handle subscribe_output(handle);
HOST_CALL("wasi:io/streams", "[resource-drop]output-stream") void drop_output(handle);

// In nanoseconds since some moment.
HOST_CALL("wasi:clocks/monotonic-clock", "now") std::uint64_t now();
HOST_CALL("wasi:clocks/monotonic-clock", "subscribe-duration")
handle subscribe_duration(std::uint64_t nanoseconds);

HOST_CALL("wasi:sockets/instance-network", "instance-network") handle instance_network();
HOST_CALL("wasi:sockets/tcp-create-socket", "create-tcp-socket")
void create_tcp_socket(std::int32_t is_ipv6, create_result*);
// The address is flattened: v4 takes port, 4 octets; v6 takes port, flow, 8 groups, scope.
HOST_CALL("wasi:sockets/tcp", "[method]tcp-socket.start-bind")
void start_bind(handle socket, handle network, std::int32_t is_ipv6, std::int32_t, std::int32_t,
                std::int32_t, std::int32_t, std::int32_t, std::int32_t, std::int32_t, std::int32_t,
                std::int32_t, std::int32_t, std::int32_t, socket_result*);
HOST_CALL("wasi:sockets/tcp", "[method]tcp-socket.finish-bind")
void finish_bind(handle socket, socket_result*);
HOST_CALL("wasi:sockets/tcp", "[method]tcp-socket.set-listen-backlog-size")
void set_listen_backlog_size(handle socket, std::uint64_t size, socket_result*);
HOST_CALL("wasi:sockets/tcp", "[method]tcp-socket.start-listen")
void start_listen(handle socket, socket_result*);
HOST_CALL("wasi:sockets/tcp", "[method]tcp-socket.finish-listen")
void finish_listen(handle socket, socket_result*);
HOST_CALL("wasi:sockets/tcp", "[method]tcp-socket.local-address")
void local_address(handle socket, address_result*);
HOST_CALL("wasi:sockets/tcp", "[method]tcp-socket.accept")
void accept(handle socket, accept_result*);
HOST_CALL("wasi:sockets/tcp", "[method]tcp-socket.subscribe") handle subscribe_socket(handle);
HOST_CALL("wasi:sockets/tcp", "[resource-drop]tcp-socket") void drop_socket(handle);

}  // namespace host

#undef HOST_CALL
