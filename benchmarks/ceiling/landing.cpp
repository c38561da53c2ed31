// SPDX-License-Identifier: MIT OR Apache-2.0
#include "landing.hpp"

#include <cstdlib>
#include <utility>

namespace {

void* landing_place = nullptr;
std::size_t landing_size = 0;

}  // namespace

// The host asks here for the memory of each list it returns. The C library's version is weak.
extern "C" [[clang::export_name("cabi_realloc")]]
void* cabi_realloc(void* old, std::size_t, std::size_t, std::size_t size) {
    if (old == nullptr && size <= std::exchange(landing_size, 0)) return landing_place;
    alignas(std::max_align_t) static std::byte nothing;
    if (size == 0) return &nothing;
    return std::realloc(old, size);
}

void land_at(void* place, std::size_t size) {
    landing_place = place;
    landing_size = size;
}

std::span<const std::uint32_t> poll(std::span<const host::handle> pollables,
                                    std::vector<std::uint32_t>& room) {
    if (room.size() < pollables.size()) room.resize(2 * pollables.size());
    land_at(room.data(), room.size() * sizeof room[0]);
    host::index_list ready;
    host::poll(pollables.data(), pollables.size(), &ready);
    return {ready.data, ready.size};
}

void yield_to_host() {
    const host::handle at_once = host::subscribe_duration(0);
    std::uint32_t index = 0;
    host::index_list ready;
    land_at(&index, sizeof index);
    host::poll(&at_once, 1, &ready);
    host::drop_pollable(at_once);
}
