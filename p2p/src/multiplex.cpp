// SPDX-License-Identifier: MIT OR Apache-2.0
#include "multiplex.hpp"

#include <memory>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/p2p/multistream.hpp>

#include "farewell.hpp"
#include "protocols.hpp"

namespace copoll::p2p::detail {
namespace {

/// The listener answers what the peer proposes. What comes behind is in `in` then, and the last of
/// the answer in `out`.
task<result<void>> answer_proposal(any_stream& peer, buffer& in, buffer& out) {
    multistream::listener engine{muxer_protocols()};
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

}  // namespace

task<result<connection>> multiplex(secured_transport on, role own_role,
                                   const connection_options& options,
                                   clock::time_point agreed_by) {
    buffer unsent;
    if (!on.muxer_agreed && own_role == role::listener)
        co_await check(answer_proposal(on.stream, on.unread, unsent));
    const bool proposes = !on.muxer_agreed && own_role == role::dialer;
    co_return connection{std::make_shared<muxer>(std::move(on.stream), std::move(on.remote),
                                                 own_role, options, std::move(on.unread),
                                                 std::move(unsent), proposes, agreed_by)};
}

}  // namespace copoll::p2p::detail
