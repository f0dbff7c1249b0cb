# SPDX-License-Identifier: MIT
# Every case runs in a forked child of a process with one thread, which all sanitizers' runtimes carry.
aioc_test(fault credentials)
aioc_run(fault credentials workers.auto "" test_credentials)
aioc_test(fault sandbox)
aioc_test(fault process)
aioc_test(fault worker)
aioc_test(fault in_flight)
aioc_test(fault composite_hazards)
foreach(spawner ${spawners}) # 3 GiB each
    set_tests_properties(fault.composite_hazards.workers.${spawner} PROPERTIES RESOURCE_LOCK memory TIMEOUT 200)
endforeach()

# The same hazards on the other engines. The raw spawner, so that the sanitizers' runtimes allow threads after a fork.
set(fault_environment)
if(NOT AIOC_TSAN)
    set(fault_environment AIOC_SPAWNER=clone)
else()
    set(fault_environment AIOC_SPAWNER=pthread)
endif()
function(aioc_fault_on engine area)
    aioc_run(fault ${area} ${engine} "AIOC_FAULT_ENGINE=${engine};${fault_environment}" ${ARGN})
endfunction()
foreach(area credentials process in_flight sandbox)
    aioc_fault_on(auto ${area} test_${area})
    if(have_ring)
        aioc_fault_on(ring ${area} test_${area})
        aioc_run(fault ${area} ring_single "AIOC_FAULT_ENGINE=ring;AIOC_TEST_SINGLE_THREADED=1;${fault_environment}"
            test_${area})
        aioc_run(fault ${area} noring "AIOC_FAULT_ENGINE=auto;${fault_environment}"
            deny_ring eperm $<TARGET_FILE:test_${area}>)
    endif()
endforeach()

add_executable(test_unload ${CMAKE_CURRENT_LIST_DIR}/test_unload.c)
target_link_libraries(test_unload PRIVATE test_runner ${CMAKE_DL_LIBS})
foreach(kind shared static)
    add_library(plugin_${kind} MODULE ${CMAKE_CURRENT_LIST_DIR}/plugin.c)
    foreach(engine auto ring)
        if(have_ring OR engine STREQUAL "auto")
            aioc_run(fault unload_${kind} ${engine}
                "AIOC_FAULT_ENGINE=${engine};${fault_environment};TSAN_OPTIONS=report_thread_leaks=0"
                test_unload $<TARGET_FILE:plugin_${kind}> ${kind})
        endif()
    endforeach()
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

# A file system of our own that sleeps.
pkg_check_modules(fuse3 IMPORTED_TARGET fuse3)
if(fuse3_FOUND AND NOT AIOC_COVERAGE)
    add_executable(sleepfs ${PROJECT_SOURCE_DIR}/tests/support/sleepfs.cpp)
    target_link_libraries(sleepfs PRIVATE PkgConfig::fuse3 Threads::Threads)
    aioc_test_program(fault slow_mount)
    target_sources(test_slow_mount PRIVATE support/schedule.c)
    foreach(spawner ${spawners})
        aioc_run(fault slow_mount workers.${spawner} "AIOC_ENGINE=workers;AIOC_SPAWNER=${spawner}"
            test_slow_mount $<TARGET_FILE:sleepfs>)
        aioc_run(fault slow_mount auto.${spawner} "AIOC_SPAWNER=${spawner}" test_slow_mount $<TARGET_FILE:sleepfs>)
        set_tests_properties(fault.slow_mount.workers.${spawner} fault.slow_mount.auto.${spawner} PROPERTIES RUN_SERIAL ON)
    endforeach()
elseif(AIOC_CI AND NOT AIOC_COVERAGE)
    message(FATAL_ERROR "libfuse3 is missing")
endif()
