// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <copoll/buffer.hpp>
#include <copoll/p2p/yamux.hpp>

namespace copoll_tests {

/// Two Yamux sessions with a wire between them, and what must hold whatever they are told to do.
///
/// Every step takes its choices from `next()`, which gives numbers: of a random generator, or of a
/// fuzzer's input. `broken` says what did not hold, and is null if all did:
///
/// - the bytes of a stream arrive in order, and none but those that were written;
/// - what was received and not read is never more than the windows' sizes;
/// - who was told to wait is told when there is something again (no lost wake-up);
/// - in the end everything arrives that was written on streams that were not reset.
template <class Next>
class yamux_model {
public:
    explicit yamux_model(Next next, const copoll::p2p::yamux::options& o = {})
        : next_(std::move(next)), options_(o),
          ends_{end{engine{copoll::p2p::role::dialer, now_, o}},
                end{engine{copoll::p2p::role::listener, now_, o}}} {}

    const char* broken = nullptr;

    void step() {
        const std::size_t side = next_() % 2;
        switch (next_() % 12) {
            case 0: return open(side);
            case 1: return accept(side);
            case 2:
            case 3: return write(side, pick(side), 1 + next_() % 30'000);
            case 4:
            case 5: return read(side, pick(side), 1 + next_() % 30'000);
            case 6: return finish(side, pick(side));
            case 7: return next_() % 8 == 0 ? reset(side, pick(side)) : void();
            case 8: return next_() % 4 == 0 ? release(side, pick(side)) : void();
            case 9: now_ += std::chrono::milliseconds{next_() % 50}; return;
            default: return carry(side, 1 + next_() % 100'000);
        }
    }

    /// Lets everything arrive, and reads it.
    void settle() {
        for (bool moved = true; moved && !broken;) {
            moved = false;
            for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
                const std::uint64_t before = moved_;
                carry(side, SIZE_MAX);
                while (!broken && ends_[side].session.has_unaccepted()) accept(side);
                std::vector<id> all;
                for (const auto& [one, s] : ends_[side].streams) all.push_back(one);
                for (const id one : all) read(side, one, 20'000);
                moved = moved || moved_ != before;
            }
        }
        for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
            for (const auto& [one, s] : ends_[side].streams) {
                const auto peer = ends_[1 - side].streams.find(one);
                if (s.over || spoiled_.contains(one) || peer == ends_[1 - side].streams.end())
                    continue;
                expect(s.received == peer->second.written, "bytes did not arrive");
                expect(s.ended == peer->second.finished, "an end did not arrive");
            }
        }
    }

    std::uint64_t carried() const noexcept { return carried_; }

private:
    using id = copoll::p2p::yamux::stream_id;
    using engine = copoll::p2p::yamux::session;
    static constexpr id none = 0;

    struct seen {
        std::uint64_t written = 0, received = 0;
        bool finished = false, ended = false, over = false;
        bool waits_to_read = false, waits_to_write = false;
    };
    struct end {
        engine session;
        std::map<id, seen> streams{};
        copoll::buffer wire{};  ///< to the other end
    };

    void expect(bool holds, const char* what) {
        if (!holds && !broken) broken = what;
    }

    static std::byte byte_at(id stream, std::size_t side, std::uint64_t position) {
        const std::uint64_t x = (position + 1 + stream * 977 + side * 31) * 0x9e3779b97f4a7c15;
        return static_cast<std::byte>(x >> 56);
    }

    /// One of the streams that the side holds.
    id pick(std::size_t side) {
        auto& all = ends_[side].streams;
        if (all.empty()) return none;
        return std::next(all.begin(), static_cast<std::ptrdiff_t>(next_() % all.size()))->first;
    }

    void open(std::size_t side) {
        const auto opened = ends_[side].session.open();
        if (opened && *opened) ends_[side].streams.try_emplace(**opened);
    }

    void accept(std::size_t side) {
        const auto accepted = ends_[side].session.accept();
        if (!accepted) return;
        expect(ends_[side].streams.try_emplace(*accepted).second, "an id was used twice");
        ++moved_;
    }

    void write(std::size_t side, id one, std::size_t n) {
        if (one == none) return;
        end& e = ends_[side];
        seen& s = e.streams.at(one);
        std::vector<std::byte> bytes(n);
        for (std::size_t i = 0; i < n; ++i) bytes[i] = byte_at(one, side, s.written + i);
        const auto r = e.session.write(one, bytes);
        expect(!s.waits_to_write || (r.n == 0 && !r.ec), "a writer was not woken");
        s.waits_to_write = r.n == 0 && !r.ec && e.session.send_window(one) == 0;
        s.written += r.n;
        if (r.ec == copoll::p2p::errc::stream_reset) spoil(side, one);
    }

    void read(std::size_t side, id one, std::size_t n) {
        if (one == none) return;
        seen& s = ends_[side].streams.at(one);
        std::vector<std::byte> into(n);
        const auto r = ends_[side].session.read(one, into);
        expect(!s.waits_to_read || (r.n == 0 && !r.ec), "a reader was not woken");
        s.waits_to_read = r.n == 0 && !r.ec;
        for (std::size_t i = 0; i < r.n; ++i)
            expect(into[i] == byte_at(one, 1 - side, s.received + i), "another byte arrived");
        s.received += r.n;
        moved_ += r.n;
        if (r.ec == copoll::errc::eof) s.ended = true;
        if (r.ec == copoll::p2p::errc::stream_reset) spoil(side, one);
    }

    void finish(std::size_t side, id one) {
        if (one == none) return;
        ends_[side].session.finish(one);
        ends_[side].streams.at(one).finished = true;
    }

    void reset(std::size_t side, id one) {
        if (one == none) return;
        ends_[side].session.reset(one);
        hear_events(ends_[side]);
        spoil(side, one);
    }

    void release(std::size_t side, id one) {
        if (one == none) return;
        ends_[side].session.release(one);
        ends_[side].streams.erase(one);
        spoiled_[one] = true;
    }

    /// Nothing is expected to arrive on it any more.
    void spoil(std::size_t side, id one) {
        ends_[side].streams.at(one).over = true;
        spoiled_[one] = true;
    }

    /// Takes the output to the wire, and so many bytes of it to the other end.
    void carry(std::size_t from, std::size_t n) {
        end& e = ends_[from];
        end& to = ends_[1 - from];
        copoll::buffer& out = e.session.output(now_);
        e.wire.append(std::as_const(out).data());
        out.clear();
        const auto bytes = std::as_const(e.wire).data().first(std::min(n, e.wire.size()));
        const auto heard = to.session.input(bytes, now_);
        expect(heard.has_value(), "a peer broke the protocol");
        carried_ += bytes.size();
        moved_ += bytes.size();
        e.wire.consume(bytes.size());
        hear_events(to);
        expect(to.session.unread() <= to.session.streams() * std::uint64_t{options_.max_window},
               "more than the windows was kept");
        expect(to.session.unread() <= to.session.held(), "memory was not counted");
        expect(to.session.held() <= options_.max_unread, "more than allowed was kept");
    }

    void hear_events(end& e) {
        while (const auto event = e.session.next_event()) {
            const auto found = e.streams.find(event->stream);
            if (found == e.streams.end()) continue;
            if (event->readable) found->second.waits_to_read = false;
            if (event->writable) found->second.waits_to_write = false;
        }
    }

    Next next_;
    copoll::p2p::yamux::options options_;
    copoll::clock::time_point now_{};
    std::array<end, 2> ends_;
    std::map<id, bool> spoiled_;
    std::uint64_t carried_ = 0;
    std::uint64_t moved_ = 0;
};

}  // namespace copoll_tests
