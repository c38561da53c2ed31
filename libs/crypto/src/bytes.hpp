// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <span>

/// The C libraries' view of bytes.
namespace copoll::crypto {

inline unsigned char* raw(std::byte* bytes) noexcept {
    return reinterpret_cast<unsigned char*>(bytes);
}
inline const unsigned char* raw(const std::byte* bytes) noexcept {
    return reinterpret_cast<const unsigned char*>(bytes);
}

/// An address for C functions that do not take a null pointer even for no bytes.
inline unsigned char* never_null(std::span<std::byte> bytes) noexcept {
    static std::byte none;
    return raw(bytes.empty() ? &none : bytes.data());
}
inline const unsigned char* never_null(std::span<const std::byte> bytes) noexcept {
    static constexpr std::byte none{};
    return raw(bytes.empty() ? &none : bytes.data());
}

/// The C object that lies in a class's opaque storage.
template <class State, class Storage>
State* state_in(Storage& storage) noexcept {
    static_assert(sizeof(State) <= sizeof(Storage) && alignof(State) <= 8);
    return reinterpret_cast<State*>(storage.data());
}

}  // namespace copoll::crypto
