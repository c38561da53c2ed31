// SPDX-License-Identifier: MIT OR Apache-2.0
// A chat of libp2p nodes: each line that is typed goes to everybody who is connected.

#include <copoll/buffered.hpp>
#include <copoll/channel.hpp>
#include <copoll/p2p/host.hpp>
#include <copoll/run.hpp>
#include <copoll/stdio.hpp>
#include <copoll/scope.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/command_line.hpp"
#include "support/p2p_key.hpp"

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
constexpr std::size_t longest_line = 1024;
constexpr std::size_t lines_that_wait = 64;
constexpr std::chrono::seconds patience{5};

/// Peers say what they like: only what can be read is printed.
std::string printable(std::string_view text) {
    std::string safe{text};
    for (char& c : safe)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return safe;
}

/// Everybody this node talks with.
class room {
public:
    explicit room(std::string name) : name_(std::move(name)) {}

    /// Says a line to all. Somebody who does not keep up misses it.
    void say(std::string_view line) {
        const std::string text = name_ + ": " + std::string(line) + "\n";
        for (lines& to : members_) {
            std::string copy = text;
            (void)to.try_send(std::move(copy));
        }
    }

    /// Takes leave of all; what was said reaches them.
    void close() {
        for (lines& to : members_) to.close();
    }

    /// Talks on a stream until either side ends it.
    task<result<void>> talk(p2p::stream s) {
        const auto member = members_.emplace(members_.end(), lines_that_wait);
        std::printf("* %s is here\n", short_name(s.remote_peer()).c_str());
        std::fflush(stdout);
        auto [first, results] = co_await first_done(write_lines(s, *member), print_lines(s));
        std::printf("* %s has left\n", short_name(s.remote_peer()).c_str());
        std::fflush(stdout);
        members_.erase(member);
        const auto& [wrote, read] = results;
        co_return first == 0 ? wrote : read;
    }

    static std::string short_name(const p2p::peer_id& id) {
        const std::string text = id.to_string();
        return text.substr(text.size() - 6);
    }

private:
    using lines = channel<std::string>;

    static task<result<void>> write_lines(p2p::stream& to, lines& from) {
        for (;;) {
            const auto line = co_await from.receive();
            if (!line && line.error() == errc::closed) co_return co_await to.shutdown_write();
            if (!line) co_return fail(line.error());
            co_await check(with_timeout(write_all(to, bytes_of(*line)), patience));
        }
    }

    static task<result<void>> print_lines(p2p::stream& from) {
        buffered_reader<p2p::stream&> in{from, longest_line};
        for (;;) {
            const auto line = co_await in.read_line();
            if (!line && line.error() == errc::eof) co_return {};
            if (!line) co_return fail(line.error());
            std::printf("%s\n", printable(*line).c_str());
            std::fflush(stdout);
        }
    }

    std::string name_;
    std::list<lines> members_;
};

task<result<void>> join(p2p::host& node, room& with, std::string address) {
    auto s = co_await node.open(address, chat_protocol);
    const auto talked = s ? co_await with.talk(*std::move(s)) : fail(s.error());
    if (!talked && talked.error() != errc::canceled)
        std::fprintf(stderr, "%s: %s\n", address.c_str(), talked.error().message().c_str());
    co_return {};
}

task<result<void>> read_input(scope& talks, p2p::host& node, room& with,
                              const std::vector<std::string>& dial) {
    for (const std::string& address : dial)
        talks.spawn(join, std::ref(node), std::ref(with), address);
    const env& here = co_await this_env{};
    buffered_reader<stdin_stream> input{stdin_stream{*here.owner}, longest_line};
    for (;;) {
        const auto line = co_await input.read_line();
        if (!line && line.error() == errc::eof) break;
        with.say(co_await check(std::move(line)));
    }
    with.close();
    co_return {};
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
        .option("name", "a name", examples::into(name))
        .option("key", "a file", examples::into(key));
    if (!co_await check(line.parse(a))) co_return {};
    if (listen.empty()) listen = {"/ip4/127.0.0.1/tcp/0"};
    p2p::host_options options;
    options.listen = std::move(listen);
    options.limits.idle_stream = {};  // people may be silent
    options.key = co_await check(examples::load_or_make_key(key));
    p2p::host node{std::move(options)};
    room with{name.empty() ? room::short_name(node.id()) : name};
    node.handle(chat_protocol, [&](p2p::stream s) { return with.talk(std::move(s)); });
    co_return co_await p2p::with_host(node, chat, with, dial);
}
