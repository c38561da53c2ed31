// SPDX-License-Identifier: MIT OR Apache-2.0
//
// An echo server made of host calls alone: no library, no coroutines, one flat poll. It is the
// ceiling that echo servers in the same host are measured against, so it does all that helps:
//
//  - what the host reads lands in the block that is then written: no copy in the guest;
//  - the list of pollables is kept between polls and changed in place;
//  - a connection's reads are as large as its traffic asks for: the host zeroes what it is asked
//    for, and a large read of little costs 1 us more than a small one;
//  - a read that came back full is continued before anything is written: a message that leaves
//    in pieces meets Nagle's algorithm and the peer's delayed acknowledgement;
//  - who was ready is read again after everybody had a turn: by then the next message is often
//    there without another poll, and if not, the empty read tells the host so (else its next poll
//    returns at once for nothing).
//
// It makes no attempt at fairness beyond a bound on the turns between two polls.
#include "host_calls.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

// Where the next list that the host returns goes, see cabi_realloc.
void* landing_place = nullptr;
std::size_t landing_size = 0;

void land_at(void* place, std::size_t size) {
    landing_place = place;
    landing_size = size;
}

}  // namespace

// The host asks here for the memory of each list it returns. The C library's version is weak.
extern "C" [[clang::export_name("cabi_realloc")]]
void* cabi_realloc(void* old, std::size_t, std::size_t, std::size_t size) {
    if (old == nullptr && size <= std::exchange(landing_size, 0)) return landing_place;
    alignas(std::max_align_t) static std::byte nothing;
    if (size == 0) return &nothing;
    return std::realloc(old, size);
}

namespace {

constexpr std::size_t block_size = std::size_t{64} << 10;  // the most a host moves in one call
constexpr std::size_t smallest_read = 512;
constexpr std::size_t turns_per_poll = 256;
constexpr int accepts_per_poll = 64;

using block = std::array<std::byte, block_size>;

struct connection {
    host::handle socket = 0;
    host::handle input = 0;
    host::handle output = 0;
    host::handle input_pollable = 0;
    host::handle output_pollable = 0;  // made when the output has to be waited for
    std::size_t index = 0;             // of its one pollable in the list that is polled
    std::size_t read_size = smallest_read;

    // What the output did not take yet. While there is any, nothing is read.
    std::unique_ptr<block> unsent;
    std::size_t unsent_begin = 0;
    std::size_t unsent_end = 0;
    bool input_ended = false;
};

// What came of a turn: there may be more to do, the input is empty, the output is full, or the
// connection is over.
enum class turn { progress, drained, blocked, over };

// Lets the host do its own work and comes back. A host that counts what a guest does between two
// waits (128 operations in Wasmtime) reports everything as not ready once that is used up.
void yield() {
    const host::handle at_once = host::subscribe_duration(0);
    std::uint32_t index = 0;
    host::index_list ready;
    land_at(&index, sizeof index);
    host::poll(&at_once, 1, &ready);
    host::drop_pollable(at_once);
}

turn failure(const host::stream_error& error) {
    if (error.closed == 0) host::drop_error(error.error);
    return turn::over;
}

// How much may be written now, or `blocked`, or `over`.
turn ask_permit(host::handle output, std::uint64_t& bytes) {
    for (const bool last : {false, true}) {
        host::permit_result permit;
        host::check_write(output, &permit);
        if (permit.failed != 0) return failure(permit.error);
        bytes = permit.bytes;
        if (bytes > 0) return turn::progress;
        if (!last) yield();
    }
    return turn::blocked;
}

// Writes data[begin, end) as far as the output takes it and moves `begin` on.
turn send(host::handle output, const block& data, std::size_t& begin, std::size_t end) {
    while (begin < end) {
        std::uint64_t permitted = 0;
        if (const auto t = ask_permit(output, permitted); t != turn::progress) return t;
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(permitted, end - begin));
        host::write_result written;
        host::write(output, data.data() + begin, size, &written);
        if (written.failed != 0) return failure(written.error);
        begin += size;
    }
    return turn::progress;
}

class server {
public:
    explicit server(host::handle listener) : listener_{listener} {
        pollables_.push_back(host::subscribe_socket(listener));
        owners_.push_back(nullptr);
    }

    [[noreturn]] void run() {
        for (;;) {
            const bool accepting = poll();
            for (std::size_t turns = 0; turns < turns_per_poll && !ready_.empty();) {
                turns += ready_.size();
                std::erase_if(ready_, [this](connection* c) { return !serve(*c); });
            }
            if (accepting) accept();
        }
    }

private:
    // Fills ready_, and tells whether the listener is ready too.
    bool poll() {
        indices_.resize(pollables_.size());
        host::index_list list;
        land_at(indices_.data(), indices_.size() * sizeof indices_[0]);
        host::poll(pollables_.data(), pollables_.size(), &list);

        // Serving reorders the list: look up all indices first.
        ready_.clear();
        bool listener_ready = false;
        for (std::size_t i = 0; i < list.size; ++i) {
            if (connection* c = owners_[list.data[i]]) {
                ready_.push_back(c);
            } else {
                listener_ready = true;
            }
        }
        return listener_ready;
    }

    void accept() {
        for (int i = 0; i < accepts_per_poll; ++i) {
            host::accept_result accepted;
            host::accept(listener_, &accepted);
            if (accepted.failed != 0) {
                if (accepted.code == host::connection_aborted) continue;
                return;
            }
            auto* c = new connection;
            c->socket = accepted.ok.socket;
            c->input = accepted.ok.input;
            c->output = accepted.ok.output;
            c->input_pollable = host::subscribe_input(c->input);
            c->index = pollables_.size();
            pollables_.push_back(c->input_pollable);
            owners_.push_back(c);
        }
    }

    // False when the connection has nothing to do until a poll reports it again, or is gone.
    bool serve(connection& c) {
        switch (c.unsent || c.input_ended ? resume(c) : echo(c)) {
            case turn::progress: return true;
            case turn::drained: return false;
            case turn::blocked:
                if (c.output_pollable == 0) c.output_pollable = host::subscribe_output(c.output);
                pollables_[c.index] = c.output_pollable;
                return false;
            case turn::over: remove(c); return false;
        }
        std::unreachable();
    }

    turn echo(connection& c) {
        if (!spare_) spare_ = std::make_unique_for_overwrite<block>();
        const auto filled = fill(c, *spare_);
        if (filled == 0) return c.input_ended ? close(c) : turn::drained;

        std::size_t begin = 0;
        const auto t = send(c.output, *spare_, begin, filled);
        if (t == turn::blocked) {
            c.unsent = std::move(spare_);
            c.unsent_begin = begin;
            c.unsent_end = filled;
        }
        return t == turn::progress && c.input_ended ? close(c) : t;
    }

    // Reads until a read comes back short, or the block is full.
    static std::size_t fill(connection& c, block& into) {
        std::size_t filled = 0;
        std::size_t asked = c.read_size;
        for (;;) {
            host::read_result read;
            land_at(into.data() + filled, block_size - filled);
            host::read(c.input, asked, &read);
            if (read.failed != 0) {
                failure(read.error);
                c.input_ended = true;
                break;
            }
            filled += read.ok.size;
            if (read.ok.size < asked || filled == block_size) break;
            asked = block_size - filled;
        }
        if (filled > 0) {
            // Grows at once, shrinks slowly: bulk also comes in small pieces now and then.
            c.read_size = std::clamp(std::max(2 * std::bit_ceil(filled), c.read_size / 2),
                                     smallest_read, block_size);
        }
        return filled;
    }

    turn resume(connection& c) {
        if (c.unsent) {
            const auto t = send(c.output, *c.unsent, c.unsent_begin, c.unsent_end);
            if (t != turn::progress) return t;
            spare_ = std::move(c.unsent);
        }
        if (c.input_ended) return close(c);
        pollables_[c.index] = c.input_pollable;
        return turn::progress;
    }

    // An output that is dropped while the host still writes may lose data: wait until it is not.
    static turn close(connection& c) {
        std::uint64_t permitted = 0;
        const auto t = ask_permit(c.output, permitted);
        return t == turn::progress ? turn::over : t;
    }

    void remove(connection& c) {
        pollables_[c.index] = pollables_.back();
        owners_[c.index] = owners_.back();
        owners_[c.index]->index = c.index;  // never the listener, which is not the last
        pollables_.pop_back();
        owners_.pop_back();

        // A pollable goes before its stream, a stream before its socket.
        host::drop_pollable(c.input_pollable);
        if (c.output_pollable != 0) host::drop_pollable(c.output_pollable);
        host::drop_input(c.input);
        host::drop_output(c.output);
        host::drop_socket(c.socket);
        delete &c;
    }

    host::handle listener_;
    std::vector<host::handle> pollables_;  // the listener's, then one of each connection
    std::vector<connection*> owners_;      // of the pollable at the same index; listener: none
    std::vector<std::uint32_t> indices_;   // where the answer of poll lands
    std::vector<connection*> ready_;
    std::unique_ptr<block> spare_;
};

struct address {
    bool is_ipv6 = false;
    std::array<std::uint8_t, 16> bytes{};  // the first four for IPv4
    std::uint16_t port = 0;

    [[nodiscard]] std::int32_t group(std::size_t i) const {
        return bytes[2 * i] << 8 | bytes[2 * i + 1];
    }
};

[[noreturn]] void wrong_usage() {
    std::fputs(
        "usage: ceiling_echo --listen ADDR:PORT\n"
        "ADDR is an IPv4 address or an [IPv6] one; port 0 picks a free port.\n",
        stderr);
    std::exit(2);
}

[[noreturn]] void fail(const char* what, unsigned code) {
    std::fprintf(stderr, "ceiling_echo: %s: wasi:sockets error-code %u\n", what, code);
    std::exit(1);
}

address parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) wrong_usage();
    const std::string port{text.substr(colon + 1)};
    auto host_part = text.substr(0, colon);

    address result;
    result.is_ipv6 = host_part.starts_with('[') && host_part.ends_with(']');
    if (result.is_ipv6) host_part = host_part.substr(1, host_part.size() - 2);
    const char* const port_end = port.c_str() + port.size();
    const auto [end, error] = std::from_chars(port.c_str(), port_end, result.port);
    if (error != std::errc{} || end != port_end) wrong_usage();
    const int family = result.is_ipv6 ? AF_INET6 : AF_INET;
    if (inet_pton(family, std::string{host_part}.c_str(), result.bytes.data()) != 1) wrong_usage();
    return result;
}

void start_bind(host::handle socket, const address& a, host::socket_result* result) {
    const auto network = host::instance_network();
    if (a.is_ipv6) {
        host::start_bind(socket, network, 1, a.port, 0, a.group(0), a.group(1), a.group(2),
                         a.group(3), a.group(4), a.group(5), a.group(6), a.group(7), 0, result);
    } else {
        host::start_bind(socket, network, 0, a.port, a.bytes[0], a.bytes[1], a.bytes[2], a.bytes[3],
                         0, 0, 0, 0, 0, 0, result);
    }
}

// Waits for an operation that was started on the socket.
void finish(const char* what, host::handle socket,
            void (*call)(host::handle, host::socket_result*)) {
    for (;;) {
        host::socket_result result;
        call(socket, &result);
        if (result.failed == 0) return;
        if (result.code != host::would_block) fail(what, result.code);
        const auto pollable = host::subscribe_socket(socket);
        host::block(pollable);
        host::drop_pollable(pollable);
    }
}

host::handle listen(const address& a) {
    host::create_result created;
    host::create_tcp_socket(a.is_ipv6 ? 1 : 0, &created);
    if (created.failed != 0) fail("create a socket", created.code);

    host::socket_result result;
    start_bind(created.socket, a, &result);
    if (result.failed != 0) fail("bind", result.code);
    finish("bind", created.socket, host::finish_bind);
    host::set_listen_backlog_size(created.socket, 4096, &result);  // only a wish
    host::start_listen(created.socket, &result);
    if (result.failed != 0) fail("listen", result.code);
    finish("listen", created.socket, host::finish_listen);
    return created.socket;
}

// The address as bound, with the port that the system chose.
void announce(host::handle listener, address a) {
    host::address_result bound;
    host::local_address(listener, &bound);
    if (bound.failed != 0) fail("local address", bound.code);
    a.port = a.is_ipv6 ? bound.ok.v6.port : bound.ok.v4.port;

    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(a.is_ipv6 ? AF_INET6 : AF_INET, a.bytes.data(), text.data(), text.size());
    std::printf(a.is_ipv6 ? "listening on [%s]:%u\n" : "listening on %s:%u\n", text.data(), a.port);
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 || std::strcmp(argv[1], "--listen") != 0) wrong_usage();
    const auto where = parse_address(argv[2]);
    const auto listener = listen(where);
    announce(listener, where);
    server{listener}.run();
}
