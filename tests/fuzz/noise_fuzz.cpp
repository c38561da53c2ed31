// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/noise.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "fuzz.hpp"

using namespace copoll::p2p;
using copoll::buffer;

namespace {

const identity& own() {
    static const identity the_one{private_key::generate_ed25519()};
    return the_one;
}

void must_be_typed(const copoll::result<progress>& r) {
    if (!r) must(r.error().category() == category());
}

/// The input as the payload of a listener that does Noise right.
void as_payload(std::span<const std::byte> payload) {
    if (payload.size() > 60'000) return;
    noise::handshake dialer{role::dialer, own()};
    noise::key_pair key;
    noise::handshake_state listener{role::listener, key};
    buffer in, out, message;
    must_be_typed(dialer.advance(in, out));
    must(listener.read_message(std::as_const(out).data().subspan(2)).has_value());
    must(listener.write_message(payload, message).has_value());
    const std::byte head[] = {static_cast<std::byte>(message.size() >> 8),
                              static_cast<std::byte>(message.size())};
    in.append(head);
    in.append(std::as_const(message).data());
    const auto answered = dialer.advance(in, out);
    must_be_typed(answered);
    must(!answered);  // nobody signs a key that is made anew each time
}

}  // namespace

// What a peer sends in the handshake, in the clear and within it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    for (const role r : {role::dialer, role::listener}) {
        noise::handshake engine{r, own()};
        buffer in, out;
        must_be_typed(engine.advance(in, out));
        in.append(input);
        must_be_typed(engine.advance(in, out));
    }
    as_payload(input);
    return 0;
}
