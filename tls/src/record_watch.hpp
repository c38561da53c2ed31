// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>

#include <copoll/tls/error.hpp>

#include "trace.hpp"

namespace copoll::tls::detail {

/// Looks at the records of the peer before mbedTLS does, which takes some that it must not, and
/// drops others without a word or a limit.
class record_watch {
public:
    struct refusal {
        std::error_code why;
        std::optional<alert> told;  ///< none if the peer's own alert is what ended it
    };

    /// Tells it of each record. *Lifetime:* `of`, as long as this.
    void tell(const trace& of) noexcept { trace_ = &of; }
    /// At each call of mbedTLS for input: what it has dropped is still in its buffer.
    std::optional<refusal> look_back(const mbedtls_ssl_context& ssl) noexcept;
    /// What mbedTLS gets now.
    std::optional<refusal> pass(const mbedtls_ssl_context& ssl,
                                std::span<const std::byte> bytes) noexcept;
    /// Something came of the records so far: the peer may go on wasting some.
    void progressed() noexcept { warnings_ = changes_of_cipher_ = 0; }

private:
    std::optional<refusal> check_header(const mbedtls_ssl_context& ssl) noexcept;

    static constexpr std::size_t header_size = 5;
    std::array<std::byte, header_size> header_{};
    std::size_t header_filled_ = 0;
    std::size_t body_left_ = 0;
    bool looked_back_ = false;
    const trace* trace_ = nullptr;
    bool encrypted_ = false;       ///< a record of TLS 1.3 with keys has come
    bool alert_in_clear_ = false;  ///< comes, though this side has keys
    unsigned warnings_ = 0;
    unsigned changes_of_cipher_ = 0;
};

}  // namespace copoll::tls::detail
