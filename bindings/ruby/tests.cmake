# SPDX-License-Identifier: MIT
execute_process(COMMAND ${Ruby_EXECUTABLE} -e "require 'minitest'" RESULT_VARIABLE missing ERROR_QUIET)
if(NOT missing EQUAL 0)
    aioc_language_missing(Ruby "minitest (ruby-minitest)")
    return()
endif()
set(environment "AIOC_GENERATED=${generated}")
if(AIOC_CI)
    list(APPEND environment AIOC_CI=1)
endif()
# Each test once per spawner of workers.
foreach(spawner clone pthread)
    file(GLOB tests CONFIGURE_DEPENDS RELATIVE ${here}/test test/test_*.rb)
    foreach(test ${tests})
        string(REGEX REPLACE "^test_(.*).rb$" "\\1" name ${test})
        set(name bindings.ruby.${name}.${spawner})
        add_test(NAME ${name} COMMAND ${Ruby_EXECUTABLE} -W -I${lib} ${here}/test/${test})
        set_tests_properties(${name} PROPERTIES LABELS bindings TIMEOUT 180
            ENVIRONMENT "${environment};AIOC_SPAWNER=${spawner}")
    endforeach()
endforeach()
add_test(NAME bindings.ruby.installed COMMAND sh ${here}/test/installed.sh ${CMAKE_BINARY_DIR} ${CMAKE_COMMAND}
    ${CMAKE_INSTALL_LIBDIR} ${Ruby_EXECUTABLE} ${AIOC_RUBY_INSTALL_DIR} ${AIOC_RUBY_INSTALL_ARCHDIR})
add_test(NAME bindings.ruby.gem COMMAND sh ${here}/test/gem.sh ${CMAKE_BINARY_DIR} ${CMAKE_COMMAND}
    ${CMAKE_INSTALL_LIBDIR})
set_tests_properties(bindings.ruby.installed bindings.ruby.gem PROPERTIES LABELS bindings TIMEOUT 180)
