// SPDX-License-Identifier: MIT OR Apache-2.0
#include "p2p/yamux_model.hpp"

#include <catch2/catch_test_macros.hpp>

#include <random>

using copoll_tests::yamux_model;

namespace {

struct random_numbers {
    std::mt19937 generator;
    std::size_t operator()() { return generator(); }
};

}  // namespace

TEST_CASE("yamux: two sessions agree, whatever is done to them and however it is cut") {
    std::uint64_t carried = 0;
    for (unsigned seed = 1; seed <= 30; ++seed) {
        INFO("seed " << seed);
        yamux_model model{random_numbers{std::mt19937{seed}}};
        for (int i = 0; i < 1000 && !model.broken; ++i) model.step();
        model.settle();
        INFO((model.broken ? model.broken : ""));
        REQUIRE_FALSE(model.broken);
        carried += model.happened().carried;
    }
    CHECK(carried > 10'000'000);
}

TEST_CASE("yamux: the same within narrow bounds and while time passes") {
    yamux_model<random_numbers>::counters all;
    unsigned runs = 0;
    for (unsigned choice = 0; choice < copoll_tests::model_choices; ++choice) {
        for (unsigned seed = 1; seed <= 3; ++seed) {
            INFO("choice " << choice << ", seed " << seed);
            yamux_model model{random_numbers{std::mt19937{seed + 100 * choice}},
                              copoll_tests::model_options(choice)};
            for (int i = 0; i < 1000 && !model.broken; ++i) model.step();
            model.settle();
            INFO((model.broken ? model.broken : ""));
            REQUIRE_FALSE(model.broken);
            all += model.happened();
            ++runs;
        }
    }
    CHECK(all.carried > 10'000'000);
    CHECK(all.idle > 0);
    CHECK(all.bounded > 0);
    CHECK(all.throttled > 0);
    CHECK(all.given_up > 0);
    CHECK(all.given_up < runs / 4);  // in the others all else was looked at to the end
}
