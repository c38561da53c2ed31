# COPOLL_WASI_VERSION: the version in the package names that libc imports ("wasi:io/poll@0.2.0").
#
# A component that imports two versions of one interface has two sets of types: a pollable of one
# cannot be polled with the other. So the library imports exactly what libc was generated from.
if(NOT COPOLL_WASI_VERSION)
    set(_sysroot "${CMAKE_SYSROOT}")
    if(NOT _sysroot)  # the toolchain file of a wasi-sdk release leaves it to the compiler
        get_filename_component(_sysroot "${CMAKE_CXX_COMPILER}/../../share/wasi-sysroot" ABSOLUTE)
    endif()
    file(GLOB _headers
        "${_sysroot}/include/wasm32-wasip2/wasi/*wasip2.h"
        "${_sysroot}/include/wasi/*wasip2.h"
        "${_sysroot}/include/wasm32-wasip2/wasi/preview2.h")
    foreach(_header IN LISTS _headers)
        file(STRINGS "${_header}" _line REGEX "wasi:io/poll@0\\.2\\.[0-9]+" LIMIT_COUNT 1)
        if(_line MATCHES "wasi:io/poll@(0\\.2\\.[0-9]+)")
            set(COPOLL_WASI_VERSION "${CMAKE_MATCH_1}"
                CACHE STRING "WASI package version that libc was built with")
            break()
        endif()
    endforeach()
    if(NOT COPOLL_WASI_VERSION)
        message(FATAL_ERROR
            "no wasi:io/poll@0.2.x in the headers of ${_sysroot}: is its libc built for WASI "
            "0.2? Set COPOLL_WASI_VERSION if you know better.")
    endif()
    message(STATUS "WASI ${COPOLL_WASI_VERSION}")
endif()
