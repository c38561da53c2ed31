// SPDX-License-Identifier: MIT OR Apache-2.0
#include "trace.hpp"

#include <string>
#include <string_view>

#include <copoll/tls/error.hpp>

#include "wire_reader.hpp"

namespace copoll::tls::detail {
namespace {

std::string_view record_name(std::uint8_t type) noexcept {
    switch (type) {
        case 20: return "change_cipher_spec";
        case 21: return "alert";
        case 22: return "handshake";
        case 23: return "application_data";
        default: return "unknown";
    }
}

std::string_view message_name(std::uint8_t type) noexcept {
    switch (type) {
        case 0: return "HelloRequest";
        case 1: return "ClientHello";
        case 2: return "ServerHello";
        case 4: return "NewSessionTicket";
        case 5: return "EndOfEarlyData";
        case 8: return "EncryptedExtensions";
        case 11: return "Certificate";
        case 12: return "ServerKeyExchange";
        case 13: return "CertificateRequest";
        case 14: return "ServerHelloDone";
        case 15: return "CertificateVerify";
        case 16: return "ClientKeyExchange";
        case 20: return "Finished";
        case 24: return "KeyUpdate";
        default: return "unknown";
    }
}

std::string record_line(std::string_view direction, std::uint8_t type, std::size_t size) {
    return std::string(direction) + " record: " + std::string(record_name(type)) + ", " +
           std::to_string(size) + " bytes";
}

}  // namespace

void trace::sent(std::span<const std::byte> records, bool encrypted) const {
    if (!to_) return;
    constexpr std::uint8_t handshake = 22;
    wire_reader from{records};
    while (!from.done() && !from.failed()) {
        const auto type = static_cast<std::uint8_t>(from.number(1));
        from.number(2);  // the version, which means nothing
        const auto body = from.vector(2);
        std::string line = record_line("sent", type, body.size());
        // the name of a message that is whole, as what goes on in another record has none
        wire_reader message{body};
        const auto kind = static_cast<std::uint8_t>(message.number(1));
        message.vector(3);
        if (type == handshake && !encrypted && !message.failed())
            line += ", " + std::string(message_name(kind));
        (*to_)(line);
    }
}

void trace::received(std::uint8_t type, std::size_t size) const {
    if (to_) (*to_)(record_line("received", type, size));
}

void trace::message(std::span<const std::byte> message) const {
    if (!to_ || message.empty()) return;
    const auto type = std::to_integer<std::uint8_t>(message[0]);
    (*to_)("received message: " + std::string(message_name(type)) + ", " +
           std::to_string(message.size()) + " bytes");
}

}  // namespace copoll::tls::detail
