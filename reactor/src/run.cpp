// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/run.hpp>

#include <cstdio>
#include <string>

namespace copoll {

std::string_view args::program() const noexcept {
    if (values_.empty()) return "copoll";
    std::string_view name = values_[0];
    name.remove_prefix(name.rfind('/') + 1);
    if (name.ends_with(".wasm")) name.remove_suffix(5);
    return name;
}

inline namespace COPOLL_ABI_NAMESPACE {

result<void> run(task<result<void>> root, const loop_options& options) {
    struct root_done : continuation {
        root_done() noexcept
            : continuation([](continuation& k) noexcept -> continuation* {
                  static_cast<root_done&>(k).reached = true;
                  return nullptr;
              }) {}
        bool reached = false;
    } done;

    loop owner{options};
    stop_source stop;
    const env e{&owner, stop.get_token()};
    root.bind(e);
    continuation first;
    first.handle = root.suspend(done);
    const result<void> ran = owner.run(first, done.reached, stop);
    result<void> r = root.take();
    return ran ? r : ran;
}

int run_main(args a, task<result<void>> root, const loop_options& options) {
    const result<void> r = run(std::move(root), options);
    if (r) return 0;
    if (r.error() == errc::usage) return 2;
    const std::string_view name = a.program();
    std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(name.size()), name.data(),
                 r.error().message().c_str());
    return 1;
}

}  // namespace COPOLL_ABI_NAMESPACE
}  // namespace copoll
