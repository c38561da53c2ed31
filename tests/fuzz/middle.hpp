// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll_crypto/aead.hpp>
#include <copoll_crypto/hmac.hpp>

/// Somebody between a client and a server of TLS who has the keys of both (from their key logs), so
/// that what is changed on the way is not just refused for its tag. Knows one set of primitives:
/// ChaCha20-Poly1305 with SHA-256, of TLS 1.2 (RFC 7905) and 1.3.

namespace fuzz {

using bytes = std::vector<std::byte>;
namespace crypto = copoll::crypto;

constexpr std::size_t header_size = 5;
constexpr auto change_cipher = std::byte{20};
constexpr auto handshake = std::byte{22};
constexpr auto application_data = std::byte{23};
constexpr auto key_update = std::byte{24};  // a message, not a record
constexpr auto server_hello = std::byte{2};

inline void append(bytes& to, std::span<const std::byte> what) {
    to.insert(to.end(), what.begin(), what.end());
}

struct record {
    std::byte type{};
    bytes body{};

    bytes wire() const {
        bytes made{type, std::byte{3}, std::byte{3}, static_cast<std::byte>(body.size() >> 8),
                   static_cast<std::byte>(body.size())};
        append(made, body);
        return made;
    }
};

/// What one side has said about its keys.
class secrets {
public:
    /// A line of the NSS key log.
    void note(std::string_view line) {
        const auto label = line.substr(0, line.find(' '));
        line.remove_prefix(label.size() + 1);
        last_client_random_ = from_hex(line.substr(0, line.find(' ')));
        lines_.emplace_back(label, from_hex(line.substr(line.find(' ') + 1)));
    }
    /// The last with this label.
    std::optional<bytes> find(std::string_view label) const {
        for (auto i = lines_.rbegin(); i != lines_.rend(); ++i)
            if (i->first == label) return i->second;
        return std::nullopt;
    }
    bool is_tls1_2() const { return find(master).has_value(); }
    const bytes& client_random() const { return last_client_random_; }

    /// If it is a ServerHello, of its own or as it gets it, it knows the random bytes in there.
    void note_server_random(const record& r) {
        constexpr std::size_t at = 6, size = 32;
        if (r.type != handshake || r.body.size() < at + size || r.body[0] != server_hello) return;
        server_random_.assign(r.body.begin() + at, r.body.begin() + at + size);
    }
    const bytes& server_random() const { return server_random_; }

    static constexpr std::string_view master = "CLIENT_RANDOM";

private:
    static bytes from_hex(std::string_view hex) {
        bytes made;
        for (; hex.size() >= 2; hex.remove_prefix(2)) {
            unsigned value = 0;
            std::from_chars(hex.data(), hex.data() + 2, value, 16);
            made.push_back(static_cast<std::byte>(value));
        }
        return made;
    }

    std::vector<std::pair<std::string, bytes>> lines_;
    bytes last_client_random_, server_random_;
};

/// Keys of one direction, and the number of the next record.
struct record_keys {
    std::array<std::byte, 32> key{};
    std::array<std::byte, 12> iv{};
    std::uint64_t number = 0;
    bool tls1_2 = false;

    std::array<std::byte, 12> nonce() const {
        auto made = iv;
        for (std::size_t i = 0; i < 8; ++i)
            made[11 - i] ^= static_cast<std::byte>(number >> (8 * i));
        return made;
    }
    /// What is authenticated along with a message of `size` bytes.
    bytes associated(std::byte type, std::size_t size) const {
        bytes made;
        if (tls1_2)
            for (int i = 7; i >= 0; --i) made.push_back(static_cast<std::byte>(number >> (8 * i)));
        else
            size += crypto::chacha20_poly1305::tag_size;
        append(made, std::array{type, std::byte{3}, std::byte{3},
                                static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)});
        return made;
    }

    std::optional<record> open(const record& sealed) {
        constexpr std::size_t tag_size = crypto::chacha20_poly1305::tag_size;
        if (sealed.body.size() < tag_size + !tls1_2) return std::nullopt;
        record plain = sealed;
        const std::size_t size = sealed.body.size() - tag_size;
        if (!crypto::chacha20_poly1305{key}.open(
                nonce(), associated(sealed.type, size), std::span(plain.body).first(size),
                std::span(sealed.body).last<tag_size>()))
            return std::nullopt;
        ++number;
        plain.body.resize(size);
        if (tls1_2) return plain;
        while (!plain.body.empty() && plain.body.back() == std::byte{0}) plain.body.pop_back();
        if (plain.body.empty()) return std::nullopt;
        plain.type = plain.body.back();
        plain.body.pop_back();
        return plain;
    }

    record seal(const record& plain) {
        record sealed = plain;
        if (!tls1_2) {
            sealed.body.push_back(plain.type);
            sealed.type = application_data;
        }
        const std::size_t size = sealed.body.size();
        std::array<std::byte, crypto::chacha20_poly1305::tag_size> tag{};
        crypto::chacha20_poly1305{key}.seal(nonce(), associated(sealed.type, size), sealed.body,
                                            tag);
        append(sealed.body, tag);
        ++number;
        return sealed;
    }
};

/// HKDF-Expand-Label of RFC 8446 §7.1, without context.
inline void expand_label(std::span<const std::byte> secret, std::string_view label,
                         std::span<std::byte> into) {
    bytes info{std::byte{0}, static_cast<std::byte>(into.size()),
               static_cast<std::byte>(6 + label.size())};
    append(info, copoll::bytes_of("tls13 "));
    append(info, copoll::bytes_of(label));
    info.push_back(std::byte{0});
    if (secret.size() == 32)
        static_cast<void>(crypto::hkdf_sha256::expand(secret.first<32>(), info, into));
}

inline record_keys keys_of_tls1_3(std::span<const std::byte> traffic_secret) {
    record_keys made;
    expand_label(traffic_secret, "key", made.key);
    expand_label(traffic_secret, "iv", made.iv);
    return made;
}

/// RFC 5246 §6.3.
inline record_keys keys_of_tls1_2(std::span<const std::byte> master,
                                  std::span<const std::byte> server_random,
                                  std::span<const std::byte> client_random, bool of_client) {
    bytes seed;
    append(seed, copoll::bytes_of("key expansion"));
    append(seed, server_random);
    append(seed, client_random);
    const auto code = [&](std::span<const std::byte> a, std::span<const std::byte> b) {
        crypto::hmac_sha256 h{master};
        h.update(a);
        h.update(b);
        const auto made = h.finish();
        return bytes{made.bytes().begin(), made.bytes().end()};
    };
    bytes block, a = seed;
    while (block.size() < 2 * (32 + 12)) {
        a = code(a, {});
        append(block, code(a, seed));
    }
    record_keys made;
    made.tls1_2 = true;
    std::copy_n(block.begin() + (of_client ? 0 : 32), 32, made.key.begin());
    std::copy_n(block.begin() + (of_client ? 64 : 76), 12, made.iv.begin());
    return made;
}

/// One end of one direction: the keys as the side has them that writes, or reads, there.
class end {
public:
    end(const secrets& said, bool of_client) : said_(&said), of_client_(of_client) {}

    bool is_encrypted() const { return keys_.has_value(); }
    bool has_traffic_keys() const { return keys_ && (keys_->tls1_2 || stage_ >= 2); }

    /// What a record of the writer says. None: it cannot be opened.
    std::optional<record> open(const record& r) {
        const bool clear = said_->is_tls1_2() ? !keys_ : r.type != application_data;
        if (clear) {
            passed(r);
            return r;
        }
        for (int attempt = 0; attempt < 2; ++attempt) {
            if (keys_)
                if (auto plain = keys_->open(r)) {
                    passed(*plain);
                    return plain;
                }
            if (said_->is_tls1_2() || !next_stage()) return std::nullopt;
        }
        return std::nullopt;
    }

    /// A record for the reader; in the clear while it has no keys.
    record seal(const record& plain) {
        const bool clear = !keys_ || (!keys_->tls1_2 && plain.type == change_cipher);
        record made = clear ? plain : keys_->seal(plain);
        passed(plain);
        if (!clear && !keys_->tls1_2 && plain.type == handshake && plain.body.size() == 5 &&
            plain.body[0] == key_update)
            next_stage();
        return made;
    }
    /// Follows the writer to the keys of the handshake, and of the connection.
    void follow(const end& writer) {
        while (!said_->is_tls1_2() && stage_ < std::min(writer.stage_, 2) && next_stage()) {}
    }

private:
    void passed(const record& plain) {
        if (plain.type != change_cipher || !said_->is_tls1_2()) return;
        keys_ = keys_of_tls1_2(*said_->find(secrets::master), said_->server_random(),
                               said_->client_random(), of_client_);
    }
    bool next_stage() {
        if (stage_ < 2) {
            const std::string whose = of_client_ ? "CLIENT_" : "SERVER_";
            const auto found = said_->find(
                whose + (stage_ == 0 ? "HANDSHAKE_TRAFFIC_SECRET" : "TRAFFIC_SECRET_0"));
            if (!found) return false;
            secret_ = *found;
        } else {
            bytes next(secret_.size());
            expand_label(secret_, "traffic upd", next);
            secret_ = std::move(next);
        }
        ++stage_;
        keys_ = keys_of_tls1_3(secret_);
        return true;
    }

    const secrets* said_;
    bool of_client_;
    std::optional<record_keys> keys_;
    int stage_ = 0;  ///< of TLS 1.3: 1 handshake, 2 connection, more after key updates
    bytes secret_;
};

/// One direction, with what was said and not yet passed on.
class direction {
public:
    direction(secrets& writer, secrets& reader, bool of_client)
        : of_client_(of_client), writer_said_(&writer), reader_said_(&reader),
          writer_(writer, of_client), reader_(reader, of_client) {}

    void said(std::span<const std::byte> stream) { append(waiting_, stream); }

    /// A record that was said: on the wire, and opened, unless that was not possible.
    struct passing {
        bytes wire{};
        std::optional<record> plain{};
    };
    std::optional<passing> next() {
        if (waiting_.size() < header_size) return std::nullopt;
        const std::size_t size = header_size + (std::to_integer<std::size_t>(waiting_[3]) << 8) +
                                 std::to_integer<std::size_t>(waiting_[4]);
        if (waiting_.size() < size) return std::nullopt;
        const auto behind = waiting_.begin() + static_cast<std::ptrdiff_t>(size);
        passing p{.wire{waiting_.begin(), behind}};
        waiting_.erase(waiting_.begin(), behind);
        p.plain = writer_.open({p.wire[0], {p.wire.begin() + header_size, p.wire.end()}});
        if (p.plain && !of_client_) writer_said_->note_server_random(*p.plain);
        return p;
    }

    /// As the reader gets it.
    bytes seal(const record& plain) {
        reader_.follow(writer_);
        if (!of_client_) reader_said_->note_server_random(plain);
        if (plain.type == application_data && reader_.has_traffic_keys()) append(data_, plain.body);
        return reader_.seal(plain).wire();
    }

    /// All data that the reader can have got.
    const bytes& data() const { return data_; }

private:
    bool of_client_;
    secrets* writer_said_;
    secrets* reader_said_;
    end writer_, reader_;
    bytes waiting_{}, data_{};
};

}  // namespace fuzz
