// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/tls/connection.hpp>

#include <string>

namespace examples {

/// What was agreed on, a line each.
inline std::string negotiated(const copoll::tls::connection& c) {
    using namespace copoll;
    std::string text;
    const auto line = [&text](std::string_view name, std::string_view value) {
        text += std::string(name) + ": " + std::string(value) + "\n";
    };
    line("protocol", tls::name_of(c.version()));
    line("cipher", tls::name_of(c.cipher_suite()));
    if (const auto group = c.group()) line("group", tls::name_of(*group));
    line("resumed", c.is_resumed() ? "yes" : "no");
    if (const auto early = c.early_data(); early != tls::early_data::none)
        line("early data", early == tls::early_data::accepted ? "accepted" : "refused");
    if (const auto id = c.alpn_id()) line("alpn", *id);
    if (const auto name = c.server_name()) line("server name", *name);
    if (const auto server = c.server_identity()) line("server", server->leaf().subject);
    if (const auto client = c.client_identity()) line("client", client->leaf().subject);
    if (const auto ec = c.verify_error()) line("not verified", ec.message());
    return text;
}

}  // namespace examples
