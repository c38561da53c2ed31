// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/request_response.hpp>

#include <copoll/buffer.hpp>

namespace copoll::p2p {
namespace detail {

task<result<std::vector<std::byte>>> receive_message(stream& s, std::size_t most) {
    buffer received{most};
    const io_result r = co_await read_to_end(s, received);
    if (r.ec == copoll::errc::message_too_large) s.reset(reset_code::resource_limit);
    if (r.ec) co_return fail(r.ec);
    const auto data = std::as_const(received).data();
    co_return std::vector<std::byte>{data.begin(), data.end()};
}

task<result<void>> send_message(stream& s, std::span<const std::byte> message) {
    co_await check(write_all(s, message));
    co_return co_await s.shutdown_write();
}

}  // namespace detail

namespace {

task<result<std::vector<std::byte>>> exchange(stream& s, std::span<const std::byte> bytes,
                                              std::size_t max_response) {
    co_await check(detail::send_message(s, bytes));
    co_return co_await detail::receive_message(s, max_response);
}

}  // namespace

task<result<std::vector<std::byte>>> request(stream& s, std::span<const std::byte> bytes,
                                             request_options options) {
    auto response =
        co_await with_timeout(exchange(s, bytes, options.max_response), options.timeout);
    if (!response) s.reset();
    co_return response;
}

}  // namespace copoll::p2p
