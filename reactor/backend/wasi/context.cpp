// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/backend/context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <copoll/backend/tcp_output.hpp>
#include <copoll/loop.hpp>

namespace copoll {

clock::time_point clock::now() noexcept { return time_point{duration{backend::host::now()}}; }

namespace backend {
inline namespace wasi {
namespace {

/// One host overflows its timers past 2^31 ms; a longer wait wakes once in between.
constexpr auto longest_wait = std::chrono::hours{24 * 24};

/// Hosts report no more than about 128 at once: so many mean that there may be more.
constexpr std::size_t saturated = 64;

/// A waiter cools down when so many polls in a row did not report it, and so many looks at the cold
/// ones have passed. Polls alone would cool who waits for a slow peer, time alone who had no turn.
constexpr std::uint32_t quiet_polls = 2;
constexpr std::uint32_t quiet_looks = 2;

/// Reports in vain, in a row, before a waiter rests: for 1 ms, then twice as long each time.
constexpr std::uint32_t reports_in_vain = 3;
constexpr std::uint32_t most_doublings = 5;

pollable timer_at(clock::time_point deadline) {
    const auto at = std::max<std::int64_t>(deadline.time_since_epoch().count(), 0);
    return pollable{
        host::counted<host::raw::copoll_clock_subscribe_instant, host::call::timer>(at)};
}

pollable timer_now() {
    return pollable{host::counted<host::raw::copoll_clock_subscribe_duration, host::call::timer>(
        std::int64_t{0})};
}

}  // namespace

context::context(loop& owner, const polling_options& options)
    : owner_(owner), options_(options), period_(options.shortest_period) {
    detail::expects(options.chunk > 0 && options.share > 0 &&
                        options.shortest_period > clock::duration::zero() &&
                        options.shortest_period <= options.longest_period,
                    "polling_options out of range");
    make_room(0);
}

context::~context() { detail::expects(armed() == 0, "loop ended while operations wait"); }

void context::post(continuation& k) noexcept { owner_.post(k); }
detail::chunk_pool& context::chunks() noexcept { return owner_.chunks(); }

std::uint64_t context::allocations() const noexcept {
    return growths_ + host::landing_misses + tcp_output::allocations();
}

// --- tiers

void context::make_hot(waiter& w) {
    w.tier_ = waiter::tier::hot;
    w.since_ = looks_;
    w.quiet_ = 0;
    hot_.push_back(w);
    ++hot_count_;
}

void context::make_cold(waiter& w) {
    if (cold_.size() == cold_.capacity()) {
        ++growths_;
        const std::size_t room = std::max<std::size_t>(64, 2 * cold_.size());
        cold_.reserve(room);
        cold_pollables_.reserve(room + timers_in_list);
    }
    w.tier_ = waiter::tier::cold;
    w.slot_ = static_cast<std::uint32_t>(cold_.size());
    cold_.push_back(&w);
    cold_pollables_.push_back(w.pollable_);
}

void context::leave_tier(waiter& w) noexcept {
    switch (std::exchange(w.tier_, waiter::tier::none)) {
        case waiter::tier::none: break;
        case waiter::tier::turn_end: w.unlink(); break;
        case waiter::tier::hot:
            w.unlink();
            --hot_count_;
            break;
        case waiter::tier::cold:
            cold_pollables_[w.slot_] = cold_pollables_.back();
            cold_[w.slot_] = cold_.back();
            cold_[w.slot_]->slot_ = w.slot_;
            cold_pollables_.pop_back();
            cold_.pop_back();
            break;
        case waiter::tier::resting:
            std::erase_if(resting_, [&w](const rest& r) { return r.who == &w; });
            break;
    }
}

void context::arm(waiter& w, host::handle pollable) {
    w.pollable_ = pollable;
    w.in_vain_ = 0;
    make_hot(w);
}

void context::found_nothing(waiter& w) {
    if (++w.in_vain_ < reports_in_vain) return;
    const std::uint32_t doublings = w.in_vain_ - reports_in_vain;
    if (doublings == most_doublings) --w.in_vain_;
    leave_tier(w);
    w.tier_ = waiter::tier::resting;
    resting_.push_back({&w, owner_.turn_time() + std::chrono::milliseconds{1 << doublings}});
}

void context::end_rests(clock::time_point now) {
    std::erase_if(resting_, [&](const rest& r) {
        if (r.until > now) return false;
        make_hot(*r.who);
        return true;
    });
}

// --- a turn

void context::report_at_turn_end(waiter& w) noexcept {
    w.tier_ = waiter::tier::turn_end;
    turn_end_.push_back(w);
}

void context::report_turn_end() noexcept {
    while (!turn_end_.empty()) {
        waiter& w = turn_end_.front();
        leave_tier(w);
        w.on_ready_(w);
    }
}

void context::turn(std::optional<clock::time_point> deadline, bool may_block) {
    const auto wake_at = [&deadline](clock::time_point t) {
        deadline = std::min(deadline.value_or(t), t);
    };
    for (const rest& r : resting_) wake_at(r.until);

    const bool flat = hot_count_ + cold_.size() <= options_.flat_up_to;
    while (flat && !cold_.empty()) {
        waiter& w = *cold_.back();
        leave_tier(w);
        make_hot(w);
    }
    if (flat || (hot_count_ == 0 && may_block)) {
        next_look_.reset();
    } else {
        if (!next_look_) next_look_ = clock::now() + period_;
        wake_at(*next_look_);
    }
    set_timer(deadline);

    if (hot_count_ == 0 && may_block)
        poll_cold(when::ready);
    else
        poll_hot(may_block);
    if (!std::exchange(timer_fired_, false)) return;

    timer_.reset();
    const clock::time_point now = clock::now();
    end_rests(now);
    if (next_look_ && now >= *next_look_) look_at_cold(now);
}

void context::set_timer(std::optional<clock::time_point> deadline) {
    // An older timer that fires too early costs one turn, a new one costs two host calls now.
    if (!deadline || (timer_ && timer_deadline_ <= *deadline)) return;
    timer_deadline_ = std::min(*deadline, clock::now() + longest_wait);
    timer_ = timer_at(timer_deadline_);
}

/// Chunk by chunk until somebody is ready; only when nobody is, all at once, waiting.
void context::poll_hot(bool may_block) {
    if (!may_block || crowded()) {
        std::size_t left = hot_count_;
        do {
            const std::size_t size = std::min<std::size_t>(left, options_.chunk);
            left -= size;
            if (poll_chunk(size, when::now) > 0 || timer_fired_) return;
        } while (left > 0);
    }
    if (may_block) poll_chunk(hot_count_, when::ready);
}

/// Polls the first `size` of the hot ones, who then stand behind the others. Returns how many of
/// them are ready.
std::size_t context::poll_chunk(std::size_t size, when w) {
    make_room(size);
    chunk_.clear();
    chunk_pollables_.clear();
    for (std::size_t i = 0; i < size; ++i) {
        waiter* polled = hot_.pop_front();
        if (polled->quiet_ < quiet_polls) ++polled->quiet_;
        chunk_.push_back(polled);
        chunk_pollables_.push_back(polled->pollable_);
    }
    poll(chunk_, chunk_pollables_, w);
    for (waiter* ready : due_) {
        ready->quiet_ = 0;
        ready->since_ = looks_;
    }
    for (waiter* polled : chunk_) {
        if (polled->quiet_ == quiet_polls && looks_ - polled->since_ >= quiet_looks) {
            --hot_count_;
            make_cold(*polled);
        } else {
            hot_.push_back(*polled);
        }
    }
    tell_due();
    return due_.size();
}

std::size_t context::poll_cold(when w) {
    make_room(cold_.size());
    poll(cold_, cold_pollables_, w);
    for (waiter* ready : due_) {
        leave_tier(*ready);
        make_hot(*ready);
    }
    tell_due();
    if (due_.size() >= saturated) next_look_ = clock::now();
    return due_.size();
}

void context::look_at_cold(clock::time_point now) {
    ++looks_;
    const bool more = !cold_.empty() && poll_cold(when::now) >= saturated;
    const clock::time_point end = clock::now();
    period_ =
        std::clamp((end - now) * options_.share, options_.shortest_period, options_.longest_period);
    next_look_ = more ? end : end + period_;
}

// --- a poll

void context::make_room(std::size_t size) {
    if (answer_.size() >= size + timers_in_list) return;
    ++growths_;
    const std::size_t room = std::max<std::size_t>(64, 2 * size);
    chunk_.reserve(room);
    chunk_pollables_.reserve(room + timers_in_list);
    due_.reserve(room);
    answer_.resize(room + timers_in_list);
}

/// Polls `pollables` with the timer. Fills `due_` with the `owners` of those that are ready.
void context::poll(const std::vector<waiter*>& owners, std::vector<host::handle>& pollables,
                   when w) {
    const std::size_t size = owners.size();
    if (timer_) pollables.push_back(timer_.get());
    const std::size_t timer_index = timer_ ? size : SIZE_MAX;
    const pollable zero = w == when::now ? timer_now() : pollable{};
    if (zero) pollables.push_back(zero.get());
    detail::expects(!pollables.empty(), "the host traps on an empty poll list");

    const auto list = host::poll(pollables.data(), static_cast<std::uint32_t>(pollables.size()),
                                 answer_.data());
    ++polls_;
    calls_at_poll_ = host::calls[host::call::check_write];
    reported_ = list.size;
    pollables.resize(size);

    // First who, then the work: that moves others in the lists.
    const auto* indices = static_cast<const std::uint32_t*>(list.data);
    due_.clear();
    for (std::uint32_t i = 0; i < list.size; ++i) {
        if (indices[i] < size)
            due_.push_back(owners[indices[i]]);
        else if (indices[i] == timer_index)
            timer_fired_ = true;
    }
    if (list.size > 0 && list.data != answer_.data()) std::free(list.data);
}

void context::tell_due() noexcept {
    for (waiter* w : due_) w->on_ready_(*w);
}

bool context::yielded_to_host() {
    // tokio gives a task 128 operations, and a write spends two.
    constexpr std::uint64_t suspicious = 48;
    const std::uint64_t writes = host::calls[host::call::check_write] - calls_at_poll_;
    if (writes + reported_ < suspicious) return false;
    const pollable zero = timer_now();
    const host::handle h = zero.get();
    std::uint32_t ready;
    host::poll(&h, 1, &ready);
    ++polls_;
    calls_at_poll_ = host::calls[host::call::check_write];
    reported_ = 0;
    return true;
}

void context::finish(clock::time_point deadline) {
    while (lingering_ > 0 && clock::now() < deadline) wait(deadline);
    // What a peer would not take in time stays with the host, which ends it with the component:
    // dropping it here could block for ever.
    has_given_up_ = true;
    const auto leave_to_host = [this](waiter& w) {
        leave_tier(w);
        w.on_ready_(w);
    };
    while (!hot_.empty()) leave_to_host(hot_.front());
    while (!cold_.empty()) leave_to_host(*cold_.back());
    while (!resting_.empty()) leave_to_host(*resting_.back().who);
    lingering_ = 0;
}

}  // namespace wasi
}  // namespace backend
}  // namespace copoll
