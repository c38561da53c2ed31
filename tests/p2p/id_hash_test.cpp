// SPDX-License-Identifier: MIT OR Apache-2.0
#include "id_hash.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <vector>

using copoll::p2p::detail::id_hash;
using copoll::p2p::yamux::stream_id;

namespace {

constexpr stream_id buckets = 541;  // of libstdc++ with 512 streams
using load = std::vector<std::size_t>;

/// How many ids are in each bucket.
load loads(const id_hash& hash, const std::vector<stream_id>& ids) {
    load all(buckets);
    for (const stream_id id : ids) ++all[hash(id) % buckets];
    return all;
}

}  // namespace

TEST_CASE("id hash: ids that fall into one bucket in one session do not in another") {
    const id_hash known;
    std::vector<stream_id> chosen;
    for (stream_id id = 1; chosen.size() < 512; id += 2)
        if (known(id) % buckets == 0) chosen.push_back(id);
    CHECK(loads(known, chosen)[0] == 512);
    CHECK(loads(id_hash{known}, chosen)[0] == 512);  // copies agree
    // at random, more than 12 in some bucket come about less than once in a million sessions
    CHECK(std::ranges::max(loads(id_hash{}, chosen)) <= 12);
}

TEST_CASE("id hash: ids in a row, and in steps of the number of buckets, are spread") {
    for (const stream_id step : {2u, 2u * buckets, 1u << 16, 1u << 22}) {
        std::vector<stream_id> ids;
        for (stream_id i = 0; i < 512; ++i) ids.push_back(1 + i * step);
        const id_hash hash;
        CHECK(std::ranges::max(loads(hash, ids)) <= 12);
    }
}
