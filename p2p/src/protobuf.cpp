// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/protobuf.hpp>

#include <algorithm>

#include <copoll/buffer.hpp>
#include <copoll/detail/assert.hpp>

namespace copoll::p2p::protobuf {
namespace {

constexpr std::uint64_t most_number = (std::uint64_t{1} << 29) - 1;
constexpr std::size_t longest_varint = 10;  // 64 bits; unlike multiformats' it need not be shortest

std::uint64_t little_endian(std::span<const std::byte> bytes) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
        value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    return value;
}

}  // namespace

result<std::uint64_t> reader::take_varint() noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < std::min(rest_.size(), longest_varint); ++i) {
        const auto b = std::to_integer<std::uint64_t>(rest_[i]);
        if (i + 1 == longest_varint && b > 1) break;  // over 64 bits
        value |= (b & 0x7f) << (7 * i);
        if (b >= 0x80) continue;
        rest_ = rest_.subspan(i + 1);
        return value;
    }
    return fail(errc::malformed_message);
}

result<std::span<const std::byte>> reader::take(std::uint64_t n) noexcept {
    if (n > rest_.size()) return fail(errc::malformed_message);
    const auto taken = rest_.first(static_cast<std::size_t>(n));
    rest_ = rest_.subspan(taken.size());
    return taken;
}

result<std::optional<field>> reader::next() noexcept {
    if (rest_.empty()) return std::nullopt;
    const auto tag = take_varint();
    if (!tag) return fail(tag.error());
    const std::uint64_t number = *tag >> 3;
    if (number == 0 || number > most_number) return fail(errc::malformed_message);
    field f{static_cast<std::uint32_t>(number), static_cast<wire_type>(*tag & 7), 0, {}};
    switch (f.type) {
        case wire_type::varint: {
            const auto value = take_varint();
            if (!value) return fail(value.error());
            f.value = *value;
            return f;
        }
        case wire_type::fixed64:
        case wire_type::fixed32: {
            const auto bytes = take(f.type == wire_type::fixed64 ? 8 : 4);
            if (!bytes) return fail(bytes.error());
            f.value = little_endian(*bytes);
            return f;
        }
        case wire_type::bytes: {
            const auto size = take_varint();
            if (!size) return fail(size.error());
            const auto bytes = take(*size);
            if (!bytes) return fail(bytes.error());
            f.data = *bytes;
            return f;
        }
    }
    return fail(errc::malformed_message);
}

void writer::put(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) message_.push_back(static_cast<std::byte>(value | 0x80));
    message_.push_back(static_cast<std::byte>(value));
}

writer& writer::varint(std::uint32_t number, std::uint64_t value) {
    copoll::detail::expects(number >= 1 && number <= 15, "protobuf: field number");
    put(number << 3 | static_cast<unsigned>(wire_type::varint));
    put(value);
    return *this;
}

writer& writer::bytes(std::uint32_t number, std::span<const std::byte> data) {
    copoll::detail::expects(number >= 1 && number <= 15, "protobuf: field number");
    put(number << 3 | static_cast<unsigned>(wire_type::bytes));
    put(data.size());
    message_.insert(message_.end(), data.begin(), data.end());
    return *this;
}

writer& writer::text(std::uint32_t number, std::string_view data) {
    return bytes(number, bytes_of(data));
}

}  // namespace copoll::p2p::protobuf
