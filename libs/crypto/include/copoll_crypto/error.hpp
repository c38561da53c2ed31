// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <expected>
#include <system_error>
#include <type_traits>

namespace copoll::crypto {

/// Why a primitive refused what it was given. All of it can come from a peer.
enum class errc {
    bad_tag = 1,      ///< Not encrypted with this key, nonce and associated data, or damaged.
    bad_signature,    ///< Not made by the holder of the key over this message.
    low_order_point,  ///< A public key whose shared secret is the same for every private key.
    malformed_key,    ///< Not a key in its documented form.
    unsupported_key,  ///< A key of a kind or size that is not taken.
    too_long,         ///< More output than the function can give.
};

const std::error_category& category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}

/// A value or an error; the same type as `copoll::result`.
template <class T>
using result = std::expected<T, std::error_code>;

}  // namespace copoll::crypto

template <>
struct std::is_error_code_enum<copoll::crypto::errc> : std::true_type {};
