// SPDX-License-Identifier: MIT OR Apache-2.0
#include "sessions.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <mbedtls/platform_util.h>
#include <psa/crypto.h>

#include <copoll/buffer.hpp>
#include <copoll/detail/assert.hpp>
#include <copoll/tls/error.hpp>

#include "crypto_ready.hpp"
#include "native_identity.hpp"
#include "ssl_private.h"
#include "wire_reader.hpp"

namespace copoll::tls {
namespace detail {
namespace {

// A ticket: the name of its key, a nonce, and the contents with their tag. The name is
// authenticated, too.
constexpr std::size_t name_size = 16;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr psa_algorithm_t aead = PSA_ALG_CHACHA20_POLY1305;

std::uint8_t* octets(std::byte* p) noexcept { return reinterpret_cast<std::uint8_t*>(p); }
const std::uint8_t* octets(const std::byte* p) noexcept {
    return reinterpret_cast<const std::uint8_t*>(p);
}

/// The secret half of a ticket key, where PSA keeps it.
class psa_ticket_key {
public:
    explicit psa_ticket_key(const ticket_keys::key& key) noexcept {
        psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
        psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT);
        psa_set_key_algorithm(&attributes, aead);
        psa_set_key_type(&attributes, PSA_KEY_TYPE_CHACHA20);
        if (psa_import_key(&attributes, octets(key.data() + name_size), key.size() - name_size,
                           &id_) != PSA_SUCCESS)
            id_ = PSA_KEY_ID_NULL;
    }
    psa_ticket_key(const psa_ticket_key&) = delete;
    psa_ticket_key& operator=(const psa_ticket_key&) = delete;
    ~psa_ticket_key() { psa_destroy_key(id_); }
    psa_key_id_t id() const noexcept { return id_; }

private:
    psa_key_id_t id_ = PSA_KEY_ID_NULL;
};

bool fill_random(std::span<std::byte> bytes) noexcept {
    return crypto_ready() && psa_generate_random(octets(bytes.data()), bytes.size()) == PSA_SUCCESS;
}

wiped_bytes plain_text(const ticket_contents& contents) {
    wire_writer to;
    to.number(static_cast<std::uint64_t>(contents.made_at.time_since_epoch().count()), 8);
    to.vector(copoll::bytes_of(contents.session_context), 1);
    to.number(contents.client.has_value(), 1);
    to.number(contents.client_verified, 1);
    if (contents.client) write_chain(to, *contents.client);
    to.vector(contents.blob, 3);
    return to.take();
}

std::optional<ticket_contents> contents_of(std::span<const std::byte> plain) {
    wire_reader from{plain};
    const std::uint64_t high = from.number(4);
    const std::chrono::sys_seconds made_at{
        std::chrono::seconds{static_cast<std::int64_t>(high << 32 | from.number(4))}};
    std::string context{copoll::text_of(from.vector(1))};
    const bool has_client = from.number(1) != 0;
    const bool verified = from.number(1) != 0;
    std::optional<public_identity> client;
    if (has_client) {
        client = read_chain(from);
        if (!client) return std::nullopt;
    }
    const auto blob = from.vector(3);
    if (!from.done()) return std::nullopt;
    return ticket_contents{std::move(context), made_at, std::move(client), verified,
                           wiped_bytes(blob.begin(), blob.end())};
}

}  // namespace

wiped_bytes::~wiped_bytes() {
    if (!empty()) mbedtls_platform_zeroize(data(), size());
}

wiped_bytes saved(const mbedtls_ssl_session& session) {
    std::size_t size = 0;
    mbedtls_ssl_session_save(&session, nullptr, 0, &size);
    wiped_bytes blob(size);
    if (mbedtls_ssl_session_save(&session, octets(blob.data()), blob.size(), &size) != 0) return {};
    return blob;
}

void write_chain(wire_writer& to, const public_identity& identity) {
    const auto& chain = identity.export_x509_chain();
    to.number(chain.size(), 1);
    for (const auto& certificate : chain) to.vector(certificate, 3);
}

std::optional<public_identity> read_chain(wire_reader& from) {
    std::vector<std::vector<std::byte>> chain(static_cast<std::size_t>(from.number(1)));
    for (auto& certificate : chain) {
        const auto der = from.vector(3);
        certificate.assign(der.begin(), der.end());
    }
    if (from.failed() || chain.empty()) return std::nullopt;
    return make_public_identity(std::move(chain));
}

std::vector<std::byte> seal_ticket(const ticket_state& keys, const ticket_contents& contents) {
    const ticket_keys::key& key = keys.keys.front();
    const wiped_bytes plain = plain_text(contents);
    std::vector<std::byte> ticket(name_size + nonce_size + plain.size() + tag_size);
    std::byte* const name = ticket.data();
    std::byte* const nonce = name + name_size;
    std::byte* const sealed = nonce + nonce_size;
    std::ranges::copy(std::span(key).first<name_size>(), name);
    std::size_t size = 0;
    if (!fill_random({nonce, nonce_size}) ||
        psa_aead_encrypt(psa_ticket_key{key}.id(), aead, octets(nonce), nonce_size, octets(name),
                         name_size, octets(plain.data()), plain.size(), octets(sealed),
                         plain.size() + tag_size, &size) != PSA_SUCCESS)
        return {};
    return ticket;
}

std::optional<ticket_contents> open_ticket(const ticket_state& keys,
                                           std::span<const std::byte> ticket,
                                           std::chrono::sys_seconds now) {
    if (ticket.size() < name_size + nonce_size + tag_size) return std::nullopt;
    const auto name = ticket.first(name_size);
    const auto nonce = ticket.subspan(name_size, nonce_size);
    const auto sealed = ticket.subspan(name_size + nonce_size);
    const auto key = std::ranges::find_if(keys.keys, [&](const ticket_keys::key& k) {
        return std::ranges::equal(std::span(k).first<name_size>(), name);
    });
    if (key == keys.keys.end()) return std::nullopt;
    wiped_bytes plain(sealed.size() - tag_size);
    std::size_t size = 0;
    if (psa_aead_decrypt(psa_ticket_key{*key}.id(), aead, octets(nonce.data()), nonce_size,
                         octets(name.data()), name_size, octets(sealed.data()), sealed.size(),
                         octets(plain.data()), plain.size(), &size) != PSA_SUCCESS)
        return std::nullopt;
    auto contents = contents_of(plain);
    if (contents && now - contents->made_at > keys.lifetime) return std::nullopt;
    return contents;
}

}  // namespace detail

namespace {
// The first bytes of a saved session: the library and the version of the form.
constexpr std::uint32_t session_magic = 0x43505302;
constexpr std::chrono::hours longest_lifetime{7 * 24};  // RFC 8446 §4.6.1
}  // namespace

std::vector<std::byte> session::serialize() const {
    detail::wire_writer to;
    to.number(session_magic, 4);
    to.number(state_->verified, 1);
    to.vector(bytes_of(state_->server_name), 2);
    to.vector(bytes_of(state_->alpn), 1);
    detail::write_chain(to, state_->server_identity);
    to.vector(state_->blob, 3);
    return to.take();
}

result<session> session::parse(std::span<const std::byte> bytes) {
    detail::wire_reader from{bytes};
    if (from.number(4) != session_magic) return fail(errc::session_malformed);
    const bool verified = from.number(1) != 0;
    std::string name{text_of(from.vector(2))};
    std::string alpn{text_of(from.vector(1))};
    auto identity = detail::read_chain(from);
    const auto blob = from.vector(3);
    if (!identity || !from.done()) return fail(errc::session_malformed);
    detail::ssl_session probe;
    if (!detail::crypto_ready() ||
        mbedtls_ssl_session_load(probe.get(), detail::octets(blob.data()), blob.size()) != 0)
        return fail(errc::session_malformed);
    return session{std::make_shared<const detail::session_state>(
        detail::session_state{detail::wiped_bytes(blob.begin(), blob.end()), std::move(name),
                              std::move(alpn), *std::move(identity), verified,
                              copoll_ssl_most_early_data(probe.get())})};
}

const std::string& session::server_name() const noexcept { return state_->server_name; }
const public_identity& session::server_identity() const noexcept {
    return state_->server_identity;
}

std::uint32_t session::max_early_data() const noexcept { return state_->max_early_data; }

ticket_keys::ticket_keys(std::chrono::seconds lifetime)
    : state_(std::make_shared<detail::ticket_state>()) {
    state_->lifetime = std::min<std::chrono::seconds>(lifetime, longest_lifetime);
    rotate(0);
}

ticket_keys::ticket_keys(std::span<const key> keys, std::chrono::seconds lifetime)
    : state_(std::make_shared<detail::ticket_state>()) {
    state_->lifetime = std::min<std::chrono::seconds>(lifetime, longest_lifetime);
    set_keys(keys);
}

void ticket_keys::rotate(std::size_t kept) {
    key fresh;
    const bool filled = detail::fill_random(fresh);
    copoll::detail::expects(filled, "the host gives no randomness");
    auto& keys = state_->keys;
    keys.resize(std::min(keys.size(), kept));
    keys.insert(keys.begin(), fresh);
}

std::vector<ticket_keys::key> ticket_keys::keys() const { return state_->keys; }

void ticket_keys::set_keys(std::span<const key> keys) {
    copoll::detail::expects(!keys.empty(), "ticket_keys: no key");
    state_->keys.assign(keys.begin(), keys.end());
}

}  // namespace copoll::tls
