# Library `invokeai_clip_vocabulary`: CLIP's vocabulary file inside the program, as
# `clip_vocabulary_gz()` of text/internal/clip_vocabulary.h. The assembler reads the file.
set(CLIP_VOCABULARY_FILE ${CMAKE_CURRENT_LIST_DIR}/../.deps/clip/bpe_simple_vocab_16e6.txt.gz
    CACHE FILEPATH "CLIP's merge list, gzipped")
if(NOT EXISTS ${CLIP_VOCABULARY_FILE})
  message(FATAL_ERROR "CLIP's vocabulary is missing (${CLIP_VOCABULARY_FILE}); run scripts/setup")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CLIP_VOCABULARY_FILE})
set(CLIP_VOCABULARY_SOURCE ${CMAKE_CURRENT_BINARY_DIR}/clip_vocabulary.cpp)
file(CONFIGURE OUTPUT ${CLIP_VOCABULARY_SOURCE} @ONLY CONTENT [[
#include "text/internal/clip_vocabulary.h"

// Symbols are written with the platform's prefix (an underscore on macOS).
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define SYMBOL(name) TEXT(__USER_LABEL_PREFIX__) #name
#ifdef __APPLE__
#define READ_ONLY ".const_data\n"
#define BACK ".text\n"
#else
#define READ_ONLY ".pushsection .rodata\n"
#define BACK ".popsection\n"
#endif
__asm__(READ_ONLY
        ".globl " SYMBOL(clip_vocabulary_begin) "\n"
        ".globl " SYMBOL(clip_vocabulary_end) "\n"
        SYMBOL(clip_vocabulary_begin) ":\n"
        ".incbin \"@CLIP_VOCABULARY_FILE@\"\n"
        SYMBOL(clip_vocabulary_end) ":\n"
        BACK);

extern "C" const std::uint8_t clip_vocabulary_begin[];
extern "C" const std::uint8_t clip_vocabulary_end[];

namespace invokeai::text {

std::span<const std::uint8_t> clip_vocabulary_gz() {
  return {clip_vocabulary_begin, clip_vocabulary_end};
}

}  // namespace invokeai::text
]])
set_source_files_properties(${CLIP_VOCABULARY_SOURCE} PROPERTIES OBJECT_DEPENDS
                                                                 ${CLIP_VOCABULARY_FILE})
add_library(invokeai_clip_vocabulary STATIC ${CLIP_VOCABULARY_SOURCE})
target_include_directories(invokeai_clip_vocabulary PRIVATE ${CMAKE_CURRENT_LIST_DIR}/../src)
target_compile_features(invokeai_clip_vocabulary PRIVATE cxx_std_20)
