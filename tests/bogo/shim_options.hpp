// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <copoll/tls/options.hpp>

/// The command line with which BoGo, BoringSSL's test runner, tells a shim what to do.

namespace bogo {

/// Of one connection. A name is that of the runner's flag.
struct options {
    // what is configured
    bool server = false;
    std::string host_name;
    std::string cert_file, key_file;
    std::vector<std::string> advertise_alpn;
    std::string select_alpn;
    bool decline_alpn = false, reject_alpn = false;
    std::vector<std::uint16_t> curves, signing_prefs, verify_prefs;
    std::uint16_t min_version = 0x0303, max_version = 0x0304;
    bool no_ticket = false;
    bool require_any_client_certificate = false, verify_peer = false;
    std::size_t max_send_fragment = 0;
    std::string psk, psk_identity;
    bool renegotiate_freely = false;
    bool enable_early_data = false;
    bool fips_202205 = false, wpa_202304 = false;

    // what the application does in the handshake
    bool verify_fail = false, use_custom_verify_callback = false, reverify_on_resume = false;
    bool use_early_callback = false, fail_early_callback = false, fail_cert_callback = false;
    bool use_old_client_cert_callback = false;

    // and afterwards
    bool async = false;  ///< gets one byte at a time
    bool shim_writes_first = false, shim_shuts_down = false, check_close_notify = false;
    bool write_different_record_sizes = false, key_update = false;
    bool use_exporter_between_reads = false;
    std::size_t read_size = 16384;
    std::size_t export_keying_material = 0;
    std::string export_label, export_context;
    bool use_export_context = false;

    // what must come of it
    std::optional<std::string> expect_server_name, expect_alpn, expect_advertised_alpn;
    std::string expect_peer_cert_file;
    std::optional<std::uint16_t> expect_version, expect_curve_id;
    bool expect_hrr = false, expect_no_hrr = false;
    bool expect_session_miss = false, expect_no_session = false;
    bool expect_ticket_renewal = false, expect_ticket_supports_early_data = false;
    bool expect_accept_early_data = false, expect_reject_early_data = false;
    bool expect_no_offer_early_data = false;
    std::vector<std::uint16_t> expect_peer_verify_pref;
};

struct command {
    std::uint16_t port = 0;
    std::optional<std::uint64_t> shim_id;
    unsigned resume_count = 0;
    options initial, resumed;
    options retried;  ///< what is expected when early data was refused
};

/// The flag that the shim does not know.
struct unimplemented {
    std::string flag;
};
/// Whether handshakes can be split over two processes: they cannot.
struct handshaker_question {};

std::variant<command, unimplemented, handshaker_question> parse(
    const std::vector<std::string_view>& arguments);

}  // namespace bogo
