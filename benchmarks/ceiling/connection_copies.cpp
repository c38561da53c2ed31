// SPDX-License-Identifier: MIT OR Apache-2.0
#include "connection.hpp"

#include <utility>

turn connection::echo(std::unique_ptr<block>& spare) {
    if (!spare) spare = std::make_unique_for_overwrite<block>();
    const auto filled = fill(*spare);
    if (filled == 0) return input_ended_ ? close() : turn::waiting;

    std::size_t begin = 0;
    const auto t = send(*spare, begin, filled);
    if (t == turn::waiting) {
        unsent_ = std::move(spare);
        unsent_begin_ = begin;
        unsent_end_ = filled;
    }
    return t == turn::progress && input_ended_ ? close() : t;
}
