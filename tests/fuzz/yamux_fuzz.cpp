// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/p2p/yamux.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fuzz.hpp"

using namespace copoll::p2p;

// The peer says what it likes, while the application uses the streams. The first byte of each step
// says who comes next: an even one the peer, with as many bytes as half of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto rest = std::as_bytes(std::span{data, size});
    yamux::options options;
    options.max_accepted = 12;
    options.max_opened = 8;
    options.max_unaccepted = 5;
    options.max_unread = 400'000;
    options.unread_of_all = std::make_shared<yamux::unread_budget>(600'000, 250'000, 20'000);
    options.idle_stream = std::chrono::seconds{2};
    copoll::clock::time_point now{};
    yamux::session session{role::listener, now, options};
    std::vector<yamux::stream_id> held;
    std::array<std::byte, 3000> memory{};

    while (!rest.empty()) {
        const auto choice = std::to_integer<unsigned>(rest.front());
        rest = rest.subspan(1);
        if (choice % 2 == 0) {
            const auto bytes = rest.first(std::min<std::size_t>(rest.size(), choice / 2));
            rest = rest.subspan(bytes.size());
            const auto taken = session.input(bytes, now);
            if (!taken) must(taken.error().category() == category());
            must(taken.has_value() == !session.error());
        } else if (choice % 16 == 1) {
            if (const auto id = session.accept()) held.push_back(*id);
        } else if (choice % 16 == 3) {
            const auto id = session.open();
            if (id && *id) held.push_back(**id);
        } else if (choice % 16 == 5) {
            now += std::chrono::milliseconds{choice};
            static_cast<void>(session.check_time(now));
        } else if (!held.empty()) {
            const std::size_t nth = choice / 16 % held.size();
            const auto id = held[nth];
            switch (choice % 16) {
                case 7: static_cast<void>(session.read(id, memory)); break;
                case 9: static_cast<void>(session.write(id, memory)); break;
                case 11: session.finish(id); break;
                case 13: session.reset(id); break;
                default:
                    session.release(id);
                    held.erase(held.begin() + static_cast<std::ptrdiff_t>(nth));
            }
        }
        must(session.unread() <= session.held());
        must(session.held() <= options.max_unread);
        must(options.unread_of_all->used ==
             250'000 + std::max<std::uint64_t>(session.held(), 20'000) - 20'000);
        must(options.unread_of_all->used <= options.unread_of_all->limit);
        must(session.streams() <= options.max_accepted + options.max_opened);
        while (const auto event = session.next_event())
            must(std::ranges::find(held, event->stream) != held.end());
        must(session.output(now).size() < 140'000);
        if (choice % 3 == 0) session.output(now).clear();
        if (!session.wants_input()) session.output(now).clear();
        must(session.wants_input());
    }
    for (const auto id : held) session.release(id);
    return 0;
}
