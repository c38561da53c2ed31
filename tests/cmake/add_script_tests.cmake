# copoll_add_script_tests(<prefix> <file> [ENVIRONMENT <name>=<value>…])
#
# Each test method of class Test in a Python unittest file becomes a ctest test, named
# "<prefix>: <method in words>". One that cannot run here prints "SKIPPED: reason" and returns.
find_program(PYTHON3 python3 REQUIRED)

function(copoll_add_script_tests prefix file)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "ENVIRONMENT")
    cmake_path(ABSOLUTE_PATH file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(STRINGS "${file}" lines REGEX "^    def test_")
    foreach(line IN LISTS lines)
        string(REGEX MATCH "test_([a-z0-9_]+)" method "${line}")
        string(REPLACE "_" " " name "${CMAKE_MATCH_1}")
        add_test(NAME "${prefix}: ${name}" COMMAND "${PYTHON3}" "${file}" "Test.${method}")
        set_tests_properties("${prefix}: ${name}" PROPERTIES
            TIMEOUT 120
            SKIP_REGULAR_EXPRESSION "(^|\n)SKIPPED: "
            ENVIRONMENT "${arg_ENVIRONMENT}")
    endforeach()
endfunction()
