// SPDX-License-Identifier: MIT OR Apache-2.0
// A file of its own: a component that does not call it has no part of it.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <copoll/tls/trust.hpp>

namespace copoll::tls {
namespace {

std::optional<std::string> content_of(const char* path) {
    const auto close = [](std::FILE* f) { std::fclose(f); };
    const std::unique_ptr<std::FILE, decltype(close)> file{std::fopen(path, "rb")};
    if (!file) return std::nullopt;
    constexpr std::size_t step = 65536;
    std::string text;
    for (std::size_t read = step; read == step;) {
        const std::size_t before = text.size();
        text.resize(before + step);
        read = std::fread(text.data() + before, 1, step, file.get());
        text.resize(before + read);
    }
    if (std::ferror(file.get())) return std::nullopt;
    return text;
}

std::unexpected<std::error_code> not_there() noexcept {
    return fail(std::make_error_code(std::errc::no_such_file_or_directory));
}

}  // namespace

result<trust_anchors> system_roots() {
    if (const char* named = std::getenv("SSL_CERT_FILE"); named && *named) {
        const auto bundle = content_of(named);
        return bundle ? trust_anchors::parse(*bundle) : not_there();
    }
    for (const char* path : {
             "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine
             "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora
             "/etc/pki/tls/certs/ca-bundle.crt",                   // older Fedora
             "/etc/ssl/ca-bundle.pem",                             // openSUSE
             "/etc/ssl/cert.pem",                                  // macOS, BSD
         }) {
        if (const auto bundle = content_of(path)) return trust_anchors::parse(*bundle);
    }
    return not_there();
}

}  // namespace copoll::tls
