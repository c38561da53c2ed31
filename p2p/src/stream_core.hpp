// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/chunk.hpp>
#include <copoll/clock.hpp>
#include <copoll/event.hpp>
#include <copoll/p2p/multistream.hpp>
#include <copoll/task.hpp>

#include "muxer.hpp"

namespace copoll::p2p::detail {

/// A stream of the muxer, and what is left of agreeing on its protocol.
class stream_core {
public:
    stream_core(std::shared_ptr<muxer> m, yamux::stream_id id)
        : muxer_(std::move(m)), id_(id), waiters_(muxer_->waiters_of(id)) {}
    stream_core(const stream_core&) = delete;
    stream_core& operator=(const stream_core&) = delete;
    ~stream_core() { muxer_->release(id_); }

    // As few frames as can be are held while a stream waits: most streams do nothing else.
    task<io_result> read_some(std::span<std::byte> into) {
        return proposal_ ? read_behind_answer(into) : read_taken(into);
    }
    task<result<chunk>> read_chunk();
    task<io_result> write_some(std::span<const std::byte> bytes) {
        return muxer_->write_some(id_, waiters_, bytes);
    }
    task<result<void>> shutdown_write();
    void reset(reset_code why) noexcept {
        ahead_ = buffer{};
        muxer_->reset(id_, why);
    }
    std::optional<reset_code> reset_by_peer() const noexcept {
        return muxer_->session().reset_by_peer(id_);
    }

    /// Proposes the first of `protocols`.
    task<result<void>> propose(std::vector<std::string> protocols);
    /// Waits until the peer has taken one. More than one may wait.
    task<result<void>> await_answer();
    /// Agrees on one of `protocols`, which the peer proposes.
    task<result<void>> negotiate(std::span<const std::string> protocols);
    const std::string& protocol() const noexcept { return protocol_; }
    const peer_id& remote_peer() const noexcept { return muxer_->remote.id; }

private:
    struct proposal {
        multistream::dialer engine;
        clock::time_point answer_by;
        buffer in{};
    };

    task<io_result> read_behind_answer(std::span<std::byte> into);
    task<io_result> read_taken(std::span<std::byte> into);
    io_result take(std::span<std::byte> into);
    task<result<void>> read_answer();
    void refuse(std::error_code why) noexcept;
    task<result<void>> answer(std::span<const std::string> protocols);
    task<result<void>> read_more(buffer& in);
    task<result<void>> write_out(buffer& out);

    std::shared_ptr<muxer> muxer_;
    yamux::stream_id id_;
    stream_waiters& waiters_;
    std::string protocol_;
    std::unique_ptr<proposal> proposal_;  ///< until it is answered
    std::error_code refused_{};           ///< how it was answered, if it was not taken
    bool answer_awaited_ = false;         ///< by one that reads it
    event answered_;                      ///< for the others
    buffer ahead_;                        ///< what came behind the agreement
};

}  // namespace copoll::p2p::detail
