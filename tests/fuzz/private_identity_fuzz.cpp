// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/tls/identity.hpp>
#include <copoll/tls/trust.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fuzz.hpp"

using namespace copoll::tls;

// The input is taken for all that is read in PEM and DER.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto identity = private_identity::parse(text, text, "correct horse");
    if (identity) must(!identity->identity().export_x509_chain().empty());
    static_cast<void>(certificate::parse(std::as_bytes(std::span{data, size})));

    trust_anchors anchors;
    const bool roots = anchors.add(text).has_value();
    must(roots == !anchors.is_empty() && anchors.subjects().size() == anchors.size());
    const bool lists = anchors.add_revocation_list(text).has_value();
    must(lists == (anchors.revocation_lists() > 0));
    return 0;
}
