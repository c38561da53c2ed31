// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/testing/plaintext.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <copoll/p2p/varint.hpp>

#include "fuzz.hpp"

using namespace copoll::p2p;
using copoll::buffer;
using testing::plaintext_handshake;

namespace {

const identity& own() {
    static const identity the_one{private_key::generate_ed25519()};
    return the_one;
}

struct outcome {
    std::error_code error{};
    std::string peer{}, says{}, left{};

    friend bool operator==(const outcome&, const outcome&) = default;
};

/// Gives the input in pieces.
outcome run(plaintext_handshake engine, std::span<const std::byte> input, std::size_t piece) {
    constexpr std::size_t most_kept =
        std::max(multistream::longest_message, plaintext_handshake::longest_exchange) + 2;
    buffer in, out;
    outcome o;
    must(engine.advance(in, out) == progress::needs_input);
    while (!input.empty() && !o.error && o.peer.empty()) {
        const auto part = input.first(std::min(piece, input.size()));
        input = input.subspan(part.size());
        in.append(part);
        const auto r = engine.advance(in, out);
        if (!r) {
            must(r.error().category() == category());
            o.error = r.error();
        } else if (*r == progress::complete) {
            must(engine.remote_peer() == peer_id::of(engine.remote_key()));
            o.peer = engine.remote_peer().to_string();
        } else {
            must(in.size() <= most_kept);
        }
    }
    in.append(input);
    o.says = out.text();
    o.left = o.error ? "" : std::string(in.text());
    return o;
}

void run_in_pieces(std::span<const std::byte> input) {
    const std::size_t whole = std::max<std::size_t>(input.size(), 1);
    for (const role r : {role::dialer, role::listener}) {
        for (const bool lazy : {true, false}) {
            const plaintext_handshake engine{r, own(), {}, lazy};
            const outcome at_once = run(engine, input, whole);
            must(run(engine, input, 1) == at_once);
            must(run(engine, input, 7) == at_once);
        }
    }
}

/// The input as the exchange of a peer that has agreed.
void as_exchange(std::span<const std::byte> exchange) {
    buffer in;
    in.append(copoll::bytes_of("\x13/multistream/1.0.0\n\x11/plaintext/2.0.0\n"));
    in.append(varint::encoded{exchange.size()}.bytes());
    in.append(exchange);
    run_in_pieces(std::as_const(in).data());
}

}  // namespace

// All sides come to the same, however what their peer says is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    run_in_pieces(input);
    as_exchange(input);
    return 0;
}
