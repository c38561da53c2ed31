// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "fuzz.hpp"
#include "p2p/yamux_model.hpp"

namespace {

/// Numbers of the input, two bytes each; zeros behind its end.
struct input_numbers {
    const std::uint8_t* at;
    std::size_t left;
    std::size_t operator()() {
        if (left < 2) return 0;
        const std::size_t n = at[0] | std::size_t{at[1]} << 8;
        at += 2;
        left -= 2;
        return n;
    }
};

}  // namespace

// The input says within which bounds two sessions are, what is done to them, how time passes, and
// how their wire is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input_numbers numbers{data, size};
    const auto options = copoll_tests::model_options(static_cast<unsigned>(numbers()));
    copoll_tests::yamux_model model{numbers, options};
    for (std::size_t i = 0; i < size / 6 && i < 1000 && !model.broken; ++i) model.step();
    model.settle();
    if (model.broken) std::fprintf(stderr, "%s\n", model.broken);
    must(!model.broken);
    return 0;
}
