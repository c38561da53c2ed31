// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tcp.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/udp.hpp>
#include <copoll/when.hpp>

#include "support/open_handles.hpp"
#include "support/run_test.hpp"
#include "support/tcp_pair.hpp"

/// Sockets of all kinds are made, used, waited for, given up, moved and destroyed in random order.
/// A host traps when a parent is dropped before its child, and a sanitizer sees what is used after
/// its end; so a sequence passes that ends, and leaves nothing open.

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

class crowd {
public:
    explicit crowd(unsigned seed) : random_(seed) {}

    /// Something, if there is what it takes.
    task<result<void>> step() {
        switch (below(14)) {
            case 0: co_return co_await listen();
            case 1:
            case 2:
            case 3: co_return co_await connect();
            case 4: co_return co_await bind();
            case 5: destroy(listeners_, 4); break;
            case 6: destroy(streams_, 2); break;
            case 7: destroy(sockets_, 4); break;
            case 8: move(); break;
            case 9: co_await write(); break;
            case 10: co_await shut_down(); break;
            case 11: co_await datagrams(); break;
            case 12: co_await race(); break;
            default: co_await with_scope(&crowd::wait_for_all, std::ref(*this)); break;
        }
        co_return {};
    }

    std::int64_t connections() const noexcept { return connections_; }

private:
    std::size_t below(std::size_t n) { return random_() % n; }

    template <class T>
    T& any(std::vector<T>& all) {
        return all[below(all.size())];
    }

    task<result<void>> listen() {
        if (listeners_.size() < 3)
            listeners_.push_back(co_await check(tcp_listener::bind({ip::loopback_v4, 0})));
        co_return {};
    }

    task<result<void>> connect() {
        if (listeners_.empty() || streams_.size() > 12) co_return {};
        auto [client, server] = co_await check(connect_through(any(listeners_)));
        ++connections_;
        streams_.push_back(std::move(client));
        streams_.insert(streams_.begin(), std::move(server));
        co_return {};
    }

    task<result<void>> bind() {
        if (sockets_.size() >= 4) co_return {};
        sockets_.push_back(co_await check(udp_socket::bind({ip::loopback_v4, 0})));
        if (below(4) != 0) co_return {};
        const ip::endpoint peer = co_await check(any(sockets_).local_endpoint());
        co_return co_await any(sockets_).connect(peer);  // also one that somebody has waited on
    }

    template <class T>
    void destroy(std::vector<T>& all, std::size_t seldom) {
        if (all.empty() || below(seldom) != 0) return;
        const std::size_t i = below(all.size());
        if (below(2) != 0) all[i].close();
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
    }

    void move() {
        if (streams_.size() >= 2) std::swap(streams_.front(), any(streams_));
        if (streams_.size() >= 4 && below(2) != 0) {  // over another one, which closes it
            streams_[0] = std::move(streams_.back());
            streams_.pop_back();
        }
        if (listeners_.size() >= 2) std::swap(listeners_.front(), listeners_.back());
        if (sockets_.size() >= 2) std::swap(sockets_.front(), sockets_.back());
    }

    task<void> write() {
        if (streams_.empty()) co_return;
        const auto bytes = pattern(below(4) == 0 ? 300'000 : 1 + below(5000));
        (void)co_await with_timeout(write_all(any(streams_), bytes), 2ms);
    }

    task<void> shut_down() {
        if (streams_.empty()) co_return;
        const direction d[] = {direction::read, direction::write, direction::both};
        (void)co_await with_timeout(any(streams_).shutdown(d[below(3)]), 2ms);
    }

    task<void> datagrams() {
        if (sockets_.empty()) co_return;
        const auto to = any(sockets_).local_endpoint();
        if (!to) co_return;
        udp_socket& from = any(sockets_);
        for (std::size_t n = below(5); n > 0; --n)
            (void)co_await with_timeout(from.send_to(bytes_of("datagram"), *to), 2ms);
    }

    /// The operations that could be awaited on one each; some stay unused.
    task<void> race() {
        if (streams_.empty() || listeners_.empty() || sockets_.empty()) co_return;
        std::array<std::byte, 100> read{}, received{};
        const ip::endpoint nobody{ip::address{ip::address::v4_bytes{192, 0, 2, 1}}, 9};
        [[maybe_unused]] auto unused_read = any(streams_).read_some(read);
        [[maybe_unused]] auto unused_chunk = any(streams_).read_chunk();
        [[maybe_unused]] auto unused_connect = tcp_stream::connect(nobody);
        (void)co_await first_done(any(streams_).read_some(read), any(listeners_).accept(),
                                  any(sockets_).receive_from(received),
                                  tcp_stream::connect(nobody),
                                  sleep_for(std::chrono::microseconds{below(1500)}));
    }

    static task<void> read_until_stopped(tcp_stream& from) {
        std::array<std::byte, 700> buffer;
        while (!(co_await from.read_some(buffer)).ec) {}
    }
    static task<void> accept_until_stopped(tcp_listener& from) {
        while (co_await from.accept()) {}
    }
    static task<void> receive_until_stopped(udp_socket& from) {
        std::array<std::byte, 700> buffer;
        while (co_await from.receive_from(buffer)) {}
    }

    /// Everything that is there, until the scope is stopped.
    static task<void> wait_for_all(scope& s, crowd& c) {
        for (auto& each : c.streams_) s.spawn(read_until_stopped, std::ref(each));
        for (auto& each : c.listeners_) s.spawn(accept_until_stopped, std::ref(each));
        for (auto& each : c.sockets_) s.spawn(receive_until_stopped, std::ref(each));
        if (c.below(2) != 0)
            (void)co_await sleep_for(std::chrono::microseconds{c.below(1500)});
        s.request_stop();
    }

    std::mt19937 random_;
    std::vector<tcp_listener> listeners_;
    std::vector<tcp_stream> streams_;
    std::vector<udp_socket> sockets_;
    std::int64_t connections_ = 0;
};

}  // namespace

TEST_CASE("drop order: random sequences trap nowhere and leave nothing open") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        run_test([](unsigned number) -> task<result<void>> {
            const open_handles meter;
            std::int64_t connections = 0;
            {
                crowd all{number};
                for (int i = 0; i < 100; ++i) co_await check(all.step());
                connections = all.connections();
            }
            // The loop keeps a timer, and for a while what has bytes in flight.
            for (int i = 0; i < 500 && meter.grown_by(connections) > 1; ++i)
                co_await check(sleep_for(10ms));
            CHECK(meter.grown_by(connections) <= 1);
            co_return {};
        }(seed));
    }
}
