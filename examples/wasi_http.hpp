// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <copoll/result.hpp>
#include <copoll/task.hpp>
#include <copoll/wasi/pollable.hpp>

/// The part of wasi:http that a GET takes, by hand: what generated bindings would declare, and how
/// its pollables are awaited. wasi_http.wit has the types.

namespace wasi_http {

using handle = std::int32_t;

#define IMPORT(interface, name) \
    [[clang::import_module("wasi:" interface "@" COPOLL_WASI_VERSION), clang::import_name(name)]]
namespace raw {
extern "C" {
IMPORT("http/types", "[constructor]fields") handle http_fields();
IMPORT("http/types", "[constructor]outgoing-request") handle http_request(handle fields);
IMPORT("http/types", "[method]outgoing-request.set-scheme")
std::int32_t http_set_scheme(handle, std::int32_t some, std::int32_t which, const char*,
                             std::size_t);
IMPORT("http/types", "[method]outgoing-request.set-authority")
std::int32_t http_set_authority(handle, std::int32_t some, const char*, std::size_t);
IMPORT("http/types", "[method]outgoing-request.set-path-with-query")
std::int32_t http_set_path(handle, std::int32_t some, const char*, std::size_t);
IMPORT("http/outgoing-handler", "handle")
void http_handle(handle request, std::int32_t some, handle options, void* result);
IMPORT("http/types", "[method]future-incoming-response.subscribe") handle http_subscribe(handle);
IMPORT("http/types", "[method]future-incoming-response.get") void http_get(handle, void* result);
IMPORT("http/types", "[method]incoming-response.status") std::int32_t http_status(handle);
IMPORT("http/types", "[method]incoming-response.consume") void http_consume(handle, void* result);
IMPORT("http/types", "[method]incoming-body.stream") void http_stream(handle, void* result);
IMPORT("http/types", "[resource-drop]outgoing-request") void http_drop_request(handle);
IMPORT("http/types", "[resource-drop]future-incoming-response") void http_drop_future(handle);
IMPORT("http/types", "[resource-drop]incoming-response") void http_drop_response(handle);
IMPORT("http/types", "[resource-drop]incoming-body") void http_drop_body(handle);
IMPORT("io/streams", "[method]input-stream.read")
void http_read(handle, std::int64_t most, void* result);
IMPORT("io/streams", "[method]input-stream.subscribe") handle http_subscribe_stream(handle);
IMPORT("io/streams", "[resource-drop]input-stream") void http_drop_stream(handle);
IMPORT("io/error", "[resource-drop]error") void http_drop_error(handle);
IMPORT("io/poll", "[resource-drop]pollable") void http_drop_pollable(handle);
}
}  // namespace raw
#undef IMPORT

/// Owns a resource. A child must go before its parent, so it is declared behind it.
template <void (*Drop)(handle)>
class resource {
public:
    explicit resource(handle h = -1) noexcept : h_(h) {}
    resource(resource&& other) noexcept : h_(std::exchange(other.h_, -1)) {}
    resource& operator=(resource&&) = delete;
    ~resource() {
        if (h_ != -1) Drop(h_);
    }
    handle get() const noexcept { return h_; }
    [[nodiscard]] handle release() noexcept { return std::exchange(h_, -1); }

private:
    handle h_;
};
using pollable = resource<raw::http_drop_pollable>;
using response = resource<raw::http_drop_response>;

/// The error-code of wasi:http as a std::error_code, by its place in the variant.
inline const std::error_category& category() noexcept {
    class texts final : public std::error_category {
        const char* name() const noexcept override { return "wasi:http"; }
        std::string message(int code) const override {
            static constexpr const char* of[] = {
                "the name lookup timed out", "the name could not be looked up",
                "the destination was not found", "the destination is not available",
                "the destination's address is prohibited", "the destination has no route",
                "connection refused", "connection terminated", "connecting timed out",
                "reading timed out", "writing timed out", "too many connections",
                "TLS protocol error", "TLS certificate error", "TLS alert received",
                "the host denies the request", "a length is required", "the request is too large",
                "the method is invalid", "the URI is invalid", "the URI is too long",
                "the request's headers are too large", "a header is too large",
                "the request's trailers are too large", "a trailer is too large",
                "the response ended too early", "the response's headers are too large",
                "a header of the response is too large", "the response is too large",
                "the response's trailers are too large", "a trailer of the response is too large",
                "the transfer coding is not known", "the content coding is not known",
                "the response timed out", "the upgrade failed", "HTTP protocol error",
                "a loop was detected", "configuration error", "internal error of the host"};
            const auto i = static_cast<std::size_t>(code);
            return i < std::size(of) ? of[i] : "unknown error";
        }
    };
    static const texts instance;
    return instance;
}

namespace detail {

/// What a call returns in memory: tags and values at the offsets of the canonical ABI.
template <std::size_t Size>
class area {
public:
    void* data() noexcept { return bytes_; }
    std::uint8_t tag(std::size_t at) const noexcept { return bytes_[at]; }
    template <class T>
    T value(std::size_t at) const noexcept {
        T v;
        std::memcpy(&v, bytes_ + at, sizeof v);
        return v;
    }

private:
    alignas(8) unsigned char bytes_[Size];
};

inline std::error_code failure(std::uint8_t code) noexcept { return {code, category()}; }

}  // namespace detail

/// A response body as a stream for copoll's algorithms.
class body {
public:
    explicit body(handle b, handle stream) noexcept : body_(b), stream_(stream) {}

    /// As `tcp_stream::read_some`: at least one byte, or `eof`.
    copoll::task<copoll::io_result> read_some(std::span<std::byte> buffer) {
        if (buffer.empty()) co_return copoll::io_result{};
        for (;;) {
            detail::area<12> r;
            raw::http_read(stream_.get(), static_cast<std::int64_t>(buffer.size()), r.data());
            if (r.tag(0) != 0) {
                if (r.tag(4) == 1) co_return copoll::io_result{copoll::errc::eof, 0};
                raw::http_drop_error(r.value<handle>(8));
                co_return copoll::io_result{copoll::errc::connection_reset, 0};
            }
            const auto n = r.value<std::uint32_t>(8);
            if (n > 0) {
                void* const bytes = r.value<void*>(4);
                std::memcpy(buffer.data(), bytes, n);
                std::free(bytes);
                co_return copoll::io_result{{}, n};
            }
            const pollable ready{raw::http_subscribe_stream(stream_.get())};
            const auto woken = co_await copoll::wasi::ready(ready.get());
            if (!woken) co_return copoll::io_result{woken.error(), 0};
        }
    }

private:
    resource<raw::http_drop_body> body_;
    resource<raw::http_drop_stream> stream_;
};

struct answer {
    int status;
    response head;
    body content;
};

/// Sends a GET and waits for the response's head. *Errors:* those of wasi:http.
/// *Cancellation:* `canceled`; the host gives the request up.
inline copoll::task<copoll::result<answer>> get(bool secure, std::string_view authority,
                                                std::string_view path) {
    resource<raw::http_drop_request> request{raw::http_request(raw::http_fields())};
    if (raw::http_set_scheme(request.get(), 1, secure ? 1 : 0, nullptr, 0) != 0 ||
        raw::http_set_authority(request.get(), 1, authority.data(), authority.size()) != 0 ||
        raw::http_set_path(request.get(), 1, path.data(), path.size()) != 0)
        co_return copoll::fail(copoll::errc::invalid_argument);

    detail::area<40> sent;
    raw::http_handle(request.release(), 0, 0, sent.data());
    if (sent.tag(0) != 0) co_return copoll::fail(detail::failure(sent.tag(8)));
    const resource<raw::http_drop_future> future{sent.value<handle>(8)};
    const pollable arrived{raw::http_subscribe(future.get())};
    detail::area<56> got;
    for (;;) {
        raw::http_get(future.get(), got.data());
        if (got.tag(0) != 0) break;
        co_await copoll::check(copoll::wasi::ready(arrived.get()));
    }
    if (got.tag(8) != 0) co_return copoll::fail(copoll::errc::invalid_state);
    if (got.tag(16) != 0) co_return copoll::fail(detail::failure(got.tag(24)));

    response head{got.value<handle>(24)};
    const int status = raw::http_status(head.get());
    detail::area<8> consumed, stream;
    raw::http_consume(head.get(), consumed.data());
    if (consumed.tag(0) != 0) co_return copoll::fail(copoll::errc::invalid_state);
    raw::http_stream(consumed.value<handle>(4), stream.data());
    if (stream.tag(0) != 0) co_return copoll::fail(copoll::errc::invalid_state);
    co_return answer{status, std::move(head),
                     body{consumed.value<handle>(4), stream.value<handle>(4)}};
}

}  // namespace wasi_http
