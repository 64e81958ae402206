# Compiler settings shared by every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A precompiled header carries its own time stamp; ccache is told to look at the contents instead.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  # mold 1 may begin the read-only part with an empty thread-local section on a page that is not
  # there; such a program does not start ("cannot apply additional memory protection").
  execute_process(COMMAND ${MOLD_PROGRAM} --version OUTPUT_VARIABLE MOLD_VERSION ERROR_QUIET)
  if(MOLD_VERSION MATCHES "^mold ([0-9.]+)" AND CMAKE_MATCH_1 VERSION_GREATER_EQUAL 2)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

add_library(invokeai_options INTERFACE)
target_include_directories(invokeai_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(MSVC)
  target_compile_options(invokeai_options INTERFACE /W4 /utf-8 /permissive-)
else()
  target_compile_options(invokeai_options INTERFACE -Wall -Wextra -Wno-unused-parameter)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 sees overlaps in std::string and uninitialised vectors in its own headers (bugs 105651, 105593).
    target_compile_options(invokeai_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
  endif()
endif()

if(INVOKEAI_SANITIZE)
  add_compile_options(-fsanitize=${INVOKEAI_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${INVOKEAI_SANITIZE})
endif()
