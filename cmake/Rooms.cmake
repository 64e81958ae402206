# add_room(NAME [TORCH] [DEPENDS room...] [LIBRARIES lib...] [DIRECTORY dir])
#
# Makes the library `invokeai_NAME` from the sources in the calling folder (not its sub-folders) and,
# when tests are on, the program `NAME_tests` from tests/NAME/*_test.cpp. Arrows between rooms are
# checked by scripts/check-rooms. TORCH: links libtorch and uses the shared precompiled header.
function(add_room NAME)
  cmake_parse_arguments(ROOM "TORCH" "TESTS" "DEPENDS;LIBRARIES;EXCLUDE" ${ARGN})
  file(GLOB SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp
                                      ${CMAKE_CURRENT_SOURCE_DIR}/internal/*.cpp)
  if(ROOM_EXCLUDE)
    list(FILTER SOURCES EXCLUDE REGEX "${ROOM_EXCLUDE}")
  endif()
  set(TARGET invokeai_${NAME})
  list(TRANSFORM ROOM_DEPENDS PREPEND invokeai_)
  if(SOURCES)
    add_library(${TARGET} STATIC ${SOURCES})
    target_link_libraries(${TARGET} PUBLIC invokeai_options ${ROOM_DEPENDS} ${ROOM_LIBRARIES})
    if(ROOM_TORCH)
      target_link_libraries(${TARGET} PUBLIC torch_libraries)
      use_torch_pch(${TARGET})
    endif()
  else()
    add_library(${TARGET} INTERFACE)
    target_link_libraries(${TARGET} INTERFACE invokeai_options ${ROOM_DEPENDS} ${ROOM_LIBRARIES})
  endif()
  if(NOT ROOM_TESTS)
    string(REPLACE "_" "/" ROOM_TESTS ${NAME})
  endif()
  add_room_tests(${NAME} ${CMAKE_SOURCE_DIR}/tests/${ROOM_TESTS} "${ROOM_TORCH}")
endfunction()

function(add_room_tests NAME DIRECTORY USES_TORCH)
  if(NOT INVOKEAI_TESTS)
    return()
  endif()
  file(GLOB TEST_SOURCES CONFIGURE_DEPENDS ${DIRECTORY}/*_test.cpp)
  if(NOT TEST_SOURCES)
    return()
  endif()
  add_executable(${NAME}_tests ${TEST_SOURCES})
  target_link_libraries(${NAME}_tests PRIVATE invokeai_${NAME} GTest::gtest GTest::gtest_main)
  target_include_directories(${NAME}_tests PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${NAME}_tests PRIVATE
    INVOKEAI_TEST_DATA="${CMAKE_SOURCE_DIR}/tests" INVOKEAI_SOURCE_ROOT="${CMAKE_SOURCE_DIR}"
    INVOKEAI_BINARY_ROOT="${CMAKE_BINARY_DIR}")
  if(USES_TORCH)
    use_torch_pch(${NAME}_tests)
  endif()
  # Worker threads of OpenMP that spin steal the time of tests running beside this one.
  gtest_discover_tests(${NAME}_tests DISCOVERY_MODE PRE_TEST TEST_PREFIX "${NAME}."
                       PROPERTIES LABELS ${NAME} TIMEOUT 900 ENVIRONMENT GOMP_SPINCOUNT=0)
endfunction()

# Gives a target the precompiled header of the tensor rooms. That one is made for libraries (-fPIC),
# and the compiler passes over it when a program is compiled with other flags (-fPIE).
function(use_torch_pch TARGET)
  target_precompile_headers(${TARGET} REUSE_FROM torch_pch)
  get_target_property(TYPE ${TARGET} TYPE)
  if(TYPE STREQUAL EXECUTABLE AND NOT MSVC)
    set_target_properties(${TARGET} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${TARGET} PRIVATE -fPIC)
  endif()
endfunction()
