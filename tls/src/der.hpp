// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/asn1.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace copoll::tls::detail {

constexpr int der_sequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
constexpr int der_context = MBEDTLS_ASN1_CONTEXT_SPECIFIC;
constexpr int der_explicit = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_CONTEXT_SPECIFIC;

/// Reads DER values one behind the other. What does not fit gives nothing, and the reader is not to
/// be used after that. Values lie in the memory that is read.
class der_reader {
public:
    explicit der_reader(std::span<const unsigned char> bytes) noexcept
        : at_(const_cast<unsigned char*>(bytes.data())),  // mbedTLS writes nothing through it
          end_(bytes.data() + bytes.size()) {}

    std::span<const unsigned char> bytes() const noexcept { return {at_, end_}; }
    bool empty() const noexcept { return at_ == end_; }
    bool next_is(int tag) const noexcept { return !empty() && *at_ == tag; }

    /// The content of the next value, which has this tag.
    std::optional<der_reader> enter(int tag) noexcept {
        std::size_t size = 0;
        if (mbedtls_asn1_get_tag(&at_, end_, &size, tag) != 0) return std::nullopt;
        const std::span<const unsigned char> content{at_, size};
        at_ += size;
        return der_reader{content};
    }
    std::optional<std::span<const unsigned char>> octets(int tag = MBEDTLS_ASN1_OCTET_STRING) {
        const auto content = enter(tag);
        if (!content) return std::nullopt;
        return content->bytes();
    }
    /// One that is not negative and fits.
    std::optional<int> integer() noexcept {
        int value = 0;
        if (mbedtls_asn1_get_int(&at_, end_, &value) != 0) return std::nullopt;
        return value;
    }

    struct algorithm {
        mbedtls_asn1_buf oid{};
        mbedtls_asn1_buf params{};
    };
    /// An AlgorithmIdentifier.
    std::optional<algorithm> identifier() noexcept {
        algorithm a;
        if (mbedtls_asn1_get_alg(&at_, end_, &a.oid, &a.params) != 0) return std::nullopt;
        return a;
    }

private:
    unsigned char* at_;
    const unsigned char* end_;
};

/// `text` is one of the MBEDTLS_OID_… strings.
inline bool is_oid(std::span<const unsigned char> oid, std::string_view text) noexcept {
    return std::ranges::equal(
        oid, text, [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); });
}

/// The content of an algorithm's parameters, which are a SEQUENCE.
inline std::optional<der_reader> sequence_of(const mbedtls_asn1_buf& params) noexcept {
    if (params.tag != der_sequence) return std::nullopt;
    return der_reader{{params.p, params.len}};
}

/// One DER SEQUENCE, with nothing behind it?
inline bool is_one_sequence(std::span<const unsigned char> bytes) noexcept {
    der_reader reader{bytes};
    return reader.enter(der_sequence) && reader.empty();
}

}  // namespace copoll::tls::detail
