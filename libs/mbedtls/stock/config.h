// SPDX-License-Identifier: MIT OR Apache-2.0
// mbedTLS's default configuration, to compare with: less what a component does not have, and
// nothing else. Natively it is the default as it comes.
#ifndef COPOLL_MBEDTLS_STOCK_CONFIG_H
#define COPOLL_MBEDTLS_STOCK_CONFIG_H

#include <mbedtls/mbedtls_config.h>

#if defined(__wasm__)
// no sockets or timers of POSIX, no files of its own
#undef MBEDTLS_NET_C
#undef MBEDTLS_TIMING_C
#undef MBEDTLS_FS_IO
#undef MBEDTLS_PSA_ITS_FILE_C
#undef MBEDTLS_PSA_CRYPTO_STORAGE_C
// what it would ask of a system that it knows; platform.c answers
#define MBEDTLS_NO_PLATFORM_ENTROPY
#define MBEDTLS_ENTROPY_HARDWARE_ALT
#define MBEDTLS_PLATFORM_MS_TIME_ALT
#endif

#endif
