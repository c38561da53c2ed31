// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/result.hpp>

#include <string>

namespace copoll {
namespace {

const char* text(errc e) noexcept {
    switch (e) {
        case errc::eof: return "end of stream";
        case errc::canceled: return "canceled";
        case errc::timed_out: return "timed out";
        case errc::closed: return "closed";
        case errc::access_denied: return "access denied by the host";
        case errc::not_supported: return "not supported";
        case errc::invalid_argument: return "invalid argument";
        case errc::invalid_state: return "invalid state";
        case errc::parse_error: return "malformed text";
        case errc::out_of_memory: return "out of memory";
        case errc::too_many_open: return "too many open sockets";
        case errc::address_in_use: return "address in use";
        case errc::address_not_available: return "address not available";
        case errc::unreachable: return "network unreachable";
        case errc::connection_refused: return "connection refused";
        case errc::connection_reset: return "connection reset";
        case errc::connection_aborted: return "connection aborted";
        case errc::message_too_large: return "message too large";
        case errc::name_unresolvable: return "no such host";
        case errc::resolver_failure: return "name resolution failed";
        case errc::lookup_denied:
            return "name lookup denied (does the host grant it? Wasmtime: -S allow-ip-name-lookup)";
        case errc::io: return "input/output error";
        case errc::deadlock: return "deadlock";
        case errc::usage: return "wrong usage";
    }
    return "unknown error";
}

class copoll_category final : public std::error_category {
public:
    constexpr copoll_category() noexcept = default;
    const char* name() const noexcept override { return "copoll"; }
    std::string message(int e) const override { return text(static_cast<errc>(e)); }

    std::error_condition default_error_condition(int e) const noexcept override {
        switch (static_cast<errc>(e)) {
            case errc::canceled: return std::errc::operation_canceled;
            case errc::timed_out: return std::errc::timed_out;
            case errc::access_denied:
            case errc::lookup_denied: return std::errc::permission_denied;
            case errc::not_supported: return std::errc::operation_not_supported;
            case errc::invalid_argument: return std::errc::invalid_argument;
            case errc::out_of_memory: return std::errc::not_enough_memory;
            case errc::too_many_open: return std::errc::too_many_files_open;
            case errc::address_in_use: return std::errc::address_in_use;
            case errc::address_not_available: return std::errc::address_not_available;
            case errc::unreachable: return std::errc::network_unreachable;
            case errc::connection_refused: return std::errc::connection_refused;
            case errc::connection_reset: return std::errc::connection_reset;
            case errc::connection_aborted: return std::errc::connection_aborted;
            case errc::message_too_large: return std::errc::message_size;
            case errc::io: return std::errc::io_error;
            case errc::deadlock: return std::errc::resource_deadlock_would_occur;
            default: return {e, *this};
        }
    }
};

}  // namespace

const std::error_category& category() noexcept {
    static const copoll_category instance;
    return instance;
}

}  // namespace copoll
