// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/multistream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.hpp"

using namespace copoll::p2p;
using copoll::buffer;

namespace {

struct outcome {
    std::error_code error{};
    bool complete = false;
    std::string says{}, left{};

    friend bool operator==(const outcome&, const outcome&) = default;
};

/// Gives the input in pieces.
template <class Engine>
outcome run(Engine engine, std::span<const std::byte> input, std::size_t piece) {
    buffer in, out;
    outcome o;
    static_cast<void>(engine.advance(in, out));
    while (!input.empty() && !o.error && !o.complete) {
        const auto part = input.first(std::min(piece, input.size()));
        input = input.subspan(part.size());
        in.append(part);
        const auto r = engine.advance(in, out);
        must(in.size() <= multistream::longest_message + 2 || !r || *r == progress::complete);
        if (!r) must(r.error().category() == category());
        o.error = r ? std::error_code{} : r.error();
        o.complete = r && *r == progress::complete;
    }
    in.append(input);
    o.says = out.text();
    o.left = o.error ? "" : std::string(in.text());
    return o;
}

}  // namespace

// Both sides come to the same, however their input is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    static const std::vector<std::string> known{"/noise", "/yamux/1.0.0"};
    const multistream::listener listener{known};
    const multistream::dialer dialer{known};
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
        must(run(listener, input, piece) == run(listener, input, std::max<std::size_t>(size, 1)));
        must(run(dialer, input, piece) == run(dialer, input, std::max<std::size_t>(size, 1)));
    }
    return 0;
}
