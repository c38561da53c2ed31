// SPDX-License-Identifier: MIT OR Apache-2.0
// What libsodium asks of the platform, in place of its core.c and randombytes.c: those would pull
// in every primitive that it has, and a generator with a state of its own.
#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int _sodium_runtime_get_cpu_features(void);
int _crypto_onetimeauth_poly1305_pick_best_implementation(void);
int _crypto_stream_chacha20_pick_best_implementation(void);

// Each byte comes from the host: nothing of a generator's state is in the component's memory, so a
// snapshot of it that is started twice does not give the same keys twice.
void randombytes_buf(void* const into, const size_t size) {
    const size_t most_at_once = 256;
    unsigned char* const bytes = into;
    for (size_t done = 0; done < size;) {
        const size_t left = size - done;
        const size_t n = left < most_at_once ? left : most_at_once;
        if (getentropy(bytes + done, n) != 0) {
            fputs("copoll: the host gives no random bytes\n", stderr);
            abort();
        }
        done += n;
    }
}

void sodium_misuse(void) {
    fputs("copoll: libsodium was called with a length that it does not take\n", stderr);
    abort();
}

#if defined(__wasm__)
// A host without vectors does not take the component at all.
int sodium_runtime_has_sse2(void) { return 1; }
int sodium_runtime_has_ssse3(void) { return 1; }
int _sodium_runtime_get_cpu_features(void) { return 0; }
#endif

__attribute__((constructor)) static void choose_what_this_processor_does_best(void) {
    _sodium_runtime_get_cpu_features();
    _crypto_onetimeauth_poly1305_pick_best_implementation();
    _crypto_stream_chacha20_pick_best_implementation();
}

int sodium_init(void) { return 0; }
