// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <span>
#include <utility>

#include <copoll/any_stream.hpp>
#include <copoll/buffer.hpp>
#include <copoll/check.hpp>
#include <copoll/p2p/engine.hpp>
#include <copoll/p2p/error.hpp>
#include <copoll/stream.hpp>
#include <copoll/task.hpp>

#include "farewell.hpp"

namespace copoll::p2p::detail {

/// Moves bytes between an engine and its peer until they have agreed. Then what comes behind is in
/// `in`, and the last that the engine says in `out`, to be sent with what follows.
/// *Errors:* those of the engine, which the peer is told; `errc::truncated`; the transport's.
template <class Engine>
task<result<void>> agree(Engine& engine, any_stream& peer, buffer& in, buffer& out) {
    for (;;) {
        const auto advanced = engine.advance(in, out);
        if (!advanced) {
            co_await say_farewell(peer, std::move(out));
            co_return fail(advanced.error());
        }
        if (*advanced == progress::complete) co_return {};
        co_await check(write_all(peer, std::as_const(out).data()));
        out.clear();
        const auto got = co_await peer.read_chunk();
        if (!got) {
            const bool ended = got.error() == copoll::errc::eof;
            co_return fail(ended ? make_error_code(errc::truncated) : got.error());
        }
        in.append(std::span<const std::byte>(*got));
    }
}

}  // namespace copoll::p2p::detail
