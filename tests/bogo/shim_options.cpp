// SPDX-License-Identifier: MIT OR Apache-2.0
#include "shim_options.hpp"

#include <charconv>
#include <map>
#include <span>

namespace bogo {
namespace {

using copoll::tls::protocol_version;

template <class Number>
bool parse_number(std::string_view text, Number& into) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), into);
    return ec == std::errc{} && end == text.data() + text.size();
}

/// Sets an option; false if the value is of something that is not spoken here.
using setter = bool (*)(options&, std::string_view value);
struct flag {
    bool has_value;
    setter set;
};

template <bool options::* Member>
constexpr flag on{false, [](options& o, std::string_view) { return o.*Member = true; }};

template <std::string options::* Member>
constexpr flag text{true, [](options& o, std::string_view value) {
    o.*Member = value;
    return true;
}};
template <std::optional<std::string> options::* Member>
constexpr flag expected_text{true, [](options& o, std::string_view value) {
    o.*Member = value;
    return true;
}};
template <std::size_t options::* Member>
constexpr flag number{true, [](options& o, std::string_view value) {
    return parse_number(value, o.*Member);
}};
template <std::optional<std::uint16_t> options::* Member>
constexpr flag expected_number{true, [](options& o, std::string_view value) {
    return parse_number(value, (o.*Member).emplace());
}};

template <class Id>
bool is_spoken(std::span<const Id> all, std::uint16_t value) {
    for (const Id id : all)
        if (static_cast<std::uint16_t>(id) == value) return true;
    return false;
}
template <std::vector<std::uint16_t> options::* Member>
constexpr flag scheme{true, [](options& o, std::string_view value) {
    std::uint16_t parsed = 0;
    if (!parse_number(value, parsed)) return false;
    (o.*Member).push_back(parsed);
    return is_spoken(copoll::tls::signature_schemes(), parsed);
}};
constexpr flag curve{true, [](options& o, std::string_view value) {
    std::uint16_t parsed = 0;
    if (!parse_number(value, parsed)) return false;
    o.curves.push_back(parsed);
    return is_spoken(copoll::tls::named_groups(), parsed);
}};

/// Ids, each behind its length in a byte.
constexpr flag alpn_ids{true, [](options& o, std::string_view value) {
    o.advertise_alpn.clear();
    while (!value.empty()) {
        const auto size = static_cast<unsigned char>(value.front());
        if (value.size() < 1u + size) return false;
        o.advertise_alpn.emplace_back(value.substr(1, size));
        value.remove_prefix(1u + size);
    }
    return true;
}};

/// Numbers that need not be spoken here.
template <std::vector<std::uint16_t> options::* Member>
constexpr flag numbers{true, [](options& o, std::string_view value) {
    return parse_number(value, (o.*Member).emplace_back());
}};

constexpr std::uint16_t tls1_2 = 0x0303, tls1_3 = 0x0304;
constexpr flag min_version{true, [](options& o, std::string_view value) {
    if (!parse_number(value, o.min_version)) return false;
    if (o.min_version < tls1_2) o.min_version = tls1_2;
    return o.min_version <= tls1_3;
}};
constexpr flag max_version{true, [](options& o, std::string_view value) {
    return parse_number(value, o.max_version) && o.max_version >= tls1_2 &&
           o.max_version <= tls1_3;
}};
constexpr flag no_tls1_2{false, [](options& o, std::string_view) {
    o.min_version = tls1_3;
    return true;
}};
constexpr flag no_tls1_3{false, [](options& o, std::string_view) {
    o.max_version = tls1_2;
    return true;
}};

/// What is so anyway: older versions are not spoken, a handshake that is over may be asked for
/// again, nothing is renegotiated unless it is allowed, handshakes are not split and so have no
/// hints. And what the shim need not look at: its own verdict on a certificate.
constexpr flag nothing{false, [](options&, std::string_view) { return true; }};
constexpr flag ignored{true, [](options&, std::string_view) { return true; }};
/// The runner, which starts them, sees that they come to an end.
constexpr flag renegotiations{true, [](options& o, std::string_view value) {
    return value == "0" || o.renegotiate_freely;
}};

const std::map<std::string_view, flag>& flags() {
    static const std::map<std::string_view, flag> known{
        {"server", on<&options::server>},
        {"host-name", text<&options::host_name>},
        {"cert-file", text<&options::cert_file>},
        {"key-file", text<&options::key_file>},
        {"advertise-alpn", alpn_ids},
        {"select-alpn", text<&options::select_alpn>},
        {"decline-alpn", on<&options::decline_alpn>},
        {"reject-alpn", on<&options::reject_alpn>},
        {"curves", curve},
        {"signing-prefs", scheme<&options::signing_prefs>},
        {"verify-prefs", scheme<&options::verify_prefs>},
        {"min-version", min_version},
        {"max-version", max_version},
        {"no-tls1", nothing},
        {"no-tls11", nothing},
        {"no-tls12", no_tls1_2},
        {"no-tls13", no_tls1_3},
        {"no-ticket", on<&options::no_ticket>},
        {"require-any-client-certificate", on<&options::require_any_client_certificate>},
        {"verify-peer", on<&options::verify_peer>},
        {"max-send-fragment", number<&options::max_send_fragment>},
        {"verify-fail", on<&options::verify_fail>},
        {"use-custom-verify-callback", on<&options::use_custom_verify_callback>},
        {"reverify-on-resume", on<&options::reverify_on_resume>},
        {"use-early-callback", on<&options::use_early_callback>},
        {"fail-early-callback", on<&options::fail_early_callback>},
        {"fail-cert-callback", on<&options::fail_cert_callback>},
        {"use-old-client-cert-callback", on<&options::use_old_client_cert_callback>},
        {"async", on<&options::async>},
        {"shim-writes-first", on<&options::shim_writes_first>},
        {"shim-shuts-down", on<&options::shim_shuts_down>},
        {"check-close-notify", on<&options::check_close_notify>},
        {"write-different-record-sizes", on<&options::write_different_record_sizes>},
        {"key-update", on<&options::key_update>},
        {"use-exporter-between-reads", on<&options::use_exporter_between_reads>},
        {"read-size", number<&options::read_size>},
        {"export-keying-material", number<&options::export_keying_material>},
        {"export-label", text<&options::export_label>},
        {"export-context", text<&options::export_context>},
        {"use-export-context", on<&options::use_export_context>},
        {"expect-server-name", expected_text<&options::expect_server_name>},
        {"expect-alpn", expected_text<&options::expect_alpn>},
        {"expect-advertised-alpn", expected_text<&options::expect_advertised_alpn>},
        {"expect-peer-cert-file", text<&options::expect_peer_cert_file>},
        {"expect-version", expected_number<&options::expect_version>},
        {"expect-curve-id", expected_number<&options::expect_curve_id>},
        {"expect-peer-signature-algorithm", ignored},  // there is no way to ask for it
        {"expect-hrr", on<&options::expect_hrr>},
        {"expect-no-hrr", on<&options::expect_no_hrr>},
        {"expect-session-miss", on<&options::expect_session_miss>},
        {"expect-no-session", on<&options::expect_no_session>},
        {"expect-verify-result", nothing},
        {"implicit-handshake", nothing},
        {"handshake-twice", nothing},
        {"no-op-extra-handshake", nothing},
        {"forbid-renegotiation-after-handshake", nothing},
        {"expect-total-renegotiations", renegotiations},
        {"renegotiate-freely", on<&options::renegotiate_freely>},
        {"psk", text<&options::psk>},
        {"psk-identity", text<&options::psk_identity>},
        {"enable-early-data", on<&options::enable_early_data>},
        {"expect-ticket-supports-early-data", on<&options::expect_ticket_supports_early_data>},
        {"expect-accept-early-data", on<&options::expect_accept_early_data>},
        {"expect-reject-early-data", on<&options::expect_reject_early_data>},
        {"expect-no-offer-early-data", on<&options::expect_no_offer_early_data>},
        {"expect-early-data-reason", ignored},  // nor for this
        {"expect-ticket-renewal", on<&options::expect_ticket_renewal>},
        {"expect-peer-verify-pref", numbers<&options::expect_peer_verify_pref>},
        {"fips-202205", on<&options::fips_202205>},
        {"wpa-202304", on<&options::wpa_202304>},
        {"allow-hint-mismatch", nothing},
    };
    return known;
}

bool take_prefix(std::string_view& name, std::string_view prefix) {
    if (!name.starts_with(prefix)) return false;
    name.remove_prefix(prefix.size());
    return true;
}

}  // namespace

std::variant<command, unimplemented, handshaker_question> parse(
    const std::vector<std::string_view>& arguments) {
    command c;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto not_known = [&] { return unimplemented{std::string(arguments[i])}; };
        const auto value = [&] {
            return i + 1 < arguments.size() ? arguments[i + 1] : std::string_view{};
        };
        std::string_view name = arguments[i];
        if (!take_prefix(name, "-")) return not_known();
        if (name == "is-handshaker-supported") return handshaker_question{};
        if (name == "port" || name == "resume-count" || name == "shim-id") {
            const bool parsed =
                name == "port"      ? parse_number(value(), c.port)
                : name == "shim-id" ? parse_number(value(), c.shim_id.emplace())
                                    : parse_number(value(), c.resume_count);
            if (!parsed) return not_known();
            ++i;
            continue;
        }
        take_prefix(name, "on-shim-");
        const bool of_initial = take_prefix(name, "on-initial-");
        const bool of_retried = !of_initial && take_prefix(name, "on-retry-");
        const bool of_resumed = !of_initial && !of_retried && take_prefix(name, "on-resume-");
        const auto found = flags().find(name);
        if (found == flags().end()) return not_known();
        const flag& f = found->second;
        const std::string_view text = f.has_value ? value() : std::string_view{};
        const bool of_all = !of_initial && !of_resumed && !of_retried;
        if ((of_all || of_initial) && !f.set(c.initial, text)) return not_known();
        if ((of_all || of_resumed) && !f.set(c.resumed, text)) return not_known();
        if ((of_all || of_retried) && !f.set(c.retried, text)) return not_known();
        if (f.has_value) ++i;
    }
    // the lists of schemes for one's own and for the peer's signatures are one here
    for (const options* o : {&c.initial, &c.resumed}) {
        if (!o->signing_prefs.empty() && !o->verify_prefs.empty())
            return unimplemented{"-signing-prefs with -verify-prefs"};
        if (o->no_ticket && !o->server) return unimplemented{"-no-ticket of a client"};
        // the runner then expects an answer ahead of the client's Finished
        if (o->expect_accept_early_data && o->server)
            return unimplemented{"-expect-accept-early-data of a server"};
        if (!o->expect_peer_verify_pref.empty() && !o->server)
            return unimplemented{"-expect-peer-verify-pref of a client"};
        // nobody knows what became of it when the server's certificate is looked at
        if (!o->server && c.retried.verify_fail && !c.resumed.verify_fail)
            return unimplemented{"-on-retry-verify-fail"};
    }
    return c;
}

}  // namespace bogo
