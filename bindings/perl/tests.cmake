# SPDX-License-Identifier: MIT
find_program(prove prove)
if(NOT prove)
    aioc_language_missing(Perl prove)
    return()
endif()
set(environment "AIOC_GENERATED=${CMAKE_CURRENT_BINARY_DIR}")
if(AIOC_CI)
    list(APPEND environment AIOC_CI=1)
endif()
# Each test once per spawner of workers.
foreach(spawner clone pthread)
    file(GLOB tests CONFIGURE_DEPENDS RELATIVE ${here}/t t/*.t)
    foreach(test ${tests})
        string(REPLACE ".t" "" name ${test})
        set(name bindings.perl.${name}.${spawner})
        add_test(NAME ${name} COMMAND ${prove} -I${lib} ${here}/t/${test})
        set_tests_properties(${name} PROPERTIES LABELS bindings TIMEOUT 180
            ENVIRONMENT "${environment};AIOC_SPAWNER=${spawner}")
    endforeach()
endforeach()
add_test(NAME bindings.perl.installed COMMAND sh ${here}/t/installed.sh ${CMAKE_BINARY_DIR} ${CMAKE_COMMAND}
    ${CMAKE_INSTALL_LIBDIR} ${AIOC_PERL_INSTALL_DIR})
add_test(NAME bindings.perl.makefile COMMAND sh ${here}/t/makefile.sh ${CMAKE_BINARY_DIR} ${CMAKE_COMMAND}
    ${CMAKE_INSTALL_LIBDIR})
set_tests_properties(bindings.perl.installed bindings.perl.makefile PROPERTIES LABELS bindings TIMEOUT 180)
