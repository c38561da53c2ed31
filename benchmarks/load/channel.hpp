// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "socket.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace load {

// What became of an attempt to move bytes without waiting.
struct moved {
    enum class outcome { some, again, ended, failed };
    outcome what;
    std::size_t n = 0;       // with `some`
    std::string failure{};   // with `failed`
};

// How the bytes of one connection travel: as they are, or in TLS.
class channel {
public:
    virtual ~channel() = default;

    virtual moved send(std::span<const std::byte> data) = 0;
    virtual moved receive(std::span<std::byte> into) = 0;

    // Ends this direction. False if there is no room for that yet.
    virtual bool end() = 0;

    [[nodiscard]] virtual int descriptor() const = 0;
};

std::unique_ptr<channel> plain_channel(descriptor fd);

}  // namespace load
