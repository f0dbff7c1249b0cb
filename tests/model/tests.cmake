# SPDX-License-Identifier: MIT
find_package(Python3 REQUIRED COMPONENTS Interpreter)
foreach(model chain offer queue ready)
    add_test(NAME unit.model.${model} COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1
        ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/${model}_model.py)
    set_tests_properties(unit.model.${model} PROPERTIES LABELS unit TIMEOUT 120)
endforeach()
