// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/identify.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/varint.hpp>

#include "fuzz.hpp"

using namespace copoll::p2p;

namespace {

using copoll::result;

result<identify_message> decode(std::span<const std::byte> said, std::size_t piece) {
    identify_decoder decoder;
    while (!said.empty()) {
        const auto part = said.first(std::min(piece, said.size()));
        said = said.subspan(part.size());
        if (const auto taken = decoder.input(part); !taken) return copoll::fail(taken.error());
    }
    return decoder.finish();
}

}  // namespace

// However it is cut the same comes of it, within the limits; and what it says can be said again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto said = std::as_bytes(std::span{data, size});
    const auto at_once = decode(said, std::max<std::size_t>(size, 1));
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}})
        must(decode(said, piece) == at_once);
    if (!at_once) {
        must(at_once.error().category() == category() ||
             at_once.error() == copoll::errc::message_too_large);
        return 0;
    }
    const identify_limits limits;
    must(at_once->protocols.size() <= limits.protocols);
    must(std::ranges::all_of(at_once->protocols, multistream::is_protocol));
    must(at_once->listen_addresses.size() <= limits.addresses);
    must(at_once->agent_version.size() <= limits.text_size);

    const auto encoded = encode(*at_once);
    must(encoded.size() <= most_identify_sent);
    const varint::encoded length{encoded.size()};
    std::vector<std::byte> again{length.bytes().begin(), length.bytes().end()};
    again.insert(again.end(), encoded.begin(), encoded.end());
    const auto decoded = decode(again, again.size());
    must(decoded.has_value());
    if (size <= most_identify_sent) must(*decoded == *at_once);  // so nothing was left out
    identify_message known;
    apply_push(known, *at_once);
    must(known == *at_once);
    return 0;
}
