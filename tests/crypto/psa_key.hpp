// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <psa/crypto.h>

#include "bytes.hpp"

/// A key in mbedTLS's store, for one test. `usable()` is false if mbedTLS refused it.
class psa_key {
public:
    psa_key(psa_key_type_t type, psa_algorithm_t algorithm, psa_key_usage_t usage,
            const bytes& key) {
        psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
        psa_set_key_usage_flags(&attributes, usage);
        psa_set_key_algorithm(&attributes, algorithm);
        psa_set_key_type(&attributes, type);
        status_ = psa_crypto_init();
        if (status_ == PSA_SUCCESS) {
            status_ = psa_import_key(&attributes, key.raw(), key.size(), &id_);
        }
    }
    psa_key(const psa_key&) = delete;
    ~psa_key() { psa_destroy_key(id_); }

    bool usable() const { return status_ == PSA_SUCCESS; }
    psa_key_id_t id() const { return id_; }

private:
    psa_key_id_t id_ = PSA_KEY_ID_NULL;
    psa_status_t status_;
};
