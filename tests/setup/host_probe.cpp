// SPDX-License-Identifier: MIT OR Apache-2.0
// What the host tests run: each first argument shows one thing that a host passes through.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string_view>

int main(int argc, char** argv) {
    std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "exit") return std::atoi(argv[2]);
    if (what == "trap") __builtin_trap();
    if (what == "wait") {
        std::puts("waiting");
        std::fflush(stdout);
        for (;;) std::cin.get();
    }
    if (what == "spin") {
        std::puts("spinning");
        std::fflush(stdout);
        for (volatile bool forever = true; forever;) {}
    }
    if (what == "cat") {
        std::ifstream file(argv[2]);
        std::cout << file.rdbuf();
        return file ? 0 : 1;
    }
    if (what == "stdio") {
        std::cout << std::cin.rdbuf();
        std::cerr << "to stderr\n";
        return 0;
    }
    const char* value = std::getenv("PROBE");
    std::cout << (value ? value : "");
    for (int i = 1; i < argc; ++i) std::cout << '|' << argv[i];
    std::cout << '\n';
}
