// SPDX-License-Identifier: MIT OR Apache-2.0
// What mbedTLS asks of the platform: randomness, and the wall clock.
#include <mbedtls/platform_time.h>
#include <mbedtls/platform_util.h>
#include <psa/crypto.h>

#include <time.h>
#include <unistd.h>

// Each byte comes from the host: nothing of a generator's state is in the component's memory, so a
// snapshot of it that is started twice does not give the same keys twice.
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t* context,
                                             uint8_t* output, size_t size, size_t* written) {
    const size_t most_at_once = 256;
    (void)context;
    for (size_t done = 0; done < size;) {
        const size_t left = size - done;
        const size_t n = left < most_at_once ? left : most_at_once;
        if (getentropy(output + done, n) != 0) return PSA_ERROR_INSUFFICIENT_ENTROPY;
        done += n;
    }
    *written = size;
    return PSA_SUCCESS;
}

// Tickets carry this time and are read by other instances, so it must not start with ours.
mbedtls_ms_time_t mbedtls_ms_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (mbedtls_ms_time_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct tm* mbedtls_platform_gmtime_r(const mbedtls_time_t* at, struct tm* into) {
    return gmtime_r(at, into);
}
