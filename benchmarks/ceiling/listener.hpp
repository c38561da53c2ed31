// SPDX-License-Identifier: MIT OR Apache-2.0
#pragma once

#include "host_calls.hpp"

#include <optional>

// Listens where the command line says, and prints the line `listening on ADDR:PORT`. Ends the
// program with one line on stderr when that fails (1) or the command line is wrong (2).
host::handle listen(const char* program, int argc, char** argv);

// The next connection that waits to be accepted, if there is one.
std::optional<host::accepted_socket> accept(host::handle listener);
