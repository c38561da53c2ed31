// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/ip.hpp>
#include <copoll/tls/engine.hpp>

#include "certificate_request.hpp"
#include "post_handshake_auth.hpp"
#include "record_watch.hpp"
#include "sessions.hpp"
#include "ssl_config.hpp"
#include "ssl_private.h"
#include "trace.hpp"

namespace copoll::tls {

/// mbedTLS does the work: it is stepped, reads from `in` and writes to `out`, and never waits.
struct engine::state {
    state() = default;
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state();

    // what mbedTLS calls
    static int send(void* p, const unsigned char* bytes, std::size_t n) noexcept;
    static int receive(void* p, unsigned char* into, std::size_t n) noexcept;
    static int verify(void* p, mbedtls_x509_crt* certificate, int depth,
                      std::uint32_t* flags) noexcept;
    static void export_keys(void* p, mbedtls_ssl_key_export_type type,
                            const unsigned char* secret, std::size_t size,
                            const unsigned char client_random[32],
                            const unsigned char server_random[32],
                            mbedtls_tls_prf_types prf) noexcept;
    static int write_ticket(void* p, const mbedtls_ssl_session* session, unsigned char* start,
                            const unsigned char* end, std::size_t* size,
                            std::uint32_t* lifetime) noexcept;
    static int read_ticket(void* p, mbedtls_ssl_session* session, unsigned char* ticket,
                           std::size_t size) noexcept;

    static int keep_by_id(void* p, const unsigned char* id, std::size_t size,
                          const mbedtls_ssl_session* session) noexcept;
    static int find_by_id(void* p, const unsigned char* id, std::size_t size,
                          mbedtls_ssl_session* session) noexcept;
    std::vector<std::byte> sealed(const mbedtls_ssl_session& session) const;
    bool open(std::span<const std::byte> sealed, mbedtls_ssl_session& into) noexcept;

    static int find_psk(void* p, mbedtls_ssl_context* ssl, const unsigned char* identity,
                        std::size_t size) noexcept;

    // the handshake
    progress parse_hello();
    void frame_hello_anew();
    std::optional<protocol_version> agreed_version() const noexcept;
    std::error_code nothing_in_common() const noexcept;
    bool set_up();
    int set_up_client();
    int set_up_server();
    progress step_until(milestone until);
    bool has_reached(milestone m) const noexcept;
    bool observe(bool finish_written);
    bool note_peer();
    void note_own_identity();
    void note_schemes();
    void note_authorities();
    void note_finished(bool ours_is_written);
    bool answer_request();
    const private_identity* choose_identity() const;
    bool fits(const certificate& leaf) const noexcept;
    bool is_of_authority(const private_identity& identity) const noexcept;
    static bool names_host(const certificate& leaf, std::string_view host);
    void completed();
    void keep_session();

    // early data
    io_result write_early_data(std::span<const std::byte> bytes);
    bool note_fate_of_early_data();
    void note_early_data();
    bool hold_early_data();
    read_result read_early(std::span<std::byte> into);

    void trace_message();
    void send_record(std::span<const std::byte> record, bool encrypted) noexcept;

    // failing
    void tell(alert a) noexcept;
    void fail_with(std::error_code ec) noexcept;
    bool has_told_in_clear(std::size_t kept) const noexcept;
    std::optional<alert> take_back_output(std::size_t kept) noexcept;
    void fail_from(int ret, std::size_t output_before) noexcept;
    bool refuse(std::error_code why) noexcept;

    // the connection
    read_result read(std::span<std::byte> into);
    io_result write(std::span<const std::byte> bytes);
    bool take_message(int ret, std::size_t output_before);
    result<void> request_client_identity();
    result<void> ask_again();
    bool take_auth_message(std::span<const std::byte> message);
    std::error_code judge_client(std::error_code found);
    bool end_renegotiation();
    bool take_buffers() noexcept;
    /// Bytes of data that this side puts into a record.
    std::size_t record_size() const noexcept;
    /// Bytes of output that one call makes, at most: they fit into one host write.
    static constexpr std::size_t most_output = 64 * 1024;

    std::optional<protocol_version> version() const noexcept;
    /// Empty if there is none.
    std::string_view agreed_alpn() const noexcept;
    const trace_sink& sink() const noexcept { return server_role ? server.trace : client.trace; }
    const key_log& keys() const noexcept { return server_role ? server.keys : client.keys; }
    wall_clock now() const noexcept { return server_role ? server.now : client.now; }

    bool server_role = false;
    client_options client;  ///< of a client; of a server the next
    server_options server;
    std::optional<ip::address> expected_address;

    std::span<const std::byte> in;  ///< what the transport gave
    bool in_ended = false;
    buffer held;  ///< before `in`: what the ClientHello was parsed from
    buffer out;

    std::optional<client_hello> hello;
    detail::ssl_config config;
    mbedtls_ssl_context ssl;
    bool has_ssl = false;
    detail::record_watch watch;
    std::optional<detail::record_watch::refusal> record_refused;  ///< what made `receive` fail
    detail::trace trace{};
    std::pair<std::uint8_t, std::size_t> traced{};  ///< type and size of the peer's last message
    bool changed_cipher = false;  ///< a ChangeCipherSpec of ours is out
    std::uint8_t counter[copoll_ssl_counter_size]{};  ///< while `ssl` is parked

    copoll_ssl_position position = copoll_ssl_under_way;
    bool answered = false;
    bool peer_noted = false;
    bool resumed = false;
    bool retried = false;
    bool proved_by_psk = false;
    std::string psk_identity;  ///< that was looked up last
    std::optional<named_group> group;
    std::optional<public_identity> own, peer, peer_of_ticket;
    bool peer_of_ticket_verified = false;
    std::vector<signature_scheme> shared_schemes;
    detail::distinguished_names authorities;  ///< of a client: that the server asks for
    std::vector<std::byte> own_finished, peer_finished;
    std::error_code verify_error{};

    tls::early_data early = tls::early_data::none;
    bool sends_early = false;  ///< of a client: wants to
    std::uint32_t early_written = 0;
    bool early_ended = false;  ///< of a server: no more comes
    std::uint32_t early_promised = 0;  ///< of a server: by the ticket that it got
    bool stepped = false;              ///< mbedTLS has gone on with the handshake
    buffer held_early{};       ///< of a server: what was not read yet

    detail::post_handshake_auth auth;
    bool renegotiating = false;
    std::error_code auth_error{};

    std::error_code error{};       ///< why nothing works any more
    std::error_code read_ended{};  ///< why nothing more can be read
    bool write_closed = false;
    bool owes_key_update = false;
    unsigned idle_messages = 0;
};

}  // namespace copoll::tls
