# copoll_fetch(<name> <folder in the tool cache> <FetchContent_Declare arguments…>)
#
# Sets <name>_SOURCE_DIR in the caller's scope. What `./dev setup` has put into the tool cache is
# used first, as if the user had passed FETCHCONTENT_SOURCE_DIR_<NAME>; otherwise FetchContent
# downloads from upstream. The part's own CMakeLists.txt is not entered: callers decide how.
include_guard()
include(FetchContent)
include("${CMAKE_CURRENT_LIST_DIR}/tools.cmake")

function(copoll_fetch name folder)
    string(TOUPPER "${name}" upper)
    string(TOLOWER "${name}" lower)
    if(NOT FETCHCONTENT_SOURCE_DIR_${upper} AND EXISTS "${COPOLL_TOOLS}/${folder}/.recipe")
        set(FETCHCONTENT_SOURCE_DIR_${upper} "${COPOLL_TOOLS}/${folder}")
    endif()
    FetchContent_Declare(${name} SOURCE_SUBDIR "do not enter" ${ARGN})
    FetchContent_MakeAvailable(${name})
    set(${name}_SOURCE_DIR "${${lower}_SOURCE_DIR}" PARENT_SCOPE)
endfunction()
