// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <cstddef>
#include <span>
#include <vector>

namespace bench {

/// What both sides of the bare loop share.
struct raw_identity {
    raw_identity();
    raw_identity(const raw_identity&) = delete;
    raw_identity& operator=(const raw_identity&) = delete;
    ~raw_identity();

    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
};

/// One end of a TLS connection by calls of mbedTLS alone: the ceiling.
class raw_side {
public:
    /// `suite`: the only one.
    raw_side(bool server, raw_identity& identity, int suite);
    raw_side(const raw_side&) = delete;
    raw_side& operator=(const raw_side&) = delete;
    ~raw_side();

    /// As far as it gets with what has come in. True when it is complete.
    bool shake_hands();
    void write(std::span<const std::byte> bytes);
    std::size_t read(std::span<std::byte> into);

    void receive(std::vector<std::byte>&& bytes) noexcept { in_ = std::move(bytes), taken_ = 0; }
    std::vector<std::byte> take_output() noexcept { return std::move(out_); }

private:
    static int send(void* p, const unsigned char* bytes, std::size_t n);
    static int receive_some(void* p, unsigned char* into, std::size_t n);

    mbedtls_ssl_config config_;
    mbedtls_ssl_context ssl_;
    int suites_[2];
    std::vector<std::byte> in_;
    std::size_t taken_ = 0;
    std::vector<std::byte> out_;
};

}  // namespace bench
