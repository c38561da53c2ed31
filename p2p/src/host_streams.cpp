// SPDX-License-Identifier: MIT OR Apache-2.0
#include <memory>
#include <utility>

#include <copoll/check.hpp>
#include <copoll/detail/assert.hpp>
#include <copoll/p2p/identify.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/p2p/ping.hpp>

#include "host_state.hpp"

namespace copoll::p2p {
namespace {

/// Of each of the host's own protocols, and of one peer. go-libp2p and js-libp2p allow as many
/// pings.
constexpr std::size_t own_streams_of_peer = 2;

}  // namespace

void host::state::set_handler(std::string protocol,
                              std::shared_ptr<detail::protocol_handler> handler) {
    copoll::detail::expects(multistream::is_protocol(protocol), "host: not a protocol");
    handlers.insert_or_assign(std::move(protocol), std::move(handler));
    handlers_changed();
}

void host::state::remove_handler(std::string_view protocol) {
    const auto found = handlers.find(protocol);
    if (found == handlers.end()) return;
    handlers.erase(found);
    handlers_changed();
}

void host::state::handlers_changed() {
    auto names = std::make_shared<std::vector<std::string>>();
    for (const auto& [name, handler] : handlers) names->push_back(name);
    protocols = std::move(names);
    changed();
}

void host::state::add_own_protocols() {
    using detail::connection_ptr;
    const auto add = [this](const char* protocol, auto serve) {
        auto made = std::make_shared<detail::protocol_handler>();
        made->serve = std::move(serve);
        made->streams_of_peer.emplace(own_streams_of_peer);
        set_handler(protocol, std::move(made));
    };
    if (options.answer_pings)
        add(ping_protocol,
            [](stream s, const connection_ptr&) { return answer_pings(std::move(s)); });
    if (!options.identify) return;
    add(identify_protocol, [this](stream s, const connection_ptr& c) {
        return tell_identity(std::move(s), c);
    });
    add(identify_push_protocol, [this](stream s, const connection_ptr& c) {
        return take_push(std::move(s), c);
    });
}

task<result<void>> host::state::accept_streams(scope& serving, connection_ptr c) {
    for (;;) {
        auto next = co_await c->link.accept();
        const bool in_order = !next && (next.error() == copoll::errc::eof ||
                                        next.error() == copoll::errc::closed);
        if (in_order) co_return {};
        stream s = co_await check(std::move(next));
        c->last_used = clock::now();
        auto ticket = door.serve(c->peer());
        if (ticket) {
            serving.spawn(serve(std::move(s), c, *std::move(ticket)));
        } else {
            ++refused_streams;
            s.reset(reset_code::resource_limit);
        }
    }
}

namespace {

/// Tells who waits for the handlers.
struct counted_serving {
    explicit counted_serving(detail::host_connection& c) : of(c) { ++of.serving; }
    counted_serving(const counted_serving&) = delete;
    counted_serving& operator=(const counted_serving&) = delete;
    ~counted_serving() {
        --of.serving;
        of.served.set();
    }
    detail::host_connection& of;
};

}  // namespace

task<void> host::state::serve(stream s, connection_ptr c, detail::admission::stream_ticket ticket) {
    static_cast<void>(ticket);  // counts as long as this runs
    const counted_serving counted_here{*c};
    const auto spoken = protocols;
    const auto agreed = co_await s.negotiate(*spoken);
    if (!agreed) co_return;
    const std::string protocol = s.protocol();
    const auto found = handlers.find(protocol);
    if (found == handlers.end()) co_return;  // not any more
    const std::shared_ptr<detail::protocol_handler> handler = found->second;
    std::optional<detail::quota<peer_id>::lease> counted;
    if (handler->streams_of_peer) {
        auto lease = handler->streams_of_peer->take(c->peer());
        if (!lease) {
            ++refused_streams;
            co_return s.reset(reset_code::resource_limit);
        }
        counted.emplace(*std::move(lease));
    }
    const auto served = co_await handler->serve(std::move(s), c);
    if (!served && served.error() != copoll::errc::canceled)
        tell(handler_failed{c->peer(), protocol, served.error()});
}

}  // namespace copoll::p2p
