# SPDX-License-Identifier: MIT
if(NOT AIOC_HAVE_MANUAL)
    return()
endif()
set(tests_of_manual ${CMAKE_CURRENT_LIST_DIR})
set(pages ${PROJECT_BINARY_DIR}/man/pages)
foreach(tool mandoc groff lexgrog)
    find_program(${tool} ${tool})
    if(NOT ${tool})
        if(AIOC_CI)
            message(FATAL_ERROR "${tool} is missing")
        endif()
        message(WARNING "${tool} is missing: the manual is not tested")
        return()
    endif()
endforeach()
function(aioc_manual_test label name)
    add_test(NAME ${label}.manual.${name} COMMAND ${ARGN})
    set_tests_properties(${label}.manual.${name} PROPERTIES LABELS ${label} TIMEOUT 120
        ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endfunction()

aioc_manual_test(lint typeset sh ${tests_of_manual}/typeset.sh ${pages})
aioc_manual_test(lint complete ${Python3_EXECUTABLE} ${tests_of_manual}/check.py ${pages} ${include}
    ${source}/core/operations.def ${source}/aioclone.map)
# As a reader copies it from the screen: compiled, linked and run.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.scd)
foreach(path synopsis ${sources})
    string(REGEX REPLACE ".*/(.*)[.][37][.]scd" "\\1" name ${path})
    aioc_manual_test(package example.${name} ${Python3_EXECUTABLE} ${tests_of_manual}/example.py ${pages} ${name}
        ${CMAKE_C_COMPILER} ${include} $<TARGET_FILE:aioclone>)
endforeach()

# The errors that ERRORS states are those that happen: seen in these runs.
aioc_test_program(manual provoke)
set(runs)
foreach(area bad_input operations control buffers sizes pointers)
    list(APPEND runs $<TARGET_FILE:test_${area}>)
endforeach()
foreach(spawner clone pthread)
    list(APPEND runs $<TARGET_FILE:test_worker>@AIOC_SPAWNER=${spawner})
endforeach()
list(APPEND runs $<TARGET_FILE:test_provoke> "$<TARGET_FILE:deny_ring> eperm $<TARGET_FILE:test_buffers>")
if(NOT have_ring) # most errors of buffers and files would be missing
    return()
endif()
aioc_manual_test(package errors ${Python3_EXECUTABLE} ${tests_of_manual}/seen_errors.py ${pages} ${include}
    ${source}/core/operations.def ${CMAKE_C_COMPILER} ${runs})
