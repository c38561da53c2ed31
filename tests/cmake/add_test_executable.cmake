# copoll_add_test_executable(<name> SOURCES <file>… [LINK <target>…] [TIMEOUT <seconds>])
#
# A Catch2 program whose test cases are ctest tests of their own, each in a process (on WASI: a
# host) of its own. A test that cannot run here prints a line starting with "SKIPPED: " and the
# reason, and returns; natively Catch2's SKIP() does as well, but it needs exceptions.
include("${COPOLL_CATCH2_MODULES}/Catch.cmake")

function(copoll_add_test_executable name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE copoll_warnings copoll_catch2 ${arg_LINK})
    catch_discover_tests(${name}
        TEST_PREFIX "${name}: "
        DISCOVERY_MODE PRE_TEST
        EXTRA_ARGS --colour-mode none
        PROPERTIES
            TIMEOUT ${arg_TIMEOUT}
            SKIP_REGULAR_EXPRESSION "(^|\n)SKIPPED: ")
endfunction()
