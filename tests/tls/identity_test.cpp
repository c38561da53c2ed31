// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/identity.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/tls/error.hpp>

#include "identities.hpp"
#include "support/error_of.hpp"

namespace {

using namespace copoll_tests;
using tls::certificate;
using tls::private_identity;

std::error_code error_of_parse(std::string_view key, std::string_view chain,
                               std::string_view passphrase = {}) {
    return error_of(private_identity::parse(key, chain, passphrase));
}

std::string without(std::string_view text, std::size_t from, std::size_t size = 1) {
    std::string rest{text};
    return rest.erase(from, size);
}

/// The PEM blocks of `text`, in the other order.
std::string reversed(std::string_view text) {
    const std::size_t second = text.find("-----BEGIN", 1);
    return std::string{text.substr(second)} + std::string{text.substr(0, second)};
}

struct pair {
    const char* name;
    std::string_view key;
    std::string_view chain;
};

TEST_CASE("identity: keys of each kind with their chains are taken") {
    for (const auto& [name, key, chain] : {
             pair{"P-256", pem::server_p256_key, pem::server_p256_chain},
             pair{"P-384", pem::server_p384_key, pem::server_p384_chain},
             pair{"P-521", pem::server_p521_key, pem::server_p521_chain},
             pair{"RSA", pem::server_rsa_key, pem::server_rsa_chain},
             pair{"RSA of 1024 bits", pem::server_rsa1024_key, pem::server_rsa1024_chain},
             pair{"expired", pem::server_expired_key, pem::server_expired_chain},
             pair{"self-signed", pem::server_self_signed_key, pem::server_self_signed_chain},
         }) {
        INFO(name);
        CHECK(error_of_parse(key, chain) == no_error);
    }
}

TEST_CASE("identity: a key is taken in each form that it comes in") {
    for (const auto& [name, key, chain] : {
             pair{"SEC1", pem::p256_key_sec1, pem::server_p256_chain},
             pair{"SEC1 in DER", pem::p256_key_sec1_der, pem::server_p256_chain},
             pair{"SEC1, AES", pem::p256_key_sec1_aes, pem::server_p256_chain},
             pair{"PKCS#1", pem::rsa_key_pkcs1, pem::server_rsa_chain},
             pair{"PKCS#1 in DER", pem::rsa_key_pkcs1_der, pem::server_rsa_chain},
             pair{"PKCS#1, AES", pem::rsa_key_pkcs1_aes, pem::server_rsa_chain},
             pair{"PKCS#1, 3DES", pem::rsa_key_pkcs1_3des, pem::server_rsa_chain},
             pair{"PKCS#8 in DER", pem::p256_key_pkcs8_der, pem::server_p256_chain},
             pair{"PKCS#8, AES", pem::p256_key_pkcs8_aes, pem::server_p256_chain},
             pair{"PKCS#8, AES in DER", pem::p256_key_pkcs8_aes_der, pem::server_p256_chain},
             pair{"PKCS#8, SHA-512", pem::p256_key_pkcs8_sha512, pem::server_p256_chain},
             pair{"PKCS#8, 3DES", pem::rsa_key_pkcs8_3des, pem::server_rsa_chain},
         }) {
        INFO(name);
        CHECK(error_of_parse(key, chain, pem::passphrase) == no_error);
    }
}

TEST_CASE("identity: a chain in DER is taken") {
    CHECK(error_of_parse(pem::server_p256_key, pem::p256_certificate_der) == no_error);
    const auto whole = private_identity::parse(pem::server_p256_key, pem::server_p256_chain);
    REQUIRE(whole);
    std::string der;
    for (const auto& c : whole->identity().export_x509_chain()) der += text_of(c);
    const auto again = private_identity::parse(pem::server_p256_key, der);
    REQUIRE(again);
    CHECK(again->identity() == whole->identity());
}

TEST_CASE("identity: text around the PEM blocks, CR LF and an unused passphrase do not matter") {
    const std::string text = "subject=CN = example.com\n" + std::string{pem::server_p256_chain};
    CHECK(error_of_parse(pem::server_p256_key, text, "not needed") == no_error);
    CHECK(error_of_parse(text + std::string{pem::server_p256_key}, text) == no_error);
    std::string windows;
    for (const char c : text) {
        if (c == '\n') windows += '\r';
        windows += c;
    }
    CHECK(error_of_parse(pem::server_p256_key, windows) == no_error);
}

TEST_CASE("identity: a wrong passphrase is told from a damaged key") {
    for (const auto& [name, key, chain] : {
             pair{"SEC1, AES", pem::p256_key_sec1_aes, pem::server_p256_chain},
             pair{"PKCS#1, 3DES", pem::rsa_key_pkcs1_3des, pem::server_rsa_chain},
             pair{"PKCS#8, AES", pem::p256_key_pkcs8_aes, pem::server_p256_chain},
             pair{"PKCS#8, AES in DER", pem::p256_key_pkcs8_aes_der, pem::server_p256_chain},
             pair{"PKCS#8, 3DES", pem::rsa_key_pkcs8_3des, pem::server_rsa_chain},
         }) {
        INFO(name);
        CHECK(error_of_parse(key, chain) == tls::errc::passphrase_wrong);
        CHECK(error_of_parse(key, chain, "") == tls::errc::passphrase_wrong);
        CHECK(error_of_parse(key, chain, "wrong") == tls::errc::passphrase_wrong);
    }
}

TEST_CASE("identity: no wrong passphrase gets through by chance") {
    // one in 256 leaves padding that looks right
    for (int i = 0; i < 600; ++i) {
        const std::string wrong = "wrong " + std::to_string(i);
        const auto ec = error_of_parse(pem::rsa_key_pkcs1_aes, pem::server_rsa_chain, wrong);
        if (ec != tls::errc::passphrase_wrong) FAIL_CHECK(wrong << ": " << ec.message());
    }
}

TEST_CASE("identity: a key of another certificate is refused") {
    for (const std::string_view key :
         {pem::other_server_key, pem::server_p384_key, pem::server_rsa_key})
        CHECK(error_of_parse(key, pem::server_p256_chain) == tls::errc::private_key_mismatch);
    CHECK(error_of_parse(pem::client_two_key, pem::server_rsa_chain) ==
          tls::errc::private_key_mismatch);
}

TEST_CASE("identity: what is no key is refused") {
    const std::string_view key = pem::server_p256_key;
    for (const std::string& bad :
         {std::string{}, std::string{"key"}, std::string{pem::server_p256_chain},
          without(key, 40), without(key, key.find("-----END"), 30), std::string(1000, '\0'),
          without(pem::p256_key_pkcs8_der, 5), without(pem::rsa_key_pkcs1_der, 100)}) {
        CAPTURE(bad);
        CHECK(error_of_parse(bad, pem::server_p256_chain) == tls::errc::private_key_malformed);
    }
}

TEST_CASE("identity: what is no certificate chain is refused") {
    const std::string_view chain = pem::server_p256_chain;
    for (const std::string& bad :
         {std::string{}, std::string{"chain"}, std::string{pem::server_p256_key},
          without(chain, 100), without(chain, chain.find("-----END"), 30),
          without(pem::p256_certificate_der, 5), std::string{pem::p256_certificate_der} + "x",
          std::string{pem::p256_certificate_der}.substr(0, 200)}) {
        CAPTURE(bad);
        CHECK(error_of_parse(pem::server_p256_key, bad) == tls::errc::certificate_malformed);
    }
}

TEST_CASE("identity: a chain out of order is refused") {
    CHECK(error_of_parse(pem::server_p256_key, reversed(pem::server_p256_chain)) ==
          tls::errc::certificate_malformed);
    const std::string strangers =
        std::string{pem::server_self_signed_chain} + std::string{pem::root_ca};
    CHECK(error_of_parse(pem::server_self_signed_key, strangers) ==
          tls::errc::certificate_malformed);
    const std::string with_root = std::string{pem::server_p256_chain} + std::string{pem::root_ca};
    CHECK(error_of_parse(pem::server_p256_key, with_root) == no_error);
}

TEST_CASE("identity: keys, curves and encryption that are not known are not called damaged") {
    CHECK(error_of_parse(pem::server_ed25519_key, pem::server_ed25519_chain) ==
          copoll::errc::not_supported);
    CHECK(error_of_parse(pem::server_p256_key, pem::server_ed25519_chain) ==
          copoll::errc::not_supported);
    CHECK(error_of_parse(pem::server_k256_key, pem::server_k256_chain) ==
          copoll::errc::not_supported);
    CHECK(error_of_parse(pem::server_p256_key, pem::server_k256_chain) ==
          copoll::errc::not_supported);
    CHECK(error_of_parse(pem::p256_key_pkcs8_scrypt, pem::server_p256_chain, pem::passphrase) ==
          copoll::errc::not_supported);
}

TEST_CASE("identity: the chain is given out leaf first, and copies share it") {
    const auto parsed = private_identity::parse(pem::server_p256_key, pem::server_p256_chain);
    REQUIRE(parsed);
    const private_identity copy = *parsed;
    const tls::public_identity shown = copy.identity();
    const auto& chain = shown.export_x509_chain();
    REQUIRE(chain.size() == 2);
    CHECK(text_of(chain[0]) == pem::p256_certificate_der);
    CHECK(&chain == &parsed->identity().export_x509_chain());
    CHECK(shown == parsed->identity());
    const auto other = private_identity::parse(pem::other_server_key, pem::other_server_chain);
    REQUIRE(other);
    CHECK(!(shown == other->identity()));
}

TEST_CASE("identity: the leaf says whose it is") {
    using namespace std::chrono;
    const auto parsed = private_identity::parse(pem::server_p256_key, pem::server_p256_chain);
    REQUIRE(parsed);
    const certificate leaf = parsed->identity().leaf();
    CHECK(leaf.subject == "CN=example.com");
    CHECK(leaf.issuer == "CN=copoll test intermediate");
    CHECK(leaf.dns_names == std::vector<std::string>{"example.com", "*.example.com", "localhost"});
    CHECK(leaf.ip_addresses == std::vector{ip::address{ip::loopback_v4}, ip::loopback_v6});
    CHECK(leaf.key == tls::key_kind::ec);
    CHECK(leaf.key_bits == 256);
    CHECK(!leaf.is_self_issued);
    CHECK(!leaf.is_authority);
    CHECK(leaf.serial.size() >= 20);
    CHECK(leaf.serial.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(leaf.not_before < system_clock::now());
    CHECK(leaf.not_after > system_clock::now());
    CHECK(leaf.not_after - leaf.not_before == days{20 * 365});
}

TEST_CASE("certificate: times, keys and roles are read") {
    const auto leaf = [](std::string_view key, std::string_view chain) {
        const auto parsed = private_identity::parse(key, chain);
        REQUIRE(parsed);
        return parsed->identity().leaf();
    };
    using clock = std::chrono::system_clock;
    CHECK(leaf(pem::server_expired_key, pem::server_expired_chain).not_after < clock::now());
    CHECK(leaf(pem::server_not_yet_valid_key, pem::server_not_yet_valid_chain).not_before >
          clock::now());
    const certificate rsa = leaf(pem::server_rsa_key, pem::server_rsa_chain);
    CHECK(rsa.key == tls::key_kind::rsa);
    CHECK(rsa.key_bits == 2048);
    CHECK(leaf(pem::server_p521_key, pem::server_p521_chain).key_bits == 521);
    CHECK(leaf(pem::server_self_signed_key, pem::server_self_signed_chain).is_self_issued);
    const auto root = certificate::parse(bytes_of(pem::root_ca_der));
    REQUIRE(root);
    CHECK(root->subject == "CN=copoll test root");
    CHECK(root->is_self_issued);
    CHECK(root->is_authority);
    CHECK(root->dns_names.empty());
}

TEST_CASE("certificate: one that is cut or has bytes changed gives an error or a value") {
    const std::string_view der = pem::p256_certificate_der;
    for (std::size_t size = 0; size < der.size(); ++size)
        CHECK(error_of(certificate::parse(bytes_of(der.substr(0, size)))) ==
              tls::errc::certificate_malformed);
    for (std::size_t at = 0; at < der.size(); ++at) {
        for (const int flip : {0x01, 0x80, 0xff}) {
            std::string bad{der};
            bad[at] = static_cast<char>(bad[at] ^ flip);
            static_cast<void>(certificate::parse(bytes_of(bad)));
        }
    }
}

}  // namespace
