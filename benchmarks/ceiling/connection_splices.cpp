// SPDX-License-Identifier: MIT OR Apache-2.0
#include "connection.hpp"

// The bytes stay in the host, which copies them from the input to the output.
turn connection::echo(std::unique_ptr<block>&) {
    std::uint64_t permitted = 0;
    if (const auto t = ask_permit(permitted); t != turn::progress) return t;
    host::permit_result moved;
    host::splice(handles_.output, handles_.input, block_size, &moved);
    if (moved.failed != 0) {
        failure(moved.error);
        input_ended_ = true;
        return close();
    }
    waits_for_ = input_pollable_;
    return moved.bytes > 0 ? turn::progress : turn::waiting;
}
