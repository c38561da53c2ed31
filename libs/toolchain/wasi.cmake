# CMake toolchain file: builds WASI 0.2 components (wasm32-wasip2).
#
# The SDK is WASI_SDK_PATH (variable or environment), else what `./dev setup` has assembled in the
# tool cache. Programs that CMake runs itself (ctest, try_run) go through libs/host/run.
include("${CMAKE_CURRENT_LIST_DIR}/../cmake/tools.cmake")

if(NOT WASI_SDK_PATH)
    if(DEFINED ENV{WASI_SDK_PATH} AND NOT "$ENV{WASI_SDK_PATH}" STREQUAL "")
        set(WASI_SDK_PATH "$ENV{WASI_SDK_PATH}")
    else()
        set(WASI_SDK_PATH "${COPOLL_TOOLS}/wasi-sdk")
    endif()
endif()
if(NOT EXISTS "${WASI_SDK_PATH}/share/cmake/wasi-sdk-p2.cmake")
    message(FATAL_ERROR "no wasi-sdk at ${WASI_SDK_PATH}: run ./dev setup, or set WASI_SDK_PATH")
endif()
# try_compile reads this file again in a project of its own
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES WASI_SDK_PATH COPOLL_TOOLS)

list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")  # Platform/WASI.cmake
set(WASI_SDK_PREFIX "${WASI_SDK_PATH}")
include("${WASI_SDK_PATH}/share/cmake/wasi-sdk-p2.cmake")

# The build folder and the source folder are all that a test sees of the file system.
get_filename_component(_copoll_host "${CMAKE_CURRENT_LIST_DIR}/../host/run" ABSOLUTE)
set(CMAKE_CROSSCOMPILING_EMULATOR
    "${_copoll_host};--dir;.;--dir;${CMAKE_SOURCE_DIR}" CACHE STRING "Runs a component")
