// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/multistream.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll::buffer;
using copoll::bytes_of;
using copoll_tests::error_of;
using copoll_tests::no_error;
using namespace std::string_literals;

namespace {

const std::string header = "\x13/multistream/1.0.0\n";
const std::string noise = "\x07/noise\n";
const std::string tls = "\x0b/tls/1.0.0\n";
const std::string na = "\x03na\n";
const std::string ls = "\x03ls\n";

/// What an engine says, after it was given something.
struct reaction {
    std::error_code error{};
    bool complete = false;
    std::string says{};
    std::string left{};
};

template <class Engine>
reaction give(Engine& engine, std::string_view input) {
    buffer in, out;
    in.append(bytes_of(input));
    const auto r = engine.advance(in, out);
    return {error_of(r), r && *r == progress::complete, std::string(out.text()),
            std::string(in.text())};
}

reaction answer_to(std::string_view input, const std::vector<std::string>& known = {"/noise"}) {
    multistream::listener listener{known};
    return give(listener, input);
}

reaction reply_is(std::string_view input, std::vector<std::string> protocols = {"/noise"}) {
    multistream::dialer dialer{std::move(protocols)};
    give(dialer, "");
    return give(dialer, input);
}

}  // namespace

TEST_CASE("multistream: the dialer proposes at once, and takes the echo") {
    multistream::dialer dialer{{"/noise"}};
    CHECK(give(dialer, "").says == header + noise);
    const auto end = give(dialer, header + noise + "what follows");
    CHECK(end.complete);
    CHECK(end.says.empty());
    CHECK(end.left == "what follows");
    CHECK(dialer.protocol() == "/noise");
}

TEST_CASE("multistream: the dialer goes on with the next of its protocols") {
    multistream::dialer dialer{{"/tls/1.0.0", "/noise"}};
    CHECK(give(dialer, "").says == header + tls);
    const auto refused = give(dialer, header + na);
    CHECK(refused.says == noise);
    CHECK_FALSE(refused.complete);
    CHECK(give(dialer, noise).complete);
    CHECK(dialer.protocol() == "/noise");
}

TEST_CASE("multistream: a peer that takes nothing") {
    CHECK(reply_is(header + na).error == errc::protocol_not_supported);
}

TEST_CASE("multistream: the listener answers what came in one piece with one") {
    const std::vector<std::string> known{"/noise"};
    multistream::listener listener{known};
    const auto end = give(listener, header + tls + noise + "what follows");
    CHECK(end.complete);
    CHECK(end.says == header + na + noise);
    CHECK(end.left == "what follows");
    CHECK(listener.protocol() == "/noise");
}

TEST_CASE("multistream: the listener lists what it knows") {
    CHECK(answer_to(header + ls).says == header + "\x09" + noise + "\n");
    CHECK(answer_to(header + ls, {"/noise", "/tls/1.0.0"}).says ==
          header + "\x15" + noise + tls + "\n");
    CHECK(answer_to(header + ls, {}).says == header + "\x01\n");
}

TEST_CASE("multistream: both go on byte by byte") {
    const std::vector<std::string> known{"/noise"};
    multistream::listener listener{known};
    multistream::dialer dialer{{"/tls/1.0.0", "/noise"}};
    buffer to_listener, to_dialer, at_listener, at_dialer;
    const auto step = [](auto& engine, buffer& in, buffer& out) {
        const auto r = engine.advance(in, out);
        CHECK(error_of(r) == no_error);
        return r && *r == progress::complete;
    };
    bool dialer_done = step(dialer, to_dialer, to_listener), listener_done = false;
    for (int i = 0; i < 1000 && !(dialer_done && listener_done); ++i) {
        const auto deliver_one = [](buffer& from, buffer& to) {
            to.append(std::as_const(from).data().first(from.empty() ? 0 : 1));
            from.consume(from.empty() ? 0 : 1);
        };
        deliver_one(to_listener, at_listener);
        listener_done = step(listener, at_listener, to_dialer);
        deliver_one(to_dialer, at_dialer);
        dialer_done = step(dialer, at_dialer, to_listener);
    }
    CHECK(dialer_done);
    CHECK(listener_done);
    CHECK(dialer.protocol() == "/noise");
}

TEST_CASE("multistream: who does not begin with the header is not understood") {
    for (const std::string& start : {noise, na, ls, "\x13/multistream/2.0.0\n"s}) {
        CHECK(answer_to(start).error == errc::malformed_negotiation);
        CHECK(reply_is(start).error == errc::malformed_negotiation);
    }
}

TEST_CASE("multistream: malformed messages end it") {
    for (const std::string& bad :
         {"\0"s,                                    // no message at all
          "\x07/noise "s,                           // without the line feed
          "\x81\x00"s,                              // a length that is longer than need be
          "\x81\x08"s,                              // 1025 bytes
          "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s,  // 2^63 - 1 bytes
          "\xff\xff\xff\xff\xff\xff\xff\xff\xff"s}) {
        CHECK(answer_to(bad).error == errc::malformed_negotiation);
        CHECK(answer_to(header + bad).error == errc::malformed_negotiation);
        CHECK(reply_is(bad).error == errc::malformed_negotiation);
        CHECK(reply_is(header + bad).error == errc::malformed_negotiation);
    }
    CHECK(reply_is(header + tls).error == errc::malformed_negotiation);  // was not proposed
}

TEST_CASE("multistream: a message of the largest size is taken, and no more is waited for") {
    const std::string id = "/" + std::string(1022, 'x');
    const auto end = answer_to(header + "\x80\x08" + id + "\n", {id});
    CHECK(end.complete);
    CHECK(end.says == header + "\x80\x08" + id + "\n");
    CHECK_FALSE(answer_to(header + "\x80").error);
}

TEST_CASE("multistream: what can be proposed") {
    const std::string longest(multistream::longest_protocol, 'x');
    for (const std::string& id : {"/noise"s, "x"s, "na/1"s, "a b"s, "\0"s, "\xff"s, longest})
        CHECK(multistream::is_protocol(id));
    for (const std::string& none : {""s, "\n"s, "/a\n"s, "/a\n/b"s, "na"s, "ls"s, longest + "x"})
        CHECK_FALSE(multistream::is_protocol(none));
}

TEST_CASE("multistream: proposals end some time") {
    std::string many = header;
    for (std::size_t i = 0; i < multistream::listener::most_refused; ++i) many += tls;
    CHECK(answer_to(many).error == no_error);
    CHECK(answer_to(many + noise).complete);
    CHECK(answer_to(many + tls).error == errc::too_many_proposals);
    CHECK(answer_to(many + ls).error == errc::too_many_proposals);
}
