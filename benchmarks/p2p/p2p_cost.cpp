// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What libp2p costs without a network: both ends of a connection in memory, by this library's
// engines and by the cryptography that they cannot do without. Handshakes are timed on the
// listener's side, bulk on both. Prints one line of JSON: {"name": microseconds or MB/s, …}.
#include <copoll/buffer.hpp>
#include <copoll/clock.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/noise.hpp>
#include <copoll/p2p/yamux.hpp>
#include <copoll/run.hpp>
#include <copoll_crypto/aead.hpp>
#include <copoll_crypto/ed25519.hpp>
#include <copoll_crypto/x25519.hpp>

#include "../tls/both_ends.hpp"
#include "sealed.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace copoll;
using bench::timer;

namespace {

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "p2p_cost: %s\n", what);
    std::exit(1);
}

void expect(bool good, const char* what) {
    if (!good) give_up(what);
}

// ---- Handshakes

/// What a listener has to compute at least: its ephemeral key, three agreements, one signature to
/// verify. Its own static key and its proof are made once a process.
class bare_handshake {
public:
    bare_handshake() { ephemeral_ = crypto::x25519::generate(); }

    timer::duration once() const {
        const auto begin = timer::now();
        const auto own = crypto::x25519::generate();
        const auto shown = crypto::x25519::public_key_of(own);
        expect(crypto::x25519::agree(own, peer_).has_value(), "ee");
        expect(crypto::x25519::agree(ephemeral_, peer_).has_value(), "es");
        expect(crypto::x25519::agree(own, shown).has_value(), "se");
        expect(crypto::ed25519::verify(signer_key_, statement_, proof_).has_value(), "verify");
        return timer::now() - begin;
    }

private:
    crypto::x25519::private_key ephemeral_;
    crypto::x25519::public_key peer_ = crypto::x25519::public_key_of(crypto::x25519::generate());
    crypto::ed25519::private_key signer_ = crypto::ed25519::private_key::generate();
    crypto::ed25519::public_key signer_key_ = signer_.public_key();
    std::array<std::byte, 56> statement_{};  // a prefix and a key
    crypto::ed25519::signature proof_ = signer_.sign(statement_);
};

/// One end, from agreeing on Noise to agreeing on Yamux within it.
template <class Negotiation>
class end {
public:
    end(p2p::role own_role, const p2p::identity& own, Negotiation negotiation)
        : negotiation_(std::move(negotiation)), noise_(own_role, own, options()),
          waits_(own_role == p2p::role::listener) {}

    bool advance(buffer& in, buffer& out) {
        if (!agreed_) {
            const auto agreed = negotiation_.advance(in, out);
            expect(agreed.has_value(), "negotiation");
            agreed_ = *agreed == p2p::progress::complete;
            if (!agreed_ && waits_) return false;
        }
        buffer nothing;
        const auto done = noise_.advance(agreed_ ? in : nothing, out);
        expect(done.has_value(), "handshake");
        return *done == p2p::progress::complete;
    }
    const p2p::noise::handshake& noise() const { return noise_; }

private:
    static p2p::noise::handshake_options options() {
        p2p::noise::handshake_options made;
        made.muxers = {"/yamux/1.0.0"};
        return made;
    }

    Negotiation negotiation_;
    p2p::noise::handshake noise_;
    bool agreed_ = false;
    bool waits_;
};

const std::vector<std::string> security{"/noise"};

struct two_ends {
    two_ends(const p2p::identity& a, const p2p::identity& b)
        : dialer(p2p::role::dialer, a, p2p::multistream::dialer{security}),
          listener(p2p::role::listener, b, p2p::multistream::listener{security}) {}

    /// Time of the listener.
    timer::duration shake_hands() {
        timer::duration spent{};
        buffer to_listener, to_dialer;
        for (bool d = false, l = false; !d || !l;) {
            if (!d) d = dialer.advance(to_dialer, to_listener);
            const auto begin = timer::now();
            if (!l) l = listener.advance(to_listener, to_dialer);
            spent += timer::now() - begin;
        }
        return spent;
    }

    end<p2p::multistream::dialer> dialer;
    end<p2p::multistream::listener> listener;
};

void measure_handshakes(int count, bench::json_line& out) {
    const p2p::identity a{p2p::private_key::generate_ed25519()};
    const p2p::identity b{p2p::private_key::generate_ed25519()};
    const bare_handshake bare;
    timer::duration by_raw{}, by_engine{};
    // In turns: what disturbs one disturbs the other. The first of each fills tables and caches.
    for (int i = 0; i <= count; ++i) {
        const auto raw_spent = bare.once();
        // Making the engine is part of it: it makes the ephemeral key.
        const auto begin = timer::now();
        two_ends both{a, b};
        const auto made = (timer::now() - begin) / 2;
        const auto engine_spent = made + both.shake_hands();
        if (i == 0) continue;
        by_raw += raw_spent;
        by_engine += engine_spent;
    }
    out.add("raw handshake us", bench::microseconds_each(by_raw, count));
    out.add("engine handshake us", bench::microseconds_each(by_engine, count));
}

// ---- Bulk

double rate(std::size_t total, timer::duration spent) {
    return static_cast<double>(total) / 1e6 / std::chrono::duration<double>(spent).count();
}

/// Seals and opens records of 64 KiB.
double bare_rate(std::size_t total) {
    using namespace bench::sealed;
    const crypto::chacha20_poly1305 cipher{clients_key};
    std::vector<std::byte> text(most, std::byte{'x'}), record(most), opened(most);
    std::array<std::byte, tag_size> tag{};
    const auto begin = timer::now();
    std::size_t moved = 0;
    for (std::uint64_t n = 0; moved < total; ++n, moved += most) {
        cipher.seal(nonce(n), {}, text, record, tag);
        expect(cipher.open(nonce(n), {}, record, tag, opened).has_value(), "open");
    }
    return rate(moved, timer::now() - begin);
}

/// The same bytes on a stream: into frames, into records, and back.
double engine_rate(std::size_t total, two_ends& both) {
    const auto now = clock::now();
    auto sealing = both.dialer.noise().start_session();
    auto opening = both.listener.noise().start_session();
    p2p::yamux::session sender{p2p::role::dialer, now}, receiver{p2p::role::listener, now};
    const std::vector<std::byte> data(bench::sealed::frame_size, std::byte{'x'});
    std::vector<std::byte> into(data.size()), text(data.size());
    buffer wire, back;
    const auto id = **sender.open();
    bool accepted = false;
    std::size_t moved = 0;
    const auto begin = timer::now();
    while (moved < total) {
        expect(sender.write(id, data).n > 0, "write");
        buffer& frames = sender.output(now);
        sealing.seal(std::as_const(frames).data(), wire);
        frames.clear();
        while (!wire.empty()) {
            const auto size = p2p::noise::session::record_size(std::as_const(wire).data());
            const auto plain = std::span(text).first(**size - p2p::noise::session::overhead);
            const auto record = std::as_const(wire).data().first(**size);
            expect(opening.open(record, plain).has_value(), "open");
            wire.consume(**size);
            expect(receiver.input(plain, now).has_value(), "input");
        }
        if (!accepted) accepted = receiver.accept().has_value();
        for (io_result r; (r = receiver.read(id, into)).n > 0;) moved += r.n;
        buffer& windows = receiver.output(now);
        expect(sender.input(std::as_const(windows).data(), now).has_value(), "windows");
        windows.clear();
    }
    return rate(moved, timer::now() - begin);
}

}  // namespace

task<result<void>> async_main(args a) {
    const bench::amount of{a.argc(), a.argv()};
    bench::json_line out;
    measure_handshakes(of.handshakes, out);
    two_ends both{p2p::identity{p2p::private_key::generate_ed25519()},
                  p2p::identity{p2p::private_key::generate_ed25519()}};
    both.shake_hands();
    out.add("raw stream MB/s", bare_rate(of.bytes));
    out.add("engine stream MB/s", engine_rate(of.bytes, both));
    co_return {};
}
