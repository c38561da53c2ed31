// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll_crypto/error.hpp>

#include <string>

namespace copoll::crypto {
namespace {

class crypto_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "copoll.crypto"; }

    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::bad_tag: return "not encrypted with this key, or damaged";
            case errc::bad_signature: return "signature does not belong to this key and message";
            case errc::low_order_point: return "public key of low order";
            case errc::malformed_key: return "malformed key";
            case errc::unsupported_key: return "key of an unsupported kind or size";
            case errc::too_long: return "more output than can be given";
        }
        return "unknown cryptographic error";
    }
};

}  // namespace

const std::error_category& category() noexcept {
    static const crypto_category instance;
    return instance;
}

}  // namespace copoll::crypto
