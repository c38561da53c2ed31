// SPDX-License-Identifier: MIT OR Apache-2.0
// What mbedTLS 3.6 knows of a connection and has no accessor for. The one place of tls that reads
// or sets its private fields; everything else uses its public interface.
#ifndef COPOLL_TLS_SSL_PRIVATE_H
#define COPOLL_TLS_SSL_PRIVATE_H

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How far a handshake is. Each includes those before it.
typedef enum {
    copoll_ssl_under_way,
    copoll_ssl_peer_proved,    ///< its certificate is checked, and that it holds the key
    copoll_ssl_answer_wanted,  ///< client: it is known whether a certificate is asked for
    copoll_ssl_over,
} copoll_ssl_position;

copoll_ssl_position copoll_ssl_where(const mbedtls_ssl_context* ssl);

/// Of the handshake under way; not to be called when it is over.
bool copoll_ssl_certificate_requested(const mbedtls_ssl_context* ssl);
/// Whether a ticket or session id was accepted by both. An own pre-shared key is no resumption.
bool copoll_ssl_resumed(const mbedtls_ssl_context* ssl);
/// Whether a pre-shared key of the application proves both sides.
bool copoll_ssl_uses_psk(const mbedtls_ssl_context* ssl);
/// The cipher suite of the handshake under way.
int copoll_ssl_suite(const mbedtls_ssl_context* ssl);
/// The group of the key exchange by its IANA number; 0 if none was agreed on.
uint16_t copoll_ssl_group(const mbedtls_ssl_context* ssl);
bool copoll_ssl_retried_hello(const mbedtls_ssl_context* ssl);
/// The chain that the peer sent, in its order, while it is negotiated and later. May be NULL.
const mbedtls_x509_crt* copoll_ssl_peer_chain(const mbedtls_ssl_context* ssl);
/// The first certificate of the chain that a server presents in this handshake. May be NULL.
const mbedtls_x509_crt* copoll_ssl_own_leaf(const mbedtls_ssl_context* ssl);
/// While a server reads a client's ticket: whether mbedTLS can resume this session with a key
/// exchange. One that it cannot it would drop, but not free.
bool copoll_ssl_can_resume(const mbedtls_ssl_context* ssl, const mbedtls_ssl_session* session);
/// Whether a session holds anything by which the server could find it again.
bool copoll_ssl_can_be_resumed(const mbedtls_ssl_session* session);
/// Has mbedTLS take a cookie in a HelloRetryRequest, if that may come next.
void copoll_ssl_accept_cookie(mbedtls_ssl_context* ssl);
/// Signature schemes that the peer offered; ends with 0.
const uint16_t* copoll_ssl_peer_signature_schemes(const mbedtls_ssl_context* ssl);

// ---- For early data, in TLS 1.3

/// Server, before the handshake: bytes that are skipped, at most, if what comes is refused.
void copoll_ssl_skip_early_data(mbedtls_ssl_context* ssl, uint32_t most);
/// Server: whether early data may still come.
bool copoll_ssl_expects_early_data(const mbedtls_ssl_context* ssl);
/// Server, while the handshake is under way: whether it takes what the client sends ahead.
bool copoll_ssl_takes_early_data(const mbedtls_ssl_context* ssl);
/// Server: whether records that come now are dropped because early data was refused.
bool copoll_ssl_skips_early_data(const mbedtls_ssl_context* ssl);
uint16_t copoll_ssl_session_version(const mbedtls_ssl_session* session);
/// Bytes that may be sent ahead in a session; 0 if none may.
uint32_t copoll_ssl_most_early_data(const mbedtls_ssl_session* session);
void copoll_ssl_forbid_early_data(mbedtls_ssl_session* session);
/// Client that sends some ahead, once the server has proved itself: whether it has taken that.
bool copoll_ssl_early_data_was_taken(const mbedtls_ssl_context* ssl);

// ----

/// Has all written that mbedTLS has prepared. An error of mbedTLS, or 0.
int copoll_ssl_flush(mbedtls_ssl_context* ssl);
/// Whether the next step writes our Finished in TLS 1.3.
bool copoll_ssl_finishes_next(const mbedtls_ssl_context* ssl);
/// What Finished messages carry (RFC 8446 §4.4.4, RFC 5246 §7.4.9): in TLS 1.3 ours right after the
/// step that has written it, and the peer's after the one that has checked it; in TLS 1.2 when the
/// handshake is over. NULL at other times.
const uint8_t* copoll_ssl_own_finished(const mbedtls_ssl_context* ssl, size_t* size);
const uint8_t* copoll_ssl_peer_finished(const mbedtls_ssl_context* ssl, size_t* size);
/// The handshake message that was read last, with its header. NULL if it was none.
const uint8_t* copoll_ssl_last_message(const mbedtls_ssl_context* ssl, size_t* size);

/// Whether what comes is to be decrypted by now.
bool copoll_ssl_reads_encrypted(const mbedtls_ssl_context* ssl);
/// While mbedTLS asks for the next record: the type of the last, decrypted.
uint8_t copoll_ssl_last_type(const mbedtls_ssl_context* ssl);
/// If it is that of an alert: level and description.
const uint8_t* copoll_ssl_last_alert(const mbedtls_ssl_context* ssl);
/// The signature scheme of the peer's CertificateVerify in TLS 1.3, right after the step of the
/// handshake that has checked it; else 0.
uint16_t copoll_ssl_scheme_of_proof(const mbedtls_ssl_context* ssl);
/// The alert that made the last call fail with MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE.
uint8_t copoll_ssl_received_alert(const mbedtls_ssl_context* ssl);
/// In TLS 1.3 the other side reads an alert with keys that mbedTLS does not write it with: those of
/// the handshake when a client fails before its Finished, those of the connection when a server
/// fails after its own (RFC 8446 §6, A.1, A.2). Takes the right ones for what is written from now
/// on, at the end of the connection. True if mbedTLS had taken others.
bool copoll_ssl_take_keys_for_alert(mbedtls_ssl_context* ssl);
/// Has all written that mbedTLS has prepared. True if an alert is to be written with keys by a
/// client, which says so to middleboxes before, once (RFC 8446 §D.4).
bool copoll_ssl_alert_needs_change_cipher(mbedtls_ssl_context* ssl);
/// Writes a fatal alert, behind all that mbedTLS has prepared and not written yet.
void copoll_ssl_write_alert(mbedtls_ssl_context* ssl, uint8_t description);

/// The record buffers, 17 KiB for each direction, are needed only while a record is on its way in
/// it, and what a server made the handshake with not at all when that is over. `park` gives back
/// what is not needed, and keeps the state of the records in `counter`; `unpark` takes new buffers.
enum { copoll_ssl_counter_size = 8 };
void copoll_ssl_park(mbedtls_ssl_context* ssl, uint8_t counter[copoll_ssl_counter_size]);
/// False if there is no memory.
bool copoll_ssl_unpark(mbedtls_ssl_context* ssl, const uint8_t counter[copoll_ssl_counter_size]);
/// Whether a buffer was given back.
bool copoll_ssl_is_parked(const mbedtls_ssl_context* ssl);

/// KeyUpdate (RFC 8446 §4.6.3), which mbedTLS 3.6 lacks.
typedef enum {
    copoll_ssl_no_key_update,
    copoll_ssl_key_update,            ///< the peer's keys are now new
    copoll_ssl_key_update_requested,  ///< and it wants new ones of ours
    copoll_ssl_key_update_malformed,
    copoll_ssl_key_update_failed,
} copoll_ssl_key_update_result;

/// After MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE of a read in TLS 1.3: takes the message if it is one.
copoll_ssl_key_update_result copoll_ssl_take_key_update(mbedtls_ssl_context* ssl);
/// Writes one, and changes our keys. An error of mbedTLS, or 0.
int copoll_ssl_send_key_update(mbedtls_ssl_context* ssl, bool request_peer);

// ---- For post-handshake authentication (see post_handshake_auth.hpp), in TLS 1.3

/// The handshake message that made a read fail with MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, with its
/// header, until the next read. NULL if it was none.
const uint8_t* copoll_ssl_post_handshake_message(const mbedtls_ssl_context* ssl, size_t* size);
/// Writes one, with its header. An error of mbedTLS, or 0.
int copoll_ssl_send_message(mbedtls_ssl_context* ssl, const uint8_t* message, size_t size);
/// Whether all messages of the handshake under way are in its transcript.
bool copoll_ssl_is_at_wrapup(const mbedtls_ssl_context* ssl);
/// A copy of the transcript so far; `into` is initialized.
bool copoll_ssl_clone_transcript(const mbedtls_ssl_context* ssl, psa_hash_operation_t* into);
/// The hash of the key schedule of a connection.
psa_algorithm_t copoll_ssl_hash(const mbedtls_ssl_context* ssl);
/// `size` bytes of the key of a client's Finished, from its traffic secret. An error, or 0.
int copoll_ssl_client_finished_key(const mbedtls_ssl_context* ssl, uint8_t* into, size_t size);
/// The flags of a client's leaf that is not for this use.
uint32_t copoll_ssl_client_usage_flags(const mbedtls_x509_crt* leaf);
/// Signature schemes that are accepted; ends with 0.
const uint16_t* copoll_ssl_accepted_schemes(const mbedtls_ssl_context* ssl);

// ---- For renegotiation, in TLS 1.2

/// Whether one is under way or asked for.
bool copoll_ssl_is_renegotiating(const mbedtls_ssl_context* ssl);
/// After MBEDTLS_ERR_SSL_WANT_READ: whether the peer has just refused one.
bool copoll_ssl_refused_renegotiation(const mbedtls_ssl_context* ssl);

#ifdef __cplusplus
}
#endif
#endif
