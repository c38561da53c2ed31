// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/stdio.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <copoll/run.hpp>
#include <copoll/stream.hpp>
#include <copoll/time.hpp>
#include <copoll/when.hpp>

#include "support/run_test.hpp"

using namespace copoll;
using namespace copoll_tests;
using namespace std::chrono_literals;

namespace {

class fd {
public:
    explicit fd(int n = -1) noexcept : n_(n) {}
    fd(fd&& other) noexcept : n_(std::exchange(other.n_, -1)) {}
    fd& operator=(fd&& other) noexcept {
        std::swap(n_, other.n_);
        return *this;
    }
    ~fd() { close(); }
    int get() const noexcept { return n_; }
    void close() noexcept {
        if (n_ >= 0) ::close(std::exchange(n_, -1));
    }

private:
    int n_;
};

struct ends {
    fd read, write;
};

ends make_pipe() {
    std::array<int, 2> n{};
    CHECK(::pipe2(n.data(), O_CLOEXEC) == 0);
    return {fd{n[0]}, fd{n[1]}};
}

ends make_socket_pair() {
    std::array<int, 2> n{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, n.data()) == 0);
    return {fd{n[0]}, fd{n[1]}};
}

fd open_file(const char* path, int flags) { return fd{::open(path, flags | O_CLOEXEC)}; }

fd temporary_file(const std::string& text) {
    std::FILE* const f = std::tmpfile();
    fd kept{::dup(::fileno(f))};
    std::fclose(f);
    CHECK(::write(kept.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::lseek(kept.get(), 0, SEEK_SET);
    return kept;
}

/// A standard stream is something else for a while. Catch2 prints to them too, so tests check
/// after it.
class redirected {
public:
    redirected(int standard, const fd& to) : standard_(standard), before_(::dup(standard)) {
        if (to.get() >= 0)
            ::dup2(to.get(), standard);
        else
            ::close(standard);
    }
    redirected(const redirected&) = delete;
    redirected& operator=(const redirected&) = delete;
    ~redirected() { ::dup2(before_.get(), standard_); }

private:
    int standard_;
    fd before_;
};

struct text_read {
    std::string text;
    std::error_code end;
};

task<void> read_to_end(text_read& into) {
    stdin_stream in{*(co_await this_env{}).owner};
    std::array<std::byte, 100> buffer;
    while (!into.end) {
        const auto [ec, n] = co_await with_timeout(in.read_some(buffer), 10s);
        into.text.append(reinterpret_cast<const char*>(buffer.data()), n);
        into.end = ec;
    }
}

text_read stdin_of(const fd& source) {
    text_read r;
    const redirected in{STDIN_FILENO, source};
    run_test(read_to_end(r));
    return r;
}

task<void> write_text(io_result& r, std::string text) {
    stdout_stream out{*(co_await this_env{}).owner};
    r = co_await write_all(out, bytes_of(text));
}

io_result stdout_to(const fd& sink, std::string text) {
    io_result r;
    std::fflush(stdout);
    const redirected out{STDOUT_FILENO, sink};
    run_test(write_text(r, std::move(text)));
    return r;
}

bool blocks(const fd& f) { return (::fcntl(f.get(), F_GETFL) & O_NONBLOCK) == 0; }

}  // namespace

TEST_CASE("stdin: a regular file, which epoll does not take") {
    const std::string text(100'000, 'x');
    const text_read r = stdin_of(temporary_file(text));
    CHECK(r.text == text);
    CHECK(r.end == errc::eof);
}

TEST_CASE("stdin: /dev/null is at its end") {
    const text_read r = stdin_of(open_file("/dev/null", O_RDONLY));
    CHECK(r.text.empty());
    CHECK(r.end == errc::eof);
}

TEST_CASE("stdin, stdout: closed from the start, no socket gets their numbers") {
    const text_read in = stdin_of(fd{});
    const io_result out = stdout_to(fd{}, "to nobody");
    CHECK(in.text.empty());
    CHECK(in.end == errc::eof);
    CHECK(out.n == 9);
}

TEST_CASE("stdin: a pipe is waited for, without O_NONBLOCK on what others share") {
    ends p = make_pipe();
    text_read r;
    bool blocked = false;
    {
        const redirected in{STDIN_FILENO, p.read};
        run_test(
            [](fd& writer, const fd& shared, text_read& into, bool& still) -> task<result<void>> {
                co_await when_all(read_to_end(into), [](fd& w, const fd& s, bool& b) -> task<void> {
                    for (const char* text : {"one ", "two ", "three"}) {
                        (void)co_await sleep_for(2ms);
                        (void)!::write(w.get(), text, std::char_traits<char>::length(text));
                        b = blocks(s);
                    }
                    w.close();
                }(writer, shared, still));
                co_return {};
            }(p.write, p.read, r, blocked));
    }
    CHECK(r.text == "one two three");
    CHECK(r.end == errc::eof);
    CHECK(blocked);
}

TEST_CASE("stdin: a read that timed out leaves the bytes for the next") {
    ends p = make_pipe();
    io_result nothing, something;
    {
        const redirected in{STDIN_FILENO, p.read};
        run_test([](fd& writer, io_result& first, io_result& second) -> task<result<void>> {
            stdin_stream from{*(co_await this_env{}).owner};
            std::array<std::byte, 8> buffer;
            first = co_await with_timeout(from.read_some(buffer), 1ms);
            (void)!::write(writer.get(), "abc", 3);
            second = co_await with_timeout(from.read_some(buffer), 10s);
            co_return {};
        }(p.write, nothing, something));
    }
    CHECK(nothing.ec == errc::timed_out);
    CHECK(something.n == 3);
}

TEST_CASE("stdin, stdout: sockets, as some parents give their children") {
    ends p = make_socket_pair();
    const io_result sent = stdout_to(p.write, "over a socket");
    p.write.close();
    const text_read got = stdin_of(p.read);
    CHECK(!sent.ec);
    CHECK(got.text == "over a socket");
    CHECK(got.end == errc::eof);
    CHECK(blocks(p.read));
}

TEST_CASE("stdin: a terminal is given by the line, and stays as it was") {
    const fd master{::posix_openpt(O_RDWR | O_NOCTTY)};
    if (master.get() < 0 || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) {
        std::printf("SKIPPED: no pseudo terminal\n");
        return;
    }
    const fd terminal = open_file(::ptsname(master.get()), O_RDWR | O_NOCTTY);
    io_result part, line;
    bool blocked = false;
    {
        const redirected in{STDIN_FILENO, terminal};
        run_test([](const fd& keys, const fd& t, io_result& first, io_result& second,
                    bool& still) -> task<result<void>> {
            stdin_stream from{*(co_await this_env{}).owner};
            std::array<std::byte, 64> buffer;
            (void)!::write(keys.get(), "half a", 6);
            first = co_await with_timeout(from.read_some(buffer), 5ms);
            (void)!::write(keys.get(), " line\n", 6);
            second = co_await with_timeout(from.read_some(buffer), 10s);
            still = blocks(t);
            co_return {};
        }(master, terminal, part, line, blocked));
    }
    CHECK(part.ec == errc::timed_out);
    CHECK(line.n == 12);
    CHECK(blocked);
}

TEST_CASE("stdout: a regular file, and /dev/null") {
    fd file = temporary_file("");
    const std::string text(100'000, 'y');
    const io_result written = stdout_to(file, text);
    const io_result dropped = stdout_to(open_file("/dev/null", O_WRONLY), text);
    CHECK(written.n == text.size());
    CHECK(dropped.n == text.size());
    CHECK(::lseek(file.get(), 0, SEEK_END) == static_cast<off_t>(text.size()));
}

TEST_CASE("stdout: a pipe that is full holds up the writer, not the loop") {
    ends p = make_pipe();
    std::size_t taken = 0;
    io_result rest;
    std::fflush(stdout);
    {
        const redirected out{STDOUT_FILENO, p.write};
        run_test([](fd& reader, std::size_t& n, io_result& late) -> task<result<void>> {
            stdout_stream to{*(co_await this_env{}).owner};
            const std::array<std::byte, 10'000> bytes{};
            for (;;) {
                const auto r = co_await with_timeout(to.write_some(bytes), 5ms);
                n += r.n;
                if (r.ec) break;
            }
            std::array<char, 65536> sink;
            (void)!::read(reader.get(), sink.data(), sink.size());
            late = co_await with_timeout(to.write_some(bytes), 10s);
            co_return {};
        }(p.read, taken, rest));
    }
    CHECK(taken >= 4096);
    CHECK(rest.n > 0);
    CHECK(blocks(p.write));
}

TEST_CASE("stdout: whose reader is gone is closed, and does not kill the process") {
    using handler = void (*)(int);
    const handler before = std::signal(SIGPIPE, SIG_DFL);
    ends p = make_pipe();
    p.read.close();
    const io_result r = stdout_to(p.write, "nobody reads this");
    const handler after = std::signal(SIGPIPE, before);
    CHECK(r.ec == errc::closed);
    CHECK(after == SIG_IGN);
}

TEST_CASE("stdout: a program's own handler of SIGPIPE stays") {
    static int signals;
    signals = 0;
    const auto before = std::signal(SIGPIPE, [](int) { ++signals; });
    ends p = make_pipe();
    p.read.close();
    const io_result r = stdout_to(p.write, "nobody reads this");
    std::signal(SIGPIPE, before);
    CHECK(r.ec == errc::closed);
    CHECK(signals == 1);
}

TEST_CASE("stderr: as stdout") {
    ends p = make_pipe();
    io_result r;
    {
        const redirected err{STDERR_FILENO, p.write};
        run_test([](io_result& written) -> task<void> {
            stderr_stream to{*(co_await this_env{}).owner};
            written = co_await write_all(to, bytes_of("trouble"));
        }(r));
    }
    std::array<char, 16> got{};
    CHECK(r.n == 7);
    CHECK(::read(p.read.get(), got.data(), got.size()) == 7);
}
