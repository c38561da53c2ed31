// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/trust.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <copoll/tls/error.hpp>

#include "identities.hpp"
#include "support/error_of.hpp"

namespace {

using namespace copoll_tests;
using tls::trust_anchors;

using names = std::vector<std::string>;

TEST_CASE("trust: nobody is trusted at first") {
    const trust_anchors nobody;
    CHECK(nobody.is_empty());
    CHECK(nobody.size() == 0);
    CHECK(nobody.subjects().empty());
}

TEST_CASE("trust: a bundle is read, PEM and DER") {
    const std::string bundle = std::string{pem::root_ca} + std::string{pem::unknown_ca};
    const auto both = trust_anchors::parse(bundle);
    REQUIRE(both);
    CHECK(both->size() == 2);
    CHECK(both->skipped() == 0);
    CHECK(both->subjects() == names{"CN=copoll test root", "CN=copoll unknown root"});
    const auto der = trust_anchors::parse(pem::root_ca_der);
    REQUIRE(der);
    CHECK(der->subjects() == names{"CN=copoll test root"});
}

TEST_CASE("trust: what cannot be used of a bundle is left out and counted") {
    std::string damaged{pem::unknown_ca};
    damaged.erase(200, 1);
    const auto some = trust_anchors::parse(std::string{pem::server_ed25519_chain} + damaged +
                                           std::string{pem::root_ca});
    REQUIRE(some);
    CHECK(some->size() == 2);  // the intermediate is in the chain
    CHECK(some->skipped() == 2);
}

TEST_CASE("trust: a bundle of which nothing can be used is an error") {
    std::string damaged{pem::root_ca};
    damaged.erase(200, 1);
    for (const std::string& bad :
         {std::string{}, std::string{"roots"}, damaged, std::string{pem::server_p256_key},
          std::string{pem::root_ca_der}.substr(0, 100)}) {
        CAPTURE(bad);
        CHECK(error_of(trust_anchors::parse(bad)) == tls::errc::certificate_malformed);
    }
}

TEST_CASE("trust: what is added to one copy is not in the others") {
    auto one = trust_anchors::parse(pem::root_ca);
    REQUIRE(one);
    trust_anchors other = *one;
    CHECK(error_of(other.add(pem::unknown_ca)) == no_error);
    CHECK(error_of(other.add("nothing")) == tls::errc::certificate_malformed);
    CHECK(error_of(other.add_revocation_list(pem::intermediate_crl)) == no_error);
    CHECK(other.subjects() == names{"CN=copoll test root", "CN=copoll unknown root"});
    CHECK(other.revocation_lists() == 1);
    CHECK(one->subjects() == names{"CN=copoll test root"});
    CHECK(one->revocation_lists() == 0);
    trust_anchors third = other;
    CHECK(error_of(third.add(pem::root_ca_der)) == no_error);
    CHECK(third.size() == 3);
    CHECK(third.revocation_lists() == 1);
    CHECK(other.size() == 2);
}

TEST_CASE("trust: revocation lists are read, PEM and DER, all or none") {
    trust_anchors anchors;
    CHECK(error_of(anchors.add_revocation_list(pem::intermediate_crl)) == no_error);
    CHECK(error_of(anchors.add_revocation_list(pem::intermediate_crl_der)) == no_error);
    CHECK(anchors.revocation_lists() == 2);
    CHECK(anchors.is_empty());
    std::string damaged{pem::intermediate_crl};
    damaged.erase(100, 1);
    for (const std::string& bad :
         {std::string{}, std::string{"list"}, std::string{pem::root_ca},
          std::string{pem::intermediate_crl} + damaged,
          std::string{pem::intermediate_crl_der}.substr(0, 50)}) {
        CAPTURE(bad);
        CHECK(error_of(anchors.add_revocation_list(bad)) == tls::errc::certificate_malformed);
    }
    CHECK(anchors.revocation_lists() == 2);
}

TEST_CASE("trust: the roots of the system are read, or the error says that there are none") {
    const auto roots = tls::system_roots();
    if (roots) {
        CHECK(roots->size() > 0);
    } else {
        CHECK(roots.error() == std::errc::no_such_file_or_directory);
    }
}

}  // namespace
