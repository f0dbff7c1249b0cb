# SPDX-License-Identifier: MIT
# Where clang compiles: its flags are those that clang-tidy understands.
if(CMAKE_C_COMPILER_ID STREQUAL "Clang" AND NOT AIOC_SANITIZE)
    foreach(tool tidy format)
        find_program(clang_${tool} clang-${tool}-19)
        if(NOT clang_${tool})
            if(AIOC_CI)
                message(FATAL_ERROR "clang-${tool}-19 is missing")
            endif()
            continue()
        endif()
        add_test(NAME lint.${tool} COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/${tool}.sh ${clang_${tool}} ${PROJECT_SOURCE_DIR}
            ${CMAKE_BINARY_DIR})
        set_tests_properties(lint.${tool} PROPERTIES LABELS lint TIMEOUT 300)
    endforeach()
endif()
