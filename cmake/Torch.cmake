# Finds libtorch: INVOKEAI_TORCH_DIR (the folder that holds include/ and lib/), else the private copy
# that scripts/setup unpacked, else the torch package of the Python in PATH. Makes `torch_libraries`
# and `torch_pch`, the precompiled header shared by all rooms that use tensors.
#
# An own imported target rather than find_package(Torch): that one asks for a full CUDA toolkit
# whenever the wheel was built with CUDA, which a machine that only runs pictures does not have.
set(INVOKEAI_TORCH_DIR "$ENV{INVOKEAI_TORCH_DIR}" CACHE PATH "Folder with libtorch's include/ and lib/")
set(_torch "${INVOKEAI_TORCH_DIR}")
if(NOT _torch)
  if(EXISTS ${CMAKE_SOURCE_DIR}/.deps/torch/torch/lib)
    set(_torch ${CMAKE_SOURCE_DIR}/.deps/torch/torch)
  else()
    execute_process(COMMAND python3 -c "import os,torch;print(os.path.dirname(torch.__file__))"
                    OUTPUT_VARIABLE _torch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(NOT EXISTS "${_torch}/include/ATen/ATen.h")
  message(FATAL_ERROR "libtorch not found (looked in '${_torch}'). Run scripts/setup, or give "
                      "-DINVOKEAI_TORCH_DIR=<folder with include/ and lib/>, or use the preset no-torch.")
endif()
message(STATUS "libtorch: ${_torch}")

add_library(torch_libraries INTERFACE)
target_include_directories(torch_libraries SYSTEM INTERFACE ${_torch}/include
                           ${_torch}/include/torch/csrc/api/include)
# The wheel brings fmt headers of its own, newer than the system's library: used header-only here, in
# their own inline namespace, they never meet the other rooms' copy.
target_compile_definitions(torch_libraries INTERFACE FMT_HEADER_ONLY=1)
find_library(TORCH_CPU torch_cpu PATHS ${_torch}/lib REQUIRED NO_DEFAULT_PATH)
find_library(TORCH_C10 c10 PATHS ${_torch}/lib REQUIRED NO_DEFAULT_PATH)
target_link_libraries(torch_libraries INTERFACE ${TORCH_CPU} ${TORCH_C10})
# The OpenMP that libtorch runs on, for our own loops: a second one beside it would double the threads.
file(GLOB TORCH_OPENMP ${_torch}/lib/libgomp*.so* ${_torch}/../torch.libs/libgomp*.so*)
if(TORCH_OPENMP)
  list(GET TORCH_OPENMP 0 TORCH_OPENMP)
else()
  set(TORCH_OPENMP -fopenmp)  # a libtorch that uses the system's
endif()
target_link_libraries(torch_libraries INTERFACE ${TORCH_OPENMP})
# The GPU backends register themselves when loaded, so they are linked even though no symbol is named.
foreach(BACKEND torch_cuda c10_cuda torch_hip c10_hip)
  find_library(TORCH_${BACKEND} ${BACKEND} PATHS ${_torch}/lib NO_DEFAULT_PATH)
  if(TORCH_${BACKEND})
    target_link_libraries(torch_libraries INTERFACE -Wl,--no-as-needed ${TORCH_${BACKEND}} -Wl,--as-needed)
  endif()
endforeach()
target_link_options(torch_libraries INTERFACE -Wl,-rpath,${_torch}/lib)

file(WRITE ${CMAKE_BINARY_DIR}/torch_pch.cpp "// Carries the precompiled header of the tensor rooms.\n")
add_library(torch_pch OBJECT ${CMAKE_BINARY_DIR}/torch_pch.cpp)
target_link_libraries(torch_pch PUBLIC invokeai_options torch_libraries)
target_precompile_headers(torch_pch PRIVATE <ATen/ATen.h> <ATen/core/grad_mode.h> <string> <vector> <memory> <functional> <map>)
