# SPDX-License-Identifier: MIT
# Each spec once for each Lua version; those that run workers of the other kind (a spawner) again for one version.
find_program(BUSTED busted)
find_program(LUAROCKS luarocks)
find_program(LDOC ldoc)
foreach(tool BUSTED LUAROCKS LDOC)
    if(NOT ${tool})
        string(TOLOWER ${tool} name)
        aioc_language_missing(Lua ${name})
    endif()
endforeach()

file(GLOB specs CONFIGURE_DEPENDS RELATIVE ${here}/spec spec/*_spec.lua)
function(add_spec name version spec spawner)
    # A list of variables, in which ";" of Lua's paths is no separator.
    set(environment
        "LUA_PATH=${here}/lua/?.lua\\;${here}/spec/support/?.lua\\;\\;"
        "LUA_CPATH=${CMAKE_CURRENT_BINARY_DIR}/${version}/?.so\\;\\;"
        "AIOC_LUA=${program}" "AIOC_LUA_SOURCE=${here}" "AIOC_GENERATED=${CMAKE_CURRENT_BINARY_DIR}"
        "AIOC_HEADER=${include}/aioclone.h" "AIOC_SPAWNER=${spawner}")
    if(AIOC_CI)
        list(APPEND environment AIOC_CI=1)
    endif()
    add_test(NAME ${name} COMMAND ${ARGN} ${program} ${BUSTED} --output plainTerminal ${here}/spec/${spec} WORKING_DIRECTORY ${here})
    set_tests_properties(${name} PROPERTIES LABELS bindings TIMEOUT 180 ENVIRONMENT "${environment}")
endfunction()

foreach(version ${built})
    if(version STREQUAL "jit")
        set(names luajit)
    else()
        set(names lua${version})
    endif()
    find_program(AIOC_LUA_PROGRAM_${version} NAMES ${names} NAMES_PER_DIR)
    set(program ${AIOC_LUA_PROGRAM_${version}})
    if(NOT program)
        aioc_language_missing("Lua ${version}" "its program ${names}")
        continue()
    endif()
    add_library(aioclone_test_lua_${version} MODULE spec/support/aioclone_test.c)
    target_include_directories(aioclone_test_lua_${version} SYSTEM PRIVATE ${AIOC_LUA_${version}_INCLUDE_DIRS})
    target_compile_definitions(aioclone_test_lua_${version} PRIVATE _GNU_SOURCE)
    set_target_properties(aioclone_test_lua_${version} PROPERTIES PREFIX "" OUTPUT_NAME aioclone_test
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${version})
    if(BUSTED)
        foreach(spec ${specs})
            string(REPLACE "_spec.lua" "" name ${spec})
            add_spec(bindings.lua.${version}.${name} ${version} ${spec} clone)
        endforeach()
    endif()
endforeach()

# What depends on how workers are started, with the other spawner.
list(FILTER built EXCLUDE REGEX "^5.[123]$")
foreach(version ${built})
    if(BUSTED AND AIOC_LUA_PROGRAM_${version})
        set(program ${AIOC_LUA_PROGRAM_${version}})
        foreach(name operations callbacks coroutines process many)
            add_spec(bindings.lua.${version}.${name}.pthread ${version} ${name}_spec.lua pthread)
        endforeach()
    endif()
endforeach()
# What Debian's users of LuaJIT load: the module that was built for 5.1.
if(BUSTED AND TARGET aioclone_lua_5.1 AND AIOC_LUA_PROGRAM_jit)
    set(program ${AIOC_LUA_PROGRAM_jit})
    add_spec(bindings.lua.jit.built_for_5.1 5.1 coroutines_spec.lua clone)
endif()

foreach(version 5.1 5.4)
    if(TARGET aioclone_lua_${version} AND AIOC_LUA_PROGRAM_${version})
        add_test(NAME bindings.lua.${version}.installed COMMAND sh ${here}/spec/installed.sh ${CMAKE_BINARY_DIR}
            ${CMAKE_COMMAND} ${CMAKE_INSTALL_LIBDIR} ${CMAKE_INSTALL_DATADIR} ${version} ${AIOC_LUA_PROGRAM_${version}})
        set_tests_properties(bindings.lua.${version}.installed PROPERTIES LABELS bindings TIMEOUT 120)
        if(LUAROCKS)
            add_test(NAME bindings.lua.${version}.rock COMMAND sh ${here}/spec/rock.sh ${CMAKE_BINARY_DIR} ${CMAKE_COMMAND}
                ${CMAKE_INSTALL_LIBDIR} ${LUAROCKS} ${version} ${AIOC_LUA_PROGRAM_${version}})
            set_tests_properties(bindings.lua.${version}.rock PROPERTIES LABELS bindings TIMEOUT 120)
        endif()
    endif()
endforeach()
if(LDOC)
    add_test(NAME bindings.lua.ldoc COMMAND sh ${here}/spec/ldoc.sh ${LDOC})
    set_tests_properties(bindings.lua.ldoc PROPERTIES LABELS bindings TIMEOUT 60)
endif()

# The C part under memcheck; without the ring, whose system calls valgrind does not know.
find_program(VALGRIND valgrind)
if(NOT VALGRIND)
    aioc_language_missing(Lua "valgrind, for a test,")
endif()
if(BUSTED AND VALGRIND AND AIOC_LUA_PROGRAM_5.4)
    set(program ${AIOC_LUA_PROGRAM_5.4})
    foreach(name callbacks submit)
        add_spec(bindings.lua.5.4.${name}.memcheck 5.4 ${name}_spec.lua pthread ${VALGRIND} -q --error-exitcode=99
            --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite)
        set_property(TEST bindings.lua.5.4.${name}.memcheck APPEND PROPERTY ENVIRONMENT AIOC_ENGINE=workers)
    endforeach()
endif()
