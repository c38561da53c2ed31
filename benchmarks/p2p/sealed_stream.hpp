// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/buffer.hpp>
#include <copoll/check.hpp>
#include <copoll/p2p/noise.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

#include "sealed.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace bench::sealed {

/// The load's end of the connection to the ceiling: a stream of records under known keys.
class stream {
public:
    explicit stream(copoll::tcp_stream tcp) : tcp_(std::move(tcp)) {}

    /// Precondition: room for a whole record.
    copoll::task<copoll::io_result> read_some(std::span<std::byte> into) {
        for (;;) {
            const auto bytes = std::as_const(in_).data();
            const auto size = copoll::p2p::noise::session::record_size(bytes);
            if (!size) co_return copoll::io_result{size.error(), 0};
            if (*size && bytes.size() >= **size) {
                const auto text = into.first(**size - overhead);
                const auto opened = session_.open(bytes.first(**size), text);
                if (!opened) co_return copoll::io_result{opened.error(), 0};
                in_.consume(**size);
                co_return copoll::io_result{{}, text.size()};
            }
            const auto [ec, n] = co_await tcp_.read_some(in_.prepare(frame_size));
            if (ec) co_return copoll::io_result{ec, 0};
            in_.commit(n);
        }
    }

    copoll::task<copoll::io_result> write_some(std::span<const std::byte> bytes) {
        const auto text = bytes.first(std::min(bytes.size(), most));
        out_.clear();
        session_.seal(text, out_);
        const auto sent = co_await copoll::write_all(tcp_, std::as_const(out_).data());
        co_return copoll::io_result{sent.ec, sent.ec ? 0 : text.size()};
    }

    copoll::task<copoll::result<void>> shutdown_write() {
        co_return co_await tcp_.shutdown_write();
    }

private:
    copoll::tcp_stream tcp_;
    copoll::p2p::noise::session session_{copoll::p2p::noise::cipher_state{clients_key},
                                         copoll::p2p::noise::cipher_state{servers_key}};
    copoll::buffer in_, out_;
};

static_assert(copoll::stream<stream>);

}  // namespace bench::sealed
