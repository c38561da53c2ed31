// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/noise.hpp>
#include <copoll/p2p/noise_xx.hpp>
#include <copoll/p2p/protobuf.hpp>
#include <copoll/p2p/yamux_frame.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

/// A peer that says what a test wants: any records, any frames, in any order.

namespace copoll_tests {

using namespace copoll;

inline std::string text_of_frame(p2p::yamux::frame_type type, unsigned flags, std::uint32_t stream,
                                 std::uint32_t length) {
    const p2p::yamux::frame_header h{type, static_cast<std::uint16_t>(flags), stream, length};
    return std::string(text_of(h.encode()));
}
inline std::string data_frame(std::uint32_t stream, std::string_view body, unsigned flags = 0) {
    return text_of_frame(p2p::yamux::frame_type::data, flags, stream,
                         static_cast<std::uint32_t>(body.size())) +
           std::string(body);
}
inline std::string update_frame(std::uint32_t stream, std::uint32_t n, unsigned flags = 0) {
    return text_of_frame(p2p::yamux::frame_type::window_update, flags, stream, n);
}
inline std::string ping_frame(std::uint32_t number) {
    return text_of_frame(p2p::yamux::frame_type::ping, p2p::yamux::flag_syn, 0, number);
}

/// What a dialer says to have the echo on a stream, with what comes behind.
inline std::string echo_request(std::string_view body = {}) {
    return "\x13/multistream/1.0.0\n\x0c/echo/1.0.0\n" + std::string(body);
}

/// Negotiates and shakes hands as a dialer, step by step.
class raw_handshake {
public:
    explicit raw_handshake(tcp_stream& tcp) noexcept : tcp_(&tcp) {}

    static std::string proposal() { return "\x13/multistream/1.0.0\n\x07/noise\n"; }
    std::string message(std::string_view payload) {
        buffer m;
        const auto written = state_.write_message(bytes_of(payload), m);
        CHECK(written.has_value());
        return framed(m.text());
    }
    static std::string framed(std::string_view m) {
        return {std::string{static_cast<char>(m.size() >> 8), static_cast<char>(m.size())} +
                std::string(m)};
    }
    task<result<void>> hear_answer() {
        std::array<std::byte, 28 + 2> head{};
        co_await check(read_exactly(*tcp_, head));
        const auto size = std::to_integer<std::size_t>(head[28]) << 8 |
                          std::to_integer<std::size_t>(head[29]);
        std::vector<std::byte> m(size);
        co_await check(read_exactly(*tcp_, m));
        const auto read = state_.read_message(m);
        if (!read) co_return fail(read.error());
        co_return {};
    }
    /// That proves to hold the key of `own`, and names the muxer.
    std::string payload(const p2p::identity& own) const {
        return payload(own.public_key().encode(), own.sign(statement()), "/yamux/1.0.0");
    }
    static std::string payload(std::span<const std::byte> key, std::span<const std::byte> proof,
                               std::string_view muxer) {
        p2p::protobuf::writer extensions, made;
        if (!muxer.empty()) extensions.bytes(2, bytes_of(muxer));
        const auto inner = extensions.take();
        made.bytes(1, key).bytes(2, proof).bytes(4, inner);
        return std::string(text_of(made.take()));
    }
    std::vector<std::byte> statement() const {
        std::string made = "noise-libp2p-static-key:";
        made += text_of(static_.public_key);
        const auto all = bytes_of(made);
        return {all.begin(), all.end()};
    }
    auto keys() const { return state_.split(); }

private:
    tcp_stream* tcp_;
    p2p::noise::key_pair static_;
    p2p::noise::handshake_state state_{p2p::role::dialer, static_};
};

class raw_peer {
public:
    /// A muxer of none is to be negotiated.
    static task<result<raw_peer>> dial(tcp_stream tcp, std::string_view muxer = "/yamux/1.0.0") {
        const p2p::identity own{p2p::private_key::generate_ed25519()};
        raw_handshake h{tcp};
        const std::string first = raw_handshake::proposal() + h.message({});
        co_await check(write_all(tcp, bytes_of(first)));
        co_await check(h.hear_answer());
        const std::string last = h.message(raw_handshake::payload(
            own.public_key().encode(), own.sign(h.statement()), muxer));
        co_await check(write_all(tcp, bytes_of(last)));
        auto keys = h.keys();
        co_return raw_peer{std::move(tcp), std::move(keys.initiator), std::move(keys.responder)};
    }

    /// Sends one record, of 0 to 65,519 bytes.
    task<result<void>> say(std::string_view text) {
        seal(text);
        const buffer leaving = std::exchange(sealed_, {});
        co_return (co_await write_all(tcp_, leaving.data())).status();
    }
    /// The same, later.
    void seal(std::string_view text) {
        const std::size_t size = text.size() + p2p::noise::tag_size;
        const auto room = sealed_.prepare(2 + size);
        room[0] = static_cast<std::byte>(size >> 8);
        room[1] = static_cast<std::byte>(size);
        sending_.encrypt_with_ad({}, bytes_of(text), room.subspan(2));
        sealed_.commit(room.size());
    }
    task<result<void>> say_unsealed(std::string_view text) {
        co_return (co_await write_all(tcp_, bytes_of(text))).status();
    }

    /// The next frame of the other side: its header, and what follows it.
    struct frame {
        p2p::yamux::frame_header header{};
        std::string body{};
    };
    task<result<frame>> hear() {
        frame f;
        while (heard_.size() < p2p::yamux::frame_header::size) co_await check(hear_record());
        const auto head =
            std::as_const(heard_).data().first<p2p::yamux::frame_header::size>();
        f.header = co_await check(p2p::yamux::frame_header::decode(head));
        heard_.consume(head.size());
        const bool has_body = f.header.type == p2p::yamux::frame_type::data;
        const std::size_t body = has_body ? f.header.length : 0;
        while (heard_.size() < body) co_await check(hear_record());
        f.body = std::string(heard_.text().substr(0, body));
        heard_.consume(body);
        co_return f;
    }
    /// Bytes that are no frames.
    task<result<std::string>> hear_bytes(std::size_t n) {
        while (heard_.size() < n) co_await check(hear_record());
        std::string bytes{heard_.text().substr(0, n)};
        heard_.consume(n);
        co_return bytes;
    }

private:
    raw_peer(tcp_stream tcp, p2p::noise::cipher_state sending, p2p::noise::cipher_state receiving)
        : tcp_(std::move(tcp)), sending_(std::move(sending)), receiving_(std::move(receiving)) {}

    task<result<void>> hear_record() {
        std::array<std::byte, 2> head{};
        co_await check(read_exactly(tcp_, head));
        const auto size = std::to_integer<std::size_t>(head[0]) << 8 |
                          std::to_integer<std::size_t>(head[1]);
        std::vector<std::byte> record(size);
        co_await check(read_exactly(tcp_, record));
        const auto room = heard_.prepare(size - p2p::noise::tag_size);
        co_await check(receiving_.decrypt_with_ad({}, record, room));
        heard_.commit(room.size());
        co_return {};
    }

    tcp_stream tcp_;
    p2p::noise::cipher_state sending_, receiving_;
    buffer sealed_, heard_;
};

}  // namespace copoll_tests
