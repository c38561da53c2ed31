// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include <copoll/p2p/connection.hpp>
#include <copoll/p2p/identity.hpp>
#include <copoll/p2p/multiaddr.hpp>
#include <copoll/p2p/peer_id.hpp>
#include <copoll/p2p/transport.hpp>
#include <copoll/task.hpp>

namespace copoll::p2p::detail {

/// As `transport::dial`, without the timeout of it all. *Lifetime:* `options`, until completion.
task<result<connection>> dial_any(identity own, std::optional<peer_id> peer,
                                  std::vector<multiaddr> addresses,
                                  const transport_options& options);

}  // namespace copoll::p2p::detail
