// SPDX-License-Identifier: MIT OR Apache-2.0
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "ssl_private.h"

#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/psa_util.h>
#include <ssl_misc.h>
#include <ssl_tls13_keys.h>

#include <string.h>

static bool is_client(const mbedtls_ssl_context* ssl) {
    return ssl->conf->endpoint == MBEDTLS_SSL_IS_CLIENT;
}

// In TLS 1.3 the server has proved itself with its CertificateVerify, in TLS 1.2 with its
// ServerKeyExchange. Where a handshake resumes another, and in TLS 1.3 with a pre-shared key, it is
// the peer's Finished that proves anything: what comes before could be a replay.
static bool is_proved_by_finished(const mbedtls_ssl_context* ssl) {
    return copoll_ssl_resumed(ssl) ||
           (ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 && copoll_ssl_uses_psk(ssl));
}

static copoll_ssl_position where_client(const mbedtls_ssl_context* ssl) {
    const bool tls1_3 = ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3;
    const bool by_finished = is_proved_by_finished(ssl);
    switch (ssl->state) {
        case MBEDTLS_SSL_CLIENT_CERTIFICATE:
        case MBEDTLS_SSL_CLIENT_KEY_EXCHANGE:
        case MBEDTLS_SSL_CLIENT_CERTIFICATE_VERIFY:
        case MBEDTLS_SSL_CLIENT_CHANGE_CIPHER_SPEC:
        case MBEDTLS_SSL_CLIENT_FINISHED:
        case MBEDTLS_SSL_FLUSH_BUFFERS:
        case MBEDTLS_SSL_HANDSHAKE_WRAPUP: return copoll_ssl_answer_wanted;
        case MBEDTLS_SSL_NEW_SESSION_TICKET:
        case MBEDTLS_SSL_SERVER_CHANGE_CIPHER_SPEC:
            return by_finished ? copoll_ssl_under_way : copoll_ssl_answer_wanted;
        case MBEDTLS_SSL_CERTIFICATE_VERIFY:
            return tls1_3 ? copoll_ssl_under_way : copoll_ssl_answer_wanted;
        case MBEDTLS_SSL_CERTIFICATE_REQUEST:
        case MBEDTLS_SSL_SERVER_HELLO_DONE:
            return tls1_3 ? copoll_ssl_under_way : copoll_ssl_peer_proved;
        case MBEDTLS_SSL_SERVER_FINISHED:
            if (by_finished) return copoll_ssl_under_way;
            return tls1_3 ? copoll_ssl_peer_proved : copoll_ssl_answer_wanted;
        case MBEDTLS_SSL_END_OF_EARLY_DATA:
        case MBEDTLS_SSL_CLIENT_CCS_AFTER_SERVER_FINISHED: return copoll_ssl_peer_proved;
        default: return copoll_ssl_under_way;
    }
}

static copoll_ssl_position where_server(const mbedtls_ssl_context* ssl) {
    const bool tls1_3 = ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3;
    const bool by_finished = is_proved_by_finished(ssl);
    switch (ssl->state) {
        case MBEDTLS_SSL_CLIENT_FINISHED:
            return by_finished ? copoll_ssl_under_way : copoll_ssl_answer_wanted;
        case MBEDTLS_SSL_FLUSH_BUFFERS:
        case MBEDTLS_SSL_HANDSHAKE_WRAPUP:
        case MBEDTLS_SSL_TLS1_3_NEW_SESSION_TICKET:
        case MBEDTLS_SSL_TLS1_3_NEW_SESSION_TICKET_FLUSH: return copoll_ssl_answer_wanted;
        case MBEDTLS_SSL_CLIENT_CHANGE_CIPHER_SPEC:
        case MBEDTLS_SSL_SERVER_CHANGE_CIPHER_SPEC:
        case MBEDTLS_SSL_SERVER_FINISHED:
            return tls1_3 || by_finished ? copoll_ssl_under_way : copoll_ssl_answer_wanted;
        default: return copoll_ssl_under_way;
    }
}

copoll_ssl_position copoll_ssl_where(const mbedtls_ssl_context* ssl) {
    if (ssl->state == MBEDTLS_SSL_HANDSHAKE_OVER) return copoll_ssl_over;
    return is_client(ssl) ? where_client(ssl) : where_server(ssl);
}

bool copoll_ssl_certificate_requested(const mbedtls_ssl_context* ssl) {
    return ssl->handshake != NULL && ssl->handshake->client_auth != 0;
}

bool copoll_ssl_resumed(const mbedtls_ssl_context* ssl) {
    const mbedtls_ssl_handshake_params* handshake = ssl->handshake;
    if (handshake == NULL || !handshake->resume) return false;
    return ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3 ||
           handshake->key_exchange_mode != MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL;
}

bool copoll_ssl_uses_psk(const mbedtls_ssl_context* ssl) {
    const mbedtls_ssl_handshake_params* handshake = ssl->handshake;
    if (handshake == NULL || handshake->resume) return false;
    if (ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3)
        return handshake->key_exchange_mode != MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL;
    return handshake->ciphersuite_info != NULL &&
           mbedtls_ssl_ciphersuite_uses_psk(handshake->ciphersuite_info);
}

int copoll_ssl_suite(const mbedtls_ssl_context* ssl) {
    return ssl->session_negotiate == NULL ? 0 : ssl->session_negotiate->ciphersuite;
}

uint16_t copoll_ssl_group(const mbedtls_ssl_context* ssl) {
    const mbedtls_ssl_handshake_params* handshake = ssl->handshake;
    if (handshake == NULL) return 0;
    const psa_key_type_t type = handshake->xxdh_psa_type;
    if (!PSA_KEY_TYPE_IS_ECC_KEY_PAIR(type)) return 0;
    if (PSA_KEY_TYPE_ECC_GET_FAMILY(type) == PSA_ECC_FAMILY_MONTGOMERY)
        return MBEDTLS_SSL_IANA_TLS_GROUP_X25519;
    switch (handshake->xxdh_psa_bits) {
        case 256: return MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1;
        case 384: return MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1;
        case 521: return MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1;
        default: return 0;
    }
}

bool copoll_ssl_retried_hello(const mbedtls_ssl_context* ssl) {
    return ssl->handshake != NULL && ssl->handshake->hello_retry_request_flag != 0;
}

const mbedtls_x509_crt* copoll_ssl_peer_chain(const mbedtls_ssl_context* ssl) {
    const mbedtls_ssl_session* session =
        ssl->session_negotiate != NULL ? ssl->session_negotiate : ssl->session;
    return session == NULL ? NULL : session->peer_cert;
}

const mbedtls_x509_crt* copoll_ssl_own_leaf(const mbedtls_ssl_context* ssl) {
    if (ssl->handshake == NULL || ssl->handshake->key_cert == NULL) return NULL;
    return ssl->handshake->key_cert->cert;
}

const uint16_t* copoll_ssl_peer_signature_schemes(const mbedtls_ssl_context* ssl) {
    static const uint16_t none[] = {0};
    return ssl->handshake == NULL ? none : ssl->handshake->received_sig_algs;
}

// ---- Early data

void copoll_ssl_skip_early_data(mbedtls_ssl_context* ssl, uint32_t most) {
    if (ssl->session_negotiate != NULL) ssl->session_negotiate->max_early_data_size = most;
}

bool copoll_ssl_takes_early_data(const mbedtls_ssl_context* ssl) {
    return ssl->handshake != NULL && ssl->handshake->early_data_accepted != 0;
}

bool copoll_ssl_expects_early_data(const mbedtls_ssl_context* ssl) {
    switch (ssl->state) {
        case MBEDTLS_SSL_HELLO_REQUEST:
        case MBEDTLS_SSL_CLIENT_HELLO: return true;
        case MBEDTLS_SSL_SERVER_HELLO:
        case MBEDTLS_SSL_SERVER_CCS_AFTER_SERVER_HELLO:
        case MBEDTLS_SSL_ENCRYPTED_EXTENSIONS:
        case MBEDTLS_SSL_SERVER_FINISHED:
        case MBEDTLS_SSL_END_OF_EARLY_DATA: return copoll_ssl_takes_early_data(ssl);
        default: return false;
    }
}

bool copoll_ssl_skips_early_data(const mbedtls_ssl_context* ssl) {
    return ssl->discard_early_data_record != MBEDTLS_SSL_EARLY_DATA_NO_DISCARD;
}

uint16_t copoll_ssl_session_version(const mbedtls_ssl_session* session) {
    return (uint16_t)session->tls_version;
}

uint32_t copoll_ssl_most_early_data(const mbedtls_ssl_session* session) {
    return session->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 &&
                   mbedtls_ssl_tls13_session_ticket_allow_early_data((mbedtls_ssl_session*)session)
               ? session->max_early_data_size
               : 0;
}

bool copoll_ssl_early_data_was_taken(const mbedtls_ssl_context* ssl) {
    return ssl->early_data_state == MBEDTLS_SSL_EARLY_DATA_STATE_ACCEPTED ||
           ssl->early_data_state == MBEDTLS_SSL_EARLY_DATA_STATE_SERVER_FINISHED_RECEIVED;
}

void copoll_ssl_forbid_early_data(mbedtls_ssl_session* session) {
    mbedtls_ssl_tls13_session_clear_ticket_flags(session,
                                                 MBEDTLS_SSL_TLS1_3_TICKET_ALLOW_EARLY_DATA);
}

// ----

bool copoll_ssl_reads_encrypted(const mbedtls_ssl_context* ssl) {
    return ssl->transform_in != NULL;
}

uint8_t copoll_ssl_last_type(const mbedtls_ssl_context* ssl) {
    return (uint8_t)ssl->in_msgtype;
}

const uint8_t* copoll_ssl_last_alert(const mbedtls_ssl_context* ssl) {
    return ssl->in_msg;
}

enum { header_size = 4, certificate_verify_message = 15, finished_message = 20 };

uint16_t copoll_ssl_scheme_of_proof(const mbedtls_ssl_context* ssl) {
    if (ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3 ||
        ssl->in_msgtype != MBEDTLS_SSL_MSG_HANDSHAKE ||
        ssl->in_msg[0] != certificate_verify_message)
        return 0;
    return (uint16_t)(ssl->in_msg[header_size] << 8 | ssl->in_msg[header_size + 1]);
}

const uint8_t* copoll_ssl_last_message(const mbedtls_ssl_context* ssl, size_t* size) {
    *size = ssl->in_hslen;
    return ssl->in_msgtype == MBEDTLS_SSL_MSG_HANDSHAKE && ssl->in_hslen >= header_size
               ? ssl->in_msg
               : NULL;
}

bool copoll_ssl_finishes_next(const mbedtls_ssl_context* ssl) {
    return ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 &&
           ssl->state == (is_client(ssl) ? MBEDTLS_SSL_CLIENT_FINISHED
                                         : MBEDTLS_SSL_SERVER_FINISHED);
}

const uint8_t* copoll_ssl_own_finished(const mbedtls_ssl_context* ssl, size_t* size) {
    if (ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3) {
        *size = ssl->verify_data_len;
        return (const uint8_t*)ssl->own_verify_data;
    }
    if (ssl->handshake == NULL) return NULL;
    *size = ssl->handshake->state_local.finished_out.digest_len;
    return ssl->handshake->state_local.finished_out.digest;
}

const uint8_t* copoll_ssl_peer_finished(const mbedtls_ssl_context* ssl, size_t* size) {
    if (ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3) {
        *size = ssl->verify_data_len;
        return (const uint8_t*)ssl->peer_verify_data;
    }
    const uint8_t* message = copoll_ssl_last_message(ssl, size);
    if (message == NULL || message[0] != finished_message) return NULL;
    *size -= header_size;
    return message + header_size;
}

bool copoll_ssl_can_resume(const mbedtls_ssl_context* ssl, const mbedtls_ssl_session* session) {
    if (session->tls_version != MBEDTLS_SSL_VERSION_TLS1_3) return true;
    const uint32_t needed = MBEDTLS_SSL_EXT_MASK(SUPPORTED_GROUPS) |
                            MBEDTLS_SSL_EXT_MASK(KEY_SHARE) |
                            MBEDTLS_SSL_EXT_MASK(PSK_KEY_EXCHANGE_MODES);
    const mbedtls_ssl_handshake_params* handshake = ssl->handshake;
    return (handshake->received_extensions & needed) == needed &&
           (handshake->tls13_kex_modes & session->ticket_flags &
            MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL) != 0;
}

bool copoll_ssl_can_be_resumed(const mbedtls_ssl_session* session) {
    return session->ticket_len > 0 || session->id_len > 0;
}

// mbedTLS holds a cookie to be the answer to an extension of the client's, which it is not.
void copoll_ssl_accept_cookie(mbedtls_ssl_context* ssl) {
    if (ssl->handshake != NULL && ssl->state == MBEDTLS_SSL_SERVER_HELLO)
        ssl->handshake->sent_extensions |= MBEDTLS_SSL_EXT_MASK(COOKIE);
}

uint8_t copoll_ssl_received_alert(const mbedtls_ssl_context* ssl) {
    return ssl->in_msg[1];
}

int copoll_ssl_flush(mbedtls_ssl_context* ssl) { return mbedtls_ssl_flush_output(ssl); }

bool copoll_ssl_take_keys_for_alert(mbedtls_ssl_context* ssl) {
    const mbedtls_ssl_handshake_params* handshake = ssl->handshake;
    // it is kept for a while when it is over
    if (handshake == NULL || ssl->state == MBEDTLS_SSL_HANDSHAKE_OVER ||
        ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3)
        return false;
    // a server that takes early data reads with its keys up to the end of it
    if (is_client(ssl) && handshake->transform_earlydata != NULL &&
        ssl->transform_out == handshake->transform_earlydata &&
        ssl->early_data_state != MBEDTLS_SSL_EARLY_DATA_STATE_REJECTED)
        return false;
    mbedtls_ssl_transform* right =
        is_client(ssl) ? handshake->transform_handshake : ssl->transform_application;
    if (right == NULL || ssl->transform_out == right) return false;
    mbedtls_ssl_set_outbound_transform(ssl, right);
    mbedtls_ssl_update_out_pointers(ssl, right);
    return true;
}

bool copoll_ssl_alert_needs_change_cipher(mbedtls_ssl_context* ssl) {
    if (mbedtls_ssl_flush_output(ssl) != 0) return false;
    return is_client(ssl) && ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 &&
           ssl->state != MBEDTLS_SSL_HANDSHAKE_OVER && ssl->handshake != NULL &&
           ssl->handshake->transform_handshake != NULL;
}

void copoll_ssl_write_alert(mbedtls_ssl_context* ssl, uint8_t description) {
    if (mbedtls_ssl_flush_output(ssl) != 0) return;
    copoll_ssl_take_keys_for_alert(ssl);
    mbedtls_ssl_send_alert_message(ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, description);
}

// ---- Parking

bool copoll_ssl_is_parked(const mbedtls_ssl_context* ssl) {
    return ssl->in_buf == NULL || ssl->out_buf == NULL;
}

static bool is_receiving(const mbedtls_ssl_context* ssl) {
    return ssl->in_left != 0 || ssl->badmac_seen_or_in_hsfraglen != 0 ||
           mbedtls_ssl_check_pending(ssl);
}

static void wipe_and_free(unsigned char** memory, size_t size) {
    mbedtls_zeroize_and_free(*memory, size);
    *memory = NULL;
}

// What a handshake was made with, which mbedTLS keeps in TLS 1.3. A client needs it for tickets.
static void free_handshake(mbedtls_ssl_context* ssl) {
    if (ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3 || is_client(ssl) ||
        ssl->handshake == NULL)
        return;
    mbedtls_ssl_handshake_free(ssl);
    mbedtls_free(ssl->handshake);
    ssl->handshake = NULL;
    mbedtls_ssl_transform_free(ssl->transform_negotiate);  // of TLS 1.2
    mbedtls_free(ssl->transform_negotiate);
    ssl->transform_negotiate = NULL;
}

void copoll_ssl_park(mbedtls_ssl_context* ssl, uint8_t counter[copoll_ssl_counter_size]) {
    if (ssl->state != MBEDTLS_SSL_HANDSHAKE_OVER) return;
    if (ssl->in_buf != NULL && !is_receiving(ssl)) {
        memcpy(counter, ssl->in_ctr, copoll_ssl_counter_size);
        ssl->in_hslen = ssl->in_msglen = 0;  // of a message that was processed
        wipe_and_free(&ssl->in_buf, MBEDTLS_SSL_IN_BUFFER_LEN);
    }
    if (ssl->out_buf != NULL && ssl->out_left == 0) {
        wipe_and_free(&ssl->out_buf, MBEDTLS_SSL_OUT_BUFFER_LEN);
        free_handshake(ssl);
    }
}

bool copoll_ssl_unpark(mbedtls_ssl_context* ssl, const uint8_t counter[copoll_ssl_counter_size]) {
    if (ssl->in_buf == NULL) {
        ssl->in_buf = mbedtls_calloc(1, MBEDTLS_SSL_IN_BUFFER_LEN);
        if (ssl->in_buf == NULL) return false;
        mbedtls_ssl_reset_in_pointers(ssl);
        memcpy(ssl->in_ctr, counter, copoll_ssl_counter_size);
    }
    if (ssl->out_buf == NULL) {
        ssl->out_buf = mbedtls_calloc(1, MBEDTLS_SSL_OUT_BUFFER_LEN);
        if (ssl->out_buf == NULL) return false;
        mbedtls_ssl_reset_out_pointers(ssl);
        mbedtls_ssl_update_out_pointers(ssl, ssl->transform_out);
    }
    return true;
}

// ---- KeyUpdate

// Our traffic secret, or the peer's.
static unsigned char* traffic_secret(const mbedtls_ssl_context* ssl, bool own) {
    mbedtls_ssl_tls13_application_secrets* secrets = &ssl->session->app_secrets;
    return is_client(ssl) == own ? secrets->client_application_traffic_secret_N
                                 : secrets->server_application_traffic_secret_N;
}

// The next generation of a traffic secret, and its key and IV in place of the old ones
// (RFC 8446 §7.2, §7.3).
static int change_keys(mbedtls_ssl_context* ssl, bool own) {
    mbedtls_ssl_transform* transform = ssl->transform_application;
    const psa_algorithm_t hash = copoll_ssl_hash(ssl);
    const size_t hash_size = PSA_HASH_LENGTH(hash);
    unsigned char* secret = traffic_secret(ssl, own);
    mbedtls_svc_key_id_t* key = own ? &transform->psa_key_enc : &transform->psa_key_dec;

    unsigned char next[MBEDTLS_TLS1_3_MD_MAX_SIZE];
    mbedtls_ssl_key_set keys;
    psa_key_attributes_t old = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    mbedtls_svc_key_id_t new_key = MBEDTLS_SVC_KEY_ID_INIT;
    int ret = psa_get_key_attributes(*key, &old);
    if (ret != 0) return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    psa_set_key_usage_flags(&attributes, psa_get_key_usage_flags(&old));
    psa_set_key_algorithm(&attributes, psa_get_key_algorithm(&old));
    psa_set_key_type(&attributes, psa_get_key_type(&old));
    ret = mbedtls_ssl_tls13_hkdf_expand_label(
        hash, secret, hash_size, MBEDTLS_SSL_TLS1_3_LBL_WITH_LEN(traffic_upd), NULL, 0, next,
        hash_size);
    if (ret == 0) {
        const size_t key_size = PSA_BITS_TO_BYTES(psa_get_key_bits(&old));
        ret = mbedtls_ssl_tls13_make_traffic_keys(hash, next, next, hash_size, key_size,
                                                  transform->ivlen, &keys);
        if (ret == 0)
            ret = psa_import_key(&attributes, keys.client_write_key, key_size, &new_key);
    }
    if (ret == 0) {
        psa_destroy_key(*key);
        *key = new_key;
        memcpy(own ? transform->iv_enc : transform->iv_dec, keys.client_write_iv,
               transform->ivlen);
        memcpy(secret, next, hash_size);
        if (own)
            mbedtls_ssl_set_outbound_transform(ssl, transform);
        else
            mbedtls_ssl_set_inbound_transform(ssl, transform);
    }
    mbedtls_platform_zeroize(next, sizeof next);
    mbedtls_platform_zeroize(&keys, sizeof keys);
    return ret == 0 ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

enum { key_update_message = 24, key_update_size = header_size + 1 };

copoll_ssl_key_update_result copoll_ssl_take_key_update(mbedtls_ssl_context* ssl) {
    if (ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3 ||
        ssl->in_msgtype != MBEDTLS_SSL_MSG_HANDSHAKE || ssl->in_msg[0] != key_update_message)
        return copoll_ssl_no_key_update;
    const unsigned char requested = ssl->in_msg[header_size];
    // it must end its record: what follows has the new keys
    if (ssl->in_hslen != key_update_size || ssl->in_msglen != key_update_size || requested > 1)
        return copoll_ssl_key_update_malformed;
    if (change_keys(ssl, false) != 0) return copoll_ssl_key_update_failed;
    return requested ? copoll_ssl_key_update_requested : copoll_ssl_key_update;
}

int copoll_ssl_send_key_update(mbedtls_ssl_context* ssl, bool request_peer) {
    const unsigned char message[key_update_size] = {key_update_message, 0, 0, 1, request_peer};
    ssl->out_msgtype = MBEDTLS_SSL_MSG_HANDSHAKE;
    ssl->out_msglen = key_update_size;
    memcpy(ssl->out_msg, message, sizeof message);
    const int ret = mbedtls_ssl_write_record(ssl, 1);
    return ret != 0 ? ret : change_keys(ssl, true);
}

// ---- Post-handshake authentication

const uint8_t* copoll_ssl_post_handshake_message(const mbedtls_ssl_context* ssl, size_t* size) {
    if (ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3 ||
        ssl->in_msgtype != MBEDTLS_SSL_MSG_HANDSHAKE)
        return NULL;
    *size = ssl->in_hslen;
    return ssl->in_msg;
}

int copoll_ssl_send_message(mbedtls_ssl_context* ssl, const uint8_t* message, size_t size) {
    if (size > MBEDTLS_SSL_OUT_CONTENT_LEN - 1) return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    ssl->out_msgtype = MBEDTLS_SSL_MSG_HANDSHAKE;
    ssl->out_msglen = size;
    memcpy(ssl->out_msg, message, size);
    return mbedtls_ssl_write_record(ssl, 1);
}

bool copoll_ssl_is_at_wrapup(const mbedtls_ssl_context* ssl) {
    return ssl->handshake != NULL && ssl->state == MBEDTLS_SSL_HANDSHAKE_WRAPUP;
}

bool copoll_ssl_clone_transcript(const mbedtls_ssl_context* ssl, psa_hash_operation_t* into) {
    const mbedtls_ssl_handshake_params* handshake = ssl->handshake;
    const psa_hash_operation_t* transcript =
        handshake->ciphersuite_info->mac == MBEDTLS_MD_SHA384 ? &handshake->fin_sha384_psa
                                                              : &handshake->fin_sha256_psa;
    return psa_hash_clone(transcript, into) == PSA_SUCCESS;
}

psa_algorithm_t copoll_ssl_hash(const mbedtls_ssl_context* ssl) {
    const mbedtls_ssl_ciphersuite_t* suite =
        mbedtls_ssl_ciphersuite_from_id(ssl->session->ciphersuite);
    return mbedtls_md_psa_alg_from_type((mbedtls_md_type_t)suite->mac);
}

int copoll_ssl_client_finished_key(const mbedtls_ssl_context* ssl, uint8_t* into, size_t size) {
    return mbedtls_ssl_tls13_hkdf_expand_label(
        copoll_ssl_hash(ssl), traffic_secret(ssl, is_client(ssl)), size,
        MBEDTLS_SSL_TLS1_3_LBL_WITH_LEN(finished), NULL, 0, into, size);
}

uint32_t copoll_ssl_client_usage_flags(const mbedtls_x509_crt* leaf) {
    uint32_t flags = 0;
    if (mbedtls_ssl_check_cert_usage(leaf, NULL, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_VERSION_TLS1_3,
                                     &flags) != 0 &&
        flags == 0)
        flags = MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
    return flags;
}

const uint16_t* copoll_ssl_accepted_schemes(const mbedtls_ssl_context* ssl) {
    return ssl->conf->sig_algs;
}

// ---- Renegotiation

bool copoll_ssl_is_renegotiating(const mbedtls_ssl_context* ssl) {
    return ssl->renego_status == MBEDTLS_SSL_RENEGOTIATION_IN_PROGRESS ||
           ssl->renego_status == MBEDTLS_SSL_RENEGOTIATION_PENDING;
}

bool copoll_ssl_refused_renegotiation(const mbedtls_ssl_context* ssl) {
    return ssl->in_msgtype == MBEDTLS_SSL_MSG_ALERT &&
           ssl->in_msg[1] == MBEDTLS_SSL_ALERT_MSG_NO_RENEGOTIATION;
}
