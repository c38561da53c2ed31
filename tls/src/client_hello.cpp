// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/client_hello.hpp>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/ip.hpp>
#include <copoll/tls/error.hpp>

#include "wire_reader.hpp"

namespace copoll::tls {
namespace detail {

struct client_hello_state {
    std::vector<std::byte> message;
    std::size_t wire_size = 0;

    std::span<const std::byte> random;
    std::span<const std::byte> session_id;
    std::optional<std::string_view> server_name;
    std::vector<std::string_view> alpn_ids;
    std::vector<cipher_suite> cipher_suites;
    std::vector<protocol_version> versions;
    std::vector<named_group> groups;
    std::vector<signature_scheme> signature_schemes;
    std::vector<signature_scheme> signature_schemes_cert;
    std::vector<named_group> key_share_groups;
    std::vector<std::span<const std::byte>> psk_identities;
    std::vector<std::span<const std::byte>> certificate_authorities;
    std::vector<std::uint16_t> extensions;
    std::vector<std::span<const std::byte>> extension_data;
    std::optional<std::uint16_t> record_size_limit;
    bool secure_renegotiation = false;
    bool ocsp_request = false;
};

}  // namespace detail

namespace {

using detail::client_hello_state;
using detail::wire_reader;
using bytes = std::span<const std::byte>;

constexpr std::size_t record_header_size = 5;
constexpr std::size_t message_header_size = 4;
constexpr std::size_t largest_record = 16384;
constexpr std::size_t largest_message = 65536;
/// Each call walks the records again. Clients with little memory use records of 64 bytes; one byte
/// in each is what tests do, with short messages.
constexpr std::size_t most_records = 1024;

enum class content_type : std::uint8_t { change_cipher_spec = 20, alert, handshake, data };
constexpr std::uint8_t client_hello_type = 1;

/// https://www.iana.org/assignments/tls-extensiontype-values
enum class extension_type : std::uint16_t {
    server_name = 0,
    status_request = 5,
    supported_groups = 10,
    signature_algorithms = 13,
    alpn = 16,
    extended_master_secret = 23,
    record_size_limit = 28,
    session_ticket = 35,
    pre_shared_key = 41,
    early_data = 42,
    supported_versions = 43,
    certificate_authorities = 47,
    post_handshake_auth = 49,
    signature_algorithms_cert = 50,
    key_share = 51,
    renegotiation_info = 0xff01,
};

constexpr std::uint16_t ssl_3 = 0x0300;
constexpr std::uint16_t tls_1_2 = 0x0303;
constexpr auto renegotiation_scsv = static_cast<cipher_suite>(0x00ff);

using check = std::error_code;  // of a step; none if it went well

check malformed() noexcept { return make_error_code(errc::malformed_message); }
check illegal() noexcept { return make_error_code(errc::illegal_parameter); }

// --- records

/// SSL 2's ClientHello: a length of two bytes with the highest bit set, and 1.
bool is_ssl_2(bytes input) noexcept {
    if (std::to_integer<unsigned>(input[0]) < 0x80) return false;
    return input.size() < 3 || input[2] == std::byte{1};
}

/// The header of a record of a handshake, of which at least one byte is there. What of it is
/// missing is not checked yet.
check check_record_header(bytes header, bool is_first) noexcept {
    const auto type = static_cast<content_type>(header[0]);
    if (type != content_type::handshake) {
        const bool is_tls = type >= content_type::change_cipher_spec && type <= content_type::data;
        if (is_tls) return make_error_code(errc::unexpected_message);
        if (is_first && is_ssl_2(header)) {
            if (header.size() < 3) return {};
            return make_error_code(errc::unsupported_version);
        }
        return malformed();
    }
    // the minor version says nothing: clients write 3.1 into their first record
    if (header.size() > 1 && header[1] != std::byte{3}) return malformed();
    if (header.size() < record_header_size) return {};
    wire_reader length{header.subspan(3, 2)};
    const std::size_t size = length.u16();
    if (size == 0 || size > largest_record) return malformed();
    return {};
}

/// What is known of the message once some of it is there.
check check_message_start(bytes start) noexcept {
    wire_reader reader{start};
    if (!reader.empty() && reader.u8() != client_hello_type)
        return make_error_code(errc::unexpected_message);
    if (reader.size() < 3) return {};
    const std::size_t size = reader.u24();
    if (size > largest_message - message_header_size) return malformed();
    if (reader.size() < 2) return {};
    const std::uint16_t version = reader.u16();
    if (version <= ssl_3) return make_error_code(errc::unsupported_version);
    return {};
}

struct extent {
    std::size_t wire_size = 0;     ///< of all records
    std::size_t message_size = 0;  ///< of the message in them
};

/// Finds the records that the message is in; nothing if they are not all there.
result<std::optional<extent>> find_message(bytes input) {
    // type, length and version: what tells early that this is none
    std::array<std::byte, message_header_size + 2> start{};
    std::size_t started = 0;
    std::size_t have = 0;  // bytes of the message
    std::size_t at = 0;
    for (std::size_t records = 0; at < input.size(); ++records) {
        if (records == most_records) return fail(errc::too_much_work);
        const bytes header = input.subspan(at, std::min(record_header_size, input.size() - at));
        if (const check bad = check_record_header(header, at == 0)) return fail(bad);
        if (header.size() < record_header_size) return std::nullopt;
        at += record_header_size;
        const std::size_t size = wire_reader{header.subspan(3, 2)}.u16();
        const bytes fragment = input.subspan(at, std::min(size, input.size() - at));

        const bytes news = fragment.first(std::min(fragment.size(), start.size() - started));
        std::ranges::copy(news, start.begin() + static_cast<std::ptrdiff_t>(started));
        started += news.size();
        const bytes known = bytes{start}.first(started);
        if (const check bad = check_message_start(known)) return fail(bad);
        if (started >= message_header_size) {
            const std::size_t length = wire_reader{known.subspan(1, 3)}.u24();
            const std::size_t missing = message_header_size + length - have;
            // keys change after it in TLS 1.3, and nothing may come before an answer in TLS 1.2
            if (size > missing) return fail(errc::unexpected_message);
            if (fragment.size() == missing)
                return extent{at + fragment.size(), message_header_size + length};
        }
        have += fragment.size();
        at += size;
    }
    return std::nullopt;
}

void copy_message(bytes records, std::vector<std::byte>& into) {
    for (wire_reader reader{records}; !reader.empty();) {
        reader.take(record_header_size - 2);
        const bytes fragment = reader.vector(2);
        into.insert(into.end(), fragment.begin(), fragment.end());
    }
}

// --- extensions

template <class Number>
check read_numbers(bytes list, std::vector<Number>& into) {
    if (list.empty() || list.size() % 2 != 0) return malformed();
    into.reserve(list.size() / 2);
    for (wire_reader reader{list}; !reader.empty();)
        into.push_back(static_cast<Number>(reader.u16()));
    return {};
}

template <class List, class Value>
bool has(const List& list, Value value) noexcept {
    return std::ranges::find(list, value) != list.end();
}

/// A message has room for thousands of them: not each is compared with each.
template <class Number>
bool has_twice(std::vector<Number> numbers) {
    std::ranges::sort(numbers);
    return std::ranges::adjacent_find(numbers) != numbers.end();
}

/// A list of numbers that is all there is in the extension.
template <class Number>
check read_list(bytes data, std::size_t length_size, std::vector<Number>& into) {
    wire_reader reader{data};
    const bytes list = reader.vector(length_size);
    if (!reader.done()) return malformed();
    return read_numbers(list, into);
}

bool is_host_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

/// Labels of 1 to 63 characters with dots between them, 253 in all.
bool is_host_name(std::string_view name) noexcept {
    constexpr std::size_t longest_name = 253;
    constexpr std::size_t longest_label = 63;
    if (name.size() > longest_name) return false;
    for (;;) {
        const std::string_view label = name.substr(0, name.find('.'));
        if (label.empty() || label.size() > longest_label) return false;
        if (!std::ranges::all_of(label, is_host_character)) return false;
        if (label.size() == name.size()) return true;
        name.remove_prefix(label.size() + 1);
    }
}

check read_server_name(bytes data, client_hello_state& into) {
    constexpr std::uint8_t host_name = 0;
    wire_reader reader{data};
    wire_reader list{reader.vector(2, 1)};
    if (!reader.done()) return malformed();
    bool seen = false;
    while (!list.empty()) {
        const std::uint8_t type = list.u8();
        std::string_view name = text_of(list.vector(2, 1));
        if (list.failed()) return malformed();
        if (type != host_name) continue;
        if (std::exchange(seen, true)) return illegal();
        if (ip::address::parse(name)) continue;
        if (name.ends_with('.')) name.remove_suffix(1);
        if (!is_host_name(name)) return illegal();
        into.server_name = name;
    }
    return {};
}

check read_alpn(bytes data, client_hello_state& into) {
    wire_reader reader{data};
    wire_reader list{reader.vector(2, 2)};
    if (!reader.done()) return malformed();
    while (!list.empty()) into.alpn_ids.push_back(text_of(list.vector(1, 1)));
    return list.failed() ? malformed() : check{};
}

check read_status_request(bytes data, client_hello_state& into) {
    constexpr std::uint8_t ocsp = 1;
    wire_reader reader{data};
    if (reader.u8() == ocsp) {
        reader.vector(2);  // responders
        reader.vector(2);  // their extensions
        if (!reader.done()) return malformed();
        into.ocsp_request = true;
    }
    return reader.failed() ? malformed() : check{};
}

check read_key_share(bytes data, client_hello_state& into) {
    wire_reader reader{data};
    wire_reader list{reader.vector(2)};
    if (!reader.done()) return malformed();
    while (!list.empty()) {
        const auto group = static_cast<named_group>(list.u16());
        list.vector(2, 1);
        into.key_share_groups.push_back(group);
    }
    if (list.failed()) return malformed();
    return has_twice(into.key_share_groups) ? illegal() : check{};
}

check read_pre_shared_key(bytes data, client_hello_state& into) {
    constexpr std::size_t shortest_binder = 32;
    wire_reader reader{data};
    wire_reader identities{reader.vector(2, 7)};
    wire_reader binders{reader.vector(2, 1 + shortest_binder)};
    if (!reader.done()) return malformed();
    while (!identities.empty()) {
        into.psk_identities.push_back(identities.vector(2, 1));
        identities.number(4);  // age of the ticket
    }
    std::size_t bound = 0;
    for (; !binders.empty(); ++bound) binders.vector(1, shortest_binder);
    if (identities.failed() || binders.failed()) return malformed();
    return bound == into.psk_identities.size() ? check{} : illegal();
}

check read_certificate_authorities(bytes data, client_hello_state& into) {
    wire_reader reader{data};
    wire_reader names{reader.vector(2, 3)};
    if (!reader.done()) return malformed();
    while (!names.empty()) into.certificate_authorities.push_back(names.vector(2, 1));
    return names.failed() ? malformed() : check{};
}

check read_record_size_limit(bytes data, client_hello_state& into) {
    constexpr std::uint16_t least = 64;
    wire_reader reader{data};
    into.record_size_limit = reader.u16();
    if (!reader.done()) return malformed();
    return *into.record_size_limit >= least ? check{} : illegal();
}

check read_renegotiation_info(bytes data, client_hello_state& into) {
    wire_reader reader{data};
    const bytes verified = reader.vector(1);
    if (!reader.done()) return malformed();
    if (!verified.empty()) return illegal();  // this is the first handshake
    into.secure_renegotiation = true;
    return {};
}

check read_extension(std::uint16_t type, bytes data, client_hello_state& into) {
    switch (static_cast<extension_type>(type)) {
        case extension_type::server_name: return read_server_name(data, into);
        case extension_type::status_request: return read_status_request(data, into);
        case extension_type::supported_groups: return read_list(data, 2, into.groups);
        case extension_type::signature_algorithms:
            return read_list(data, 2, into.signature_schemes);
        case extension_type::signature_algorithms_cert:
            return read_list(data, 2, into.signature_schemes_cert);
        case extension_type::supported_versions: return read_list(data, 1, into.versions);
        case extension_type::alpn: return read_alpn(data, into);
        case extension_type::key_share: return read_key_share(data, into);
        case extension_type::pre_shared_key: return read_pre_shared_key(data, into);
        case extension_type::certificate_authorities:
            return read_certificate_authorities(data, into);
        case extension_type::record_size_limit: return read_record_size_limit(data, into);
        case extension_type::renegotiation_info: return read_renegotiation_info(data, into);
        case extension_type::extended_master_secret:
        case extension_type::early_data:
        case extension_type::post_handshake_auth: return data.empty() ? check{} : malformed();
        case extension_type::session_ticket: return {};
    }
    return {};
}

check read_extensions(bytes all, client_hello_state& into) {
    constexpr auto psk = static_cast<std::uint16_t>(extension_type::pre_shared_key);
    for (wire_reader reader{all}; !reader.empty();) {
        const std::uint16_t type = reader.u16();
        const bytes data = reader.vector(2);
        if (reader.failed()) return malformed();
        into.extensions.push_back(type);
        into.extension_data.push_back(data);
        if (type == psk && !reader.empty()) return illegal();
    }
    if (has_twice(into.extensions)) return illegal();
    for (std::size_t i = 0; i < into.extensions.size(); ++i) {
        if (const check bad = read_extension(into.extensions[i], into.extension_data[i], into))
            return bad;
    }
    return {};
}

check read_message(client_hello_state& into) {
    constexpr std::size_t random_size = 32;
    constexpr std::size_t longest_session_id = 32;
    wire_reader reader{into.message};
    reader.take(message_header_size);
    const std::uint16_t version = reader.u16();
    into.random = reader.take(random_size);
    into.session_id = reader.vector(1);
    if (into.session_id.size() > longest_session_id) return malformed();
    const bytes suites = reader.vector(2);
    const bytes compressions = reader.vector(1, 1);
    const bytes extensions = reader.empty() ? bytes{} : reader.vector(2);
    if (!reader.done()) return malformed();
    if (const check bad = read_numbers(suites, into.cipher_suites)) return bad;
    if (!has(compressions, std::byte{0})) return illegal();
    if (const check bad = read_extensions(extensions, into)) return bad;
    if (into.versions.empty())
        into.versions.push_back(static_cast<protocol_version>(std::min(version, tls_1_2)));
    if (has(into.cipher_suites, renegotiation_scsv)) into.secure_renegotiation = true;
    return {};
}

}  // namespace

result<std::optional<client_hello>> client_hello::parse(std::span<const std::byte> input) {
    const auto found = find_message(input);
    if (!found) return fail(found.error());
    if (!*found) return std::nullopt;
    const auto [wire_size, message_size] = **found;
    const auto state = std::make_shared<client_hello_state>();
    state->wire_size = wire_size;
    state->message.reserve(message_size);
    copy_message(input.first(wire_size), state->message);
    if (const check bad = read_message(*state)) return fail(bad);
    return client_hello{state};
}

std::size_t client_hello::wire_size() const noexcept { return state_->wire_size; }
std::span<const std::byte> client_hello::message() const noexcept { return state_->message; }
std::optional<std::string_view> client_hello::server_name() const noexcept {
    return state_->server_name;
}
std::span<const std::string_view> client_hello::alpn_ids() const noexcept {
    return state_->alpn_ids;
}
std::span<const cipher_suite> client_hello::cipher_suites() const noexcept {
    return state_->cipher_suites;
}
std::span<const protocol_version> client_hello::versions() const noexcept {
    return state_->versions;
}
std::span<const named_group> client_hello::groups() const noexcept { return state_->groups; }
std::span<const signature_scheme> client_hello::signature_schemes() const noexcept {
    return state_->signature_schemes;
}
std::span<const signature_scheme> client_hello::signature_schemes_cert() const noexcept {
    return state_->signature_schemes_cert;
}
std::span<const named_group> client_hello::key_share_groups() const noexcept {
    return state_->key_share_groups;
}
std::span<const std::byte> client_hello::random() const noexcept { return state_->random; }
std::span<const std::byte> client_hello::session_id() const noexcept {
    return state_->session_id;
}
std::span<const std::span<const std::byte>> client_hello::psk_identities() const noexcept {
    return state_->psk_identities;
}
std::span<const std::span<const std::byte>> client_hello::certificate_authorities() const noexcept {
    return state_->certificate_authorities;
}
std::optional<std::uint16_t> client_hello::record_size_limit() const noexcept {
    return state_->record_size_limit;
}
std::span<const std::uint16_t> client_hello::extensions() const noexcept {
    return state_->extensions;
}

std::optional<std::span<const std::byte>> client_hello::extension(
    std::uint16_t type) const noexcept {
    const auto at = std::ranges::find(state_->extensions, type);
    if (at == state_->extensions.end()) return std::nullopt;
    return state_->extension_data[static_cast<std::size_t>(at - state_->extensions.begin())];
}

std::optional<std::span<const std::byte>> client_hello::session_ticket() const noexcept {
    return extension(static_cast<std::uint16_t>(extension_type::session_ticket));
}
bool client_hello::has_early_data() const noexcept {
    return extension(static_cast<std::uint16_t>(extension_type::early_data)).has_value();
}
bool client_hello::has_post_handshake_auth() const noexcept {
    return extension(static_cast<std::uint16_t>(extension_type::post_handshake_auth)).has_value();
}
bool client_hello::has_extended_master_secret() const noexcept {
    return extension(static_cast<std::uint16_t>(extension_type::extended_master_secret))
        .has_value();
}
bool client_hello::has_secure_renegotiation() const noexcept {
    return state_->secure_renegotiation;
}
bool client_hello::has_ocsp_request() const noexcept { return state_->ocsp_request; }

}  // namespace copoll::tls
