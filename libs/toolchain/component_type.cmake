# copoll_component_type(<target> <file.wit>)
#
# Tells the linker of a program that imports interfaces which libc does not know what their types
# are. The word VERSION in the file stands for libc's version of WASI. Does it with the toolchain's
# own jco, or leaves it to wasm-component-ld.
function(copoll_component_type target wit)
    cmake_path(ABSOLUTE_PATH wit)
    cmake_path(GET wit STEM name)
    cmake_path(GET CMAKE_CXX_COMPILER PARENT_PATH bin)
    set(jco "${bin}/../libexec/component-new.mjs")
    set(out "${CMAKE_CURRENT_BINARY_DIR}/${name}_component_type.o")
    if(EXISTS "${jco}")
        set(maker "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/component_type.mjs")
        find_program(NODE node REQUIRED)
        add_custom_command(OUTPUT "${out}"
            COMMAND "${NODE}" "${maker}" "${jco}" "${wit}" "${COPOLL_WASI_VERSION}" "${out}"
            DEPENDS "${wit}" "${maker}"
            VERBATIM)
        target_sources(${target} PRIVATE "${out}")
    else()
        file(READ "${wit}" text)
        string(REPLACE VERSION "${COPOLL_WASI_VERSION}" text "${text}")
        file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${name}.wit" CONTENT "${text}" @ONLY)
        target_link_options(${target} PRIVATE
            "LINKER:--component-type,${CMAKE_CURRENT_BINARY_DIR}/${name}.wit")
    endif()
endfunction()
