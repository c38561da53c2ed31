// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/connect.hpp>
#include <copoll/ip.hpp>
#include <copoll/run.hpp>

#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the examples take on the command line, over getopt_long.
///
///     bool quiet = false;
///     ip::endpoint listen{ip::loopback_v4, 8080};
///     command_line line{"server", usage};
///     line.flag("quiet", quiet).option("listen", "ADDR:PORT", into(listen));
///     if (!co_await check(line.parse(a))) co_return {};  // it was asked for help

namespace examples {

using namespace copoll;

/// Takes a text into a variable; false if it is none of that kind.
using setter = std::function<bool(std::string_view)>;

inline setter into(ip::endpoint& at) {
    return [&at](std::string_view text) {
        const auto parsed = ip::endpoint::parse(text);
        if (parsed) at = *parsed;
        return parsed.has_value();
    };
}

inline setter into(host_port& to) {
    return [&to](std::string_view text) {
        auto parsed = host_port::parse(text);
        if (parsed) to = *std::move(parsed);
        return parsed.has_value();
    };
}

inline setter into(std::string& to) {
    return [&to](std::string_view text) {
        to = text;
        return true;
    };
}

/// A number from `least` to `most`.
template <class Number>
setter into(Number& to, Number least, Number most) {
    return [&to, least, most](std::string_view text) {
        Number n{};
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
        if (ec != std::errc{} || end != text.data() + text.size() || n < least || n > most)
            return false;
        to = n;
        return true;
    };
}

class command_line {
public:
    /// `usage` is what --help prints.
    command_line(const char* program, const char* usage) : program_(program), usage_(usage) {}

    command_line& flag(const char* name, bool& set) {
        entries_.push_back({name, nullptr, [&set](std::string_view) { return set = true; }});
        return *this;
    }
    /// `kind` is how the usage calls the value, "ADDR:PORT".
    command_line& option(const char* name, const char* kind, setter set) {
        entries_.push_back({name, kind, std::move(set)});
        return *this;
    }
    /// The one argument that is no option, and must be there.
    command_line& argument(const char* kind, setter set) {
        argument_ = {nullptr, kind, std::move(set)};
        return *this;
    }

    /// The same, if it need not be there.
    command_line& argument_if_any(const char* kind, setter set) {
        argument_required_ = false;
        return argument(kind, std::move(set));
    }
    bool argument_given() const noexcept { return argument_given_; }

    /// False if it was asked for help, which is printed. *Errors:* `usage`, and says what is wrong.
    result<bool> parse(args a) {
        std::vector<option_type> known;
        for (const entry& e : entries_)
            known.push_back({e.name, e.kind ? required_argument : no_argument, nullptr, 0});
        known.push_back({"help", no_argument, nullptr, 'h'});
        known.push_back({});
        int index = 0;
        for (int c; (c = getopt_long(a.argc(), a.argv(), "", known.data(), &index)) != -1;) {
            if (c == 'h') {
                std::fputs(usage_, stdout);
                return false;
            }
            if (c != 0) return wrong();
            const entry& e = entries_[static_cast<std::size_t>(index)];
            if (!e.set(e.kind ? optarg : "")) return wrong(e.kind, optarg);
        }
        argument_given_ = argument_.kind && optind < a.argc();
        if (argument_given_) {
            const char* text = a.argv()[optind++];
            if (!argument_.set(text)) return wrong(argument_.kind, text);
        } else if (argument_.kind && argument_required_) {
            return wrong();
        }
        if (optind == a.argc()) return true;
        std::fprintf(stderr, "%s: unexpected argument: %s\n", program_, a.argv()[optind]);
        return wrong();
    }

    /// For options that do not go together. *Errors:* `usage`, always.
    std::unexpected<std::error_code> misused() { return wrong(); }

private:
    using option_type = ::option;
    struct entry {
        const char* name = nullptr;
        const char* kind = nullptr;
        setter set{};
    };

    std::unexpected<std::error_code> wrong(const char* kind = nullptr, const char* text = "") {
        if (kind) std::fprintf(stderr, "%s: not %s: %s\n", program_, kind, text);
        std::fputs(usage_, stderr);
        return fail(errc::usage);
    }

    const char* program_;
    const char* usage_;
    std::vector<entry> entries_;
    entry argument_;
    bool argument_required_ = true;
    bool argument_given_ = false;
};

}  // namespace examples
