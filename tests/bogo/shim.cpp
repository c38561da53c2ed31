// SPDX-License-Identifier: MIT OR Apache-2.0
// What BoGo drives: connects to it as often as it says, speaks TLS there as the flags say, and
// sends back each byte it gets, inverted. Exits with 0 if all was as expected, with 89 for a flag
// that it does not know, else with 1 and a line on stderr.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <copoll/connect.hpp>
#include <copoll/run.hpp>
#include <copoll/stream.hpp>
#include <copoll/tls/client.hpp>
#include <copoll/tls/server.hpp>

#include "shim_options.hpp"
#include "trickle.hpp"

using namespace copoll;

namespace {

constexpr int not_implemented = 89;

/// What one connection leaves to the next.
struct memory {
    std::optional<tls::session> session;
    bool got_session = false;    ///< in the last connection
    std::size_t sent_early = 0;  ///< of the first words, in the last connection
    tls::ticket_keys tickets;
};

/// As BoringSSL has it.
constexpr std::uint32_t most_early_data = 14336;
/// What a shim says that writes first.
constexpr std::string_view first_words = "hello";

/// Something was not as expected; says so, and fails.
std::unexpected<std::error_code> unlike(const std::string& what) {
    std::fprintf(stderr, "expected otherwise: %s\n", what.c_str());
    return fail(std::make_error_code(std::errc::protocol_error));
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <class Id>
std::vector<Id> ids_of(const std::vector<std::uint16_t>& numbers) {
    std::vector<Id> ids;
    for (const auto number : numbers) ids.push_back(static_cast<Id>(number));
    return ids;
}

tls::pre_shared_key psk_of(const bogo::options& o) {
    const auto key = bytes_of(o.psk);
    return {.identity = o.psk_identity, .key{key.begin(), key.end()}};
}

/// The compliance policies of BoringSSL, as what they come to.
void restrict_to_policy(const bogo::options& o, tls::protocol_parameters& protocol) {
    using suite = tls::cipher_suite;
    using scheme = tls::signature_scheme;
    if (o.wpa_202304) {
        protocol.cipher_suites = {suite::aes_256_gcm_sha384,
                                  suite::ecdhe_ecdsa_with_aes_256_gcm_sha384,
                                  suite::ecdhe_rsa_with_aes_256_gcm_sha384};
        protocol.groups = {tls::named_group::secp384r1};
        protocol.signature_schemes = {
            scheme::rsa_pkcs1_sha384, scheme::rsa_pkcs1_sha512, scheme::ecdsa_secp384r1_sha384,
            scheme::rsa_pss_rsae_sha384, scheme::rsa_pss_rsae_sha512};
    }
    if (o.fips_202205) {
        protocol.cipher_suites = {
            suite::aes_128_gcm_sha256, suite::aes_256_gcm_sha384,
            suite::ecdhe_ecdsa_with_aes_128_gcm_sha256, suite::ecdhe_rsa_with_aes_128_gcm_sha256,
            suite::ecdhe_ecdsa_with_aes_256_gcm_sha384, suite::ecdhe_rsa_with_aes_256_gcm_sha384};
        protocol.groups = {tls::named_group::secp256r1, tls::named_group::secp384r1};
        protocol.signature_schemes = {
            scheme::rsa_pkcs1_sha256, scheme::rsa_pkcs1_sha384, scheme::rsa_pkcs1_sha512,
            scheme::ecdsa_secp256r1_sha256, scheme::ecdsa_secp384r1_sha384,
            scheme::rsa_pss_rsae_sha256, scheme::rsa_pss_rsae_sha384, scheme::rsa_pss_rsae_sha512};
    }
}

tls::protocol_parameters protocol_of(const bogo::options& o) {
    tls::protocol_parameters protocol{
        .min_version = static_cast<tls::protocol_version>(o.min_version),
        .max_version = static_cast<tls::protocol_version>(o.max_version),
        .groups = ids_of<tls::named_group>(o.curves),
        .record_size_limit = o.max_send_fragment,
    };
    auto schemes = ids_of<tls::signature_scheme>(o.signing_prefs);
    if (!o.verify_prefs.empty()) {
        // what the peer is held to; that one's own key must still be able to sign is not the point
        schemes = ids_of<tls::signature_scheme>(o.verify_prefs);
        if (!o.cert_file.empty())
            schemes.insert(schemes.end(), {tls::signature_scheme::rsa_pss_rsae_sha256,
                                           tls::signature_scheme::rsa_pkcs1_sha256,
                                           tls::signature_scheme::ecdsa_secp256r1_sha256});
    }
    protocol.signature_schemes = std::move(schemes);
    restrict_to_policy(o, protocol);
    return protocol;
}

result<std::vector<tls::private_identity>> identities_of(const bogo::options& o) {
    std::vector<tls::private_identity> identities;
    if (o.cert_file.empty()) return identities;
    auto parsed = tls::private_identity::parse(read_file(o.key_file), read_file(o.cert_file));
    if (!parsed) return fail(parsed.error());
    identities.push_back(*std::move(parsed));
    return identities;
}

/// The verdicts of BoringSSL's two kinds of callback.
tls::alert verdict(const bogo::options& o) {
    return o.use_custom_verify_callback ? tls::alert::certificate_unknown
                                        : tls::alert::handshake_failure;
}
/// As in BoringSSL a verdict counts only if it is asked for, and in a resumed session it is not
/// unless that is asked for, too.
bool refuses(const bogo::options& o, bool resuming) {
    return o.verify_fail && o.verify_peer &&
           (!resuming || o.expect_session_miss || o.reverify_on_resume);
}

task<result<tls::client_connection>> shake_hands_as_client(any_stream transport,
                                                           const bogo::options& o, bool resuming,
                                                           memory& m) {
    auto identities = co_await check(identities_of(o));
    tls::client_options with{
        .server_name = o.host_name,
        .alpn = o.advertise_alpn,
        .roots = tls::trust_anchors{},
        .verify = tls::verification::left_to_application,
        .allow_renegotiation = o.renegotiate_freely,
        .resume = m.session,
        .on_session =
            [&m](tls::session s) {
                m.session = std::move(s);
                m.got_session = true;
            },
        .protocol = protocol_of(o),
    };
    if (!o.psk.empty()) with.psk = psk_of(o);
    if (!o.use_old_client_cert_callback) with.identities = identities;
    if (o.expect_no_session) m.session.reset();
    tls::client_handshake handshake{std::move(transport), std::move(with)};
    if (resuming && o.enable_early_data && o.shim_writes_first) {
        const auto sent = co_await handshake.write_early_data(bytes_of(first_words));
        if (sent.ec && sent.ec != errc::not_supported && sent.ec != errc::message_too_large)
            co_return fail(sent.ec);
        m.sent_early = sent.n;
    }
    if (o.verify_fail) {
        co_await check(handshake.verify_server_identity());
        if (refuses(o, resuming)) {
            co_await check(handshake.abort(verdict(o)));
            co_return fail(tls::errc::certificate_refused);
        }
    }
    if (o.use_old_client_cert_callback || o.fail_cert_callback) {
        auto request = co_await check(handshake.receive_client_identity_request());
        if (request && o.fail_cert_callback) {
            co_await check(handshake.abort(tls::alert::internal_error));
            co_return fail(tls::errc::aborted);
        }
        if (request) request->respond(identities);
    }
    co_return co_await handshake.finish();
}

result<void> check_hello(const bogo::options& o, const tls::client_hello& hello) {
    if (o.expect_server_name && hello.server_name() != *o.expect_server_name)
        return unlike("server name " + std::string(hello.server_name().value_or("(none)")));
    if (o.expect_advertised_alpn) {
        std::string offered;
        for (const std::string_view id : hello.alpn_ids())
            (offered += static_cast<char>(id.size())) += id;
        if (offered != *o.expect_advertised_alpn) return unlike("offered ALPN " + offered);
    }
    const auto expected = ids_of<tls::signature_scheme>(o.expect_peer_verify_pref);
    if (!expected.empty() && !std::ranges::equal(hello.signature_schemes(), expected))
        return unlike("signature schemes");
    return {};
}

task<result<tls::server_connection>> shake_hands_as_server(any_stream transport,
                                                           const bogo::options& o, bool resuming,
                                                           memory& m) {
    auto identities = co_await check(identities_of(o));
    tls::server_options with{
        .identities = std::move(identities),
        .verify_client = tls::verification::left_to_application,
        .protocol = protocol_of(o),
    };
    if (!o.psk.empty()) with.psks.push_back(psk_of(o));
    if (o.enable_early_data) with.max_early_data = most_early_data;
    if (o.verify_peer) with.authenticate = tls::client_authentication::requested;
    if (o.require_any_client_certificate)
        with.authenticate = tls::client_authentication::required;
    if (!o.no_ticket) with.tickets = m.tickets;
    if (!o.select_alpn.empty()) with.alpn = {o.select_alpn};
    if (o.reject_alpn) with.alpn = {"none of the client's"};
    tls::server_handshake handshake{std::move(transport), std::move(with)};
    const auto hello = co_await check(handshake.receive_client_hello());
    co_await check(check_hello(o, hello));
    if (o.fail_early_callback || o.fail_cert_callback) {
        co_await check(handshake.abort(o.fail_early_callback ? tls::alert::handshake_failure
                                                             : tls::alert::internal_error));
        co_return fail(tls::errc::aborted);
    }
    if (o.verify_fail) {
        co_await check(handshake.request_client_identity());
        if (refuses(o, resuming)) {
            co_await check(handshake.abort(verdict(o)));
            co_return fail(tls::errc::certificate_refused);
        }
    }
    co_return co_await handshake.finish();
}

result<void> check_connection(const bogo::options& o, const tls::connection& c, bool resuming) {
    const auto number = [](auto id) { return static_cast<std::uint16_t>(id); };
    if (c.is_resumed() != (resuming && !o.expect_session_miss))
        return unlike(c.is_resumed() ? "it was resumed" : "it was not resumed");
    if (o.expect_alpn && c.alpn_id().value_or("") != *o.expect_alpn)
        return unlike("ALPN id " + std::string(c.alpn_id().value_or("(none)")));
    if (o.expect_version && number(c.version()) != *o.expect_version)
        return unlike(std::string(name_of(c.version())));
    if (o.expect_curve_id && (!c.group() || number(*c.group()) != *o.expect_curve_id))
        return unlike("group " + std::string(c.group() ? name_of(*c.group()) : "(none)"));
    const auto early = c.early_data();
    if (resuming && ((o.expect_accept_early_data && early != tls::early_data::accepted) ||
                     (o.expect_reject_early_data && early != tls::early_data::refused) ||
                     (o.expect_no_offer_early_data && early != tls::early_data::none)))
        return unlike("early data");
    if (o.expect_hrr && !c.was_retried()) return unlike("no HelloRetryRequest");
    if (o.expect_no_hrr && c.was_retried()) return unlike("a HelloRetryRequest");
    if (!o.expect_peer_cert_file.empty()) {
        const auto expected = tls::trust_anchors::parse(read_file(o.expect_peer_cert_file));
        const auto peer = c.is_server() ? c.client_identity() : c.server_identity();
        if (!expected || !peer || peer->export_x509_chain().size() != expected->size() ||
            peer->leaf().subject != expected->subjects().front())
            return unlike("the peer's certificates");
    }
    return {};
}

task<result<void>> export_keys(const bogo::options& o, tls::connection& c) {
    std::vector<std::byte> exported(o.export_keying_material);
    std::optional<std::span<const std::byte>> context;
    if (o.use_export_context) context = bytes_of(o.export_context);
    co_await check(c.export_keying_material(exported, o.export_label, context));
    co_await check(write_all(c, exported));
    co_return {};
}

task<result<void>> write_different_sizes(tls::connection& c) {
    for (const std::size_t size : {1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769}) {
        const std::vector<std::byte> bytes(size, std::byte{0x42});
        co_await check(write_all(c, bytes));
    }
    co_return {};
}

/// Sends everything back inverted, until the peer ends.
task<result<void>> echo(const bogo::options& o, tls::connection& c) {
    std::vector<std::byte> bytes(o.read_size);
    for (;;) {
        if (o.key_update) co_await check(c.update_keys(false));
        const io_result got = co_await c.read_some(bytes);
        if (got.ec == errc::eof) break;
        if (got.ec == tls::errc::truncated && !o.check_close_notify) break;
        if (got.ec) co_return fail(got.ec);
        if (o.use_exporter_between_reads) {
            std::array<std::byte, 1> exported;
            co_await check(c.export_keying_material(exported, "some label", std::nullopt));
        }
        const auto part = std::span(bytes).first(got.n);
        for (std::byte& b : part) b = ~b;
        co_await check(write_all(c, part));
    }
    // the peer may be gone already
    static_cast<void>(co_await c.shutdown_write());
    co_return {};
}

task<result<void>> talk(const bogo::options& o, tls::connection& c, std::size_t sent_early) {
    if (o.export_keying_material > 0) co_await check(export_keys(o, c));
    if (o.write_different_record_sizes) co_return co_await write_different_sizes(c);
    if (o.shim_writes_first) {
        const bool taken = c.early_data() == tls::early_data::accepted;
        co_await check(write_all(c, bytes_of(first_words.substr(taken ? sent_early : 0))));
    }
    if (!o.shim_shuts_down) co_return co_await echo(o, c);
    const auto closed = co_await c.shutdown();
    if (!closed && o.check_close_notify) co_return fail(closed.error());
    co_return {};
}

task<result<tcp_stream>> reach(std::uint16_t port) {
    auto by_ip6 = co_await tcp_stream::connect({ip::address::parse("::1").value(), port});
    if (by_ip6) co_return std::move(by_ip6);
    co_return co_await tcp_stream::connect({ip::address::parse("127.0.0.1").value(), port});
}

task<result<void>> converse(const bogo::command& command, bool resuming, memory& m) {
    const bogo::options& o = resuming ? command.resumed : command.initial;
    m.got_session = false;
    m.sent_early = 0;
    tcp_stream tcp = co_await check(reach(command.port));
    if (command.shim_id) {
        std::array<std::byte, 8> id;
        for (std::size_t i = 0; i < id.size(); ++i)
            id[i] = static_cast<std::byte>(*command.shim_id >> (8 * i));
        co_await check(write_all(tcp, id));
    }
    any_stream transport{std::move(tcp)};
    if (o.async) transport = any_stream{bogo::trickle{std::move(transport)}};
    if (!o.server) {
        auto c = co_await check(shake_hands_as_client(std::move(transport), o, resuming, m));
        const bool refused = c.early_data() == tls::early_data::refused;
        const bogo::options& now = refused ? command.retried : o;
        co_await check(check_connection(now, c, resuming));
        co_await check(talk(now, c, m.sent_early));
        if (o.expect_no_session && m.session) co_return unlike("a session");
        if (o.expect_ticket_renewal && !m.got_session) co_return unlike("no new session");
        if (o.expect_ticket_supports_early_data && m.got_session && !m.session->max_early_data())
            co_return unlike("no early data in the session");
    } else {
        auto c = co_await check(shake_hands_as_server(std::move(transport), o, resuming, m));
        co_await check(check_connection(o, c, resuming));
        co_await check(talk(o, c, 0));
    }
    co_return {};
}

task<result<void>> obey(bogo::command command) {
    memory m;
    for (unsigned i = 0; i <= command.resume_count; ++i)
        co_await check(converse(command, i > 0, m));
    co_return {};
}

/// For the runner's caller, which is told of the number only.
void note(const bogo::unimplemented& what) {
    std::fprintf(stderr, "not implemented: %s\n", what.flag.c_str());
    const char* const path = std::getenv("COPOLL_BOGO_UNIMPLEMENTED");
    if (path) std::ofstream(path, std::ios::app) << what.flag + "\n";
}

}  // namespace

int main(int count, char** values) {
    const auto parsed = bogo::parse({values + 1, values + count});
    if (const auto* what = std::get_if<bogo::unimplemented>(&parsed)) {
        note(*what);
        return not_implemented;
    }
    if (std::holds_alternative<bogo::handshaker_question>(parsed)) {
        std::puts("No");
        return 0;
    }
    // the runner takes whatever stands on stderr for a failure, a slow moment too
    const auto done =
        run(obey(std::get<bogo::command>(parsed)), {.stall_limit = clock::duration::zero()});
    if (done) return 0;
    std::fprintf(stderr, "error: %s\n", done.error().message().c_str());
    return 1;
}
