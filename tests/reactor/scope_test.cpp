// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/scope.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <copoll/event.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/epitaph.hpp"
#include "support/error_of.hpp"
#include "support/next_turn.hpp"
#include "support/run_test.hpp"
#include "support/stoppable.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

task<void> say(std::string& trace, char name, int after = 0) {
    co_await turns(after);
    trace += name;
}

task<result<void>> end_with(result<void> r, int after = 0) {
    co_await turns(after);
    co_return r;
}

/// Waits until it is asked to stop; takes some turns to end then.
task<result<void>> wait_for_stop(std::string& trace, char name, int after_stop = 0) {
    event never;
    const auto r = co_await never.wait();
    co_await turns(after_stop);
    trace += name;
    co_return r;
}

}  // namespace

// Joining

TEST_CASE("with_scope: ends after its children, however long they take") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope([](scope& s, std::string& t) -> task<void> {
            s.spawn(say, std::ref(t), 'a', 5);
            s.spawn(say, std::ref(t), 'b', 2);
            t += "body ";
            co_return;
        }, trace);
        trace += '|';
        CHECK(trace == "body ba|");
    }());
}

TEST_CASE("with_scope: without children it ends with its body") {
    run_test([]() -> task<void> {
        const int value = co_await with_scope([](scope&) -> task<int> { co_return 5; });
        CHECK(value == 5);
    }());
}

TEST_CASE("with_scope: gives what its body gives") {
    run_test([]() -> task<result<void>> {
        const auto moved = co_await with_scope(
            [](scope& s, std::unique_ptr<int> p) -> task<result<std::unique_ptr<int>>> {
                s.spawn([] { return turns(3); });
                co_return p;
            },
            std::make_unique<int>(7));
        const auto bytes =
            co_await with_scope([](scope&) -> task<io_result> { co_return {{}, 3}; });
        const int checked =
            co_await check(with_scope([](scope&) -> task<result<int>> { co_return 4; }));
        CHECK(**moved == 7);
        CHECK(bytes.n == 3);
        CHECK(checked == 4);
        co_return {};
    }());
}

TEST_CASE("with_scope: keeps an rvalue and refers to an lvalue") {
    run_test([]() -> task<void> {
        std::string trace, lvalue;
        co_await with_scope([](scope& s, std::string& outer, epitaph&&) -> task<void> {
            outer = "changed";
            s.spawn([] { return turns(3); });
            co_return;
        }, lvalue, epitaph{trace, "gone"});
        CHECK(lvalue == "changed");
        CHECK(trace == "gone");
    }());
}

TEST_CASE("with_scope: one after the other, and one in the other") {
    run_test([]() -> task<void> {
        std::string trace;
        for (int i = 0; i < 2; ++i) {
            co_await with_scope([](scope& outer, std::string& t) -> task<void> {
                outer.spawn(say, std::ref(t), 'o', 9);
                co_await with_scope([](scope& inner, scope& around, std::string& tr) -> task<void> {
                    inner.spawn(say, std::ref(tr), 'i', 3);
                    around.spawn(say, std::ref(tr), 'p', 6);
                    co_return;
                }, outer, t);
                t += '|';
            }, trace);
        }
        CHECK(trace == "i|poi|po");
    }());
}

TEST_CASE("scope: its body may wait for the children that there are, and go on") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope([](scope& s, std::string& t) -> task<void> {
            co_await s.join();  // none: at once
            for (char name : {'a', 'b'}) {
                s.spawn(say, std::ref(t), name, 3);
                co_await s.join();
                t += '|';
            }
        }, trace);
        CHECK(trace == "a|b|");
    }());
}

// Spawning

TEST_CASE("spawn: a child starts in the next turn, in the order of spawning") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope([](scope& s, std::string& t) -> task<void> {
            for (char name : {'a', 'b', 'c'}) s.spawn(say, std::ref(t), name, 0);
            t += '|';
            co_await next_turn{};
            t += '|';
        }, trace);
        CHECK(trace == "|abc|");
    }());
}

TEST_CASE("spawn: keeps the function and the arguments until the child has ended") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope([](scope& s, std::string& t) -> task<void> {
            {
                const std::string captured(100, 'c');
                // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines)
                s.spawn([captured, &t](const std::string& kept, const epitaph&) -> task<void> {
                    co_await turns(3);
                    t += captured.substr(0, 1) + kept.substr(0, 1);
                }, std::string(100, 'k'), epitaph{t, " gone"});
            }
            co_await turns(2);
        }, trace);
        CHECK(trace == "ck gone");
    }());
}

TEST_CASE("spawn: a child's arguments and locals are gone before with_scope returns") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope([](scope& s, std::string& t) -> task<void> {
            s.spawn([](std::string& tr, epitaph) -> task<void> {
                const epitaph local{tr, "local "};
                co_await turns(2);
            }, std::ref(t), epitaph{t, "argument "});
            co_return;
        }, trace);
        trace += "next";
        CHECK(trace == "local argument next");
    }());
}

TEST_CASE("spawn: takes a task, and what gives a task or an operation of any kind") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope([](scope& s, std::string& t) -> task<void> {
            s.spawn(say(t, 'a'));
            s.spawn(end_with({}));
            s.spawn([]() -> task<int> { co_return 3; });
            s.spawn([]() -> task<io_result> { co_return {{}, 3}; });
            s.spawn([] { return sleep_for(1ms); });
            s.spawn([] { return when_all(turns(1), sleep_for(1ms)); });
            s.spawn([]() -> task<result<std::unique_ptr<int>>> { co_return nullptr; });
            CHECK(s.live() == 7);
            co_await s.join();
            CHECK(s.failed() == 0);
        }, trace);
        CHECK(trace == "a");
    }());
}

TEST_CASE("spawn: a child may spawn others, which are joined too") {
    run_test([]() -> task<void> {
        const auto grow = [](const auto& self, scope& s, std::string& t, int depth) -> task<void> {
            co_await next_turn{};
            t += static_cast<char>('0' + depth);
            if (depth == 0) co_return;
            s.spawn(self, std::cref(self), std::ref(s), std::ref(t), depth - 1);
            s.spawn(self, std::cref(self), std::ref(s), std::ref(t), depth - 1);
        };
        std::string trace;
        co_await with_scope([](scope& s, std::string& t, const auto& g) -> task<void> {
            s.spawn(g, std::cref(g), std::ref(s), std::ref(t), 3);
            co_return;
        }, trace, grow);
        CHECK(trace == "322111100000000");
    }());
}

TEST_CASE("spawn: after a stop request a child starts and finds itself canceled") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope([](scope& s, std::string& t) -> task<void> {
            s.request_stop();
            s.spawn(say, std::ref(t), 'a', 2);
            s.spawn(wait_for_stop, std::ref(t), 'b', 5);
            co_return;
        }, trace);
        CHECK(trace == "ab");
    }());
}

TEST_CASE("scope: counts the children that live, and frees their frames as they end") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        co_await with_scope([](scope& s, const loop& l) -> task<void> {
            const auto frames = l.stats().frames;
            std::array<event, 10> ends;
            for (event& end : ends) s.spawn([](event& e) { return e.wait(); }, std::ref(end));
            CHECK(s.live() == 10);
            for (std::size_t ended = 0; ended < 10; ++ended) {
                co_await next_turn{};
                CHECK(s.live() == 10 - ended);
                CHECK(l.stats().frames == frames + 10 - ended);
                ends[ended].set();
            }
            co_await s.join();
            CHECK(s.live() == 0);
            CHECK(l.stats().frames == frames);
        }, here);
    }());
}

TEST_CASE("scope: ten thousand children") {
    run_test([]() -> task<void> {
        const loop& here = *(co_await this_env{}).owner;
        const auto frames = here.stats().frames;
        int ended = 0;
        co_await with_scope([](scope& s, int& n) -> task<void> {
            for (int i = 0; i < 10'000; ++i) {
                s.spawn([](int& count, int after) -> task<void> {
                    co_await turns(after);
                    ++count;
                }, std::ref(n), i % 17);
            }
            CHECK(s.live() == 10'000);
            co_return;
        }, ended);
        CHECK(ended == 10'000);
        CHECK(here.stats().frames == frames);
    }());
}

// Failures

TEST_CASE("scope: the failure of a child means nothing to the others, and is counted") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto r = co_await with_scope([](scope& s, std::string& t) -> task<result<int>> {
            s.spawn(end_with, result<void>{fail(errc::eof)}, 2);
            s.spawn(end_with, result<void>{fail(errc::closed)}, 1);
            s.spawn(end_with, result<void>{}, 3);
            s.spawn(say, std::ref(t), 'a', 9);
            co_await s.join();
            CHECK(s.failed() == 2);
            CHECK(s.first_error() == errc::closed);
            CHECK_FALSE(s.get_token().stop_requested());
            co_return 1;
        }, trace);
        CHECK(r == 1);
        CHECK(trace == "a");
    }());
}

TEST_CASE("scope: with stop_all a failure stops the others and the body, and is the result") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto r = co_await with_scope(child_failure::stop_all,
                                           [](scope& s, std::string& t) -> task<result<int>> {
            s.spawn(wait_for_stop, std::ref(t), 'a', 3);
            s.spawn(end_with, result<void>{fail(errc::eof)}, 2);
            event never;
            co_await check(never.wait());
            co_return 1;
        }, trace);
        CHECK(error_of(r) == errc::eof);
        CHECK(trace == "a");
    }());
}

TEST_CASE("scope: with stop_all a failure after the body has ended is the result as well") {
    run_test([]() -> task<void> {
        const auto r = co_await with_scope(child_failure::stop_all,
                                           [](scope& s) -> task<result<int>> {
            s.spawn(end_with, result<void>{fail(errc::eof)}, 5);
            co_return 1;
        });
        CHECK(error_of(r) == errc::eof);
    }());
}

TEST_CASE("scope: with stop_all and no failure the result is the body's") {
    run_test([]() -> task<void> {
        const auto r = co_await with_scope(child_failure::stop_all,
                                           [](scope& s) -> task<result<int>> {
            s.spawn(end_with, result<void>{}, 5);
            co_return 1;
        });
        CHECK(r == 1);
    }());
}

TEST_CASE("scope: with stop_all the body's own error is not replaced by a child's") {
    run_test([]() -> task<void> {
        const auto r = co_await with_scope(child_failure::stop_all,
                                           [](scope& s) -> task<result<void>> {
            s.spawn(end_with, result<void>{fail(errc::closed)}, 5);
            co_return fail(errc::eof);
        });
        CHECK(error_of(r) == errc::eof);
    }());
}

TEST_CASE("scope: who ends canceled because it was asked to has not failed") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope(child_failure::stop_all, [](scope& s, std::string& t) -> task<void> {
            s.spawn(wait_for_stop, std::ref(t), 'a', 0);
            co_await turns(2);
            s.request_stop();
            co_await s.join();
            CHECK(s.failed() == 0);
            CHECK(s.first_error() == no_error);
        }, trace);
        CHECK(trace == "a");
    }());
}

TEST_CASE("scope: who ends canceled though nobody asked it has failed") {
    run_test([]() -> task<void> {
        co_await with_scope([](scope& s) -> task<void> {
            s.spawn(end_with, result<void>{fail(errc::canceled)}, 1);
            co_await s.join();
            CHECK(s.failed() == 1);
            CHECK(s.first_error() == errc::canceled);
        });
    }());
}

TEST_CASE("scope: an error of the body stops the children") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto plain = co_await with_scope([](scope& s, std::string& t) -> task<result<void>> {
            s.spawn(wait_for_stop, std::ref(t), 'a', 2);
            co_await next_turn{};
            co_return fail(errc::eof);
        }, trace);
        const auto checked = co_await with_scope([](scope& s, std::string& t) -> task<io_result> {
            s.spawn(wait_for_stop, std::ref(t), 'b', 2);
            co_await check(end_with(fail(errc::closed), 1));
            co_return {};
        }, trace);
        CHECK(error_of(plain) == errc::eof);
        CHECK(checked.ec == errc::closed);
        CHECK(trace == "ab");
    }());
}

TEST_CASE("scope: a body that has succeeded stops nobody") {
    run_test([]() -> task<void> {
        bool stopped = true;
        const auto r = co_await with_scope([](scope& s, bool& st) -> task<result<void>> {
            s.spawn([](bool& out) -> task<void> {
                co_await turns(5);
                out = (co_await this_env{}).stop.stop_requested();
            }, std::ref(st));
            co_return {};
        }, stopped);
        CHECK(r.has_value());
        CHECK_FALSE(stopped);
    }());
}

// Stopping

TEST_CASE("scope: a stop request reaches all children and the body, and nobody outside") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto r = co_await with_scope([](scope& s, std::string& t) -> task<result<void>> {
            s.spawn(wait_for_stop, std::ref(t), 'a', 1);
            s.spawn(wait_for_stop, std::ref(t), 'b', 2);
            s.spawn([](scope& around) -> task<void> {
                co_await turns(3);
                around.request_stop();
            }, std::ref(s));
            co_return co_await wait_for_stop(t, 'c');
        }, trace);
        CHECK(error_of(r) == errc::canceled);
        CHECK(trace == "cab");
        const env& outside = co_await this_env{};
        CHECK_FALSE(outside.stop.stop_requested());
    }());
}

TEST_CASE("scope: canceled from outside, its children and theirs are asked to stop") {
    run_test([]() -> task<void> {
        std::string trace;
        stop_source stop;
        co_await when_all(
            stoppable(stop, with_scope([](scope& s, std::string& t) -> task<void> {
                s.spawn(wait_for_stop, std::ref(t), 'a', 4);
                s.spawn([](std::string& tr) {
                    return with_scope([](scope& inner, std::string& tra) -> task<void> {
                        inner.spawn(wait_for_stop, std::ref(tra), 'b', 2);
                        co_return;
                    }, tr);
                }, std::ref(t));
                co_return;
            }, trace)),
            [](stop_source& s) -> task<void> {
                co_await turns(5);
                s.request_stop();
            }(stop));
        CHECK(trace == "ba");
    }());
}

TEST_CASE("scope: made by a task that is canceled already, it is stopped from the start") {
    run_test([]() -> task<void> {
        stop_source stop;
        stop.request_stop();
        std::string trace;
        const auto r = co_await stoppable(stop, with_scope([](scope& s, std::string& t)
                                                               -> task<result<void>> {
            CHECK(s.get_token().stop_requested());
            s.spawn(wait_for_stop, std::ref(t), 'a', 0);
            co_return co_await wait_for_stop(t, 'b');
        }, trace));
        CHECK(error_of(r) == errc::canceled);
        CHECK(trace == "ba");
    }());
}

TEST_CASE("scope: the inner one stopped leaves the outer one running") {
    run_test([]() -> task<void> {
        std::string trace;
        co_await with_scope([](scope& outer, std::string& t) -> task<void> {
            outer.spawn(wait_for_stop, std::ref(t), 'o', 0);
            co_await with_scope([](scope& inner, std::string& tr) -> task<void> {
                inner.spawn(wait_for_stop, std::ref(tr), 'i', 0);
                co_await turns(3);
                inner.request_stop();
            }, t);
            t += '|';
            outer.request_stop();
        }, trace);
        CHECK(trace == "i|o");
    }());
}

TEST_CASE("scope: with a timeout around it, all of it ends in time") {
    run_test([]() -> task<void> {
        std::string trace;
        const auto r = co_await with_timeout(
            with_scope([](scope& s, std::string& t) -> task<result<void>> {
                for (char name : {'a', 'b', 'c'}) s.spawn(wait_for_stop, std::ref(t), name, 1);
                co_return co_await wait_for_stop(t, '0');
            }, trace),
            2ms);
        CHECK(error_of(r) == errc::timed_out);
        CHECK(trace.size() == 4);
    }());
}

namespace {

/// A tree of tasks that random numbers choose: whatever awaits, races, spawns, fails, times out and
/// waits for ever. It ends because its root is asked to stop.
struct forest {
    std::minstd_rand random;
    int planted = 0;
    int standing = 0;

    int under(unsigned n) { return static_cast<int>(random() % n); }
};

/// One for each frame that runs: tells whether all have ended, once each.
class tree {
public:
    explicit tree(forest& f) noexcept : forest_(f) {
        ++forest_.planted;
        ++forest_.standing;
    }
    tree(const tree&) = delete;
    ~tree() { --forest_.standing; }

private:
    forest& forest_;
};

task<result<int>> grow(forest& f, int depth) {
    const tree here{f};
    const int size = f.under(5);
    const auto branch = [&f, depth] { return grow(f, depth - 1); };
    switch (depth > 0 && f.planted < 500 ? f.under(12) : f.under(5)) {
        case 0: co_return size;
        case 1: co_return fail(size % 2 ? errc::eof : errc::canceled);
        case 2: {
            co_await turns(size);
            co_return size;
        }
        case 3: {
            co_await check(sleep_for(size * 100us));
            co_return size;
        }
        case 4: {
            event never;
            co_await check(never.wait());
            co_return size;
        }
        case 5: co_return std::get<1>(co_await when_all(branch(), branch(), turns(size)));
        case 6: {
            std::vector<task<result<int>>> branches;
            for (int i = 0; i < size; ++i) branches.push_back(branch());
            const auto results = co_await when_all(std::move(branches));
            co_return results.empty() ? size : results.back();
        }
        case 7: {
            auto raced = co_await first_done(branch(), branch(), branch());
            co_return std::get<0>(raced.results);
        }
        case 8: co_return co_await first_ok(branch(), with_timeout(branch(), size * 200us));
        case 9: co_return co_await with_timeout(first_ok(branch(), branch()), size * 100us);
        case 10: co_return co_await check(branch()) + co_await check(branch());
        default: {
            const auto policy = size % 2 ? child_failure::keep_going : child_failure::stop_all;
            co_return co_await with_scope(policy, [](scope& s, forest& around, int d)
                                                      -> task<result<int>> {
                const tree body{around};
                for (int n = around.under(4); n > 0; --n) s.spawn(grow, std::ref(around), d - 1);
                const auto r = co_await grow(around, d - 1);
                if (around.under(2)) s.request_stop();
                co_return r;
            }, f, depth);
        }
    }
}

}  // namespace

TEST_CASE("scope: whatever is awaited in whatever, all of it ends, once, and nothing is left") {
    int planted = 0;
    for (unsigned seed = 1; seed <= 300; ++seed) {
        forest f{std::minstd_rand{seed}};
        run_test([](forest& all) -> task<void> {
            (void)co_await with_timeout(grow(all, 8), 2ms);
            const env& e = co_await this_env{};
            CHECK(e.owner->stats().timers == 0);
        }(f));
        CHECK(f.standing == 0);
        planted += f.planted;
    }
    CHECK(planted > 3000);
}

#if defined(__cpp_exceptions)
TEST_CASE("scope: what a child throws stops the others, and arrives when they have ended") {
    run_test([]() -> task<void> {
        std::string trace;
        try {
            co_await with_scope([](scope& s, std::string& t) -> task<void> {
                s.spawn(wait_for_stop, std::ref(t), 'a', 3);
                s.spawn([]() -> task<void> {
                    co_await turns(2);
                    throw std::runtime_error("thrown");
                });
                co_await wait_for_stop(t, 'b');
            }, trace);
        } catch (const std::runtime_error& e) {
            trace += e.what();
        }
        CHECK(trace == "bathrown");
    }());
}

TEST_CASE("scope: what the body throws stops the children, and arrives when they have ended") {
    run_test([]() -> task<void> {
        for (int turns_before = 0; turns_before < 3; ++turns_before) {
            std::string trace;
            try {
                co_await with_scope([](scope& s, std::string& t, int n) -> task<result<int>> {
                    const epitaph local{t, "local "};
                    s.spawn(wait_for_stop, std::ref(t), 'a', 3);
                    co_await turns(n);
                    throw std::runtime_error("thrown");
                }, trace, turns_before);
            } catch (const std::runtime_error& e) {
                trace += e.what();
            }
            CHECK(trace == "local athrown");
        }
    }());
}

TEST_CASE("scope: of several exceptions the first arrives") {
    run_test([]() -> task<void> {
        std::string caught;
        try {
            co_await with_scope([](scope& s) -> task<void> {
                for (const char* what : {"first", "second"}) {
                    s.spawn([](const char* w) -> task<void> {
                        co_await next_turn{};
                        throw std::runtime_error(w);
                    }, what);
                }
                co_await turns(5);
                throw std::runtime_error("body");
            });
        } catch (const std::runtime_error& e) {
            caught = e.what();
        }
        CHECK(caught == "first");
    }());
}
#endif
