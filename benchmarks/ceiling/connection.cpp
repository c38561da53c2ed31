// SPDX-License-Identifier: MIT OR Apache-2.0
#include "connection.hpp"

#include "landing.hpp"

#include <algorithm>
#include <bit>
#include <utility>

turn connection::failure(const host::stream_error& error) {
    if (error.closed == 0) host::drop_error(error.error);
    return turn::over;
}

connection::connection(const host::accepted_socket& accepted)
    : handles_{accepted},
      input_pollable_{host::subscribe_input(accepted.input)},
      waits_for_{input_pollable_} {}

// A pollable goes before its stream, a stream before its socket.
connection::~connection() {
    host::drop_pollable(input_pollable_);
    if (output_pollable_ != 0) host::drop_pollable(output_pollable_);
    host::drop_input(handles_.input);
    host::drop_output(handles_.output);
    host::drop_socket(handles_.socket);
}

turn connection::serve(std::unique_ptr<block>& spare) {
    return unsent_ || input_ended_ ? resume(spare) : echo(spare);
}

turn connection::resume(std::unique_ptr<block>& spare) {
    if (unsent_) {
        const auto t = send(*unsent_, unsent_begin_, unsent_end_);
        if (t != turn::progress) return t;
        spare = std::move(unsent_);
    }
    if (input_ended_) return close();
    waits_for_ = input_pollable_;
    return turn::progress;
}

// Writes data[begin, end) as far as the output takes it and moves `begin` on.
turn connection::send(const block& data, std::size_t& begin, std::size_t end) {
    while (begin < end) {
        std::uint64_t permitted = 0;
        if (const auto t = ask_permit(permitted); t != turn::progress) return t;
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(permitted, end - begin));
        host::write_result written;
        host::write(handles_.output, data.data() + begin, size, &written);
        if (written.failed != 0) return failure(written.error);
        begin += size;
    }
    return turn::progress;
}

// How much may be written now; if nothing, the output is what the connection waits for.
turn connection::ask_permit(std::uint64_t& bytes) {
    for (const bool last : {false, true}) {
        host::permit_result permit;
        host::check_write(handles_.output, &permit);
        if (permit.failed != 0) return failure(permit.error);
        bytes = permit.bytes;
        if (bytes > 0) return turn::progress;
        if (!last) yield_to_host();
    }
    if (output_pollable_ == 0) output_pollable_ = host::subscribe_output(handles_.output);
    waits_for_ = output_pollable_;
    return turn::waiting;
}

// An output that is dropped while the host still writes may lose data: wait until it is not.
turn connection::close() {
    std::uint64_t permitted = 0;
    const auto t = ask_permit(permitted);
    return t == turn::progress ? turn::over : t;
}

// Reads until a read comes back short, or the block is full.
std::size_t connection::fill(block& into) {
    std::size_t filled = 0;
    std::size_t asked = read_size_;
    for (;;) {
        host::read_result read;
        land_at(into.data() + filled, block_size - filled);
        host::read(handles_.input, asked, &read);
        if (read.failed != 0) {
            failure(read.error);
            input_ended_ = true;
            break;
        }
        filled += read.ok.size;
        if (read.ok.size < asked || filled == block_size) break;
        asked = block_size - filled;
    }
    if (filled > 0) {
        // Grows at once, shrinks slowly: bulk also comes in small pieces now and then.
        read_size_ = std::clamp(std::max(2 * std::bit_ceil(filled), read_size_ / 2), smallest_read,
                                block_size);
    }
    return filled;
}
