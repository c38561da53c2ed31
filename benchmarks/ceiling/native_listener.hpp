// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include <string_view>

/// What the native servers share: they take `--listen ADDR:PORT` and say where they are. What is
/// wrong ends the program, under its name.
namespace ceiling {

int listen_at(const char* program, std::string_view address_and_port);

/// Prints `listening on ADDR:PORT`.
void announce(const char* program, int listener);

/// The next connection, without Nagle's delay; -1 if there is none.
int accept_one(int listener);

void watch(int epoll, int operation, int fd, unsigned events);

}  // namespace ceiling
