// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <copoll/clock.hpp>
#include <copoll/tls/dh_parameters.hpp>
#include <copoll/tls/identity.hpp>
#include <copoll/tls/session.hpp>
#include <copoll/tls/trust.hpp>
#include <copoll/tls/types.hpp>

/// What a connection is made with. The defaults are the safe ones: the server is verified against
/// `roots` and its name, TLS 1.2 and 1.3 with forward secrecy, no renegotiation. What is left empty
/// takes all that the library speaks, the best first.

namespace copoll::tls {

/// What is negotiable, in order of preference.
struct protocol_parameters {
    protocol_version min_version = protocol_version::tls1_2;
    protocol_version max_version = protocol_version::tls1_3;
    std::vector<cipher_suite> cipher_suites{};
    std::vector<named_group> groups{};
    std::vector<signature_scheme> signature_schemes{};
    /// Bytes of plaintext that a record carries at most, 64 to 16384: what is sent is cut to it.
    /// 0: 16384.
    std::size_t record_size_limit = 0;
    /// Client: bits of a server's Diffie-Hellman prime, at least, in the suites that have one.
    unsigned min_dh_bits = 2048;
};

enum class verification {
    required,  ///< A peer that cannot be verified ends the handshake.
    /// The application decides: the handshake goes on, and `verify_error` says what was found.
    /// With no look at it the connection is open to anybody in the middle.
    left_to_application,
};

/// Gets each secret as a line of the NSS key log format, without line end, for Wireshark. Whoever
/// has these lines reads the connection.
using key_log = std::function<void(std::string_view line)>;
/// Gets a line about each record that is sent or received, and about each handshake message of the
/// peer. For people: its form may change. It holds no secrets and no data.
using trace_sink = std::function<void(std::string_view line)>;
/// The time that certificates are checked at.
using wall_clock = std::chrono::sys_seconds (*)();

/// A secret that both sides have from elsewhere (RFC 8446 §2.2, RFC 4279). It proves both to each
/// other, so nobody needs a certificate. Of at least 16 random bytes: whoever records a handshake
/// can try out short or guessable ones. At most 48 bytes.
struct pre_shared_key {
    std::string identity{};  ///< sent in the clear
    std::vector<std::byte> key{};
};

struct client_options {
    /// The DNS name or IP address that the server must prove. Sent to it in the clear (SNI) if it
    /// is a name. Required, unless verification is left to the application.
    std::string server_name{};
    std::vector<std::string> alpn{};
    /// Whom to trust; an empty set trusts nobody. None: `system_roots`, and nobody without any.
    std::optional<trust_anchors> roots{};
    /// Presented if the server asks; the first that fits. See `receive_client_identity_request`.
    std::vector<private_identity> identities{};
    verification verify = verification::required;
    /// TLS 1.2: whether the server may start the handshake again on a complete connection, which it
    /// does to ask who the client is. `identities` answers then. Not with HTTP/2.
    bool allow_renegotiation = false;
    /// Offered along with certificates; without `server_name` a server must know it.
    std::optional<pre_shared_key> psk{};
    /// Tried first: a shorter handshake if the server still knows it.
    std::optional<session> resume{};
    /// Called with each session that can be resumed later, from within a read or `finish`.
    std::function<void(session)> on_session{};
    protocol_parameters protocol{};
    key_log keys{};
    trace_sink trace{};
    wall_clock now = nullptr;  ///< nullptr: the system's
    /// For `connect`: how long the handshake may take.
    clock::duration handshake_timeout = std::chrono::seconds{30};
};

/// Whether a server asks for a client certificate.
enum class client_authentication {
    none,
    requested,  ///< A client without one is served, see `client_identity`.
    required,   ///< It is not.
};

struct server_options {
    /// What to present; one whose certificate names the host that the client asks for is taken
    /// before others, and the client's signature schemes decide among those.
    std::vector<private_identity> identities{};
    /// Those in common with the client's, in this order of preference. A client that offers others
    /// only is refused; one that offers none is served without.
    std::vector<std::string> alpn{};
    client_authentication authenticate = client_authentication::none;
    /// Whose client certificates are trusted.
    trust_anchors client_roots{};
    verification verify_client = verification::required;
    /// Those that are known here. A list that is filled after `receive_client_hello`, whose
    /// `psk_identities` say which are asked for, can be looked up anywhere; in TLS 1.2 a client
    /// names its key later, and it must be here by then.
    std::vector<pre_shared_key> psks{};
    /// For the suites that use it. None: the group of 2048 bits of RFC 3526.
    std::optional<dh_parameters> dh{};
    /// Lets clients resume; shared by all connections of a server. None: no tickets.
    std::optional<ticket_keys> tickets{};
    /// Bytes that a client may send ahead of a handshake that resumes a session, in TLS 1.3
    /// (0-RTT); tickets tell it. They are held back until the handshake is complete, which no
    /// replay gets to, and are what the connection reads first; see `read_early_data`. 0: none are
    /// taken.
    std::uint32_t max_early_data = 0;
    /// TLS 1.2: sessions are kept by the application and not in tickets. Gets each under its id,
    /// sealed with the keys of `tickets`, without which there are none. In TLS 1.3 a ticket it is.
    std::function<void(std::span<const std::byte> id, std::vector<std::byte> sealed)>
        on_session{};
    /// What was kept under the `session_id` that `receive_client_hello` gives; it may be looked up
    /// anywhere. Anything else is not taken, and the handshake is a full one.
    std::vector<std::byte> resume{};
    /// Sessions of another context are not taken: at most 255 bytes that name what they are for.
    std::string session_context{};
    protocol_parameters protocol{};
    key_log keys{};
    trace_sink trace{};
    wall_clock now = nullptr;  ///< nullptr: the system's
    /// For `accept`: how long the handshake may take.
    clock::duration handshake_timeout = std::chrono::seconds{30};
};

}  // namespace copoll::tls
