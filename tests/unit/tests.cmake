# SPDX-License-Identifier: MIT
# Programs that are linked with the library's objects, for what it does not export.
set(unit ${CMAKE_CURRENT_LIST_DIR})
function(aioc_unit_test name)
    add_executable(test_${name} ${unit}/test_${name}.cpp
        $<TARGET_OBJECTS:aioclone_core> $<TARGET_OBJECTS:aioclone_worker>)
    target_include_directories(test_${name} PRIVATE ${source} ${include} support)
    target_link_libraries(test_${name} PRIVATE PkgConfig::cmocka Threads::Threads ${ring_library})
    add_test(NAME unit.${name} COMMAND test_${name})
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 180)
endfunction()

aioc_unit_test(execute)
aioc_unit_test(router)
aioc_unit_test(batching)
aioc_unit_test(inline)
aioc_unit_test(priority_list)
aioc_unit_test(walk)
if(have_ring)
    aioc_unit_test(ring)
    aioc_unit_test(ring_faults)
endif()
