# CMake knows this platform since 3.31; older versions read this file.
set(WASI 1)
set(UNIX 1)
set(CMAKE_EXECUTABLE_SUFFIX ".wasm")
