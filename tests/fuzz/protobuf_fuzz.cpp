// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/protobuf.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz.hpp"

using namespace copoll::p2p;

// Fields lie within the message, one behind the other.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = std::as_bytes(std::span{data, size});
    protobuf::reader fields{message};
    const std::byte* at = message.data();
    std::size_t count = 0;
    for (;;) {
        const auto f = fields.next();
        if (!f) {
            must(f.error() == errc::malformed_message);
            break;
        }
        if (!*f) break;
        must(++count <= size / 2);
        must((*f)->number >= 1 && (*f)->number < (1u << 29));
        if ((*f)->data.empty()) continue;
        must((*f)->data.data() >= at);
        at = (*f)->data.data() + (*f)->data.size();
        must(at <= message.data() + message.size());
    }
    return 0;
}
