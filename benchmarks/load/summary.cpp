// SPDX-License-Identifier: MIT OR Apache-2.0
#include "summary.hpp"

#include <array>
#include <cstdio>

namespace load {
namespace {

struct named_percentile {
    const char* key;
    const char* title;
    double percent;
};

constexpr std::array<named_percentile, 5> percentiles{{{"p50", "p50", 50},
                                                       {"p90", "p90", 90},
                                                       {"p99", "p99", 99},
                                                       {"p99_9", "p99.9", 99.9},
                                                       {"p99_99", "p99.99", 99.99}}};

double microseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

unsigned long long printable(std::uint64_t n) { return n; }

double per_second(std::uint64_t n, const summary& sum) {
    return static_cast<double>(n) / sum.seconds;
}

std::string in_flight(const options& opt) {
    std::array<char, 64> text{};
    if (opt.rate > 0)
        std::snprintf(text.data(), text.size(), "as they are due, %.10g/s", opt.rate);
    else
        std::snprintf(text.data(), text.size(), "%zu per connection", opt.pipeline);
    return text.data();
}

// Only those that messages without an answer cannot have made longer.
void print_latency_json(const run_state& state) {
    const histogram& latency = state.latency;
    const char* separator = "";
    const auto print = [&](const char* key, std::int64_t nanoseconds) {
        if (nanoseconds >= state.exact_below) return;
        std::printf("%s\"%s\": %.1f", separator, key, microseconds(nanoseconds));
        separator = ", ";
    };
    std::fputs("\"latency_us\": {", stdout);
    for (const auto& p : percentiles) print(p.key, latency.percentile(p.percent));
    print("max", latency.max());
    std::fputs("}, \"latency_histogram_us\": [", stdout);
    separator = "";
    for (const auto& r : latency.ranges()) {
        std::printf("%s[%.4g, %lld]", separator, r.up_to / 1e3, static_cast<long long>(r.count));
        separator = ", ";
    }
    std::fputs("], ", stdout);
}

}  // namespace

void print_json(const options& opt, const run_state& state, const summary& sum) {
    std::printf("{\"connections\": %zu, \"idle\": %zu, \"size\": %zu, \"pipeline\": %zu, "
                "\"seconds\": %.3f, \"messages\": %llu, \"messages_per_second\": %.1f, "
                "\"megabytes_per_second\": %.3f, ",
                opt.connections, opt.idle, opt.size, opt.pipeline, sum.seconds,
                printable(state.messages), per_second(state.came_back, sum),
                per_second(state.bytes, sum) / 1e6);
    print_latency_json(state);
    if (opt.rate > 0) {
        std::printf("\"offered_per_second\": %.10g, \"unanswered\": %llu, "
                    "\"lateness_us\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}, ",
                    opt.rate, printable(state.unanswered),
                    microseconds(state.lateness.percentile(50)),
                    microseconds(state.lateness.percentile(99)),
                    microseconds(state.lateness.max()));
    }
    std::printf("\"messages_per_connection\": {\"min\": %llu, \"max\": %llu}, "
                "\"bytes_sent\": %llu, \"bytes_received\": %llu, \"finish_seconds\": %.3f, "
                "\"errors\": %zu, \"suite\": \"%s\"}\n",
                printable(sum.messages_min), printable(sum.messages_max),
                printable(sum.bytes_sent), printable(sum.bytes_received), sum.finish_seconds,
                sum.errors, state.suite.empty() ? "none" : state.suite.c_str());
}

void print_text(const options& opt, const run_state& state, const summary& sum) {
    std::printf("connections  %zu active, %zu idle\n"
                "messages     %zu bytes, %.3f s counted\n"
                "in flight    %s\n"
                "messages     %llu came back, %llu unanswered\n"
                "rate         %.1f messages/s, %.3f MB/s one way\n"
                "latency     ",
                opt.connections, opt.idle, opt.size, sum.seconds, in_flight(opt).c_str(),
                printable(state.messages), printable(state.unanswered),
                per_second(state.came_back, sum), per_second(state.bytes, sum) / 1e6);
    const auto print = [&state](const char* title, std::int64_t nanoseconds) {
        const char* bound = nanoseconds >= state.exact_below ? ">= " : "";
        std::printf(" %s %s%.1f ", title, bound, microseconds(nanoseconds));
    };
    for (const auto& p : percentiles) print(p.title, state.latency.percentile(p.percent));
    print("max", state.latency.max());
    std::printf("us\n"
                "fairness     %llu to %llu messages per connection\n"
                "bytes        %llu sent, %llu came back\n"
                "end          %.3f s until all had their last bytes\n"
                "errors       %zu\n"
                "cipher suite %s\n",
                printable(sum.messages_min), printable(sum.messages_max),
                printable(sum.bytes_sent), printable(sum.bytes_received), sum.finish_seconds,
                sum.errors, state.suite.empty() ? "none" : state.suite.c_str());
}

}  // namespace load
