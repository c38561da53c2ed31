// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/stream.hpp>

#include <utility>

#include "stream_core.hpp"

namespace copoll::p2p {

stream::stream(std::unique_ptr<detail::stream_core> core) noexcept : core_(std::move(core)) {}
stream::stream(stream&&) noexcept = default;
stream& stream::operator=(stream&&) noexcept = default;
stream::~stream() = default;

task<io_result> stream::read_some(std::span<std::byte> into) { return core_->read_some(into); }
task<result<chunk>> stream::read_chunk() { return core_->read_chunk(); }
task<io_result> stream::write_some(std::span<const std::byte> bytes) {
    return core_->write_some(bytes);
}
task<result<void>> stream::shutdown_write() { return core_->shutdown_write(); }
void stream::reset(reset_code why) noexcept { core_->reset(why); }
std::optional<reset_code> stream::reset_by_peer() const noexcept {
    return core_->reset_by_peer();
}
task<result<void>> stream::negotiate(std::span<const std::string> protocols) {
    return core_->negotiate(protocols);
}
const std::string& stream::protocol() const noexcept { return core_->protocol(); }
const peer_id& stream::remote_peer() const noexcept { return core_->remote_peer(); }

}  // namespace copoll::p2p
