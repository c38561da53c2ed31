// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// ClientHellos made by hand, as texts of bytes: right and wrong ones.

namespace copoll_tests {

/// The `size` bytes of a number, big-endian.
inline std::string number(std::size_t value, std::size_t size) {
    std::string text;
    while (size-- > 0) text += static_cast<char>(value >> 8 * size & 0xff);
    return text;
}
inline std::string u8(std::size_t value) { return number(value, 1); }
inline std::string u16(std::size_t value) { return number(value, 2); }
inline std::string u24(std::size_t value) { return number(value, 3); }
inline std::string u32(std::size_t value) { return number(value, 4); }

/// Content with its length in `size` bytes before it.
inline std::string sized(std::size_t size, std::string_view content) {
    return number(content.size(), size).append(content);
}
inline std::string numbers(std::initializer_list<std::uint16_t> values) {
    std::string text;
    for (const auto v : values) text += u16(v);
    return text;
}
/// What is in a file or on the wire, written as hexadecimal digits.
inline std::string from_hex(std::string_view digits) {
    const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string text;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        text += static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1]));
    return text;
}

inline std::string record(std::string_view fragment, unsigned type = 22, unsigned version = 0x301) {
    return u8(type) + u16(version) + sized(2, fragment);
}
/// The message in records of `size` bytes each.
inline std::string records(std::string_view message, std::size_t size = 16384) {
    std::string text;
    for (; !message.empty(); message.remove_prefix(std::min(size, message.size())))
        text += record(message.substr(0, size));
    return text;
}

inline std::string extension(std::uint16_t type, std::string_view data) {
    return u16(type) + sized(2, data);
}

/// What a ClientHello is made of; each part can be replaced by a wrong one.
struct hello_parts {
    std::string version = u16(0x303);
    std::string random = std::string(32, 'r');
    std::string session_id = sized(1, "session");
    std::string cipher_suites = sized(2, numbers({0x1301, 0xc02b}));
    std::string compressions = sized(1, std::string(1, '\0'));
    std::string extensions;  ///< as `extension` makes them
    bool without_extensions = false;

    std::string body() const {
        return version + random + session_id + cipher_suites + compressions +
               (without_extensions ? std::string{} : sized(2, extensions));
    }
    std::string message() const { return u8(1) + sized(3, body()); }
    std::string wire() const { return records(message()); }
};

/// A ClientHello with these extensions alone.
inline std::string hello_with(std::string extensions) {
    hello_parts parts;
    parts.extensions = std::move(extensions);
    return parts.wire();
}

namespace extensions {

inline std::string server_name(std::string_view name) {
    return extension(0, sized(2, u8(0) + sized(2, name)));
}
inline std::string alpn(std::initializer_list<std::string_view> ids) {
    std::string list;
    for (const auto id : ids) list += sized(1, id);
    return extension(16, sized(2, list));
}
inline std::string pre_shared_key(std::initializer_list<std::string_view> identities,
                                  std::size_t binders, std::size_t binder_size = 32) {
    std::string ids;
    for (const auto id : identities) ids += sized(2, id) + u32(7);
    std::string bound;
    for (std::size_t i = 0; i < binders; ++i) bound += sized(1, std::string(binder_size, 'b'));
    return extension(41, sized(2, ids) + sized(2, bound));
}

}  // namespace extensions
}  // namespace copoll_tests
