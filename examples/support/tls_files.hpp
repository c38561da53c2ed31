// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/tls/error.hpp>
#include <copoll/tls/identity.hpp>
#include <copoll/tls/options.hpp>
#include <copoll/tls/trust.hpp>

#include "files.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// What TLS programs keep in files. Errors name the file.

namespace examples {

using namespace copoll;

/// A certificate chain and its key, in PEM or DER.
inline result<tls::private_identity> read_identity(const std::string& cert,
                                                   const std::string& key) {
    const auto chain = read_file(cert);
    if (!chain) return fail(chain.error());
    const auto secret = read_file(key);
    if (!secret) return fail(secret.error());
    auto identity = tls::private_identity::parse(*secret, *chain);
    if (identity) return identity;
    const std::error_code ec = identity.error();
    return fail(about(ec == tls::errc::certificate_malformed ? cert : key, ec));
}

inline result<tls::trust_anchors> read_roots(const std::string& path) {
    const auto text = read_file(path);
    if (!text) return fail(text.error());
    auto roots = tls::trust_anchors::parse(*text);
    if (roots) return roots;
    return fail(about(path, roots.error()));
}

/// Appends to a file that Wireshark takes as its "(Pre)-Master-Secret log".
inline result<tls::key_log> log_keys(const std::string& path) {
    const std::shared_ptr<std::FILE> to{std::fopen(path.c_str(), "a"), [](std::FILE* f) {
                                            if (f) std::fclose(f);
                                        }};
    if (!to) return fail(about_errno(path));
    return [to](std::string_view line) {
        std::fprintf(to.get(), "%.*s\n", static_cast<int>(line.size()), line.data());
        std::fflush(to.get());
    };
}

}  // namespace examples
