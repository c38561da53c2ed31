// SPDX-License-Identifier: MIT OR Apache-2.0
// In place of tls.cpp where there are no headers of OpenSSL.
#include "tls.hpp"

namespace load {

bool has_tls() { return false; }

std::unique_ptr<tls_factory> make_tls(const options&, run_state&, std::string&) { return nullptr; }

}  // namespace load
