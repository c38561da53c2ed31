// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "options.hpp"
#include "socket.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace load {

// Opens connections to one server, as many as a run needs:
//
//  - some at a time, and the next ones only when the server has accepted these, so that they do
//    not overflow its backlog, where each would wait for a second before the system asks again;
//  - from several addresses (127.0.0.2 and up) to a server at 127.x.y.z, since an address has no
//    more than 65,535 ports, and 28,000 by default.
class connector {
public:
    explicit connector(const options& opt) : opt_{opt} {}

    // Hands over `count` connections, one after the other. False when one fails; `error` says why.
    bool open(std::size_t count, const std::function<void(descriptor)>& take, std::string& error);

    // Where they lead to, once there is one.
    [[nodiscard]] const endpoint& server() const { return server_; }

private:
    static constexpr std::size_t batch_size = 64;

    descriptor find_server(std::string& error);
    bool all_accepted(clock::time_point deadline, std::string& error);
    descriptor begin(std::string& error);

    const options& opt_;
    endpoint server_;
    std::size_t begun_ = 0;
};

}  // namespace load
