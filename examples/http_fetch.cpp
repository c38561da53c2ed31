// SPDX-License-Identifier: MIT OR Apache-2.0
// Fetches a URL through the host's wasi:http, beside a timer, in one loop: the pollables of other
// interfaces await like the library's own.

#include <copoll/run.hpp>
#include <copoll/scope.hpp>
#include <copoll/stdio.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>

#include <getopt.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

#include "wasi_http.hpp"

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: http_fetch [--timeout SECONDS] URL\n"
    "\n"
    "Prints what an http or https URL has, and on standard error the status and the progress.\n"
    "\n"
    "  --timeout SECONDS  for all of it (default 30)\n"
    "  --help             this text\n";

struct url {
    bool secure = false;
    std::string_view authority;
    std::string_view path;  ///< with the query

    static result<url> parse(std::string_view text) {
        url u;
        u.secure = text.starts_with("https://");
        if (!u.secure && !text.starts_with("http://")) return fail(errc::usage);
        text.remove_prefix(u.secure ? 8 : 7);
        text = text.substr(0, text.find('#'));
        const std::size_t slash = text.find_first_of("/?");
        u.authority = text.substr(0, slash);
        if (u.authority.empty()) return fail(errc::usage);
        u.path = slash == text.npos ? "/" : text.substr(slash);
        if (u.path.front() == '?') return fail(errc::usage);
        return u;
    }
};

/// Tells every 100 ms how far it is.
task<void> show_progress(const std::uint64_t& received) {
    const auto begin = clock::now();
    while (co_await sleep_for(std::chrono::milliseconds{100})) {
        const auto ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begin).count();
        std::fprintf(stderr, "%llu bytes after %lld ms\n",
                     static_cast<unsigned long long>(received), static_cast<long long>(ms));
    }
}

task<result<void>> print(const url& from, std::uint64_t& received) {
    auto answer = co_await check(wasi_http::get(from.secure, from.authority, from.path));
    std::fprintf(stderr, "status %d\n", answer.status);
    stdout_stream output{*(co_await this_env{}).owner};
    std::array<std::byte, 4096> buffer;
    for (;;) {
        auto [ec, n] = co_await answer.content.read_some(buffer);
        if (ec == errc::eof) co_return {};
        if (ec) co_return fail(ec);
        received += n;
        co_await check(write_all(output, std::span(buffer).first(n)));
    }
}

task<result<void>> fetch(scope& s, const url& from, std::chrono::seconds patience) {
    std::uint64_t received = 0;
    s.spawn(show_progress, std::cref(received));
    const auto done = co_await with_timeout(print(from, received), patience);
    s.request_stop();
    co_await s.join();
    if (done) std::fprintf(stderr, "%llu bytes\n", static_cast<unsigned long long>(received));
    co_return done;
}

struct options {
    url from;
    std::chrono::seconds timeout{30};
    bool help = false;
};

result<options> parse(args a) {
    static constexpr option known[] = {
        {"timeout", required_argument, nullptr, 't'}, {"help", no_argument, nullptr, 'h'}, {}};
    options o;
    for (int c; (c = getopt_long(a.argc(), a.argv(), "", known, nullptr)) != -1;) {
        if (c == 'h') {
            o.help = true;
            return o;
        }
        if (c != 't') return fail(errc::usage);
        char* end = nullptr;
        o.timeout = std::chrono::seconds{std::strtol(optarg, &end, 10)};
        if (end == optarg || *end != '\0' || o.timeout.count() <= 0) return fail(errc::usage);
    }
    if (optind + 1 != a.argc()) return fail(errc::usage);
    const auto from = url::parse(a.argv()[optind]);
    if (!from) {
        std::fprintf(stderr, "http_fetch: not an http or https URL: %s\n", a.argv()[optind]);
        return fail(errc::usage);
    }
    o.from = *from;
    return o;
}

}  // namespace

task<result<void>> async_main(args a) {
    const auto parsed = parse(a);
    if (!parsed) std::fputs(usage, stderr);
    const options o = co_await check(parsed);
    if (o.help) {
        std::fputs(usage, stdout);
        co_return {};
    }
    co_return co_await with_scope(fetch, o.from, o.timeout);
}
