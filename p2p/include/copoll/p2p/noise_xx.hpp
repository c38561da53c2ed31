// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/engine.hpp>
#include <copoll/p2p/error.hpp>
#include <copoll_crypto/aead.hpp>
#include <copoll_crypto/hash.hpp>
#include <copoll_crypto/secret.hpp>
#include <copoll_crypto/x25519.hpp>

/// Noise_XX_25519_ChaChaPoly_SHA256 as the Noise Protocol Framework (revision 34) defines it, under
/// the framework's names. What libp2p says with it is in noise.hpp.
namespace copoll::p2p::noise {

constexpr std::size_t longest_message = 65535;
constexpr std::size_t tag_size = crypto::chacha20_poly1305::tag_size;

/// §4.1, with the public key computed once.
struct key_pair {
    explicit key_pair(crypto::x25519::private_key from = crypto::x25519::generate()) noexcept
        : secret(std::move(from)), public_key(crypto::x25519::public_key_of(secret)) {}

    crypto::x25519::private_key secret;
    crypto::x25519::public_key public_key;
};

/// §5.1: a key and the number of messages that were encrypted or decrypted with it.
class cipher_state {
public:
    explicit cipher_state(std::span<const std::byte, 32> key) noexcept : cipher_(key) {}

    /// Encrypts `plaintext` to `into`, which is longer by `tag_size` and does not overlap it.
    /// Precondition: fewer than 2^64 - 1 messages were encrypted before.
    void encrypt_with_ad(std::span<const std::byte> ad, std::span<const std::byte> plaintext,
                         std::span<std::byte> into) noexcept;
    /// Decrypts `ciphertext` to `into`, which is shorter by `tag_size` and does not overlap it.
    /// *Errors:* `errc::bad_record`; nothing can be decrypted after that.
    [[nodiscard]] result<void> decrypt_with_ad(std::span<const std::byte> ad,
                                               std::span<const std::byte> ciphertext,
                                               std::span<std::byte> into) noexcept;

private:
    std::array<std::byte, 12> next_nonce() noexcept;

    crypto::chacha20_poly1305 cipher_;
    std::uint64_t n_ = 0;
    bool broken_ = false;
};

/// §5.2: what both sides know so far, as a key and a hash.
class symmetric_state {
public:
    using hash = crypto::sha256::digest;

    explicit symmetric_state(std::span<const std::byte> prologue) noexcept;

    void mix_hash(std::span<const std::byte> data) noexcept;
    void mix_key(std::span<const std::byte> input) noexcept;
    /// Appends to `out`. In the clear before the first `mix_key`.
    void encrypt_and_hash(std::span<const std::byte> plaintext, buffer& out);
    /// *Errors:* `errc::bad_handshake`.
    result<std::vector<std::byte>> decrypt_and_hash(std::span<const std::byte> ciphertext);
    /// Bytes that encryption adds now.
    std::size_t overhead() const noexcept { return cipher_ ? tag_size : 0; }

    /// The keys of the initiator's and of the responder's messages.
    struct keys {
        cipher_state initiator, responder;
    };
    keys split() const noexcept;
    const hash& handshake_hash() const noexcept { return h_; }

private:
    crypto::secret<32> ck_;
    hash h_;
    std::optional<cipher_state> cipher_;
};

/// §5.3 for the pattern XX: → e, ← e ee s es, → s se.
class handshake_state {
public:
    /// `e` is for test vectors; a handshake makes its own. *Lifetime:* `s`, until it is finished.
    handshake_state(role own_role, const key_pair& s, std::span<const std::byte> prologue = {},
                    key_pair e = key_pair{}) noexcept
        : role_(own_role), symmetric_(prologue), s_(&s), e_(std::move(e)) {}

    /// Whether the next message is to be written here, not read. Precondition: not `finished`.
    bool writes_next() const noexcept;
    bool finished() const noexcept { return turn_ == 3; }
    /// Messages so far, of three.
    unsigned turn() const noexcept { return turn_; }

    /// Appends the next message. *Errors:* `errc::bad_handshake` for a key of the peer that is of
    /// low order. Precondition: it is this side's turn, and the message fits `longest_message`.
    result<void> write_message(std::span<const std::byte> payload, buffer& out);
    /// Gives the payload. *Errors:* `errc::malformed_handshake` for a message that is too short;
    /// `errc::bad_handshake`. Precondition: it is the peer's turn.
    result<std::vector<std::byte>> read_message(std::span<const std::byte> message);

    /// Precondition: finished.
    symmetric_state::keys split() const noexcept { return symmetric_.split(); }
    const symmetric_state::hash& handshake_hash() const noexcept {
        return symmetric_.handshake_hash();
    }
    /// The peer's static key, once its message has been read.
    const crypto::x25519::public_key& remote_static() const noexcept { return rs_; }

private:
    enum class token : std::uint8_t { e, s, ee, es, se };
    static std::span<const token> pattern(unsigned turn) noexcept;
    result<void> mix_dh(token t) noexcept;
    result<void> read_public_key(token t, std::span<const std::byte>& rest);

    role role_;
    unsigned turn_ = 0;
    symmetric_state symmetric_;
    const key_pair* s_;
    key_pair e_;
    crypto::x25519::public_key rs_{}, re_{};
};

}  // namespace copoll::p2p::noise
