// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a stream of scenario `p2p` can cost at least in a component: `/perf/1.0.0` over one TCP
// connection by host calls alone, in records of 64 KiB sealed as Noise does it, under keys that
// both sides know. No handshake, no muxer, no coroutines, one connection after the other; what is
// read is opened where the host put it.
#include "sealed.hpp"

#include "../ceiling/landing.hpp"
#include "../ceiling/listener.hpp"

#include <copoll_crypto/aead.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace {

using namespace bench::sealed;
using copoll::crypto::chacha20_poly1305;

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "ceiling_sealed: %s\n", what);
    std::exit(1);
}

class connection {
public:
    explicit connection(const host::accepted_socket& accepted)
        : handles_{accepted},
          input_pollable_{host::subscribe_input(accepted.input)},
          output_pollable_{host::subscribe_output(accepted.output)} {}
    ~connection() {
        while (permit() == 0) host::block(output_pollable_);  // what is being written gets out
        host::drop_pollable(input_pollable_);
        host::drop_pollable(output_pollable_);
        host::drop_input(handles_.input);
        host::drop_output(handles_.output);
        host::drop_socket(handles_.socket);
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    void serve() { send(read_request()); }

private:
    /// Reads and opens all that comes; gives the bytes that the peer wants.
    std::uint64_t read_request() {
        std::uint64_t wanted = 0;
        std::size_t seen = 0;
        while (receive()) {
            while (const std::size_t size = front_record()) {
                const std::span<std::byte> record{buffer_.data() + begin_ + header_size,
                                                  size - header_size};
                const auto text = record.first(record.size() - tag_size);
                if (!receiving_.open(nonce(received_++), {}, text, record.last<tag_size>()))
                    give_up("a bad record");
                for (; seen < 8 && seen < text.size(); ++seen)
                    wanted = wanted << 8 | std::to_integer<std::uint64_t>(text[seen]);
                begin_ += size;
            }
        }
        return wanted;
    }

    /// The size of the record at the front; 0 if it is not there yet.
    std::size_t front_record() const {
        if (end_ - begin_ < header_size) return 0;
        const std::size_t size = header_size +
                                 (std::to_integer<std::size_t>(buffer_[begin_]) << 8 |
                                  std::to_integer<std::size_t>(buffer_[begin_ + 1]));
        if (size < overhead) give_up("a short record");
        return size <= end_ - begin_ ? size : 0;
    }

    /// Waits for more behind what is there; false at the end.
    bool receive() {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= std::exchange(begin_, 0);
        for (;;) {
            const std::size_t room = std::min(buffer_.size() - end_, frame_size);
            host::read_result read;
            land_at(buffer_.data() + end_, room);
            host::read(handles_.input, room, &read);
            if (read.failed != 0) {
                if (read.error.closed == 0) give_up("read");
                return false;
            }
            end_ += read.ok.size;
            if (read.ok.size > 0) return true;
            host::block(input_pollable_);
        }
    }

    void send(std::uint64_t wanted) {
        static constexpr std::array<std::byte, most> zeros{};
        while (wanted > 0) {
            const auto n =
                static_cast<std::size_t>(std::min<std::uint64_t>(wanted, zeros.size()));
            const std::size_t size = n + tag_size;
            buffer_[0] = static_cast<std::byte>(size >> 8);
            buffer_[1] = static_cast<std::byte>(size);
            const auto body = std::span(buffer_).subspan(header_size);
            sending_.seal(nonce(sent_++), {}, std::span(zeros).first(n), body.first(n),
                          body.subspan(n).first<tag_size>());
            write(std::span(buffer_).first(n + overhead));
            wanted -= n;
        }
    }

    std::uint64_t permit() {
        host::permit_result permit;
        host::check_write(handles_.output, &permit);
        if (permit.failed == 0) return permit.bytes;
        if (permit.error.closed == 0) host::drop_error(permit.error.error);
        give_up("the peer is gone");
    }

    void write(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const auto n =
                static_cast<std::size_t>(std::min<std::uint64_t>(permit(), bytes.size()));
            if (n == 0) {
                host::block(output_pollable_);
                continue;
            }
            host::write_result written;
            host::write(handles_.output, bytes.data(), n, &written);
            if (written.failed != 0) give_up("write");
            bytes = bytes.subspan(n);
        }
    }

    host::accepted_socket handles_;
    host::handle input_pollable_, output_pollable_;
    chacha20_poly1305 receiving_{clients_key}, sending_{servers_key};
    std::uint64_t received_ = 0, sent_ = 0;
    std::array<std::byte, 2 * frame_size> buffer_;
    std::size_t begin_ = 0, end_ = 0;  // what of it was read and not opened
};

}  // namespace

int main(int argc, char** argv) {
    const host::handle listener = listen("ceiling_sealed", argc, argv);
    const host::handle pollable = host::subscribe_socket(listener);
    for (;;) {
        host::block(pollable);
        while (const auto accepted = accept(listener)) {
            std::make_unique<connection>(*accepted)->serve();
        }
    }
}
