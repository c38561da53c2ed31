// SPDX-License-Identifier: MIT OR Apache-2.0
#include "crypto_ready.hpp"

#include <psa/crypto.h>

#include <copoll/tls/error.hpp>

namespace copoll::tls::detail {

result<void> crypto_ready() noexcept {
    static const psa_status_t status = psa_crypto_init();
    if (status != PSA_SUCCESS) return fail(errc::internal);
    return {};
}

}  // namespace copoll::tls::detail
