// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wasi/faulty_host.hpp"

#include <cstdlib>
#include <cstring>

namespace copoll_tests {

faulty_host the_host;

namespace {

using enum resource_kind;
using host::handle;

constexpr handle fake_error = 0x7fff'0000;  // no host gives so high a number

void made(resource_kind k, std::int64_t n = 1) { the_host.alive[static_cast<std::size_t>(k)] += n; }
void dropped(resource_kind k) { made(k, -1); }

bool fails(std::string_view call) {
    if (++the_host.fallible_calls != the_host.fail_at) return false;
    the_host.failed = call;
    return true;
}

/// Fills in a stream-error.
template <class Area>
void fail_stream(Area& area) {
    area.tag = 1;
    area.err.kind = static_cast<std::uint32_t>(the_host.stream_error);
    area.err.error = fake_error;
    if (the_host.stream_error == host::stream_error::last_operation_failed) made(error);
}

/// Counts the error that may come with the host's own answer.
template <class Area>
void note_error(const Area& area) {
    if (area.tag != 0 && area.err.which() == host::stream_error::last_operation_failed) made(error);
}

/// Calls an import that gives a socket's error-code, or fails in its place.
template <class Area, class F>
void socket_call(std::string_view name, Area* area, F call) {
    if (!fails(name)) return call();
    area->tag = 1;
    area->code = the_host.socket_error;
}

}  // namespace
}  // namespace copoll_tests

using namespace copoll_tests;

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): the linker's own names
extern "C" {

#define WRAP_MAKES(function, kind, type, argument)                                             \
    host::handle __real_##function(type argument);                                             \
    host::handle __wrap_##function(type argument) {                                            \
        made(resource_kind::kind);                                                             \
        return __real_##function(argument);                                                    \
    }
WRAP_MAKES(copoll_clock_subscribe_instant, pollable, std::int64_t, at)
WRAP_MAKES(copoll_clock_subscribe_duration, pollable, std::int64_t, d)
WRAP_MAKES(copoll_input_subscribe, pollable, host::handle, h)
WRAP_MAKES(copoll_output_subscribe, pollable, host::handle, h)
WRAP_MAKES(copoll_tcp_subscribe, pollable, host::handle, h)
WRAP_MAKES(copoll_udp_subscribe, pollable, host::handle, h)
WRAP_MAKES(copoll_incoming_subscribe, pollable, host::handle, h)
WRAP_MAKES(copoll_outgoing_subscribe, pollable, host::handle, h)

#define WRAP_DROP(function, kind)                                                              \
    void __real_##function(host::handle);                                                      \
    void __wrap_##function(host::handle h) {                                                   \
        dropped(resource_kind::kind);                                                          \
        if (h != fake_error) __real_##function(h);                                             \
    }
WRAP_DROP(copoll_drop_pollable, pollable)
WRAP_DROP(copoll_drop_input, input)
WRAP_DROP(copoll_drop_output, output)
WRAP_DROP(copoll_drop_tcp_socket, socket)
WRAP_DROP(copoll_drop_udp_socket, socket)
WRAP_DROP(copoll_drop_incoming, input)
WRAP_DROP(copoll_drop_outgoing, output)
WRAP_DROP(copoll_drop_error, error)
WRAP_DROP(copoll_drop_resolve, lookup)

void __real_copoll_io_poll(const host::handle*, std::uint32_t, host::list_result*);
void __wrap_copoll_io_poll(const host::handle* list, std::uint32_t n, host::list_result* r) {
    ++the_host.polls;
    the_host.polled += n;
    __real_copoll_io_poll(list, n, r);
    if (!the_host.all_ready) return;
    // The library's list has room for all.
    auto* indices = static_cast<std::uint32_t*>(r->data);
    for (std::uint32_t i = 0; i < n; ++i) indices[i] = i;
    r->size = n;
}

void __real_copoll_error_to_debug_string(host::handle, host::list_result*);
void __wrap_copoll_error_to_debug_string(host::handle h, host::list_result* r) {
    if (h != fake_error) return __real_copoll_error_to_debug_string(h, r);
    const std::string_view text = the_host.debug_string;
    r->size = static_cast<std::uint32_t>(text.size());
    r->data = nullptr;
    if (text.empty()) return;
    r->data = std::malloc(text.size());
    std::memcpy(r->data, text.data(), text.size());
}

void __real_copoll_input_read(host::handle, std::int64_t, host::read_result*);
void __wrap_copoll_input_read(host::handle h, std::int64_t n, host::read_result* r) {
    ++the_host.reads;
    if (fails("read")) return fail_stream(*r);
    if (the_host.empty_reads == 0) {
        __real_copoll_input_read(h, n, r);
        return note_error(*r);
    }
    --the_host.empty_reads;
    r->tag = 0;
    r->ok = {};
}

void __real_copoll_output_check_write(host::handle, host::permit_result*);
void __wrap_copoll_output_check_write(host::handle h, host::permit_result* r) {
    ++the_host.check_writes;
    if (fails("check-write")) return fail_stream(*r);
    if (the_host.no_permits == 0) {
        __real_copoll_output_check_write(h, r);
        return note_error(*r);
    }
    --the_host.no_permits;
    r->tag = 0;
    r->permit = the_host.short_permit;
}

void __real_copoll_output_write(host::handle, const void*, std::uint32_t, host::stream_status*);
void __wrap_copoll_output_write(host::handle h, const void* from, std::uint32_t n,
                                host::stream_status* r) {
    if (fails("write")) return fail_stream(*r);
    __real_copoll_output_write(h, from, n, r);
    note_error(*r);
}

void __real_copoll_output_flush(host::handle, host::stream_status*);
void __wrap_copoll_output_flush(host::handle h, host::stream_status* r) {
    if (fails("flush")) return fail_stream(*r);
    __real_copoll_output_flush(h, r);
    note_error(*r);
}

void __real_copoll_create_tcp_socket(std::int32_t, host::handle_result*);
void __wrap_copoll_create_tcp_socket(std::int32_t family, host::handle_result* r) {
    socket_call("create-tcp-socket", r, [&] {
        __real_copoll_create_tcp_socket(family, r);
        if (r->tag == 0) made(socket);
    });
}

void __real_copoll_tcp_accept(host::handle, host::accept_result*);
void __wrap_copoll_tcp_accept(host::handle h, host::accept_result* r) {
    if (the_host.failed_accepts > 0) {
        --the_host.failed_accepts;
        r->tag = 1;
        r->code = the_host.socket_error;
        return;
    }
    socket_call("accept", r, [&] {
        __real_copoll_tcp_accept(h, r);
        if (r->tag != 0) return;
        made(socket);
        made(input);
        made(output);
    });
}

void __real_copoll_tcp_finish_connect(host::handle, host::connect_result*);
void __wrap_copoll_tcp_finish_connect(host::handle h, host::connect_result* r) {
    socket_call("finish-connect", r, [&] {
        __real_copoll_tcp_finish_connect(h, r);
        if (r->tag != 0) return;
        made(input);
        made(output);
    });
}

#define ADDRESS(x) std::int32_t x##0, std::int32_t x##1, std::int32_t x##2, std::int32_t x##3,   \
    std::int32_t x##4, std::int32_t x##5, std::int32_t x##6, std::int32_t x##7,                  \
    std::int32_t x##8, std::int32_t x##9, std::int32_t x##10, std::int32_t x##11
#define WRAP_START(function, name)                                                             \
    void __real_##function(host::handle, host::handle, ADDRESS(a), host::socket_status*);      \
    void __wrap_##function(host::handle h, host::handle network, ADDRESS(a),                   \
                           host::socket_status* r) {                                           \
        socket_call(name, r, [&] {                                                             \
            __real_##function(h, network, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, r); \
        });                                                                                    \
    }
WRAP_START(copoll_tcp_start_bind, "start-bind")
WRAP_START(copoll_tcp_start_connect, "start-connect")
WRAP_START(copoll_udp_start_bind, "start-bind")

#define WRAP_STEP(function, name, area)                                                        \
    void __real_##function(host::handle, area*);                                               \
    void __wrap_##function(host::handle h, area* r) {                                          \
        socket_call(name, r, [&] { __real_##function(h, r); });                                \
    }
WRAP_STEP(copoll_tcp_finish_bind, "finish-bind", host::socket_status)
WRAP_STEP(copoll_tcp_start_listen, "start-listen", host::socket_status)
WRAP_STEP(copoll_tcp_finish_listen, "finish-listen", host::socket_status)
WRAP_STEP(copoll_tcp_local_address, "local-address", host::address_result)
WRAP_STEP(copoll_tcp_remote_address, "remote-address", host::address_result)
WRAP_STEP(copoll_udp_finish_bind, "finish-bind", host::socket_status)
WRAP_STEP(copoll_udp_local_address, "local-address", host::address_result)
WRAP_STEP(copoll_udp_remote_address, "remote-address", host::address_result)

void __real_copoll_tcp_set_backlog(host::handle, std::int64_t, host::socket_status*);
void __wrap_copoll_tcp_set_backlog(host::handle h, std::int64_t n, host::socket_status* r) {
    socket_call("set-listen-backlog-size", r, [&] { __real_copoll_tcp_set_backlog(h, n, r); });
}

#define WRAP_GET(function, name, type)                                                         \
    void __real_##function(host::handle, host::value_result<type>*);                           \
    void __wrap_##function(host::handle h, host::value_result<type>* r) {                      \
        socket_call(name, r, [&] { __real_##function(h, r); });                                \
    }
WRAP_GET(copoll_tcp_keep_alive_enabled, "keep-alive-enabled", std::uint8_t)
WRAP_GET(copoll_tcp_keep_alive_idle, "keep-alive-idle-time", std::uint64_t)
WRAP_GET(copoll_tcp_keep_alive_interval, "keep-alive-interval", std::uint64_t)
WRAP_GET(copoll_tcp_keep_alive_count, "keep-alive-count", std::uint32_t)
WRAP_GET(copoll_tcp_hop_limit, "hop-limit", std::uint8_t)
WRAP_GET(copoll_tcp_receive_buffer, "receive-buffer-size", std::uint64_t)
WRAP_GET(copoll_tcp_send_buffer, "send-buffer-size", std::uint64_t)
WRAP_GET(copoll_udp_hop_limit, "unicast-hop-limit", std::uint8_t)
WRAP_GET(copoll_udp_receive_buffer, "receive-buffer-size", std::uint64_t)
WRAP_GET(copoll_udp_send_buffer, "send-buffer-size", std::uint64_t)

#define WRAP_SET(function, name, type)                                                         \
    void __real_##function(host::handle, type, host::socket_status*);                          \
    void __wrap_##function(host::handle h, type value, host::socket_status* r) {               \
        socket_call(name, r, [&] { __real_##function(h, value, r); });                         \
    }
WRAP_SET(copoll_tcp_set_keep_alive_enabled, "set-keep-alive-enabled", std::int32_t)
WRAP_SET(copoll_tcp_set_keep_alive_idle, "set-keep-alive-idle-time", std::int64_t)
WRAP_SET(copoll_tcp_set_keep_alive_interval, "set-keep-alive-interval", std::int64_t)
WRAP_SET(copoll_tcp_set_keep_alive_count, "set-keep-alive-count", std::int32_t)
WRAP_SET(copoll_tcp_set_hop_limit, "set-hop-limit", std::int32_t)
WRAP_SET(copoll_tcp_set_receive_buffer, "set-receive-buffer-size", std::int64_t)
WRAP_SET(copoll_tcp_set_send_buffer, "set-send-buffer-size", std::int64_t)
WRAP_SET(copoll_udp_set_hop_limit, "set-unicast-hop-limit", std::int32_t)
WRAP_SET(copoll_udp_set_receive_buffer, "set-receive-buffer-size", std::int64_t)
WRAP_SET(copoll_udp_set_send_buffer, "set-send-buffer-size", std::int64_t)

void __real_copoll_resolve_addresses(host::handle, const char*, std::uint32_t,
                                     host::handle_result*);
void __wrap_copoll_resolve_addresses(host::handle network, const char* name, std::uint32_t n,
                                     host::handle_result* r) {
    ++the_host.lookups;
    socket_call("resolve-addresses", r, [&] {
        __real_copoll_resolve_addresses(network, name, n, r);
        if (r->tag == 0) made(lookup);
    });
}

void __real_copoll_resolve_next_address(host::handle, host::resolve_result*);
void __wrap_copoll_resolve_next_address(host::handle h, host::resolve_result* r) {
    if (!the_host.resolver_answers) {
        r->tag = 1;
        r->code = host::socket_error::would_block;
        return;
    }
    socket_call("resolve-next-address", r, [&] { __real_copoll_resolve_next_address(h, r); });
}

host::handle __real_copoll_resolve_subscribe(host::handle);
host::handle __wrap_copoll_resolve_subscribe(host::handle h) {
    constexpr std::int64_t long_after = 3'600'000'000'000;
    if (!the_host.resolver_answers) return __wrap_copoll_clock_subscribe_duration(long_after);
    made(pollable);
    return __real_copoll_resolve_subscribe(h);
}

void __real_copoll_tcp_shutdown(host::handle, std::int32_t, host::socket_status*);
void __wrap_copoll_tcp_shutdown(host::handle h, std::int32_t how, host::socket_status* r) {
    socket_call("shutdown", r, [&] { __real_copoll_tcp_shutdown(h, how, r); });
}

void __real_copoll_create_udp_socket(std::int32_t, host::handle_result*);
void __wrap_copoll_create_udp_socket(std::int32_t family, host::handle_result* r) {
    socket_call("create-udp-socket", r, [&] {
        __real_copoll_create_udp_socket(family, r);
        if (r->tag == 0) made(socket);
    });
}

void __real_copoll_udp_stream(host::handle, std::int32_t, ADDRESS(a), host::connect_result*);
void __wrap_copoll_udp_stream(host::handle h, std::int32_t connected, ADDRESS(a),
                              host::connect_result* r) {
    socket_call("stream", r, [&] {
        __real_copoll_udp_stream(h, connected, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, r);
        if (r->tag != 0) return;
        made(input);
        made(output);
    });
}

void __real_copoll_incoming_receive(host::handle, std::int64_t, host::incoming_result*);
void __wrap_copoll_incoming_receive(host::handle h, std::int64_t most, host::incoming_result* r) {
    ++the_host.reads;
    socket_call("receive", r, [&] {
        if (the_host.empty_reads == 0) return __real_copoll_incoming_receive(h, most, r);
        --the_host.empty_reads;
        r->tag = 0;
        r->ok = {};
    });
}

void __real_copoll_outgoing_check_send(host::handle, host::count_result*);
void __wrap_copoll_outgoing_check_send(host::handle h, host::count_result* r) {
    ++the_host.check_writes;
    socket_call("check-send", r, [&] {
        if (the_host.no_permits == 0) {
            __real_copoll_outgoing_check_send(h, r);
            if (the_host.small_permits == 0 || r->tag != 0 || r->ok == 0) return;
            --the_host.small_permits;
            r->ok = 1;
            return;
        }
        --the_host.no_permits;
        r->tag = 0;
        r->ok = 0;
    });
}

void __real_copoll_outgoing_send(host::handle, const host::outgoing_datagram*, std::uint32_t,
                                 host::count_result*);
void __wrap_copoll_outgoing_send(host::handle h, const host::outgoing_datagram* list,
                                 std::uint32_t n, host::count_result* r) {
    socket_call("send", r, [&] { __real_copoll_outgoing_send(h, list, n, r); });
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
