// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/host.hpp>

#include <cstdlib>
#include <utility>

namespace copoll::backend {
inline namespace wasi {
namespace host {

constinit landing_slot landing;
constinit std::span<const landing_slot> landing_next;
constinit std::uint64_t landing_misses = 0;

}  // namespace host
}  // namespace wasi
}  // namespace copoll::backend

using namespace copoll::backend;

namespace {

/// The slot of the list that comes now. A list takes its slot even when it does not fit, or is
/// empty: the next one has a slot of its own.
host::landing_slot take_slot() noexcept {
    const host::landing_slot slot = std::exchange(host::landing, {});
    if (!host::landing_next.empty()) {
        host::landing = host::landing_next.front();
        host::landing_next = host::landing_next.subspan(1);
    }
    return slot;
}

}  // namespace

/// The host allocates every list it returns through this export, the outer one of a list of lists
/// first. Armed slots take those that fit. Must not call the host (the component may not be left
/// here).
///
/// Weak, so that a program may have one of its own, which then allocates. Libc's is weak as well:
/// the linker takes the first, and libc comes last.
extern "C" [[gnu::weak, clang::export_name("cabi_realloc")]] void* cabi_realloc(
    void* old, std::size_t old_size, std::size_t align, std::size_t size) {
    const host::landing_slot slot = old_size == 0 ? take_slot() : host::landing_slot{};
    if (size == 0) return reinterpret_cast<void*>(align);
    if (slot.at && size <= slot.capacity && reinterpret_cast<std::uintptr_t>(slot.at) % align == 0)
        return slot.at;
    ++host::landing_misses;
    void* grown = std::realloc(old_size ? old : nullptr, size);
    if (!grown) std::abort();
    return grown;
}
