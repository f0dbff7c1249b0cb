# SPDX-License-Identifier: MIT
# Every case runs in a forked child of a process with one thread, which all sanitizers' runtimes carry.
aioc_test(fault credentials)
aioc_run(fault credentials workers.auto "" test_credentials)
aioc_test(fault sandbox)
aioc_test(fault process)
aioc_test(fault worker)

add_executable(test_unload ${CMAKE_CURRENT_LIST_DIR}/test_unload.c)
target_link_libraries(test_unload PRIVATE test_runner ${CMAKE_DL_LIBS})
foreach(kind shared static)
    add_library(plugin_${kind} MODULE ${CMAKE_CURRENT_LIST_DIR}/plugin.c)
    foreach(spawner ${spawners})
        set(name fault.unload_${kind}.workers.${spawner})
        add_test(NAME ${name} COMMAND test_unload $<TARGET_FILE:plugin_${kind}> ${kind})
        set_tests_properties(${name} PROPERTIES LABELS fault TIMEOUT 180
            ENVIRONMENT "AIOC_SPAWNER=${spawner};TSAN_OPTIONS=report_thread_leaks=0")
    endforeach()
endforeach()
target_link_libraries(plugin_shared PRIVATE aioclone::aioclone)
target_link_libraries(plugin_static PRIVATE aioclone::aioclone_static)

find_program(gdb gdb)
if(gdb AND NOT AIOC_SANITIZE AND NOT AIOC_COVERAGE) # their runtimes have threads and frames of their own
    add_executable(debugged ${CMAKE_CURRENT_LIST_DIR}/debugged.c)
    target_link_libraries(debugged PRIVATE test_support)
    foreach(spawner ${spawners})
        set(name fault.debugger.workers.${spawner})
        add_test(NAME ${name} COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/debugger.sh ${gdb} $<TARGET_FILE:debugged>)
        set_tests_properties(${name} PROPERTIES LABELS fault TIMEOUT 120 ENVIRONMENT "AIOC_SPAWNER=${spawner}")
    endforeach()
elseif(AIOC_CI AND NOT gdb)
    message(FATAL_ERROR "gdb is missing")
endif()
