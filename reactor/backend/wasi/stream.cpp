// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/stream.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace copoll::backend {
inline namespace wasi {
namespace {

/// Streams report no code; the debug text is all there is to tell a reset from other failures.
errc cause(std::string_view text) noexcept {
    for (std::string_view reset : {"ConnectionReset", "onnection reset", "BrokenPipe", "roken pipe",
                                   "ConnectionAborted", "onnection aborted", "ECONNRESET", "EPIPE"})
        if (text.find(reset) != text.npos) return errc::connection_reset;
    if (text.find("TimedOut") != text.npos || text.find("timed out") != text.npos)
        return errc::timed_out;
    return errc::io;
}

}  // namespace

std::error_code to_error(const host::stream_failure& failure) noexcept {
    if (failure.which() == host::stream_error::closed) return errc::closed;
    const auto text = host::returned<host::list_result, host::raw::copoll_error_to_debug_string,
                                     host::call::other>(failure.error);
    const errc e = cause({static_cast<const char*>(text.data), text.size});
    if (text.size > 0) std::free(text.data);
    host::drop_error(failure.error);
    return e;
}

std::error_code to_error(host::socket_error code) noexcept {
    using enum host::socket_error;
    switch (code) {
        case access_denied: return errc::access_denied;
        case not_supported: return errc::not_supported;
        case invalid_argument: return errc::invalid_argument;
        case out_of_memory: return errc::out_of_memory;
        case timeout: return errc::timed_out;
        case concurrency_conflict:
        case not_in_progress:
        case invalid_state: return errc::invalid_state;
        case new_socket_limit: return errc::too_many_open;
        case address_not_bindable: return errc::address_not_available;
        case address_in_use: return errc::address_in_use;
        case remote_unreachable: return errc::unreachable;
        case connection_refused: return errc::connection_refused;
        case connection_reset: return errc::connection_reset;
        case connection_aborted: return errc::connection_aborted;
        case datagram_too_large: return errc::message_too_large;
        case name_unresolvable: return errc::name_unresolvable;
        case temporary_resolver_failure: return errc::resolver_failure;
        case permanent_resolver_failure: return errc::lookup_denied;
        case would_block:
        case unknown: break;
    }
    return errc::io;
}

host::handle input_stream::pollable() {
    if (!pollable_)
        pollable_ = wasi::pollable{
            host::counted<host::raw::copoll_input_subscribe, host::call::subscribe>(stream_.get())};
    return pollable_.get();
}

bool input_stream::read_once(std::span<std::byte> buffer, io_result& result) noexcept {
    const auto r = host::read(stream_.get(), buffer.data(), buffer.size());
    if (r.tag != 0) {
        result.ec = to_error(r.err);
        if (result.ec == errc::closed) result.ec = errc::eof;
        return true;
    }
    if (r.ok.size == 0) return false;  // not the end: nothing there yet
    if (r.ok.data != buffer.data()) {  // the program has a cabi_realloc of its own
        std::memcpy(buffer.data(), r.ok.data, r.ok.size);
        std::free(r.ok.data);
    }
    result.n = r.ok.size;
    return true;
}

bool input_stream::try_read(std::span<std::byte> buffer, io_result& result,
                            copoll::detail::chunk_pool& pool) noexcept {
    result = {};
    if (!ahead_.empty()) {
        result.n = take_ahead(buffer);
        return true;
    }
    drained_ = false;
    if (pending_) {
        result.ec = std::exchange(pending_, {});
        return true;
    }
    if (request() > buffer.size()) return read_ahead(buffer, result, pool);
    while (!buffer.empty() && !drained_) {
        const std::size_t asked = std::min<std::size_t>(request(), buffer.size());
        io_result part;
        if (!read_once(buffer.first(asked), part)) break;
        if (part.ec) {
            (result.n > 0 ? pending_ : result.ec) = part.ec;
            return true;
        }
        result.n += part.n;
        buffer = buffer.subspan(part.n);
        adapt(asked, part.n);
    }
    return result.n > 0;
}

bool input_stream::read_ahead(std::span<std::byte> buffer, io_result& result,
                              copoll::detail::chunk_pool& pool) noexcept {
    chunk c = pool.take();
    io_result r;
    const std::size_t asked = request();
    if (!read_once(std::span<std::byte>(c).first(asked), r)) return false;
    result.ec = r.ec;
    if (r.ec) return true;
    adapt(asked, r.n);
    c.truncate(r.n);
    ahead_ = std::move(c);
    ahead_begin_ = 0;
    result.n = take_ahead(buffer);
    return true;
}

std::size_t input_stream::take_ahead(std::span<std::byte> buffer) noexcept {
    const std::size_t n = std::min(buffer.size(), ahead_.size() - ahead_begin_);
    std::memcpy(buffer.data(), ahead_.data() + ahead_begin_, n);
    ahead_begin_ += static_cast<std::uint32_t>(n);
    if (ahead_begin_ == ahead_.size()) ahead_ = {};
    return n;
}

/// Asks for more next time when what was asked for came, and for less when it was far from that.
void input_stream::adapt(std::size_t asked, std::size_t came) noexcept {
    drained_ = came < asked;
    if (drained_ && came < request_ / 4 && request_ > smallest_request) request_ /= 2;
    if (came == request_ && request_ < largest_request) request_ *= 2;
}

host::handle output_stream::pollable() {
    if (!pollable_)
        pollable_ =
            wasi::pollable{host::counted<host::raw::copoll_output_subscribe, host::call::subscribe>(
                stream_.get())};
    return pollable_.get();
}

std::uint64_t output_stream::permit(std::error_code& ec) noexcept {
    const auto r = host::check_write(stream_.get());
    if (r.tag != 0) {
        ec = to_error(r.err);
        in_flight_ = false;
        return 0;
    }
    // jco permits what its queue has room for: that is empty at first, and when all has left again
    if (on_jco()) room_ = std::max(room_, r.permit);
    if (r.permit >= room_) in_flight_ = false;
    return r.permit;
}

bool output_stream::try_write(std::span<const std::byte> bytes, io_result& result) noexcept {
    result = {};
    const std::uint64_t allowed = permit(result.ec);
    if (result.ec) return true;
    if (allowed == 0) return false;
    const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(allowed, bytes.size()));
    const auto r = host::write(stream_.get(), bytes.data(), static_cast<std::uint32_t>(n));
    if (r.tag != 0) {
        result.ec = to_error(r.err);
        return true;
    }
    in_flight_ = unflushed_ = true;
    result.n = n;
    return true;
}

bool output_stream::flushed() noexcept {
    if (!stream_) return true;
    if (std::exchange(unflushed_, false)) {
        const auto r =
            host::returned<host::stream_status, host::raw::copoll_output_flush, host::call::other>(
                stream_.get());
        if (r.tag != 0) {
            to_error(r.err);
            in_flight_ = false;
            return true;
        }
        in_flight_ = true;  // no permit until the flush is done
    }
    return settled();
}

bool output_stream::settled() noexcept {
    if (!stream_ || !in_flight_) return true;
    std::error_code ec;
    permit(ec);
    return !in_flight_;
}

}  // namespace wasi
}  // namespace copoll::backend
