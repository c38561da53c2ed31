// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/p2p/error.hpp>

/// Protocol buffers as far as libp2p's messages go: fields of integers and bytes. Messages of a
/// peer are read in place, field by field, so nothing is allocated by their say-so.
namespace copoll::p2p::protobuf {

enum class wire_type : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct field {
    std::uint32_t number;  ///< 1 to 2^29 - 1
    wire_type type;
    std::uint64_t value;              ///< of a varint or fixed one
    std::span<const std::byte> data;  ///< of bytes, within the message
};

/// The fields of a message, in the order in which they stand there.
///
///     protobuf::reader fields{message};
///     for (;;) {
///         const auto f = fields.next();
///         if (!f) return fail(f.error());
///         if (!*f) break;  // the end
///         if ((*f)->number == 1 && (*f)->type == wire_type::bytes) key = (*f)->data;
///     }
class reader {
public:
    /// *Lifetime:* `message`, as long as the fields are used.
    explicit reader(std::span<const std::byte> message) noexcept : rest_(message) {}

    /// None at the end. *Errors:* `errc::malformed_message`; then there is no next one. Groups,
    /// which no message of libp2p has, are malformed here.
    result<std::optional<field>> next() noexcept;

private:
    result<std::uint64_t> take_varint() noexcept;
    result<std::span<const std::byte>> take(std::uint64_t n) noexcept;

    std::span<const std::byte> rest_;
};

/// Builds a message, with integers as short as they can be.
class writer {
public:
    /// Field numbers are 1 to 15.
    writer& varint(std::uint32_t number, std::uint64_t value);
    writer& bytes(std::uint32_t number, std::span<const std::byte> data);
    writer& text(std::uint32_t number, std::string_view data);

    std::span<const std::byte> message() const noexcept { return message_; }
    std::vector<std::byte> take() noexcept { return std::move(message_); }

private:
    void put(std::uint64_t value);

    std::vector<std::byte> message_;
};

}  // namespace copoll::p2p::protobuf
