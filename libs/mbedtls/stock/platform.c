// SPDX-License-Identifier: MIT OR Apache-2.0
// What mbedTLS's default configuration asks of a platform that it does not know.
#include <stddef.h>

#include <mbedtls/platform_time.h>

#include <time.h>
#include <unistd.h>

int mbedtls_hardware_poll(void* context, unsigned char* output, size_t size, size_t* written) {
    const size_t most_at_once = 256;
    (void)context;
    *written = size < most_at_once ? size : most_at_once;
    return getentropy(output, *written);
}

mbedtls_ms_time_t mbedtls_ms_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (mbedtls_ms_time_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
