// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <copoll/backend/sim_op.hpp>
#include <copoll/result.hpp>

namespace copoll::backend {
inline namespace sim {

/// The script in the world's options.
class input {
public:
    static input open_stdin(context&) noexcept { return {}; }
};

/// A text in the world.
class output {
public:
    static output open_stdout(context&) noexcept { return output{false}; }
    static output open_stderr(context&) noexcept { return output{true}; }

private:
    friend class output_write_op;
    explicit output(bool errors) noexcept : errors_(errors) {}
    bool errors_;
};

class input_read_op : public sim_op<input_read_op, io_result> {
public:
    input_read_op(input&, std::span<std::byte> buffer) noexcept : buffer_(buffer) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    std::span<std::byte> buffer_;
};

class output_write_op : public sim_op<output_write_op, io_result> {
public:
    output_write_op(output& out, std::span<const std::byte> bytes) noexcept
        : errors_(out.errors_), bytes_(bytes) {}
    outcome attempt(context& io) noexcept;
    wait_set& waits_on(context& io) noexcept;

private:
    bool errors_;
    std::span<const std::byte> bytes_;
};

}  // namespace sim
}  // namespace copoll::backend
