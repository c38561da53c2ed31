// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <string>

#include <copoll/run.hpp>

#include "support/error_of.hpp"
#include "support/skipped_on_jco.hpp"
#include "wasi/faulty_host.hpp"

namespace copoll_tests {

/// Runs `program()` with each of its calls of the host failing in turn; `what_comes(call, error)`
/// tells whether that error may come out for the call that failed.
template <class Program, class F>
void fail_each_call(Program program, F what_comes) {
    host_is_jco();  // the library asks once, and that is no call to fail
    bool any_failed = true;
    for (std::uint64_t k = 1; any_failed; ++k) {
        the_host.fallible_calls = 0;
        the_host.fail_at = k;
        the_host.failed = {};

        const result<void> r = run(program());

        any_failed = !the_host.failed.empty();
        INFO("call " << k << ", " << std::string(the_host.failed) << ", gave "
                     << (r ? "success" : r.error().message()));
        CHECK(the_host.all_alive() == 0);
        // jco is asked for what is left when a listener closes, which has nobody to tell
        const bool at_a_close = host_is_jco() && the_host.failed == "accept" &&
                                (!error_of(r) || error_of(r) == errc::timed_out);
        if (any_failed)
            CHECK((at_a_close || what_comes(the_host.failed, error_of(r))));
        else
            CHECK(r.has_value());
    }
    the_host.fail_at = 0;
}

}  // namespace copoll_tests
