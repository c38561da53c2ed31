// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/ssl.h>

#include <cstdint>
#include <string>
#include <vector>

#include <copoll/tls/client_hello.hpp>
#include <copoll/tls/options.hpp>

namespace copoll::tls::detail {

struct version_range {
    protocol_version min, max;
};
/// Those that are spoken: a version without a suite is not.
version_range versions_of(const protocol_parameters& protocol) noexcept;

/// mbedTLS's configuration of one connection, with the lists that it points to. Each connection has
/// its own (200 bytes): what a server answers depends on the ClientHello. Must not move.
class ssl_config {
public:
    ssl_config() noexcept { mbedtls_ssl_config_init(&native_); }
    ssl_config(const ssl_config&) = delete;
    ssl_config& operator=(const ssl_config&) = delete;
    ~ssl_config() { mbedtls_ssl_config_free(&native_); }

    /// Both return an error of mbedTLS, or 0. What the options hold is referred to, not copied.
    int set_up(const client_options& options);
    int set_up(const server_options& options, const client_hello& hello);

    mbedtls_ssl_config& native() noexcept { return native_; }
    /// Whether this suite can be agreed on.
    bool has_suite(int suite) const noexcept;

private:
    int set_up_common(int endpoint, const protocol_parameters& protocol,
                      const std::vector<std::string>& alpn);
    void set_suites(const protocol_parameters& protocol, const client_hello* hello);

    mbedtls_ssl_config native_;
    trust_anchors roots_;
    std::vector<int> suites_;
    std::vector<std::uint16_t> groups_;
    std::vector<std::uint16_t> schemes_;
    std::vector<const char*> alpn_;
};

}  // namespace copoll::tls::detail
