// SPDX-License-Identifier: MIT OR Apache-2.0
// Transports that cut, repeat, reorder and lose what they carry in a handshake.
#include <copoll/tls/engine.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "tls/conversation.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using tls::milestone;
using tls::progress;

namespace {

/// A handshake without certificates, which is a short one.
conversation by_psk(tls::protocol_version version) {
    const tls::pre_shared_key key{"a key", bytes(32, std::byte{7})};
    tls::client_options client;
    client.roots = tls::trust_anchors{};
    client.psk = key;
    client.protocol = only(version);
    tls::server_options server;
    server.psks.push_back(key);
    return {.client = tls::engine{client}, .server = tls::engine{server}};
}

/// Whether a side whose transport has ended says so.
void check_truncated(conversation& c, tls::engine& e) {
    e.input_ended();
    if (e.is_complete()) {
        CHECK(c.read_rest(e) == tls::errc::truncated);
        return;
    }
    CHECK(e.advance(milestone::complete) == progress::failed);
    CHECK(e.error() == tls::errc::truncated);
}

enum class how { twice, left_out, behind_the_next };
constexpr how all_ways[] = {how::twice, how::left_out, how::behind_the_next};

/// What a transport does to one record of those that pass.
struct mischief {
    std::size_t at;
    how way;
    std::size_t passed = 0;
    std::optional<std::byte> type{};  ///< of the record, once it has come

    void operator()(bytes& said) {
        auto records = records_of(said);
        said.clear();
        const auto pass = [&](const bytes& r) { said.insert(said.end(), r.begin(), r.end()); };
        for (std::size_t i = 0; i < records.size(); ++i, ++passed) {
            if (passed == at) {
                type = records[i][0];
                if (way == how::left_out) continue;
                if (way == how::twice) pass(records[i]);
                if (way == how::behind_the_next && i + 1 < records.size())
                    std::swap(records[i], records[i + 1]);
            }
            pass(records[i]);
        }
    }
};

}  // namespace

TEST_CASE("tls transports: one that ends at any byte of a handshake is a truncation") {
    for (const auto version : both_versions) {
        auto whole = by_psk(version);
        REQUIRE(whole.shake_hands());
        for (std::size_t n = 0; n < whole.flown; ++n) {
            INFO(tls::name_of(version) << ", after " << n << " bytes");
            auto c = by_psk(version);
            c.between = [left = n](bytes& said, bool) mutable {
                said.resize(std::min(left, said.size()));
                left -= said.size();
            };
            CHECK_FALSE(c.shake_hands_to_the_end());
            check_truncated(c, c.client);
            check_truncated(c, c.server);
        }
    }
}

TEST_CASE("tls transports: records of a handshake that are repeated, lost or swapped end it") {
    constexpr auto change_cipher = std::byte{20};
    for (const auto version : both_versions) {
        auto options = to_example();
        options.protocol = only(version);
        for (const how way : all_ways) {
            for (std::size_t at = 0;; ++at) {
                INFO(tls::name_of(version) << ", record " << at << ", way "
                                           << static_cast<int>(way));
                mischief done{at, way};
                conversation c{.client = tls::engine{options},
                               .between = [&](bytes& said, bool) { done(said); }};
                const bool complete = c.shake_hands();
                if (!done.type) {
                    CHECK(complete);
                    break;
                }
                CHECK(c.client.error() != tls::errc::internal);
                CHECK(c.server.error() != tls::errc::internal);
                // those of TLS 1.3 say nothing; the last of a flight has none behind it
                const bool harmless =
                    (version == tls::protocol_version::tls1_3 && done.type == change_cipher) ||
                    way == how::behind_the_next;
                if (!harmless) CHECK_FALSE((complete && !c.read_rest(c.client) &&
                                            !c.read_rest(c.server)));
                if (complete) CHECK(c.client.server_identity() == p256_server().identity());
            }
        }
    }
}
