# copoll_add_test_executable(<name> SOURCES <file>… [LINK <target>…] [TIMEOUT <seconds>])
#
# A Catch2 program whose test cases are ctest tests of their own, each in a process (on WASI: a
# host) of its own. A test that cannot run here prints a line starting with "SKIPPED: " and the
# reason, and returns; natively Catch2's SKIP() does as well, but it needs exceptions.
#
# A component is one more ctest test, "jco: <name>" with the label jco: all its test cases on that
# host, whose results tests/summary.py counts one by one.
include("${COPOLL_CATCH2_MODULES}/Catch.cmake")
find_program(PYTHON3 python3 REQUIRED)

function(copoll_add_test_executable name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE copoll_warnings copoll_catch2 ${arg_LINK})
    # Compiling tests is most of the suite's time, and how fast they run is measured nowhere. Under
    # sanitizers, GCC takes less to call what checks an access than to write it out each time, and
    # a tenth of its time goes into tidying up memory that there is enough of.
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
        target_compile_options(${name} PRIVATE -O0 $<$<CXX_COMPILER_ID:GNU>:
            --param=asan-instrumentation-with-call-threshold=0 --param=ggc-min-heapsize=500000>)
    elseif(WASI AND NOT COPOLL_TAIL_CALL)
        target_compile_options(${name} PRIVATE -O1)
    endif()
    catch_discover_tests(${name}
        TEST_PREFIX "${name}: "
        DISCOVERY_MODE PRE_TEST
        EXTRA_ARGS --colour-mode none
        PROPERTIES
            TIMEOUT ${arg_TIMEOUT}
            SKIP_REGULAR_EXPRESSION "(^|\n)SKIPPED: ")
    if(WASI AND COPOLL_TAIL_CALL)
        add_test(NAME "jco: ${name}" COMMAND "${PYTHON3}"
            "${PROJECT_SOURCE_DIR}/tests/support/run_catch.py" jco "$<TARGET_FILE:${name}>"
            "${CMAKE_CURRENT_BINARY_DIR}/${name}_jco.xml")
        set_tests_properties("jco: ${name}" PROPERTIES
            TIMEOUT 600
            COST 100 # among the first to start: the longest
            LABELS jco
            SKIP_REGULAR_EXPRESSION "^SKIPPED: ")
    endif()
endfunction()
