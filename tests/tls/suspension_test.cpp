// SPDX-License-Identifier: MIT OR Apache-2.0
// A handshake in both roles, given up at each place where it waits: canceled, timed out, aborted.
#include <copoll/tls/client.hpp>
#include <copoll/tls/server.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

#include <copoll/any_stream.hpp>
#include <copoll/event.hpp>
#include <copoll/stop.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/error_of.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;
using tls::alert;

namespace {

enum class how { canceled, timed_out, aborted };
constexpr how all_ways[] = {how::canceled, how::timed_out, how::aborted};
const char* name_of(how h) {
    return h == how::canceled ? "canceled" : h == how::timed_out ? "timed out" : "aborted";
}

/// Where the transport of one side stands still, and who is to be told.
struct halt {
    std::size_t at;  ///< the number of the operation that does not end by itself
    std::size_t operations = 0;
    bool hit = false;
    event reached{}, never{};
    stop_source* stop = nullptr;  ///< of the step of the handshake that waits
};

/// A stream whose reads give little, and of which one operation waits until it is given up.
class halting_stream {
public:
    halting_stream(any_stream inner, halt& h) : inner_(std::move(inner)), halt_(&h) {}
    task<io_result> read_some(std::span<std::byte> into) {
        if (const auto waited = co_await pass(); !waited) co_return io_result{waited.error(), 0};
        constexpr std::size_t most = 200;
        co_return co_await inner_.read_some(into.first(std::min(into.size(), most)));
    }
    task<io_result> write_some(std::span<const std::byte> bytes) {
        if (const auto waited = co_await pass(); !waited) co_return io_result{waited.error(), 0};
        co_return co_await inner_.write_some(bytes);
    }
    task<result<void>> shutdown_write() { co_return co_await inner_.shutdown_write(); }

private:
    task<result<void>> pass() {
        if (halt_->operations++ != halt_->at) co_return {};
        halt_->hit = true;
        halt_->reached.set();
        co_return co_await halt_->never.wait();
    }

    any_stream inner_;
    halt* halt_;
};

template <class T>
task<result<T>> attempt(task<result<T>> step, how way, halt& h) {
    if (way == how::timed_out) co_return co_await with_timeout(std::move(step), 50ms);
    stop_source stop;
    h.stop = &stop;
    auto r = co_await stoppable(stop, std::move(step));
    h.stop = nullptr;
    co_return r;
}

/// Awaits a step until it ends by itself, or is given up for good.
template <class Handshake, class T>
task<result<T>> persist(Handshake& handshake, task<result<T>> (Handshake::*step)(), how way,
                        halt& h) {
    for (;;) {
        auto r = co_await attempt((handshake.*step)(), way, h);
        const auto given_up = way == how::timed_out ? errc::timed_out : errc::canceled;
        if (error_of(r) != given_up) co_return r;
        if (way != how::aborted) continue;
        co_await check(handshake.abort(alert::access_denied));
        const auto after = co_await (handshake.*step)();
        CHECK(error_of(after) == tls::errc::aborted);
        co_return fail(tls::errc::aborted);
    }
}

/// One byte there and back: both sides are complete, and each knows of the other.
template <class Connection>
task<result<void>> exchange(Connection c) {
    const std::byte mine{1};
    std::byte got{};
    co_await check(write_all(c, std::span(&mine, 1)));
    co_await check(read_exactly(c, std::span(&got, 1)));
    CHECK(got == mine);
    co_return {};
}

task<result<void>> in_steps(any_stream transport, tls::client_options options, how way, halt& h) {
    using side = tls::client_handshake;
    side handshake{halting_stream{std::move(transport), h}, std::move(options)};
    const auto server =
        co_await check(persist(handshake, &side::verify_server_identity, way, h));
    CHECK(server == p256_server().identity());
    auto request =
        co_await check(persist(handshake, &side::receive_client_identity_request, way, h));
    REQUIRE(request.has_value());
    request->respond({client_one()});
    auto secure = co_await check(persist(handshake, &side::finish, way, h));
    h.at = std::numeric_limits<std::size_t>::max();
    co_return co_await exchange(std::move(secure));
}

task<result<void>> in_steps(any_stream transport, tls::server_options options, how way, halt& h) {
    using side = tls::server_handshake;
    side handshake{halting_stream{std::move(transport), h}, std::move(options)};
    const auto hello = co_await check(persist(handshake, &side::receive_client_hello, way, h));
    CHECK(hello.server_name() == "example.com");
    const auto client =
        co_await check(persist(handshake, &side::request_client_identity, way, h));
    CHECK(client == client_one().identity());
    auto secure = co_await check(persist(handshake, &side::finish, way, h));
    h.at = std::numeric_limits<std::size_t>::max();
    co_return co_await exchange(std::move(secure));
}

task<result<void>> at_once(tcp_stream transport, tls::client_options options) {
    auto c = co_await check(tls::connect(std::move(transport), std::move(options)));
    co_return co_await exchange(std::move(c));
}
task<result<void>> at_once(tcp_stream transport, tls::server_options options) {
    auto c = co_await check(tls::accept(std::move(transport), std::move(options)));
    co_return co_await exchange(std::move(c));
}

/// Ends, so that whoever waits for the halt does.
template <class Options>
task<result<void>> in_steps_to_the_end(any_stream transport, Options options, how way, halt& h) {
    const auto r = co_await in_steps(std::move(transport), std::move(options), way, h);
    h.reached.set();
    co_return r;
}

task<void> give_up_when_reached(how way, halt& h) {
    static_cast<void>(co_await h.reached.wait());
    if (h.stop && way != how::timed_out) h.stop->request_stop();
}

/// Gives a handshake up at each operation of the transport in turn; gives how many there are.
template <class Mine, class Theirs>
task<result<std::size_t>> give_up_everywhere(Mine mine, Theirs theirs, how way) {
    for (std::size_t at = 0;; ++at) {
        INFO("in operation " << at << " of the transport");
        halt h{.at = at};
        auto [my_end, their_end] = co_await check(connected_pair());
        auto [stepped, peer, stopped] = co_await when_all(
            in_steps_to_the_end(any_stream{std::move(my_end)}, mine, way, h),
            at_once(std::move(their_end), theirs), give_up_when_reached(way, h));
        if (!h.hit) {
            CHECK(error_of(stepped) == no_error);
            CHECK(error_of(peer) == no_error);
            co_return at;
        }
        CHECK(error_of(stepped) ==
              (way == how::aborted ? std::error_code{tls::errc::aborted} : no_error));
        CHECK(error_of(peer) ==
              (way == how::aborted ? std::error_code{alert::access_denied} : no_error));
    }
}

tls::client_options client_of(tls::protocol_version version) {
    auto client = to_example();
    client.protocol = only(version);
    client.identities = {client_one()};
    return client;
}
tls::server_options server_of() {
    auto server = as_example();
    server.authenticate = tls::client_authentication::required;
    server.client_roots = roots_of(pem::root_ca);
    return server;
}

}  // namespace

TEST_CASE("tls: a client gives up wherever it waits, and goes on or tells the server") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            for (const how way : all_ways) {
                INFO(tls::name_of(version) << ", " << name_of(way));
                const auto places =
                    co_await check(give_up_everywhere(client_of(version), server_of(), way));
                CHECK(places >= 6);
            }
        }
        co_return {};
    }());
}

TEST_CASE("tls: a server gives up wherever it waits, and goes on or tells the client") {
    run_test([]() -> task<result<void>> {
        for (const auto version : both_versions) {
            for (const how way : all_ways) {
                INFO(tls::name_of(version) << ", " << name_of(way));
                const auto places =
                    co_await check(give_up_everywhere(server_of(), client_of(version), way));
                CHECK(places >= 6);
            }
        }
        co_return {};
    }());
}
