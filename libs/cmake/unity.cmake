# copoll_unite(<target> [EXCEPT <file>…])
#
# With COPOLL_UNITY compiles C++ sources four at a time; if that is "tests", those of tests alone. It
# takes a third to two thirds less time, for what headers and coroutines drag in is mostly the same
# in all of them. Other presets tell whether each file includes what it needs. EXCEPT: files with a
# name that another file has as well.
include_guard()

function(copoll_unite target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "EXCEPT")
    if(COPOLL_UNITY STREQUAL "tests" AND NOT target MATCHES "_tests$")
        return()
    endif()
    if(COPOLL_UNITY)
        # GCC takes what a united file includes for headers, whose names others would see
        target_compile_options(${target} PRIVATE
            $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
        set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
        set_source_files_properties(${arg_EXCEPT} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
endfunction()
