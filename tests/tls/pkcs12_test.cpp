// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/identity.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include <copoll/buffer.hpp>
#include <copoll/tls/error.hpp>

#include "identities.hpp"
#include "support/error_of.hpp"

namespace {

using namespace copoll_tests;
using tls::private_identity;

auto parse(std::string_view file, std::string_view passphrase) {
    return private_identity::parse_pkcs12(bytes_of(file), passphrase);
}

struct sample {
    const char* name;
    std::string_view file;
    std::string_view passphrase = pem::passphrase;
};

constexpr sample samples[] = {
    {"as openssl makes them", pem::server_p12},
    {"3DES and a MAC with SHA-1", pem::server_p12_3des},
    {"MAC with SHA-512", pem::server_p12_sha512},
    {"AES-128", pem::server_p12_aes128},
    {"not encrypted", pem::server_p12_plain},
    {"without MAC", pem::server_p12_without_mac},
    {"passphrase of many kinds of characters", pem::server_p12_unicode, pem::unicode_passphrase},
    {"the same, 3DES", pem::server_p12_unicode_3des, pem::unicode_passphrase},
    {"no passphrase", pem::server_p12_empty_passphrase, ""},
    {"no passphrase, 3DES", pem::server_p12_empty_passphrase_3des, ""},
};

TEST_CASE("pkcs12: a file gives the key and the chain, leaf first") {
    const auto expected = private_identity::parse(pem::server_p256_key, pem::server_p256_chain);
    REQUIRE(expected);
    for (const auto& [name, file, passphrase] : samples) {
        INFO(name);
        const auto parsed = parse(file, passphrase);
        CHECK(error_of(parsed) == no_error);
        if (parsed) CHECK(parsed->identity() == expected->identity());
    }
}

TEST_CASE("pkcs12: certificates that are no part of the chain are left out") {
    const auto with_root = parse(pem::server_p12_with_root, pem::passphrase);
    REQUIRE(with_root);
    CHECK(with_root->identity().export_x509_chain().size() == 3);
    CHECK(text_of(with_root->identity().export_x509_chain().back()) == pem::root_ca_der);
    const auto with_stranger = parse(pem::server_p12_with_stranger, pem::passphrase);
    REQUIRE(with_stranger);
    CHECK(with_stranger->identity().export_x509_chain().size() == 2);
}

TEST_CASE("pkcs12: keys of other kinds") {
    const auto rsa = parse(pem::server_rsa_p12, pem::passphrase);
    REQUIRE(rsa);
    CHECK(rsa->identity().leaf().key == tls::key_kind::rsa);
    CHECK(error_of(parse(pem::client_p12, pem::passphrase)) == no_error);
}

TEST_CASE("pkcs12: a wrong passphrase is told from a damaged file") {
    for (const auto& [name, file, passphrase] : samples) {
        INFO(name);
        if (file == pem::server_p12_without_mac) continue;
        CHECK(error_of(parse(file, "wrong")) == tls::errc::passphrase_wrong);
        if (passphrase.empty()) continue;
        CHECK(error_of(parse(file, "")) == tls::errc::passphrase_wrong);
    }
    for (int i = 0; i < 300; ++i) {
        const std::string wrong = "wrong " + std::to_string(i);
        const auto ec = error_of(parse(pem::server_p12_without_mac, wrong));
        if (ec != tls::errc::passphrase_wrong) FAIL_CHECK(wrong << ": " << ec.message());
    }
}

TEST_CASE("pkcs12: RC2 is not supported") {
    CHECK(error_of(parse(pem::server_p12_rc2, pem::passphrase)) == copoll::errc::not_supported);
}

TEST_CASE("pkcs12: a file without a key is malformed") {
    CHECK(error_of(parse(pem::p12_without_key, pem::passphrase)) == tls::errc::pkcs12_malformed);
}

TEST_CASE("pkcs12: what is none is malformed") {
    for (const std::string_view bad :
         {std::string_view{}, std::string_view{"pfx"}, pem::server_p256_key,
          pem::p256_certificate_der, pem::p256_key_pkcs8_der})
        CHECK(error_of(parse(bad, pem::passphrase)) == tls::errc::pkcs12_malformed);
}

TEST_CASE("pkcs12: a file that is cut anywhere is malformed") {
    for (std::size_t size = 0; size < pem::server_p12_plain.size(); ++size) {
        const auto ec = error_of(parse(pem::server_p12_plain.substr(0, size), pem::passphrase));
        if (ec != tls::errc::pkcs12_malformed) FAIL_CHECK(size << ": " << ec.message());
    }
}

TEST_CASE("pkcs12: a MAC finds each byte that was changed under it") {
    const std::string_view good = pem::server_p12_plain;
    const std::size_t mac = good.rfind("\x30\x41");  // as below
    for (std::size_t at = 0; at < mac; at += 5) {
        std::string bad{good};
        bad[at] = static_cast<char>(bad[at] ^ 0x04);
        if (error_of(parse(bad, pem::passphrase)) == no_error) FAIL_CHECK(at);
    }
}

TEST_CASE("pkcs12: without a MAC, bytes changed anywhere give an error or a value") {
    const std::string_view good = pem::server_p12_plain_without_mac;
    constexpr int flips[] = {0x01, 0x80, 0xff, 0x10};
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad{good};
        bad[at] = static_cast<char>(bad[at] ^ flips[at % 4]);
        static_cast<void>(parse(bad, pem::passphrase));
    }
}

TEST_CASE("pkcs12: a file cannot ask for hours of key derivation") {
    std::string file{pem::server_p12_plain};
    const std::size_t iterations = file.rfind("\x02\x02\x08\x00");  // 2048, at the end of the MAC
    // the same as a number of four bytes, in a file that is two bytes longer
    REQUIRE(iterations != std::string::npos);
    const auto longer = [&](std::size_t length_at) {
        const auto size = static_cast<unsigned char>(file[length_at + 1]) + 2 +
                          256 * static_cast<unsigned char>(file[length_at]);
        file[length_at] = static_cast<char>(size >> 8);
        file[length_at + 1] = static_cast<char>(size & 0xff);
    };
    const std::size_t mac = file.rfind("\x30\x41");  // SEQUENCE of 65 bytes: MacData with SHA-256
    REQUIRE(mac != std::string::npos);
    file.replace(iterations, 4, std::string_view{"\x02\x04\x7f\xff\xff\xff", 6});
    file[mac + 1] = '\x43';
    longer(2);  // of the whole
    CHECK(error_of(parse(file, pem::passphrase)) == copoll::errc::not_supported);
}

}  // namespace
