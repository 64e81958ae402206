#include "image/read_metadata.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"
#include "base/utf8.h"
#include "image/jpeg.h"
#include "image/webp.h"

namespace invokeai::image {
namespace {

/// One block of a table: texts of a file and what is to be found in it.
struct Case {
  std::string title;
  TextChunks texts;
  std::string found;  ///< "~ software", "= command" and "! lost", one line each
};

/// The lines of a case in the form of the table.
std::string shown_as_table(const Result<std::vector<FoundMetadata>>& found) {
  if (!found) return "x " + found.error().message + "\n";
  std::string text;
  for (const FoundMetadata& each : *found) {
    text += "~ " + each.software;
    if (each.app && each.app->model_id) text += " | " + *each.app->model_id;
    if (each.app && each.app->model_hash) text += " | " + *each.app->model_hash;
    text += "\n= " + recall_command(each) + "\n";
    for (const auto& line : each.lost) text += "! " + line + "\n";
  }
  return text;
}

std::vector<Case> read_table(const std::string& name) {
  std::istringstream file(*read_file(INVOKEAI_TEST_DATA "/image/tables/" + name));
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("@ ")) {
      cases.push_back({line.substr(2), {}, ""});
    } else if (line.starts_with("< ")) {
      cases.back().texts.push_back({line.substr(2), ""});
    } else if (!line.empty() && std::string_view("~=!x").find(line[0]) != std::string_view::npos &&
               line.substr(1, 1) == " ") {
      cases.back().found += line + "\n";
    } else if (line.starts_with("  ")) {
      std::string& text = cases.back().texts.back().text;
      text += (text.empty() ? "" : "\n") + line.substr(2);
    }
  }
  return cases;
}

class FoundMetadataTable : public testing::TestWithParam<const char*> {};

TEST_P(FoundMetadataTable, TellsWhatWasFound) {
  const auto cases = read_table(GetParam());
  ASSERT_GE(cases.size(), 5u);
  for (const Case& each : cases) {
    const std::string png = *encode_png(Image(64, 64, 3), each.texts);
    EXPECT_EQ(shown_as_table(read_metadata(png)), each.found) << GetParam() << ": " << each.title;
  }
}

/// A picture drawn from the recalled command tells the same command again, and so does its JSON.
TEST_P(FoundMetadataTable, RecalledCommandsAreStable) {
  for (const Case& each : read_table(GetParam())) {
    const auto found = read_metadata(*encode_png(Image(64, 64, 3), each.texts));
    if (!found) continue;
    for (const FoundMetadata& one : *found) {
      const std::string line = recall_command(one);
      const auto from_line = read_metadata(*encode_png(Image(64, 64, 3), {{"Dream", line}}));
      ASSERT_TRUE(from_line) << each.title;
      EXPECT_EQ(recall_command(from_line->front()), line) << each.title;
      EXPECT_TRUE(from_line->front().lost.empty()) << each.title;
      const auto from_both =
          read_metadata(*encode_png(Image(64, 64, 3), metadata_chunks(one.picture, {})));
      ASSERT_TRUE(from_both) << each.title;
      EXPECT_EQ(recall_command(from_both->front()), line) << each.title;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tools, FoundMetadataTable,
                         testing::Values("found_invokeai2.txt", "found_invokeai3.txt",
                                         "found_a1111.txt", "found_comfyui.txt"),
                         [](const auto& info) {
                           const std::string_view file = info.param;
                           return std::string(file.substr(0, file.find('.')));
                         });

const std::string kInfotext =
    "a cat, caf\xC3\xA9 \xF0\x9F\x90\x88\nNegative prompt: dog\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x512, RNG: CPU";
const std::string kInfotextLine =
    "a cat, caf\xC3\xA9 \xF0\x9F\x90\x88 -s 20 -S 5 -W 512 -H 512 -C 7.0 -A k_euler_a "
    "--negative_prompt \"dog\" --prompt_dialect a1111";

std::string number(std::uint32_t value, int size, bool big) {
  std::string bytes;
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (big ? size - 1 - i : i);
    bytes += static_cast<char>(value >> shift & 0xFF);
  }
  return bytes;
}

std::string utf16(const std::string& text, bool big) {
  std::string bytes;
  for (const char32_t point : decode_utf8(text)) {
    if (point < 0x10000) {
      bytes += number(point, 2, big);
    } else {
      bytes += number(0xD7C0 + (point >> 10), 2, big);
      bytes += number(0xDC00 + (point & 0x3FF), 2, big);
    }
  }
  return bytes;
}

/// An EXIF block with one value in its Exif directory; all numbers in the given byte order.
std::string exif_block(std::uint32_t tag, const std::string& value, bool big) {
  const auto n = [&](std::uint32_t v, int size) { return number(v, size, big); };
  const std::string first = n(1, 2) + n(0x8769, 2) + n(4, 2) + n(1, 4) + n(26, 4) + n(0, 4);
  const std::string second = n(1, 2) + n(tag, 2) + n(tag == 0x9286 ? 7 : 2, 2) +
                             n(static_cast<std::uint32_t>(value.size()), 4) + n(44, 4) + n(0, 4);
  return (big ? "MM" : "II") + n(42, 2) + n(8, 4) + first + second + value;
}

std::string jpeg_with(const std::string& exif) {
  const std::string plain = *encode_jpeg(Image(8, 8, 3), 90);
  const std::string data = std::string("Exif\0\0", 6) + exif;
  return plain.substr(0, 2) + "\xFF\xE1" +
         number(static_cast<std::uint32_t>(data.size()) + 2, 2, true) + data + plain.substr(2);
}

std::string webp_with(const std::string& exif) {
  const std::string padded = exif + (exif.size() % 2 ? std::string(1, '\0') : "");
  return *encode_webp(Image(8, 8, 3), 90) + "EXIF" +
         number(static_cast<std::uint32_t>(exif.size()), 4, false) + padded;
}

std::string first_line(const std::string& file) {
  const auto found = read_metadata(file);
  return found ? recall_command(found->front()) : found.error().message;
}

TEST(ReadMetadata, UserCommentsInEveryByteOrder) {
  const std::string unicode("UNICODE\0", 8);
  const std::string mark = "\xEF\xBB\xBF";
  for (const bool block_order : {true, false}) {
    for (const bool text_order : {true, false}) {
      for (const std::string& text : {kInfotext, mark + kInfotext}) {
        const auto exif = exif_block(0x9286, unicode + utf16(text, text_order), block_order);
        EXPECT_EQ(first_line(jpeg_with(exif)), kInfotextLine);
        EXPECT_EQ(first_line(webp_with(exif)), kInfotextLine);
      }
    }
    const auto plain = exif_block(0x9286, std::string(8, '\0') + kInfotext, block_order);
    EXPECT_EQ(first_line(jpeg_with(plain)), kInfotextLine);
  }
}

TEST(ReadMetadata, ComfyUiTextsInExif) {
  const std::string graph =
      R"(Prompt:{"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}}})";
  const auto found = read_metadata(webp_with(exif_block(0x0110, graph + '\0', false)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->front().software, "ComfyUI");
  EXPECT_EQ(found->front().picture.prompt, "a fox");
}

TEST(ReadMetadata, FilesWithoutAnythingSaySo) {
  EXPECT_EQ(read_metadata(*encode_png(Image(1, 1, 3))).error().code, ErrorCode::not_found);
  EXPECT_EQ(read_metadata(*encode_jpeg(Image(8, 8, 3), 90)).error().code, ErrorCode::not_found);
  EXPECT_EQ(read_metadata(*encode_webp(Image(8, 8, 3), 90)).error().code, ErrorCode::not_found);
  EXPECT_EQ(read_metadata("GIF89a").error().code, ErrorCode::unsupported);
  EXPECT_EQ(read_metadata("").error().code, ErrorCode::unsupported);
}

TEST(ReadMetadata, FieldsBesideTheCommandAreKept) {
  const auto found = read_metadata(
      *encode_png(Image(64, 64, 3),
                  {{"sd-metadata",
                    R"({"model_hash": "ab", "image": {"type": "img2img", "prompt": "x", "seed": 1,
            "orig_hash": "cd", "init_mask": "m.png", "strength_steps": 0.4, "inpaint_replace": 0.5,
            "postprocessing": [{"tool": "gfpgan", "dream_command": "!fix x -G 1"}]}})"}}));
  ASSERT_TRUE(found);
  const ImageMetadata& picture = found->front().picture;
  EXPECT_EQ(found->front().app->model_hash, "ab");
  EXPECT_EQ(picture.orig_hash, "cd");
  EXPECT_EQ(picture.init_mask, "m.png");
  EXPECT_EQ(picture.strength, 0.4);
  EXPECT_EQ(picture.inpaint_replace, 0.5);
  ASSERT_EQ(picture.postprocessing.size(), 1u);
  EXPECT_EQ(picture.postprocessing[0].dream_command, "!fix x -G 1");
}

TEST(ReadMetadata, HugeAndDeepTextsAreBounded) {
  const auto read = [](const char* keyword, std::string text) {
    return read_metadata(*encode_png(Image(64, 64, 3), {{keyword, std::move(text)}}));
  };
  for (const char* keyword : {"sd-metadata", "invokeai_metadata", "prompt"}) {
    EXPECT_FALSE(read(keyword, std::string(1000000, '['))) << keyword;
    EXPECT_FALSE(read(keyword, "{\"image\":" + std::string(1000000, '{'))) << keyword;
  }
  EXPECT_FALSE(
      read("prompt", R"({"1": {"class_type": "X"}, "2": ")" + std::string(9 << 20, 'x') + "\"}"));
  std::string members = "{";
  for (int i = 0; i < 200000; ++i) members += fmt::format("\"{}\":[\"{}\",0],", i, i + 1);
  EXPECT_FALSE(read("prompt", members + "\"x\":1}"));
  std::string images = R"({"images": [{"seed": 1})";
  for (int i = 0; i < 5000; ++i) images += R"(, {"seed": 1})";
  EXPECT_EQ(read("sd-metadata", images + "]}")->size(), 1000u);
  std::string settings = "Steps: 20, Seed: 1, Size: 512x512";
  for (int i = 0; i < 5000; ++i) settings += fmt::format(", Key{}: v", i);
  EXPECT_LE(read("parameters", settings)->front().lost.size(), 50u);
}

}  // namespace
}  // namespace invokeai::image
