// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "channel.hpp"
#include "options.hpp"

#include <memory>
#include <string>

namespace load {

struct run_state;

// What one client resumes from: sessions as they come, the last is the best.
class session_slot {
public:
    virtual ~session_slot() = default;
};

// One end of TLS 1.3 with key exchange X25519, by OpenSSL. Its handshake comes before anything
// else.
class tls_channel : public channel {
public:
    // As far as it gets: `some` when it is complete and is what was asked for.
    virtual moved shake_hands() = 0;
    [[nodiscard]] virtual bool is_resumed() const = 0;
};

// What all connections of a run have in common. They take the certificate of the first for the
// server's, whoever signed it unless options::ca_file says who, and no other after that.
class tls_factory {
public:
    virtual ~tls_factory() = default;

    virtual std::unique_ptr<session_slot> make_slot() = 0;

    // With a slot that holds a session the handshake fails unless it is resumed.
    virtual std::unique_ptr<tls_channel> connect(descriptor fd, session_slot* slot) = 0;
};

// Whether this program was built with it.
bool has_tls();

// Of no use if `has_tls` says no. Empty, with the reason, if OpenSSL does not know the suite or
// cannot read the file.
std::unique_ptr<tls_factory> make_tls(const options& opt, run_state& run, std::string& error);

}  // namespace load
