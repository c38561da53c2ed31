// SPDX-License-Identifier: MIT OR Apache-2.0
#include "channel.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace load {
namespace {

using enum moved::outcome;

moved failed_or_again(const char* what) {
    if (errno == EAGAIN) return {again};
    return {failed, 0, std::string{what} + ": " + std::strerror(errno)};
}

class tcp final : public channel {
public:
    explicit tcp(load::descriptor fd) : fd_{std::move(fd)} {}

    moved send(std::span<const std::byte> data) override {
        const auto n = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
        if (n < 0) return failed_or_again("send");
        return {some, static_cast<std::size_t>(n)};
    }

    moved receive(std::span<std::byte> into) override {
        const auto n = recv(fd_.get(), into.data(), into.size(), 0);
        if (n < 0) return failed_or_again("receive");
        if (n == 0) return {ended};
        return {some, static_cast<std::size_t>(n)};
    }

    bool end() override {
        shutdown(fd_.get(), SHUT_WR);
        return true;
    }

    [[nodiscard]] int descriptor() const override { return fd_.get(); }

private:
    load::descriptor fd_;
};

}  // namespace

std::unique_ptr<channel> plain_channel(descriptor fd) {
    return std::make_unique<tcp>(std::move(fd));
}

}  // namespace load
