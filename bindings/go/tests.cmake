# SPDX-License-Identifier: MIT
# The test program is built with the library, so that a change of either is noticed at once; Go's cache makes it quick.
file(GLOB_RECURSE go_sources CONFIGURE_DEPENDS ${here}/*.go ${here}/internal/*.c ${here}/internal/*.h)
function(aioc_go_program target output)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -E env ${go_environment} ${GO_EXECUTABLE} ${ARGN}
        WORKING_DIRECTORY ${here} DEPENDS ${go_sources} aioclone ${include}/aioclone.h VERBATIM)
    add_custom_target(${target} ALL DEPENDS ${output})
endfunction()
aioc_go_program(go_test_program ${CMAKE_CURRENT_BINARY_DIR}/aioclone.test
    test -c -o ${CMAKE_CURRENT_BINARY_DIR}/aioclone.test .)

# A FUSE that sleeps, where it is built.
set(sleepfs $<$<TARGET_EXISTS:sleepfs>:$<TARGET_FILE:sleepfs>>)
function(aioc_go_test name environment)
    add_test(NAME bindings.go.${name} COMMAND ${ARGN} WORKING_DIRECTORY ${here})
    set_tests_properties(bindings.go.${name} PROPERTIES LABELS bindings TIMEOUT 300
        ENVIRONMENT "${go_environment};GO=${GO_EXECUTABLE};AIOC_SLEEPFS=${sleepfs};${environment}")
endfunction()

# The package on every engine and spawner; once more with Go's own checks.
foreach(engine auto workers inline ring)
    if(engine STREQUAL "ring" AND (NOT AIOC_HAVE_LIBURING OR AIOC_RING STREQUAL "OFF"))
        continue()
    endif()
    foreach(spawner clone pthread)
        set(environment AIOC_SPAWNER=${spawner})
        if(NOT engine STREQUAL "auto")
            list(APPEND environment AIOC_ENGINE=${engine})
        endif()
        aioc_go_test(${engine}.${spawner} "${environment}"
            ${CMAKE_CURRENT_BINARY_DIR}/aioclone.test -test.timeout 200s)
    endforeach()
endforeach()
aioc_go_test(cgocheck GODEBUG=cgocheck=2 ${CMAKE_CURRENT_BINARY_DIR}/aioclone.test -test.timeout 200s)
aioc_go_test(memory GODEBUG=clobberfree=1,gccheckmark=1 ${CMAKE_CURRENT_BINARY_DIR}/aioclone.test
    -test.short -test.timeout 200s)
aioc_go_test(capi "" ${GO_EXECUTABLE} test -count=1 ./internal/...)
aioc_go_test(vet "" ${GO_EXECUTABLE} vet ./...)
aioc_go_test(format "" sh tests/format.sh)
aioc_go_test(without_cgo "" sh tests/without_cgo.sh)
aioc_go_test(readme "" sh tests/readme.sh)
aioc_go_test(bench "" ${GO_EXECUTABLE} run ./bench -files 200 -rounds 1 -seconds 0.02)
aioc_go_test(installed "" sh tests/installed.sh ${CMAKE_BINARY_DIR} ${CMAKE_COMMAND} ${CMAKE_INSTALL_LIBDIR}
    ${AIOC_GO_INSTALL_DIR})
if(SWIG_FOUND)
    aioc_go_test(generated "" sh tests/generated.sh ${generate})
endif()
# Where Go has a race detector.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|aarch64")
    aioc_go_test(race "" ${GO_EXECUTABLE} test -race -count=1 -timeout 250s .)
endif()
