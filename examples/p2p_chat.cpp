// SPDX-License-Identifier: MIT OR Apache-2.0
// A chat of libp2p nodes: each line that is typed goes to everybody who is connected.

#include <copoll/buffered.hpp>
#include <copoll/channel.hpp>
#include <copoll/event.hpp>
#include <copoll/p2p/host.hpp>
#include <copoll/run.hpp>
#include <copoll/stdio.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/command_line.hpp"
#include "support/p2p_key.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace copoll;

namespace {

constexpr const char* usage =
    "usage: p2p_chat [--listen MULTIADDR]... [--dial MULTIADDR]... [--name NAME] [--key FILE]\n"
    "\n"
    "Talks with other nodes: what is typed goes to all of them, line by line, and what they say\n"
    "is printed. Ends with the input.\n"
    "\n"
    "  --listen MULTIADDR  where others reach this node (default /ip4/127.0.0.1/tcp/0)\n"
    "  --dial MULTIADDR    a node to talk with\n"
    "  --name NAME         how this one is called (default: the end of its peer id)\n"
    "  --key FILE          the node's key; a new one is written there if there is none\n"
    "  --help              this text\n";

const std::string chat_protocol = "/copoll/chat/1.0.0";
constexpr std::size_t longest_line = 1024;  // with its end
constexpr std::size_t longest_name = 32;
constexpr std::size_t lines_that_wait = 64;
constexpr std::chrono::seconds patience{5};

/// Peers say what they like: control characters, also those of C1, are not printed.
std::string printable(std::string_view text) {
    std::string safe{text};
    for (std::size_t i = 0; i < safe.size(); ++i) {
        const auto byte = static_cast<unsigned char>(safe[i]);
        const auto next = static_cast<unsigned char>(i + 1 < safe.size() ? safe[i + 1] : 0);
        const bool in_c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
        if (byte < 0x20 || byte == 0x7f || in_c1) safe[i] = '?';
        if (in_c1) safe[++i] = '?';
    }
    return safe;
}

/// Everybody this node talks with.
class room {
    using lines = channel<std::string>;

public:
    using member = std::list<lines>::iterator;

    explicit room(std::string name) : name_(std::move(name)) {}

    /// Says a line to all. Waits for who does not keep up, but not for long: see `write_lines`.
    task<result<void>> say(std::string line) {
        const std::string text = name_ + ": " + line + "\n";
        while (std::ranges::any_of(members_, is_full)) co_await check(wait_for_change());
        for (lines& to : members_) {
            std::string copy = text;
            (void)to.try_send(std::move(copy));
        }
        co_return {};
    }

    /// Takes leave of all, after what was said has been sent. Who does not take that in time misses
    /// it.
    task<result<void>> leave() {
        for (lines& to : members_) to.close();
        const auto until = clock::now() + patience;
        while (!members_.empty()) {
            const auto left = co_await with_deadline(wait_for_change(), until);
            if (!left && left.error() == errc::timed_out) break;
            co_await check(left);
        }
        co_return {};
    }

    /// From then on it is said to that one, too, who has to be talked with.
    member enter() { return members_.emplace(members_.end(), lines_that_wait); }

    /// Talks on a stream until either side ends it.
    task<result<void>> talk(p2p::stream s, member m) {
        const std::string who = short_name(s.remote_peer());
        tell("* " + who + " is here");
        auto [first, results] = co_await first_done(write_lines(s, *m), print_lines(s));
        const auto& [wrote, read] = results;
        const auto& ended = first == 0 ? wrote : read;
        const bool for_an_error = !ended && ended.error() != errc::canceled;
        tell("* " + who + " has left" +
             (for_an_error ? " (" + ended.error().message() + ")" : std::string{}));
        members_.erase(m);
        changed_.set();
        co_return ended;
    }

    static std::string short_name(const p2p::peer_id& id) {
        const std::string text = id.to_string();
        return text.substr(text.size() - 6);
    }

private:
    static bool is_full(const lines& l) { return l.size() == l.capacity(); }

    static void tell(const std::string& line) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }

    task<result<void>> wait_for_change() {
        changed_.reset();
        co_return co_await changed_.wait();
    }

    task<result<void>> write_lines(p2p::stream& to, lines& from) {
        for (;;) {
            const auto line = co_await from.receive();
            if (!line && line.error() == errc::closed) co_return co_await to.shutdown_write();
            if (!line) co_return fail(line.error());
            changed_.set();
            co_await check(with_timeout(write_all(to, bytes_of(*line)), patience));
        }
    }

    static task<result<void>> print_lines(p2p::stream& from) {
        buffered_reader<p2p::stream&> in{from, longest_name + 2 + longest_line};
        for (;;) {
            const auto line = co_await in.read_line();
            if (!line && line.error() == errc::eof) co_return {};
            if (!line) co_return fail(line.error());
            tell(printable(*line));
        }
    }

    std::string name_;
    std::list<lines> members_;
    event changed_;  ///< there is room for a line, or a member has left
};

task<void> call(scope& talks, p2p::host& node, room& with, std::string address) {
    auto s = co_await node.open(address, chat_protocol);
    if (s) {
        const room::member m = with.enter();
        co_return talks.spawn([&with](p2p::stream on, room::member as) {
            return with.talk(std::move(on), as);
        }, *std::move(s), m);
    }
    if (s.error() != errc::canceled)
        std::fprintf(stderr, "%s: %s\n", address.c_str(), s.error().message().c_str());
}

task<result<void>> call_all(scope& calls, scope& talks, p2p::host& node, room& with,
                            const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses)
        calls.spawn(call, std::ref(talks), std::ref(node), std::ref(with), address);
    co_return {};
}

/// The next line that is typed; those that are too long are passed over.
task<result<std::string>> read_line(buffered_reader<stdin_stream>& input) {
    for (bool passing_over = false;;) {
        const auto line = co_await input.read_line();
        const bool too_long = !line && line.error() == errc::message_too_large;
        if (!line && !too_long) co_return fail(line.error());
        if (!too_long && !passing_over) co_return std::string(*line);
        if (too_long && !passing_over)
            std::fprintf(stderr, "p2p_chat: not sent: a line of more than %zu bytes\n",
                         longest_line);
        if (too_long) input.consume(input.buffered().size());
        passing_over = too_long;
    }
}

task<result<void>> read_input(scope& talks, p2p::host& node, room& with,
                              const std::vector<std::string>& dial) {
    // first, so that they hear all that is typed
    co_await check(with_scope(call_all, talks, node, with, dial));
    buffered_reader<stdin_stream> input{stdin_stream{*(co_await this_env{}).owner}, longest_line};
    for (;;) {
        auto line = co_await read_line(input);
        if (!line && line.error() == errc::eof) break;
        co_await check(with.say(co_await check(std::move(line))));
    }
    co_return co_await with.leave();
}

task<result<void>> chat(p2p::host& node, room& with, const std::vector<std::string>& dial) {
    for (const auto& at : node.addresses())
        std::printf("listening on %s\n", at.to_string().c_str());
    std::fflush(stdout);
    co_return co_await with_scope(read_input, node, with, dial);
}

examples::setter multiaddr_into(std::vector<std::string>& all) {
    return [&all](std::string_view text) {
        all.emplace_back(text);
        return p2p::multiaddr::parse(text).has_value();
    };
}

}  // namespace

task<result<void>> async_main(args a) {
    std::vector<std::string> listen, dial;
    std::string name, key;
    examples::command_line line{"p2p_chat", usage};
    line.option("listen", "a multiaddr", multiaddr_into(listen))
        .option("dial", "a multiaddr", multiaddr_into(dial))
        .option("name", "a name of at most 32 bytes",
                [&](std::string_view text) {
                    name = text;
                    return !text.empty() && text.size() <= longest_name;
                })
        .option("key", "a file", examples::into(key));
    if (!co_await check(line.parse(a))) co_return {};
    if (listen.empty()) listen = {"/ip4/127.0.0.1/tcp/0"};
    p2p::host_options options;
    options.listen = std::move(listen);
    options.limits.idle_stream = {};  // people may be silent
    options.key = co_await check(examples::load_or_make_key(key));
    p2p::host node{std::move(options)};
    room with{name.empty() ? room::short_name(node.id()) : name};
    node.handle(chat_protocol,
                [&](p2p::stream s) { return with.talk(std::move(s), with.enter()); });
    co_return co_await p2p::with_host(node, chat, with, dial);
}
