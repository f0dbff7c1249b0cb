# SPDX-License-Identifier: MIT
add_test(NAME package.version COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/version.sh ${PROJECT_VERSION} ${PROJECT_SOURCE_DIR})
set_tests_properties(package.version PROPERTIES LABELS package TIMEOUT 20)
if(NOT AIOC_SANITIZE AND NOT AIOC_COVERAGE) # a user's program has none of their runtimes
    add_test(NAME package.consumers COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/consume.sh ${CMAKE_BINARY_DIR} ${CMAKE_COMMAND}
        ${CMAKE_C_COMPILER} ${CMAKE_INSTALL_LIBDIR})
    set_tests_properties(package.consumers PROPERTIES LABELS package TIMEOUT 180)
endif()

if(NOT AIOC_SANITIZE AND NOT AIOC_COVERAGE)
    foreach(machine aarch64 riscv64)
        find_program(qemu_${machine} qemu-${machine})
        if(qemu_${machine} AND ${machine}_cxx)
            add_test(NAME package.cross.${machine} COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/cross.sh ${PROJECT_SOURCE_DIR}
                ${CMAKE_COMMAND} ${machine})
            set_tests_properties(package.cross.${machine} PROPERTIES LABELS package TIMEOUT 300)
        elseif(AIOC_CI AND machine STREQUAL "aarch64")
            message(FATAL_ERROR "qemu-aarch64 or its compiler is missing")
        endif()
    endforeach()
endif()

# The Debian packages, from their build to their removal. It takes a minute or two and is root's: once, where all is tested.
if(AIOC_CI AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT AIOC_SANITIZE)
    add_test(NAME package.debian COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/deb/overlay.sh ${PROJECT_SOURCE_DIR})
    set_tests_properties(package.debian PROPERTIES LABELS package TIMEOUT 900 SKIP_RETURN_CODE 77)
endif()
