// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tcp.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "support/tcp_pair.hpp"
#include "support/traps.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

/// Long enough for what is on its way over loopback to have arrived.
constexpr auto moment = 30ms;

/// A peer of which the test can ask what copoll has no word for.
class raw_client {
public:
    explicit raw_client(const ip::endpoint& to) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(to.port);
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int connected = ::connect(fd_, reinterpret_cast<const sockaddr*>(&a), sizeof a);
        CHECK(connected == 0);
    }
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;
    ~raw_client() {
        if (fd_ >= 0) ::close(fd_);
    }

    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_;
};

task<result<tcp_stream>> accept_from(tcp_listener& l, std::optional<raw_client>& client) {
    client.emplace(co_await check(l.local_endpoint()));
    co_return co_await l.accept();
}

/// The descriptor of this process whose peer is `peer`, or -1.
int descriptor_with_peer(const ip::endpoint& peer) {
    for (int fd = 3; fd < 1024; ++fd) {
        sockaddr_in a{};
        socklen_t size = sizeof a;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&a), &size) == 0 &&
            a.sin_family == AF_INET && ntohs(a.sin_port) == peer.port)
            return fd;
    }
    return -1;
}

bool has_no_delay(int fd) {
    int on = 0;
    socklen_t size = sizeof on;
    return ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0 && on != 0;
}

task<result<void>> ping_pong(tcp_stream& a, tcp_stream& b, int rounds) {
    std::array<std::byte, 64> out{};
    std::array<std::byte, 64> in{};
    for (int i = 0; i < rounds; ++i) {
        auto [asked, got] = co_await when_all(a.write_some(out), b.read_some(in));
        CHECK(got.n == out.size());
        auto [back, answered] = co_await when_all(a.read_some(in), b.write_some(out));
        CHECK(back.n == out.size());
    }
    co_return {};
}

/// As `ping_pong`, and each side waits: the other one answers a turn later.
task<result<void>> answer(tcp_stream& peer, int rounds) {
    std::array<std::byte, 64> buffer{};
    for (int i = 0; i < rounds; ++i) {
        const std::size_t n = co_await check(with_timeout(peer.read_some(buffer), 10s));
        co_await check(write_all(peer, std::span(buffer).first(n)));
    }
    co_return {};
}

task<result<void>> question(tcp_stream& peer, int rounds) {
    std::array<std::byte, 64> buffer{};
    for (int i = 0; i < rounds; ++i) {
        co_await check(write_all(peer, buffer));
        co_await check(with_timeout(read_exactly(peer, buffer), 10s));
    }
    co_return {};
}

}  // namespace

TEST_CASE("memory: an echo that runs takes nothing from the heap") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        const loop& owner = *(co_await this_env{}).owner;
        co_await check(ping_pong(client, server, 10));
        co_await when_all(question(client, 10), answer(server, 10));
        const auto heap_before = heap_allocations();
        const auto waits_before = owner.stats().waits;
        const auto counted_before = owner.stats().allocations;

        auto [asked, answered] = co_await when_all(question(client, 1000), answer(server, 1000));
        co_await check(ping_pong(client, server, 1000));

        CHECK(asked.has_value());
        CHECK(answered.has_value());
        CHECK(owner.stats().waits - waits_before >= 1000);
        CHECK(heap_allocations() == heap_before);
        CHECK(owner.stats().allocations == counted_before);
        co_return {};
    }());
}

TEST_CASE("memory: connections that come and go use the memory of those before") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const loop& owner = *(co_await this_env{}).owner;
        const auto round = [](tcp_listener& l) -> task<result<void>> {
            auto [client, server] = co_await check(connect_through(l));
            auto [asked, answered] = co_await when_all(question(client, 3), answer(server, 3));
            co_return asked;
        };
        for (int i = 0; i < 10; ++i) co_await check(round(listener));
        const auto before = owner.stats().allocations;

        for (int i = 0; i < 100; ++i) co_await check(round(listener));

        CHECK(owner.stats().allocations == before);
        co_return {};
    }());
}

TEST_CASE("sockets: TCP_NODELAY, non-blocking, and not for children, on both ends") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        for (const auto& peer : {client.remote_endpoint(), server.remote_endpoint()}) {
            const int fd = descriptor_with_peer(*peer);
            CHECK(fd >= 0);
            CHECK(has_no_delay(fd));
            CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
            CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        }
        co_return {};
    }());
}

TEST_CASE("read_some: a reset stays one, though the kernel says so only once") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        std::optional<raw_client> client;
        auto server = co_await check(accept_from(listener, client));
        client->reset();
        co_await check(sleep_for(moment));

        std::array<std::byte, 8> buffer;
        for (int i = 0; i < 3; ++i) {
            const auto r = co_await server.read_some(buffer);
            CHECK(r.ec == errc::connection_reset);
        }
        const auto written = co_await server.write_some(bytes_of("x"));
        const auto ended = co_await server.shutdown_write();
        CHECK(written.ec == errc::connection_reset);
        CHECK(error_of(ended) == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("read_some: a reset that a write was told of first is not an end either") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        std::optional<raw_client> client;
        auto server = co_await check(accept_from(listener, client));
        client->reset();
        co_await check(sleep_for(moment));

        const auto written = co_await server.write_some(bytes_of("x"));
        std::array<std::byte, 8> buffer;
        const auto read = co_await server.read_some(buffer);

        CHECK(written.ec == errc::connection_reset);
        CHECK(read.ec == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("read_some: a waiting read is told of a reset") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        std::optional<raw_client> client;
        auto server = co_await check(accept_from(listener, client));
        std::array<std::byte, 8> buffer;
        auto [read, reset] =
            co_await when_all(server.read_some(buffer), [](raw_client& c) -> task<result<void>> {
                co_await check(sleep_for(1ms));
                c.reset();
                co_return {};
            }(*client));
        CHECK(read.ec == errc::connection_reset);
        co_return {};
    }());
}

TEST_CASE("cancel: a read ends alone while a write of the same stream waits") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        constexpr std::uint64_t much = 16 * 1024 * 1024;  // more than the kernel takes unread
        auto [sent, rest] = co_await when_all(
            feed(client, much), [](tcp_stream& c, tcp_stream& s) -> task<result<void>> {
                std::array<std::byte, 8> buffer;
                for (int i = 0; i < 3; ++i) {
                    const auto nothing = co_await with_timeout(c.read_some(buffer), 5ms);
                    CHECK(nothing.ec == errc::timed_out);
                }
                const drained got = co_await drain(s, much);
                CHECK(got.n == much);
                CHECK(got.intact);
                co_await check(s.write_some(bytes_of("done")));
                const auto last = co_await c.read_some(buffer);
                CHECK(last.n == 4);
                co_return {};
            }(client, server));
        CHECK(sent.n == much);
        co_return {};
    }());
}

TEST_CASE("cancel: bytes that come after it wait for the next read") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        std::array<std::byte, 8> buffer;
        for (int i = 0; i < 100; ++i) {
            const auto nothing = co_await with_timeout(client.read_some(buffer), 0ms);
            CHECK(nothing.ec == errc::timed_out);
            co_await check(server.write_some(bytes_of("abc")));
            if (i % 3 == 0) co_await check(sleep_for(1ms));  // Asio finds nobody who waits
            const auto some = co_await with_timeout(client.read_some(buffer), 10s);
            CHECK(some.n == 3);
        }
        co_return {};
    }());
}

TEST_CASE("close: right after a canceled read, and again for the descriptor's next owner") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        for (int i = 0; i < 100; ++i) {
            auto [client, server] = co_await check(connect_through(listener));
            std::array<std::byte, 8> buffer;
            const auto nothing = co_await with_timeout(client.read_some(buffer), 0ms);
            CHECK(nothing.ec == errc::timed_out);
        }
        co_return {};
    }());
}

TEST_CASE("accept: two who wait at one listener get a connection each") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        auto [first, second, clients] = co_await when_all(
            listener.accept(), listener.accept(), [](ip::endpoint to) -> task<result<void>> {
                auto a = co_await check(tcp_stream::connect(to));
                co_await check(sleep_for(1ms));
                auto b = co_await check(tcp_stream::connect(to));
                co_return {};
            }(at));
        CHECK(first.has_value());
        CHECK(second.has_value());
        co_return {};
    }());
}

TEST_CASE("timers: those that are always due do not keep descriptors from being heard") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        bool heard = false;
        co_await when_all(
            [](tcp_stream& from, bool& done) -> task<result<void>> {
                std::array<std::byte, 8> buffer;
                co_await check(from.read_some(buffer));
                done = true;
                co_return {};
            }(server, heard),
            [](tcp_stream& to, const bool& done) -> task<result<void>> {
                co_await check(sleep_for(1ms));
                co_await check(to.write_some(bytes_of("x")));
                const auto begin = clock::now();
                while (!done && clock::now() - begin < 5s)
                    co_await check(sleep_until(clock::now() - 1s));
                CHECK(done);
                co_return {};
            }(client, heard));
        co_return {};
    }());
}

TEST_CASE("with_timeout: bytes and the deadline in one turn of the loop, the bytes win") {
    run_test([]() -> task<result<void>> {
        auto [client, server] = co_await check(connected_pair());
        std::array<std::byte, 8> buffer;
        for (int i = 0; i < 5; ++i) {
            auto [read, late] =
                co_await when_all(with_timeout(server.read_some(buffer), 2ms),
                                  [](tcp_stream& to) -> task<result<void>> {
                                      co_await check(to.write_some(bytes_of("abc")));
                                      ::usleep(10'000);  // the whole loop is late, not the bytes
                                      co_return {};
                                  }(client));
            CHECK(read.n == 3);
            CHECK(!read.ec);
        }
        co_return {};
    }());
}

TEST_CASE("limits: no descriptor left is too_many_open, and passes") {
    run_test([]() -> task<result<void>> {
        auto listener = co_await check(tcp_listener::bind({ip::loopback_v4, 0}));
        const auto at = co_await check(listener.local_endpoint());
        auto waiting = co_await check(tcp_stream::connect(at));
        // UBSan looks at a type that it has not seen yet through a pipe, which takes descriptors.
        const std::error_code none_left = errc::too_many_open;
        CHECK(none_left == std::errc::too_many_files_open);
        CHECK(none_left != errc::out_of_memory);
        rlimit normal{};
        ::getrlimit(RLIMIT_NOFILE, &normal);
        rlimit none = normal;
        none.rlim_cur = 3;
        ::setrlimit(RLIMIT_NOFILE, &none);

        const auto bind = co_await tcp_listener::bind({ip::loopback_v4, 0});
        const auto connect = co_await tcp_stream::connect(at);
        const loop& owner = *(co_await this_env{}).owner;
        const auto turns = owner.stats().turns;
        const auto accept = co_await with_timeout(listener.accept(), 300ms);
        const auto turns_after = owner.stats().turns;
        ::setrlimit(RLIMIT_NOFILE, &normal);
        CHECK(turns_after - turns < 30);
        const auto again = co_await with_timeout(listener.accept(), 20s);

        CHECK(error_of(bind) == errc::too_many_open);
        CHECK(error_of(connect) == errc::too_many_open);
        CHECK(error_of(accept) == errc::timed_out);  // it waits for one
        CHECK(again.has_value());
        co_return {};
    }());
}

TEST_CASE("connect: what WASI calls invalid is invalid here") {
    run_test([]() -> task<result<void>> {
        for (const char* text : {"0.0.0.0:80", "127.0.0.1:0", "224.0.0.1:80", "255.255.255.255:80",
                                 "[::]:80", "[::ffff:127.0.0.1]:80"}) {
            const auto r = co_await tcp_stream::connect(*ip::endpoint::parse(text));
            INFO(text);
            CHECK(error_of(r) == errc::invalid_argument);
        }
        co_return {};
    }());
}

TEST_CASE("loop: a stream that outlives it is a broken precondition") {
    const std::string words = last_words([] {
        std::optional<tcp_listener> kept;
        (void)run([](std::optional<tcp_listener>& l) -> task<result<void>> {
            l.emplace(co_await check(tcp_listener::bind({ip::loopback_v4, 0})));
            co_return {};
        }(kept));
    });
    CHECK(words.find("loop ended before its sockets") != words.npos);
}
