// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <copoll/tls/options.hpp>

namespace copoll::tls::detail {

/// Tells a `trace_sink` what goes over the wire.
class trace {
public:
    /// None: nothing is told. *Lifetime:* `to`, as long as this.
    explicit trace(const trace_sink* to = nullptr) noexcept : to_(to && *to ? to : nullptr) {}

    /// Whole records, as they leave. Handshake messages in them can be read unless `encrypted`.
    void sent(std::span<const std::byte> records, bool encrypted) const;
    /// The header of a record.
    void received(std::uint8_t type, std::size_t size) const;
    /// A handshake message of the peer, decrypted, with its header.
    void message(std::span<const std::byte> message) const;

private:
    const trace_sink* to_;
};

}  // namespace copoll::tls::detail
