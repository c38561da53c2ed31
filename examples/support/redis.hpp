// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <copoll/buffered.hpp>
#include <copoll/check.hpp>
#include <copoll/connect.hpp>
#include <copoll/stream.hpp>
#include <copoll/tcp.hpp>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// As much of a Redis client as two programs need to find each other (RESP2).

namespace examples {

using namespace copoll;

class redis {
public:
    /// The texts of an answer: none for nil, one for a string or number, all of an array. Or what
    /// was wrong with the command.
    struct reply {
        std::vector<std::string> texts{};
        std::string error{};
    };

    static task<result<redis>> connect(const host_port& to) {
        auto tcp = co_await check(copoll::connect(to.host, to.port));
        co_return redis{std::move(tcp)};
    }

    /// This end of the connection.
    result<ip::endpoint> local_endpoint() { return io_.inner().local_endpoint(); }

    /// Sends a command. *Errors:* those of the connection; `parse_error` for what is no answer of
    /// Redis.
    task<result<reply>> call(std::vector<std::string> words) {
        std::string request = "*" + std::to_string(words.size()) + "\r\n";
        for (const std::string& word : words)
            request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
        co_await check(write_all(io_.inner(), bytes_of(request)));
        reply answer;
        co_await check(read_reply(answer));
        co_return answer;
    }

private:
    explicit redis(tcp_stream tcp) : io_(std::move(tcp)) {}

    static result<long> number(std::string_view text) {
        long n = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
        if (ec != std::errc{} || end != text.data() + text.size()) return fail(errc::parse_error);
        return n;
    }

    task<result<void>> read_reply(reply& all) {
        const std::string line{co_await check(io_.read_line())};
        const std::string_view rest = std::string_view(line).substr(line.empty() ? 0 : 1);
        switch (line.empty() ? '\0' : line[0]) {
            case '+':
            case ':': all.texts.emplace_back(rest); co_return {};
            case '-': all.error = rest; co_return {};
            case '$': co_return co_await read_text(co_await check(number(rest)), all.texts);
            case '*': break;
            default: co_return fail(errc::parse_error);
        }
        for (long n = co_await check(number(rest)); n > 0; --n) co_await check(read_reply(all));
        co_return {};
    }

    task<result<void>> read_text(long size, std::vector<std::string>& all) {
        if (size < 0) co_return {};
        const auto whole = static_cast<std::size_t>(size) + 2;
        const auto got = co_await check(io_.peek(whole));
        all.emplace_back(text_of(got.first(whole - 2)));
        io_.consume(whole);
        co_return {};
    }

    buffered_reader<tcp_stream> io_;
};

}  // namespace examples
