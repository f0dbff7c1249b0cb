# SPDX-License-Identifier: MIT
if(NOT AIOC_SANITIZE AND NOT AIOC_COVERAGE) # a user's program has none of their runtimes
    add_test(NAME package.consumers COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/consume.sh ${CMAKE_BINARY_DIR} ${CMAKE_COMMAND}
        ${CMAKE_C_COMPILER} ${CMAKE_INSTALL_LIBDIR})
    set_tests_properties(package.consumers PROPERTIES LABELS package TIMEOUT 180)
endif()
