// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "host_calls.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// The next list that the host returns lies at `place` if it is no larger than `size`.
void land_at(void* place, std::size_t size);

// Waits until one of the pollables, of which there is at least one, is ready. The answer is the
// indices of those that are; it lies in `room` and stays valid as long as that is left alone.
std::span<const std::uint32_t> poll(std::span<const host::handle> pollables,
                                    std::vector<std::uint32_t>& room);

// Lets the host do its own work and comes back. A host that counts what a guest does between two
// waits (128 operations in Wasmtime) reports everything as not ready once that is used up.
void yield_to_host();
