// SPDX-License-Identifier: MIT OR Apache-2.0
// Handshake messages in records no larger than the peer takes (RFC 8449, RFC 6066 §4).
//
// mbedTLS holds to the limit with data, and writes each handshake message into one record.
// CMakeLists.txt renames the two functions of ssl_msg.c that write them; those here take their
// names, and pass on what fits.
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <mbedtls/platform.h>
#include <ssl_misc.h>

#include <string.h>

int copoll_mbedtls_own_write_handshake_msg(mbedtls_ssl_context* ssl, int update_checksum,
                                           int force_flush);

enum { header_size = 4 };

int mbedtls_ssl_write_handshake_msg_ext(mbedtls_ssl_context* ssl, int update_checksum,
                                        int force_flush) {
    const size_t size = ssl->out_msglen;
    const int limit = mbedtls_ssl_get_max_out_record_payload(ssl);
    if (ssl->out_msgtype != MBEDTLS_SSL_MSG_HANDSHAKE || limit <= 0 || size <= (size_t)limit)
        return copoll_mbedtls_own_write_handshake_msg(ssl, update_checksum, force_flush);
    if (ssl->handshake == NULL || size > MBEDTLS_SSL_OUT_CONTENT_LEN)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;

    unsigned char* message = mbedtls_calloc(1, size);
    if (message == NULL) return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    memcpy(message, ssl->out_msg, size);
    const size_t body = size - header_size;
    message[1] = MBEDTLS_BYTE_2(body);
    message[2] = MBEDTLS_BYTE_1(body);
    message[3] = MBEDTLS_BYTE_0(body);

    int ret = update_checksum ? ssl->handshake->update_checksum(ssl, message, size) : 0;
    for (size_t at = 0; ret == 0 && at < size;) {
        const size_t n = size - at < (size_t)limit ? size - at : (size_t)limit;
        const int is_last = at + n == size;
        ssl->out_msgtype = MBEDTLS_SSL_MSG_HANDSHAKE;
        ssl->out_msglen = n;
        memcpy(ssl->out_msg, message + at, n);
        // the records before the last must leave, as the buffer has room for one
        ret = mbedtls_ssl_write_record(ssl, is_last ? force_flush : 1);
        at += n;
    }
    mbedtls_zeroize_and_free(message, size);
    return ret;
}

int mbedtls_ssl_finish_handshake_msg(mbedtls_ssl_context* ssl, size_t room, size_t size) {
    (void)room;
    ssl->out_msglen = header_size + size;
    return mbedtls_ssl_write_handshake_msg_ext(ssl, 0, 0);
}
