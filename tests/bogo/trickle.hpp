// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include <copoll/any_stream.hpp>
#include <copoll/task.hpp>

namespace bogo {

/// A stream that gives one byte at a time, so that every message comes in pieces.
class trickle {
public:
    explicit trickle(copoll::any_stream below) noexcept : below_(std::move(below)) {}

    copoll::task<copoll::io_result> read_some(std::span<std::byte> into) {
        co_return co_await below_.read_some(into.first(std::min<std::size_t>(into.size(), 1)));
    }
    copoll::task<copoll::io_result> write_some(std::span<const std::byte> bytes) {
        co_return co_await below_.write_some(bytes);
    }
    copoll::task<copoll::result<void>> shutdown_write() {
        co_return co_await below_.shutdown_write();
    }

private:
    copoll::any_stream below_;
};

}  // namespace bogo
