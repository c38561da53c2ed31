// SPDX-License-Identifier: MIT OR Apache-2.0
#include <copoll/run.hpp>

int main(int argc, char** argv) {
    const copoll::args a{argc, argv};
    return copoll::run_main(a, async_main(a));
}
