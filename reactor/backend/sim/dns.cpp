// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/dns.hpp>

#include <algorithm>
#include <string_view>

#include "network.hpp"

namespace copoll::backend {
inline namespace sim {
namespace {

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// As names are compared: whatever the case, and with or without the dot of the root.
bool same_name(std::string_view a, std::string_view b) noexcept {
    if (a.ends_with('.')) a.remove_suffix(1);
    if (b.ends_with('.')) b.remove_suffix(1);
    return std::ranges::equal(a, b, {}, lower, lower);
}

known_name find(const options& o, std::string_view asked) {
    const auto known = std::ranges::find_if(
        o.names, [&](const known_name& k) { return same_name(k.name, asked); });
    if (known != o.names.end()) return *known;
    if (same_name(asked, "localhost"))
        return {.name = "localhost", .addresses = {ip::loopback_v6, ip::loopback_v4}};
    return {};
}

}  // namespace

/// A question on its way. One that is never answered just stays.
class lookup final : public event_target, public std::enable_shared_from_this<lookup> {
public:
    lookup(network& net, std::string_view asked)
        : id(net.next_id()), net_(net), known_(find(net.opts, asked)) {}

    void begin() {
        if (!known_.answers) return;
        if (known_.after > clock::duration::zero())
            net_.schedule(net_.now + known_.after, shared_from_this());
        else
            answered_ = true;
    }
    bool answered() const noexcept { return answered_; }
    result<std::vector<ip::address>> answer() const {
        if (known_.error) return fail(known_.error);
        if (known_.addresses.empty()) return fail(errc::name_unresolvable);
        return known_.addresses;
    }
    void occur() override {
        answered_ = true;
        net_.wake(waiting);
    }

    const std::uint64_t id;
    wait_set waiting;

private:
    network& net_;
    known_name known_;
    bool answered_ = false;
};

outcome resolve_op::attempt(context& io) noexcept {
    network& net = io.net();
    if (!lookup_) {
        lookup_ = std::make_shared<lookup>(net, name_);
        lookup_->begin();
    }
    return attempt_call(*this, net, call::resolve, lookup_->id, [&] {
        if (!lookup_->answered()) return false;
        result = lookup_->answer();
        return true;
    });
}

wait_set& resolve_op::waits_on(context&) noexcept { return lookup_->waiting; }

}  // namespace sim
}  // namespace copoll::backend
