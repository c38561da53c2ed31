// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/stdio.hpp>

#include <algorithm>
#include <cstring>

#include "network.hpp"

namespace copoll::backend {
inline namespace sim {

/// Where reading of the script has got to, and who waits for more of it.
class network::input_state final : public event_target {
public:
    explicit input_state(network& net) noexcept : net_(net) {}
    void occur() override { net_.wake(waits); }

    std::size_t chunk = 0;
    std::size_t offset = 0;
    clock::time_point wakes_at{};
    wait_set waits;

private:
    network& net_;
};

network::input_state& network::input() {
    if (!input_) input_ = std::make_shared<input_state>(*this);
    return *input_;
}

wait_set& network::input_waits() { return input().waits; }

bool network::read_input(std::span<std::byte> buffer, io_result& result) {
    input_state& in = input();
    while (in.chunk < opts.input.size() && in.offset == opts.input[in.chunk].text.size()) {
        ++in.chunk;
        in.offset = 0;
    }
    if (in.chunk == opts.input.size()) {
        if (opts.input_ends) result.ec = errc::eof;
        return opts.input_ends;
    }
    const input_chunk& next = opts.input[in.chunk];
    if (const clock::time_point at = began_ + next.at; at > now) {
        if (at > in.wakes_at) schedule(in.wakes_at = at, input_);
        return false;
    }
    const std::string_view rest = std::string_view{next.text}.substr(in.offset);
    result.n = std::min(rest.size(), buffer.size());
    if (opts.short_transfers) result.n = 1 + chance_.pick(result.n);
    std::memcpy(buffer.data(), rest.data(), result.n);
    in.offset += result.n;
    return true;
}

outcome input_read_op::attempt(context& io) noexcept {
    if (buffer_.empty()) return outcome::done;
    return attempt_call(*this, io.net(), call::input, 0,
                        [&] { return io.net().read_input(buffer_, result); });
}

wait_set& input_read_op::waits_on(context& io) noexcept { return io.net().input_waits(); }

outcome output_write_op::attempt(context& io) noexcept {
    if (bytes_.empty()) return outcome::done;
    network& net = io.net();
    return attempt_call(*this, net, call::output, errors_ ? 2 : 1, [&] {
        result.n = bytes_.size();
        if (net.opts.short_transfers) result.n = 1 + net.chance().pick(result.n);
        net.texts[errors_ ? 1 : 0].append(reinterpret_cast<const char*>(bytes_.data()), result.n);
        return true;
    });
}

wait_set& output_write_op::waits_on(context& io) noexcept { return io.net().never; }

}  // namespace sim
}  // namespace copoll::backend
