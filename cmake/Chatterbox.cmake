# One folder, one static library: cbx_<folder>. Dependencies sit on the target.

# cbx_library(NAME SOURCES ... [DEPENDS folders...] [LINK targets...])
function(cbx_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(cbx_${name} STATIC ${A_SOURCES})
  target_include_directories(cbx_${name} PUBLIC ${PROJECT_SOURCE_DIR}
                                                ${PROJECT_SOURCE_DIR}/include)
  foreach(d ${A_DEPENDS})
    target_link_libraries(cbx_${name} PUBLIC cbx_${d})
  endforeach()
  target_link_libraries(cbx_${name} PUBLIC ${A_LINK} PRIVATE cbx_warnings)
endfunction()

# cbx_program(NAME SOURCES ... [DEPENDS folders...] [LINK targets...])
function(cbx_program name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                           ${PROJECT_BINARY_DIR}/bin)
  foreach(d ${A_DEPENDS})
    target_link_libraries(${name} PRIVATE cbx_${d})
  endforeach()
  target_link_libraries(${name} PRIVATE ${A_LINK} cbx_warnings)
endfunction()

# cbx_test(NAME SOURCES ... [DEPENDS folders...] [LINK targets...] [ARGS ...]
#          [LABELS ...])  Exit code 77 is a skip.
function(cbx_test name)
  cmake_parse_arguments(A "" "TIMEOUT" "SOURCES;DEPENDS;LINK;ARGS;LABELS"
                        ${ARGN})
  add_executable(${name} ${A_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                           ${PROJECT_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  foreach(d ${A_DEPENDS})
    target_link_libraries(${name} PRIVATE cbx_${d})
  endforeach()
  target_link_libraries(${name} PRIVATE ${A_LINK} cbx_warnings m)
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name} ${A_ARGS})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT
                                          ${A_TIMEOUT} LABELS "${A_LABELS}")
endfunction()
