# copoll_add_script_tests(<prefix> <file> [JCO] [TIMEOUT <seconds>] [ENVIRONMENT <name>=<value>…])
#
# Each test method of class Test in a Python unittest file becomes a ctest test, named
# "<prefix>: <method in words>". One that cannot run here prints "SKIPPED: reason" and returns.
#
# With JCO, in a component's build, each method under @on_each_host is a second test as well, named
# "jco: <prefix>: …" and labelled jco: that method with the host jco alone.
find_program(PYTHON3 python3 REQUIRED)

function(copoll_add_script_tests prefix file)
    cmake_parse_arguments(PARSE_ARGV 2 arg "JCO" "TIMEOUT" "ENVIRONMENT")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    cmake_path(ABSOLUTE_PATH file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(STRINGS "${file}" lines REGEX "^    (def test_|@on_each_host)")
    set(on_each_host OFF)
    foreach(line IN LISTS lines)
        if(line MATCHES "@on_each_host")
            set(on_each_host ON)
            continue()
        endif()
        string(REGEX MATCH "test_([a-z0-9_]+)" method "${line}")
        string(REPLACE "_" " " name "${CMAKE_MATCH_1}")
        add_test(NAME "${prefix}: ${name}" COMMAND "${PYTHON3}" "${file}" "Test.${method}")
        set(tests "${prefix}: ${name}")
        if(arg_JCO AND on_each_host AND WASI AND COPOLL_TAIL_CALL)
            set(jco "jco: ${prefix}: ${name}")
            add_test(NAME "${jco}" COMMAND "${PYTHON3}" "${file}" "Test.${method}")
            set_tests_properties("${jco}" PROPERTIES LABELS jco)
            list(APPEND tests "${jco}")
        endif()
        set_tests_properties(${tests} PROPERTIES
            TIMEOUT ${arg_TIMEOUT}
            SKIP_REGULAR_EXPRESSION "(^|\n)SKIPPED: "
            ENVIRONMENT "${arg_ENVIRONMENT}")
        if(jco IN_LIST tests)
            set_property(TEST "${jco}" APPEND PROPERTY ENVIRONMENT COPOLL_TEST_HOSTS=jco)
        endif()
        set(on_each_host OFF)
    endforeach()
endfunction()
