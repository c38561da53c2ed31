// SPDX-License-Identifier: MIT OR Apache-2.0
#include "connector.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

namespace load {
namespace {

clock::time_point patience_ends(const options& opt) {
    const std::chrono::duration<double> patience{opt.patience};
    return clock::now() + std::chrono::duration_cast<clock::duration>(patience);
}

}  // namespace

bool connector::open(std::size_t count, const std::function<void(descriptor)>& take,
                     std::string& error) {
    if (server_.size == 0 && count > 0) {
        auto first = find_server(error);
        if (!first) return false;
        take(std::move(first));
        --count;
    }
    std::vector<descriptor> batch;
    for (std::size_t left = count; left > 0; left -= batch.size()) {
        const auto deadline = patience_ends(opt_);
        batch.clear();
        while (batch.size() < std::min(left, batch_size)) {
            batch.push_back(begin(error));
            if (!batch.back()) return false;
        }
        for (auto& fd : batch) {
            if (!finish_connect(fd.get(), deadline, error)) return false;
            take(std::move(fd));
        }
        if (batch.size() == batch_size && !all_accepted(deadline, error)) return false;
    }
    return true;
}

// The server may still be starting, and its name may have several addresses: the first connection
// finds out, and all go where that one went.
descriptor connector::find_server(std::string& error) {
    auto found = connect_tcp(opt_.host, opt_.port, patience_ends(opt_), error);
    if (found) server_ = peer_of(found);
    ++begun_;
    return found;
}

// A server accepts in the order in which connections came: when one more gets an answer, all
// before it were accepted.
bool connector::all_accepted(clock::time_point deadline, std::string& error) {
    const auto last = begin(error);
    if (!last || !finish_connect(last.get(), deadline, error)) return false;
    const std::array sent{std::byte{'?'}};
    std::array<std::byte, 1> answer{};
    if (exchange(last, sent, answer, deadline, error) && answer == sent) return true;
    error = "connection " + std::to_string(begun_) + " got no answer" +
            (error.empty() ? "" : ": " + error);
    return false;
}

descriptor connector::begin(std::string& error) {
    return begin_connect(server_, begun_++ / opt_.per_address, error);
}

}  // namespace load
