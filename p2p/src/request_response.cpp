// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/request_response.hpp>

#include <utility>

namespace copoll::p2p {
namespace detail {

task<result<std::vector<std::byte>>> receive_message(stream& s, std::size_t most) {
    std::vector<std::byte> received;
    for (;;) {
        const auto more = co_await s.read_chunk();
        if (!more && more.error() == copoll::errc::eof) co_return std::move(received);
        if (!more) co_return fail(more.error());
        if (more->size() > most - received.size()) {
            s.reset(reset_code::resource_limit);
            co_return fail(copoll::errc::message_too_large);
        }
        received.insert(received.end(), more->begin(), more->end());
    }
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
