// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/engine.hpp>
#include <copoll/p2p/error.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/key.hpp>
#include <copoll/p2p/noise_xx.hpp>
#include <copoll/p2p/peer_id.hpp>

/// Noise as libp2p uses it (libp2p Noise specification, revision 5): every message behind its
/// length in two bytes, and in the handshake each side's key with a proof that it holds it.
/// Without I/O; `secure_stream` is for those who want a stream.

namespace copoll::p2p::noise {

/// Messages after the handshake: whole records in, whole records out.
class session {
public:
    static constexpr std::size_t header_size = 2;
    /// Bytes that a record is longer than what it carries.
    static constexpr std::size_t overhead = header_size + tag_size;
    /// Bytes that the records made here carry at most: with their frame they are 64 KiB, what a
    /// host takes in one call. A peer may send one byte more.
    static constexpr std::size_t most_sealed = 65536 - overhead;

    session(cipher_state sending, cipher_state receiving) noexcept
        : sending_(std::move(sending)), receiving_(std::move(receiving)) {}

    /// Appends the records of `plaintext` to `out`, as few as can be; none for no bytes.
    void seal(std::span<const std::byte> plaintext, buffer& out);

    /// The size of the record at the front of `bytes`; none if fewer than `header_size` are there.
    /// *Errors:* `errc::bad_record` for one that is too short to be one.
    static result<std::optional<std::size_t>> record_size(
        std::span<const std::byte> bytes) noexcept;

    /// Decrypts a whole record to `into`, which is shorter by `overhead`, and may be empty.
    /// *Errors:* `errc::bad_record`; nothing can be opened after that.
    [[nodiscard]] result<void> open(std::span<const std::byte> record,
                                    std::span<std::byte> into) noexcept;

private:
    cipher_state sending_, receiving_;
};

struct handshake_options {
    /// Whom the peer must be; anybody if not given.
    std::optional<peer_id> expected{};
    /// Muxers to agree on within the handshake (libp2p inlined muxer negotiation), in order of
    /// preference. None, or a peer that names none: `muxer` is empty, and it is to be negotiated.
    std::vector<std::string> muxers{};
};

/// The three messages. The dialer is `complete` when it has written the third, so that what it
/// sends next can leave with it.
class handshake {
public:
    handshake(role own_role, const identity& own, handshake_options options = {});

    /// See engine.hpp. *Errors:* `errc::malformed_handshake`; `errc::bad_handshake`;
    /// `errc::bad_identity`, and those of `public_key::decode`, for a peer that does not prove who
    /// it is; `errc::wrong_peer`; `errc::no_common_muxer`.
    result<progress> advance(buffer& in, buffer& out);

    // Precondition of all: complete.
    const public_key& remote_key() const noexcept { return *remote_key_; }
    const peer_id& remote_peer() const noexcept { return *remote_peer_; }
    const std::optional<std::string>& muxer() const noexcept { return muxer_; }
    session start_session() const noexcept;

private:
    result<void> write(buffer& out);
    result<void> read(std::span<const std::byte> message);
    result<void> take_payload(std::span<const std::byte> payload);
    std::vector<std::byte> own_payload() const;
    result<void> choose_muxer(std::span<const std::string> offered);

    role role_;
    identity own_;
    handshake_options options_;
    handshake_state state_;
    std::optional<public_key> remote_key_;
    std::optional<peer_id> remote_peer_;
    std::optional<std::string> muxer_;
};

}  // namespace copoll::p2p::noise
