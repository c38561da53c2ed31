// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/noise_xx.hpp>

#include <algorithm>
#include <limits>
#include <string_view>

#include <copoll/detail/assert.hpp>
#include <copoll_crypto/hmac.hpp>

namespace copoll::p2p::noise {
namespace {

constexpr std::string_view protocol_name = "Noise_XX_25519_ChaChaPoly_SHA256";
static_assert(protocol_name.size() == crypto::sha256::size);  // so it is h as it stands

/// §4.3, for two outputs.
crypto::secret<64> hkdf(const crypto::secret<32>& ck, std::span<const std::byte> input) noexcept {
    crypto::secret<64> made;
    const auto expanded = crypto::hkdf_sha256::expand(
        crypto::hkdf_sha256::extract(ck.bytes(), input).bytes(), {}, made.bytes());
    copoll::detail::expects(expanded.has_value(), "HKDF of 64 bytes");
    return made;
}

}  // namespace

std::array<std::byte, 12> cipher_state::next_nonce() noexcept {
    copoll::detail::expects(n_ < std::numeric_limits<std::uint64_t>::max(), "Noise: nonces end");
    std::array<std::byte, 12> nonce{};
    for (unsigned i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::byte>(n_ >> (8 * i));
    ++n_;
    return nonce;
}

void cipher_state::encrypt_with_ad(std::span<const std::byte> ad,
                                   std::span<const std::byte> plaintext,
                                   std::span<std::byte> into) noexcept {
    copoll::detail::expects(into.size() == plaintext.size() + tag_size, "Noise: sizes");
    cipher_.seal(next_nonce(), ad, plaintext, into.first(plaintext.size()),
                 into.last<tag_size>());
}

result<void> cipher_state::decrypt_with_ad(std::span<const std::byte> ad,
                                           std::span<const std::byte> ciphertext,
                                           std::span<std::byte> into) noexcept {
    if (broken_ || ciphertext.size() < tag_size) return fail(errc::bad_record);
    const auto text = ciphertext.first(ciphertext.size() - tag_size);
    copoll::detail::expects(into.size() == text.size(), "Noise: sizes");
    if (cipher_.open(next_nonce(), ad, text, ciphertext.last<tag_size>(), into)) return {};
    broken_ = true;
    return fail(errc::bad_record);
}

symmetric_state::symmetric_state(std::span<const std::byte> prologue) noexcept {
    std::ranges::copy(bytes_of(protocol_name), h_.begin());
    std::ranges::copy(h_, ck_.bytes().begin());
    mix_hash(prologue);
}

void symmetric_state::mix_hash(std::span<const std::byte> data) noexcept {
    crypto::sha256 both;
    both.update(h_);
    both.update(data);
    h_ = both.finish();
}

void symmetric_state::mix_key(std::span<const std::byte> input) noexcept {
    const auto made = hkdf(ck_, input);
    ck_ = crypto::secret<32>{made.bytes().first<32>()};
    cipher_.emplace(made.bytes().last<32>());
}

void symmetric_state::encrypt_and_hash(std::span<const std::byte> plaintext, buffer& out) {
    const auto room = out.prepare(plaintext.size() + overhead());
    if (cipher_)
        cipher_->encrypt_with_ad(h_, plaintext, room);
    else
        std::ranges::copy(plaintext, room.begin());
    mix_hash(room);
    out.commit(room.size());
}

result<std::vector<std::byte>> symmetric_state::decrypt_and_hash(
    std::span<const std::byte> ciphertext) {
    if (ciphertext.size() < overhead()) return fail(errc::malformed_handshake);
    std::vector<std::byte> plaintext(ciphertext.size() - overhead());
    if (!cipher_)
        std::ranges::copy(ciphertext, plaintext.begin());
    else if (!cipher_->decrypt_with_ad(h_, ciphertext, plaintext))
        return fail(errc::bad_handshake);
    mix_hash(ciphertext);
    return plaintext;
}

symmetric_state::keys symmetric_state::split() const noexcept {
    const auto made = hkdf(ck_, {});
    return {cipher_state{made.bytes().first<32>()}, cipher_state{made.bytes().last<32>()}};
}

bool handshake_state::writes_next() const noexcept {
    return (turn_ % 2 == 0) == (role_ == role::dialer);
}

std::span<const handshake_state::token> handshake_state::pattern(unsigned turn) noexcept {
    static constexpr token first[] = {token::e};
    static constexpr token second[] = {token::e, token::ee, token::s, token::es};
    static constexpr token third[] = {token::s, token::se};
    static constexpr std::span<const token> all[] = {first, second, third};
    return all[turn];
}

result<void> handshake_state::mix_dh(token t) noexcept {
    const bool own_static = t == (role_ == role::dialer ? token::se : token::es);
    const bool remote_static = t == (role_ == role::dialer ? token::es : token::se);
    const auto shared = crypto::x25519::agree((own_static ? *s_ : e_).secret,
                                              remote_static ? rs_ : re_);
    if (!shared) return fail(errc::bad_handshake);
    symmetric_.mix_key(shared->bytes());
    return {};
}

result<void> handshake_state::write_message(std::span<const std::byte> payload, buffer& out) {
    copoll::detail::expects(!finished() && writes_next(), "Noise: not this side's turn");
    for (const token t : pattern(turn_)) {
        if (t == token::e) {
            out.append(e_.public_key);
            symmetric_.mix_hash(e_.public_key);
        } else if (t == token::s) {
            symmetric_.encrypt_and_hash(s_->public_key, out);
        } else if (const auto mixed = mix_dh(t); !mixed) {
            return mixed;
        }
    }
    symmetric_.encrypt_and_hash(payload, out);
    ++turn_;
    return {};
}

result<void> handshake_state::read_public_key(token t, std::span<const std::byte>& rest) {
    const std::size_t size =
        crypto::x25519::key_size + (t == token::s ? symmetric_.overhead() : 0);
    if (rest.size() < size) return fail(errc::malformed_handshake);
    const auto bytes = rest.first(size);
    rest = rest.subspan(size);
    if (t == token::e) {
        std::ranges::copy(bytes, re_.begin());
        symmetric_.mix_hash(bytes);
        return {};
    }
    const auto key = symmetric_.decrypt_and_hash(bytes);
    if (!key) return fail(key.error());
    std::ranges::copy(*key, rs_.begin());
    return {};
}

result<std::vector<std::byte>> handshake_state::read_message(std::span<const std::byte> message) {
    copoll::detail::expects(!finished() && !writes_next(), "Noise: not the peer's turn");
    for (const token t : pattern(turn_)) {
        const auto done = t == token::e || t == token::s ? read_public_key(t, message) : mix_dh(t);
        if (!done) return fail(done.error());
    }
    auto payload = symmetric_.decrypt_and_hash(message);
    if (payload) ++turn_;
    return payload;
}

}  // namespace copoll::p2p::noise
