// SPDX-License-Identifier: MIT OR Apache-2.0
#include "ssl_config.hpp"

#include <algorithm>
#include <span>

#include "dh_parameters.hpp"
#include "mbedtls_c.hpp"
#include "native_trust.hpp"

namespace copoll::tls::detail {
namespace {

/// `chosen`, or all that there is if that is empty, as numbers with a 0 behind.
template <class Number, class Id>
std::vector<Number> zero_ended(const std::vector<Id>& chosen, std::span<const Id> all) {
    const std::span<const Id> ids = chosen.empty() ? all : std::span<const Id>(chosen);
    std::vector<Number> numbers(ids.size() + 1);
    std::ranges::transform(ids, numbers.begin(), [](Id id) { return static_cast<Number>(id); });
    return numbers;
}

bool is_of_tls1_3(int suite) noexcept { return suite >> 8 == 0x13; }

mbedtls_ssl_protocol_version number_of(protocol_version v) noexcept {
    return static_cast<mbedtls_ssl_protocol_version>(v);
}

/// Read when they are first needed. A program whose host gives it none trusts nobody.
const trust_anchors& roots_of_the_system() {
    static const trust_anchors roots = system_roots().value_or(trust_anchors{});
    return roots;
}

}  // namespace

version_range versions_of(const protocol_parameters& protocol) noexcept {
    const auto& suites = protocol.cipher_suites;
    const auto newer = [](cipher_suite s) { return is_of_tls1_3(static_cast<int>(s)); };
    const bool only_older = !suites.empty() && std::ranges::none_of(suites, newer);
    const bool only_newer = !suites.empty() && std::ranges::all_of(suites, newer);
    return {only_newer ? protocol_version::tls1_3 : protocol.min_version,
            only_older ? protocol_version::tls1_2 : protocol.max_version};
}

// In TLS 1.3 mbedTLS takes the client's first suite, whatever is configured. Clients that have AES
// instructions begin with AES, which is slow here, so they are shown only what we like best of what
// they offer.
void ssl_config::set_suites(const protocol_parameters& protocol, const client_hello* hello) {
    suites_ = zero_ended<int>(protocol.cipher_suites, cipher_suites());
    if (hello) {
        const auto& offered = hello->cipher_suites();
        const auto best = std::ranges::find_if(suites_, [&](int suite) {
            return is_of_tls1_3(suite) &&
                   std::ranges::find(offered, static_cast<cipher_suite>(suite)) != offered.end();
        });
        if (best != suites_.end()) {
            const int kept = *best;
            std::erase_if(suites_, [kept](int s) { return is_of_tls1_3(s) && s != kept; });
        }
    }
    mbedtls_ssl_conf_ciphersuites(&native_, suites_.data());
}

bool ssl_config::has_suite(int suite) const noexcept {
    return std::ranges::find(suites_, suite) != suites_.end();
}

int ssl_config::set_up_common(int endpoint, const protocol_parameters& protocol,
                              const std::vector<std::string>& alpn) {
    const int ret = mbedtls_ssl_config_defaults(&native_, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret != 0) return ret;
    mbedtls_ssl_conf_rng(&native_, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    const auto versions = versions_of(protocol);
    mbedtls_ssl_conf_min_tls_version(&native_, number_of(versions.min));
    mbedtls_ssl_conf_max_tls_version(&native_, number_of(versions.max));
    groups_ = zero_ended<std::uint16_t>(protocol.groups, named_groups());
    mbedtls_ssl_conf_groups(&native_, groups_.data());
    schemes_ = zero_ended<std::uint16_t>(protocol.signature_schemes, signature_schemes());
    mbedtls_ssl_conf_sig_algs(&native_, schemes_.data());
    // a pre-shared key alone, without key exchange, would give up forward secrecy
    mbedtls_ssl_conf_tls13_key_exchange_modes(
        &native_, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
    mbedtls_ssl_conf_renegotiation(&native_, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    if (alpn.empty()) return 0;
    for (const std::string& id : alpn) alpn_.push_back(id.c_str());
    alpn_.push_back(nullptr);
    return mbedtls_ssl_conf_alpn_protocols(&native_, alpn_.data());
}

int ssl_config::set_up(const client_options& options) {
    const int ret = set_up_common(MBEDTLS_SSL_IS_CLIENT, options.protocol, options.alpn);
    if (ret != 0) return ret;
    set_suites(options.protocol, nullptr);
    // a client that names no server takes none that has a certificate only
    const bool psk_alone = options.psk && options.server_name.empty();
    if (!psk_alone) roots_ = options.roots ? *options.roots : roots_of_the_system();
    mbedtls_ssl_conf_ca_chain(&native_, native_roots(roots_), native_crls(roots_));
    mbedtls_ssl_conf_authmode(&native_, options.verify == verification::required
                                            ? MBEDTLS_SSL_VERIFY_REQUIRED
                                            : MBEDTLS_SSL_VERIFY_OPTIONAL);
    mbedtls_ssl_conf_dhm_min_bitlen(&native_, options.protocol.min_dh_bits);
    if (options.allow_renegotiation) {
        mbedtls_ssl_conf_renegotiation(&native_, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
        // or no more than 16 reads of data that crosses it
        mbedtls_ssl_conf_renegotiation_enforced(&native_,
                                                MBEDTLS_SSL_RENEGOTIATION_NOT_ENFORCED);
    }
    if (options.psk) {
        const auto bytes = [](const auto& s) {
            return reinterpret_cast<const unsigned char*>(s.data());
        };
        const auto& [name, key] = *options.psk;
        const int set =
            mbedtls_ssl_conf_psk(&native_, bytes(key), key.size(), bytes(name), name.size());
        if (set != 0) return MBEDTLS_ERR_SSL_BAD_CONFIG;
    }
    mbedtls_ssl_conf_session_tickets(&native_, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &native_, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    return 0;
}

int ssl_config::set_up(const server_options& options, const client_hello& hello) {
    // a client that knows nothing of ALPN is served, one that offers other ids only is not
    static const std::vector<std::string> none;
    const auto& alpn = hello.alpn_ids().empty() ? none : options.alpn;
    const int ret = set_up_common(MBEDTLS_SSL_IS_SERVER, options.protocol, alpn);
    if (ret != 0) return ret;
    set_suites(options.protocol, &hello);
    mbedtls_ssl_conf_ca_chain(&native_, native_roots(options.client_roots),
                              native_crls(options.client_roots));
    if (options.dh) {
        dh_group group;
        if (parse(group, options.dh->der()) != 0 ||
            mbedtls_ssl_conf_dh_param_ctx(&native_, &group) != 0)
            return MBEDTLS_ERR_SSL_BAD_CONFIG;
    }
    if (options.max_early_data > 0) {
        mbedtls_ssl_conf_early_data(&native_, MBEDTLS_SSL_EARLY_DATA_ENABLED);
        mbedtls_ssl_conf_max_early_data_size(&native_, options.max_early_data);
    }
    // OPTIONAL: mbedTLS tells a client without a certificate the wrong alert; the engine decides
    mbedtls_ssl_conf_authmode(&native_, options.authenticate == client_authentication::none
                                            ? MBEDTLS_SSL_VERIFY_NONE
                                            : MBEDTLS_SSL_VERIFY_OPTIONAL);
    return 0;
}

}  // namespace copoll::tls::detail
