// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/noise_xx.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "crypto/bytes.hpp"
#include "support/error_of.hpp"

using namespace copoll::p2p;
using copoll::buffer;
using copoll_tests::error_of;

namespace {

struct exchanged {
    const char* payload;
    const char* ciphertext;
};

struct noise_vector {
    const char* prologue;
    const char *init_static, *init_ephemeral, *resp_static, *resp_ephemeral;
    const char* handshake_hash;  ///< none in the vectors of snow
    std::vector<exchanged> messages;
};

// The vectors of cacophony and of snow for Noise_XX_25519_ChaChaPoly_SHA256.
const noise_vector vectors[] = {
    {"4a6f686e2047616c74",
     "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
     "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
     "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
     "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
     "c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e",
     {{"4c756477696720766f6e204d69736573",
       "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
       "4c756477696720766f6e204d69736573"},
      {"4d757272617920526f746862617264",
       "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
       "81cbad1f276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9"
       "bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f"
       "8814c7194e83f23dbd8d162c9326ad"},
      {"462e20412e20486179656b",
       "c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a8"
       "0ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6"
       "ae769a1d95941d49b25030"},
      {"4361726c204d656e676572", "96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df"},
      {"4a65616e2d426170746973746520536179",
       "3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5"},
      {"457567656e2042f6686d20766f6e2042617765726b",
       "eb3f3515110702e047a6c9da4478b6ead94873c11c0f2d710ddb3f09fce024b3a58502ae3f"}}},
    {"5468657265206973206e6f20726967687420616e642077726f6e672e2054686572652773206f6e6c79206675"
     "6e20616e6420626f72696e672e",
     "7dec208517a3b81a2861d7a71266d5d6dc944c5a8816634a86fe63198a0148ee",
     "a32daf21e93c0131495ce1d903181fde81cc46937daaeb990bae7c992709421e",
     "4d0aed5098e3b4ef20357e9f686ce66204c792b358da2e475017d6c485304881",
     "4eece0f195d026db035ff987597c429d3ad3bcc2944df37d649528951b2a27c5",
     "",
     {{"d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34",
       "f9fa868ba97ab8a2686deccfaad5a484ee10a5bb85e3d1dce015a84797f92818"
       "d03c489139e645d0711a3c9e810d776b46a84912463fafa87b884eebf242dc34"},
      {"d8190a92f7dc0c93dbea9118ba8055751fb7c6590c416ffbd419964132b99a85",
       "8c4e6fdb7d09d501a86f7eca5c234522751706ed409182c05cdf5f827d4dae47"
       "b81c6c5f43b025692c24391eefee725c17d8cb0fbe3e4abb8aedf42c4fd2592d"
       "4ea48ac08989d6ae8b4adae08b2c34087c808c7aa55a63c02b0fab9e93061233"
       "6bd43eaea04d3c670a0a146691aa9cc9d357872320dc735dbc48580cffb553db"},
      {"77891b19dcb92ef7c055b672c4a5aa7fdf1c84146b8b303459022729473ce254",
       "933ca6b5ed60df3df66121f0ab49a09e49efa45c613a86a3cecbf4c535cef2f8"
       "3f72b42837b18e3572f2fdc2b74c331e2368a545cef54bdca081678ab0e9dd53"
       "48122459e0c034c851984d88ce610963d43cde6cfe73a67fbd5a63e8bfca96d0"},
      {"d7efdf988072881941db045a42882433817555128fbf5663e56081712ec7d212",
       "54ef0ff0629e1aaa7685a2806ab111cba76b52331f2642276736f415868eacb6"
       "9ab2577f3bda0cbf72f879685f6ed25f"},
      {"dd7bf01a588bafb52c6cfba952e5d8fe35cc2b3f92b4730ae2474615157345ce",
       "356be70f110306d5c699bb834bb9d58d909e325924dfbec972e406e6f294dc63"
       "e1daebefe8a62a334facc8048ab4ad66"}}}};

noise::key_pair pair_of(const char* hex) {
    return noise::key_pair{copoll::crypto::x25519::private_key{first<32>(from_hex(hex))}};
}

/// Both sides of a vector's handshake.
struct two_sides {
    explicit two_sides(const noise_vector& v)
        : prologue(from_hex(v.prologue)), init_static(pair_of(v.init_static)),
          resp_static(pair_of(v.resp_static)),
          initiator(role::dialer, init_static, prologue, pair_of(v.init_ephemeral)),
          responder(role::listener, resp_static, prologue, pair_of(v.resp_ephemeral)) {}

    /// Sends the next message; gives it.
    bytes send(const char* payload) {
        auto& from = initiator.writes_next() ? initiator : responder;
        auto& to = initiator.writes_next() ? responder : initiator;
        buffer out;
        CHECK(from.write_message(from_hex(payload), out));
        const bytes message{std::as_const(out).data()};
        const auto received = to.read_message(message);
        REQUIRE(received);
        CHECK(bytes{*received} == from_hex(payload));
        return message;
    }

    bytes prologue;
    noise::key_pair init_static, resp_static;
    noise::handshake_state initiator, responder;
};

}  // namespace

TEST_CASE("noise xx: the vectors of cacophony and snow") {
    for (const auto& v : vectors) {
        two_sides sides{v};
        for (std::size_t i = 0; i < 3; ++i)
            CHECK(sides.send(v.messages[i].payload) == from_hex(v.messages[i].ciphertext));
        REQUIRE(sides.initiator.finished());
        REQUIRE(sides.responder.finished());
        CHECK(sides.initiator.handshake_hash() == sides.responder.handshake_hash());
        if (*v.handshake_hash)
            CHECK(bytes{sides.initiator.handshake_hash()} == from_hex(v.handshake_hash));
        CHECK(sides.initiator.remote_static() == sides.resp_static.public_key);
        CHECK(sides.responder.remote_static() == sides.init_static.public_key);

        auto at_initiator = sides.initiator.split();
        auto at_responder = sides.responder.split();
        for (std::size_t i = 3; i < v.messages.size(); ++i) {
            const bool by_responder = i % 2 == 1;
            auto& sealing = by_responder ? at_responder.responder : at_initiator.initiator;
            auto& opening = by_responder ? at_initiator.responder : at_responder.initiator;
            const bytes payload = from_hex(v.messages[i].payload);
            bytes sealed(payload.size() + noise::tag_size), opened(payload.size());
            sealing.encrypt_with_ad({}, payload, sealed);
            CHECK(sealed == from_hex(v.messages[i].ciphertext));
            CHECK(opening.decrypt_with_ad({}, sealed, opened));
            CHECK(opened == payload);
        }
    }
}

TEST_CASE("noise xx: a message that is cut or damaged anywhere is refused") {
    for (std::size_t nth = 0; nth < 3; ++nth) {
        const auto& v = vectors[0];
        const bytes whole = from_hex(v.messages[nth].ciphertext);
        const auto read_instead = [&](const bytes& message) {
            two_sides sides{v};
            for (std::size_t i = 0; i < nth; ++i) sides.send(v.messages[i].payload);
            auto& reader = sides.initiator.writes_next() ? sides.responder : sides.initiator;
            const auto received = reader.read_message(message);
            return received ? std::error_code{} : received.error();
        };
        REQUIRE_FALSE(read_instead(whole));
        const std::size_t in_the_clear = nth == 0 ? whole.size() : nth == 1 ? 32 : 0;
        for (std::size_t n = 0; n < whole.size(); ++n) {
            const auto cut = read_instead(bytes{std::span(whole).first(n)});
            if (nth > 0 || n < 32)
                CHECK((cut == errc::malformed_handshake || cut == errc::bad_handshake));
            bytes damaged = whole;
            damaged[n] ^= std::byte{0x10};
            if (n >= in_the_clear) CHECK(read_instead(damaged) == errc::bad_handshake);
        }
    }
}

TEST_CASE("noise xx: a key of low order is refused") {
    two_sides sides{vectors[0]};
    sides.send("");
    buffer out;
    CHECK(sides.responder.write_message({}, out));
    bytes message{std::as_const(out).data()};
    std::ranges::fill(std::span(message).first(32), std::byte{0});
    CHECK(error_of(sides.initiator.read_message(message)) == errc::bad_handshake);
}

TEST_CASE("noise xx: after a record that does not decrypt none does") {
    const bytes key(32, std::byte{1}), text = from_text("text");
    noise::cipher_state sealing{first<32>(key)}, opening{first<32>(key)};
    bytes one(20), two(20), opened(4);
    sealing.encrypt_with_ad({}, text, one);
    sealing.encrypt_with_ad({}, text, two);
    CHECK(error_of(opening.decrypt_with_ad({}, two, opened)) == errc::bad_record);
    CHECK(error_of(opening.decrypt_with_ad({}, one, opened)) == errc::bad_record);
}
