// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/host.hpp>

#include <cstdlib>

namespace copoll::backend {
inline namespace wasi {
namespace host {

constinit landing_slot landing;
constinit std::uint64_t landing_misses = 0;

}  // namespace host
}  // namespace wasi
}  // namespace copoll::backend

using namespace copoll::backend;

/// The host allocates every list it returns through this export. An armed slot takes the first list
/// that fits. Must not call the host (the component may not be left here).
///
/// Weak, so that a program may have one of its own, which then allocates. Libc's is weak as well:
/// the linker takes the first, and libc comes last.
extern "C" [[gnu::weak, clang::export_name("cabi_realloc")]] void* cabi_realloc(
    void* old, std::size_t old_size, std::size_t align, std::size_t size) {
    if (size == 0) return reinterpret_cast<void*>(align);
    host::landing_slot& slot = host::landing;
    if (!old && slot.at && size <= slot.capacity &&
        reinterpret_cast<std::uintptr_t>(slot.at) % align == 0) {
        void* at = slot.at;
        slot = {};
        return at;
    }
    ++host::landing_misses;
    void* grown = std::realloc(old_size ? old : nullptr, size);
    if (!grown) std::abort();
    return grown;
}
