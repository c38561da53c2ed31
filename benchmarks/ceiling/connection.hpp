// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "host_calls.hpp"

#include <array>
#include <cstddef>
#include <memory>

// One connection of an echo server made of host calls alone: no library, no coroutines. It is what
// the ceilings have in common, so it does all that helps:
//
//  - what the host reads lands in the block that is then written: no copy in the guest;
//  - reads are as large as the connection's traffic asks for: the host zeroes what it is asked
//    for, and a large read of little costs 1 us more than a small one;
//  - a read that came back full is continued before anything is written: a message that leaves
//    in pieces meets Nagle's algorithm and the peer's delayed acknowledgement;
//  - one block serves all connections; one keeps a block only while its peer does not take it.

inline constexpr std::size_t block_size = std::size_t{64} << 10;  // the most a host moves at once
using block = std::array<std::byte, block_size>;

// What came of a turn: there may be more to do, there is nothing to do until pollable() is ready,
// or the connection is over.
enum class turn { progress, waiting, over };

class connection {
public:
    explicit connection(const host::accepted_socket&);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Reads once, and writes what was read. `spare` is the block in use by whoever has the turn; it
    // is empty after a turn that had to keep it.
    turn serve(std::unique_ptr<block>& spare);

    // What to wait for: the input, or the output while it has to take something.
    [[nodiscard]] host::handle pollable() const { return waits_for_; }

private:
    static constexpr std::size_t smallest_read = 512;

    static turn failure(const host::stream_error& error);
    // Of connection_copies.cpp or connection_splices.cpp.
    turn echo(std::unique_ptr<block>& spare);
    turn resume(std::unique_ptr<block>& spare);
    turn send(const block& data, std::size_t& begin, std::size_t end);
    turn ask_permit(std::uint64_t& bytes);
    turn close();
    std::size_t fill(block& into);

    host::accepted_socket handles_;
    host::handle input_pollable_;
    host::handle output_pollable_ = 0;  // made when the output has to be waited for
    host::handle waits_for_;
    std::size_t read_size_ = smallest_read;

    // What the output did not take yet. While there is any, nothing is read.
    std::unique_ptr<block> unsent_;
    std::size_t unsent_begin_ = 0;
    std::size_t unsent_end_ = 0;
    bool input_ended_ = false;
};
