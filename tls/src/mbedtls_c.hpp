// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

// Headers of mbedTLS that do not say to C++ that they are C's. What they include does, and comes
// first.
#include <mbedtls/pk.h>
#include <psa/crypto.h>

extern "C" {
#include <mbedtls/constant_time.h>
#include <mbedtls/psa_util.h>
}
