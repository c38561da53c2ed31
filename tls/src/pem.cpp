// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pem.hpp"

#include <mbedtls/pem.h>

#include <algorithm>
#include <string>

#include <copoll/tls/error.hpp>

#include "der.hpp"

namespace copoll::tls::detail {
namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";

struct pem_context : mbedtls_pem_context {
    pem_context() noexcept { mbedtls_pem_init(this); }
    pem_context(const pem_context&) = delete;
    pem_context& operator=(const pem_context&) = delete;
    ~pem_context() { mbedtls_pem_free(this); }
    std::span<const unsigned char> bytes() noexcept {
        std::size_t size = 0;
        const unsigned char* data = mbedtls_pem_get_buffer(this, &size);
        return {data, size};
    }
};

std::string line(std::string_view kind, std::string_view label) {
    std::string text = "-----";
    return text.append(kind).append(" ").append(label).append("-----");
}

/// mbedTLS reads to a NUL.
secret terminated(std::string_view text) {
    secret copy{text.size() + 1};
    std::ranges::copy(text, copy.data());
    return copy;
}

std::vector<std::vector<std::byte>> der_values(std::string_view text) {
    std::vector<std::vector<std::byte>> values;
    for (der_reader rest{{raw(text), text.size()}}; !rest.empty();) {
        const auto before = rest.bytes();
        if (!rest.enter(der_sequence)) {
            values.emplace_back();
            break;
        }
        const auto value = std::as_bytes(before.first(before.size() - rest.bytes().size()));
        values.emplace_back(value.begin(), value.end());
    }
    return values;
}

}  // namespace

bool is_pem(std::string_view text) noexcept { return text.contains(begin_mark); }

std::vector<std::vector<std::byte>> blocks(std::string_view pem_or_der, std::string_view label) {
    if (!is_pem(pem_or_der)) return der_values(pem_or_der);
    std::vector<std::vector<std::byte>> found;
    const std::string begin = line("BEGIN", label);
    const std::string end = line("END", label);
    // a block at a time: mbedTLS would measure the whole rest for each
    for (std::string_view rest = pem_or_der;;) {
        const std::size_t from = rest.find(begin);
        if (from == rest.npos) return found;
        rest.remove_prefix(from);
        const std::size_t to = rest.find(end);
        const std::size_t size = to == rest.npos ? rest.size() : to + end.size();
        const secret block = terminated(rest.substr(0, size));
        rest.remove_prefix(size);
        pem_context pem;
        std::size_t used = 0;
        found.emplace_back();
        if (mbedtls_pem_read_buffer(&pem, begin.c_str(), end.c_str(), block.data(), nullptr, 0,
                                    &used) == 0) {
            const auto bytes = std::as_bytes(pem.bytes());
            found.back().assign(bytes.begin(), bytes.end());
        }
    }
}

result<std::optional<secret>> key_block(std::string_view text, std::string_view label,
                                        std::string_view passphrase) {
    const secret copy = terminated(text);
    pem_context pem;
    std::size_t used = 0;
    const int bad = mbedtls_pem_read_buffer(&pem, line("BEGIN", label).c_str(),
                                            line("END", label).c_str(), copy.data(),
                                            raw(passphrase), passphrase.size(), &used);
    switch (bad) {
        case 0: break;
        case MBEDTLS_ERR_PEM_NO_HEADER_FOOTER_PRESENT: return std::nullopt;
        case MBEDTLS_ERR_PEM_PASSWORD_REQUIRED:
        case MBEDTLS_ERR_PEM_PASSWORD_MISMATCH: return fail(errc::passphrase_wrong);
        case MBEDTLS_ERR_PEM_UNKNOWN_ENC_ALG: return fail(copoll::errc::not_supported);
        default: return fail(errc::private_key_malformed);
    }
    const auto bytes = pem.bytes();
    // a wrong passphrase leaves padding that looks right in one of 256 cases
    if (text.contains("Proc-Type: 4,ENCRYPTED") && !is_one_sequence(bytes))
        return fail(errc::passphrase_wrong);
    secret key{bytes.size()};
    std::ranges::copy(bytes, key.data());
    return key;
}

}  // namespace copoll::tls::detail
