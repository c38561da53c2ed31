// SPDX-License-Identifier: MIT OR Apache-2.0
#include "multiplex.hpp"

#include <memory>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/p2p/multistream.hpp>

#include "agree.hpp"
#include "protocols.hpp"

namespace copoll::p2p::detail {

task<result<connection>> multiplex(secured_transport on, role own_role,
                                   const connection_options& options,
                                   clock::time_point agreed_by) {
    buffer unsent;
    auto agreement = muxer_agreement::negotiated;
    if (on.muxer_agreed) {
        agreement = muxer_agreement::early;
    } else if (own_role == role::listener) {
        multistream::listener answering{muxer_protocols()};
        co_await check(agree(answering, on.stream, on.unread, unsent));
    } else if (options.lazy_negotiation) {
        agreement = muxer_agreement::proposed;
    } else {
        multistream::dialer proposing{muxer_protocols()};
        co_await check(agree(proposing, on.stream, on.unread, unsent));
    }
    co_return connection{std::make_shared<muxer>(std::move(on.stream), std::move(on.remote),
                                                 own_role, options, std::move(on.unread),
                                                 std::move(unsent), agreement, agreed_by)};
}

}  // namespace copoll::p2p::detail
