// SPDX-License-Identifier: MIT OR Apache-2.0
// Certificate chains, good and bad: what each side makes of the other's, and what it is told.
#include <copoll/tls/trust.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <copoll/tls/engine.hpp>

#include "support/error_of.hpp"
#include "tls/conversation.hpp"
#include "tls/secure_pair.hpp"

using namespace copoll;
using namespace copoll_tests;
using tls::alert;

namespace {

struct presented {
    const char* what;
    std::string_view key, chain;
    std::error_code why;  ///< no error: it is good
    alert told{};
};

/// The first `n` certificates of a chain, the leaf among them.
std::string first_of(std::string_view chain, int n) {
    std::size_t end = 0;
    while (n-- > 0) end = chain.find("-----BEGIN", end + 1);
    return std::string{chain.substr(0, end)};
}

struct endings {
    std::error_code judge, told;  ///< of who looks at the certificate, and of who presents it
    std::optional<tls::public_identity> accepted;
};

endings judged_by_client(tls::protocol_version version, const tls::private_identity& identity,
                         const tls::trust_anchors& roots) {
    auto options = to_example();
    options.roots = roots;
    options.protocol = only(version);
    conversation c{.client = tls::engine{options}, .server = tls::engine{serving(identity)}};
    c.shake_hands();
    return {c.client.error(), c.server.error(), c.client.server_identity()};
}

endings judged_by_server(tls::protocol_version version, const tls::private_identity& identity,
                         const tls::trust_anchors& roots) {
    auto client = to_example();
    client.protocol = only(version);
    client.identities = {identity};
    auto server = as_example();
    server.authenticate = tls::client_authentication::required;
    server.client_roots = roots;
    conversation c{.client = tls::engine{client}, .server = tls::engine{server}};
    c.shake_hands();
    // in TLS 1.3 a client is told behind its handshake
    if (c.client.is_complete() && c.server.error()) c.read_rest(c.client);
    return {c.server.error(), c.client.error(), c.server.client_identity()};
}

void check_both_roles(const presented& p, const tls::trust_anchors& roots) {
    const auto identity = identity_of(p.key, p.chain);
    for (const auto version : both_versions) {
        for (const bool by_server : {false, true}) {
            INFO(p.what << ", " << tls::name_of(version) << ", judged by the "
                        << (by_server ? "server" : "client"));
            const auto ends = (by_server ? judged_by_server : judged_by_client)(version, identity,
                                                                               roots);
            CHECK(ends.judge == p.why);
            if (p.why) {
                CHECK(ends.told == p.told);
            } else {
                CHECK(ends.told == no_error);
                CHECK(ends.accepted == identity.identity());
            }
        }
    }
}

const std::error_code good{};

}  // namespace

TEST_CASE("chains: what leads to a root is taken, in both roles") {
    const auto roots = roots_of(pem::root_ca);
    check_both_roles({"eight authorities on the path", pem::below_path_ca_8_key,
                      pem::below_path_ca_8_chain, good},
                     roots);
    check_both_roles({"an authority of leaves only, and a leaf", pem::below_path_of_leaves_ca_key,
                      pem::below_path_of_leaves_ca_chain, good},
                     roots);
    check_both_roles({"the root sent along", pem::below_crossed_ca_key,
                      std::string{pem::below_crossed_ca_chain} + std::string{pem::root_ca}, good},
                     roots);
}

TEST_CASE("chains: what does not lead to a root is refused, in both roles") {
    using tls::errc;
    const auto gap = first_of(pem::below_path_ca_8_chain, 6);
    const auto alone = first_of(pem::below_crossed_ca_chain, 1);
    const auto by_other = alone + std::string{pem::crossed_ca_by_unknown};
    const presented rows[] = {
        {"self-signed", pem::server_self_signed_key, pem::server_self_signed_chain,
         errc::certificate_untrusted, alert::unknown_ca},
        {"of an issuer that nobody knows", pem::server_unknown_issuer_key,
         pem::server_unknown_issuer_chain, errc::certificate_untrusted, alert::unknown_ca},
        {"without its authority", pem::below_crossed_ca_key, alone, errc::certificate_untrusted,
         alert::unknown_ca},
        {"without the last authorities", pem::below_path_ca_8_key, gap,
         errc::certificate_untrusted, alert::unknown_ca},
        {"with the certificate of its authority that leads elsewhere", pem::below_crossed_ca_key,
         by_other, errc::certificate_untrusted, alert::unknown_ca},
        {"one authority more on the path than is followed", pem::below_path_ca_9_key,
         pem::below_path_ca_9_chain, errc::certificate_untrusted, alert::unknown_ca},
        {"an authority below one of leaves only", pem::below_beyond_path_ca_key,
         pem::below_beyond_path_ca_chain, errc::certificate_untrusted, alert::unknown_ca},
        {"an authority whose key may not sign", pem::below_unsigning_ca_key,
         pem::below_unsigning_ca_chain, errc::certificate_untrusted, alert::unknown_ca},
        {"an authority without basicConstraints", pem::below_unconstrained_ca_key,
         pem::below_unconstrained_ca_chain, errc::certificate_untrusted, alert::unknown_ca},
        {"a leaf that signs", pem::below_leaf_ca_key, pem::below_leaf_ca_chain,
         errc::certificate_untrusted, alert::unknown_ca},
    };
    const auto roots = roots_of(pem::root_ca);
    for (const presented& row : rows) check_both_roles(row, roots);
    check_both_roles({"the same authority, where it leads", pem::below_crossed_ca_key, by_other,
                      good},
                     roots_of(pem::unknown_ca));
}

TEST_CASE("chains: what is out of its time, on any step of the path, is refused in both roles") {
    using tls::errc;
    const presented rows[] = {
        {"expired", pem::server_expired_key, pem::server_expired_chain, errc::certificate_expired,
         alert::certificate_expired},
        {"not yet valid", pem::server_not_yet_valid_key, pem::server_not_yet_valid_chain,
         errc::certificate_not_yet_valid, alert::certificate_expired},
        {"an expired authority", pem::below_expired_ca_key, pem::below_expired_ca_chain,
         errc::certificate_expired, alert::certificate_expired},
        {"an authority of tomorrow", pem::below_not_yet_valid_ca_key,
         pem::below_not_yet_valid_ca_chain, errc::certificate_not_yet_valid,
         alert::certificate_expired},
    };
    const auto roots = roots_of(pem::root_ca);
    for (const presented& row : rows) check_both_roles(row, roots);
}

TEST_CASE("chains: weak keys and hashes, on any step of the path, are refused in both roles") {
    using tls::errc;
    const presented rows[] = {
        {"RSA of 1024 bits", pem::server_rsa1024_key, pem::server_rsa1024_chain,
         errc::certificate_weak, alert::unsupported_certificate},
        {"signed with SHA-1", pem::server_sha1_key, pem::server_sha1_chain, errc::certificate_weak,
         alert::unsupported_certificate},
        {"an authority with RSA of 1024 bits", pem::below_weak_key_ca_key,
         pem::below_weak_key_ca_chain, errc::certificate_weak, alert::unsupported_certificate},
        {"an authority signed with SHA-1", pem::below_weak_hash_ca_key,
         pem::below_weak_hash_ca_chain, errc::certificate_weak, alert::unsupported_certificate},
    };
    const auto roots = roots_of(pem::root_ca);
    for (const presented& row : rows) check_both_roles(row, roots);
}

TEST_CASE("chains: a root that has weaknesses of its own is a root") {
    // nobody looks at its signature: who trusts it has said so
    check_both_roles({"an authority signed with SHA-1 as root", pem::below_weak_hash_ca_key,
                      pem::below_weak_hash_ca_chain, good},
                     roots_of(pem::weak_hash_ca));
}

TEST_CASE("chains: revocation lists count for their issuer, while they are good") {
    using tls::errc;
    const auto with = [](std::string_view list) {
        auto roots = roots_of(pem::root_ca);
        CHECK(error_of(roots.add_revocation_list(list)) == no_error);
        return roots;
    };
    const presented revoked{"revoked", pem::server_revoked_key, pem::server_revoked_chain,
                            errc::certificate_revoked, alert::certificate_revoked};
    check_both_roles(revoked, with(pem::intermediate_crl));
    check_both_roles({"another of the same issuer", pem::any_p256_key, pem::any_p256_chain, good},
                     with(pem::intermediate_crl));
    check_both_roles({"in another's list", pem::server_revoked_key, pem::server_revoked_chain,
                      good},
                     with(pem::unknown_crl));
    check_both_roles({"in an expired list", pem::server_revoked_key, pem::server_revoked_chain,
                      errc::certificate_revoked, alert::certificate_revoked},
                     with(pem::expired_crl));
    check_both_roles({"not in an expired list", pem::any_p256_key, pem::any_p256_chain,
                      errc::certificate_untrusted, alert::unknown_ca},
                     with(pem::expired_crl));
    std::string forged{pem::intermediate_crl_der};
    forged.back() = static_cast<char>(forged.back() ^ 1);
    check_both_roles({"with a forged list", pem::any_p256_key, pem::any_p256_chain,
                      errc::certificate_untrusted, alert::unknown_ca},
                     with(forged));
}

TEST_CASE("chains: a server that presents a chain for another name is refused") {
    const auto identity = identity_of(pem::server_wrong_name_key, pem::server_wrong_name_chain);
    const auto nameless =
        identity_of(pem::server_common_name_only_key, pem::server_common_name_only_chain);
    const auto roots = roots_of(pem::root_ca);
    for (const auto version : both_versions) {
        const auto other = judged_by_client(version, identity, roots);
        CHECK(other.judge == tls::errc::certificate_name_mismatch);
        CHECK(other.told == alert::bad_certificate);
        const auto subject_alone = judged_by_client(version, nameless, roots);
        INFO(subject_alone.judge.message());
        CHECK(subject_alone.judge == no_error);
    }
}

TEST_CASE("chains: a client that presents what is for servers is refused") {
    const auto roots = roots_of(pem::root_ca);
    for (const auto version : both_versions) {
        const auto ends = judged_by_server(version, p256_server(), roots);
        CHECK(ends.judge == tls::errc::certificate_wrong_usage);
        CHECK(ends.told == alert::unsupported_certificate);
    }
}
