// What every switch that works changes in what is asked of the engine, or which test sees it elsewhere.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "base/command_line.h"
#include "cli/launch.h"
#include "image/png.h"
#include "jobs/job.h"

namespace invokeai::cli {
namespace {

using Facts = std::map<std::string, std::string>;

std::string on(bool flag) { return flag ? "on" : "off"; }

std::string size_of(const std::optional<image::Image>& picture) {
  return picture ? fmt::format("{} x {}", picture->width, picture->height) : "none";
}

void tell_rendering(const pipeline::GenerationRequest& request, Facts& facts) {
  facts["negative"] = request.negative_prompt;
  facts["dialect"] = request.prompt_dialect;
  facts["long prompts"] = request.long_prompts;
  facts["weights as typed"] = on(request.skip_normalize);
  facts["steps"] = fmt::format("{}", request.steps);
  facts["guidance"] = fmt::format("{}", request.cfg_scale);
  facts["seed"] = request.seed ? fmt::format("{}", *request.seed) : "random";
  facts["pictures"] = fmt::format("{}", request.iterations);
  facts["batch"] = fmt::format("{}", request.batch_size);
  facts["width"] = fmt::format("{}", request.width);
  facts["height"] = fmt::format("{}", request.height);
  facts["sampler"] = request.sampler;
  facts["karras"] = on(request.karras);
  facts["eta"] = fmt::format("{}", request.eta);
  facts["threshold"] = fmt::format("{}", request.threshold);
  facts["h symmetry"] = fmt::format("{}", request.h_symmetry_time_pct);
  facts["v symmetry"] = fmt::format("{}", request.v_symmetry_time_pct);
  facts["perlin"] = fmt::format("{}", request.perlin);
  facts["seamless"] =
      fmt::format("{}{}", request.seamless.x ? "x" : "", request.seamless.y ? "y" : "");
  facts["variation"] = fmt::format("{}", request.variation_amount);
  facts["variations"] = "";
  for (const image::Variation& each : request.variations)
    facts["variations"] += fmt::format("[{} {}]", each.seed, each.weight);
  facts["hires"] = request.hires ? fmt::format("strength {}", request.hires->strength) : "no";
}

void tell_painting(const pipeline::GenerationRequest& request, Facts& facts) {
  facts["start"] = request.init ? size_of(request.init->picture) : "none";
  facts["strength"] = request.init ? fmt::format("{}", request.init->strength) : "";
  facts["fit"] = on(request.init && request.init->fit);
  facts["colours of"] = size_of(request.init_color);
  const pipeline::InpaintOptions& inpaint = request.inpaint;
  facts["mask"] = size_of(inpaint.mask);
  facts["words"] =
      inpaint.words ? fmt::format("{} at {}", inpaint.words->text, inpaint.words->threshold) : "";
  facts["inverted"] = on(inpaint.invert);
  facts["replace"] = fmt::format("{}", inpaint.replace);
  facts["mask blur"] = fmt::format("{}", inpaint.blur);
  facts["match colours"] = on(inpaint.match_colors);
  facts["force"] = on(inpaint.force);
  const pipeline::OutpaintOptions& outpaint = request.outpaint;
  facts["grown"] = "";
  for (const image::Growth& each : outpaint.outcrop)
    facts["grown"] += fmt::format("[{} {}]", image::side_name(each.side), each.pixels);
  facts["shifted"] = outpaint.shift ? fmt::format("{} {}", image::side_name(outpaint.shift->side),
                                                  outpaint.shift->pixels.value_or(0))
                                    : "";
  facts["infill"] = image::infill_method_name(outpaint.infill.method);
  facts["tile"] = fmt::format("{}", outpaint.infill.tile_size);
  facts["seam"] = fmt::format("{} blur {} strength {} steps {}", outpaint.seam.size,
                              outpaint.seam.blur, outpaint.seam.strength, outpaint.seam.steps);
  facts["embiggen"] = "no";
  if (const auto& large = request.embiggen)
    facts["embiggen"] = fmt::format("{} overlap {} strength {} tiles {}", large->scale,
                                    large->overlap, large->strength,
                                    large->tiles.empty()
                                        ? "all"
                                        : fmt::format("{}", fmt::join(large->tiles, ",")));
}

Facts facts_of(const Launch& launch, const std::string& line) {
  Facts facts;
  const auto engine = engine_options(launch.values);
  if (!engine) return {{"error", engine.error().message}};
  facts["device"] = engine->device;
  facts["precision"] = engine->precision;
  const auto command = parse_prompt_line(line);
  if (!command) return {{"error", command.error().message}};
  SettingValues values = launch.values;
  values.merge(command->values);
  const auto job = jobs::make_job(command->prompt, values, launch.root);
  if (!job) return {{"error", job.error().message}};
  tell_rendering(job->request, facts);
  tell_painting(job->request, facts);
  facts["folder"] = fs::relative(job->output.folder, launch.root).string();
  facts["name"] = job->output.name_format;
  facts["packing"] = fmt::format("{}", job->output.png_compression);
  facts["grid"] = on(job->output.grid);
  facts["stored steps"] = fmt::format("every {}", job->output.intermediates);
  return facts;
}

std::string difference(const Facts& before, const Facts& after) {
  std::string text;
  for (const auto& [name, value] : after)
    if (const auto old = before.find(name); old == before.end() || old->second != value)
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", name, value);
  return text.empty() ? "(nothing)" : text;
}

class SwitchEffects : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-effects-{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "outputs/img-samples");
    image::Image grey(64, 64, 3);
    std::ranges::fill(grey.pixels, std::uint8_t{90});
    const auto png = image::encode_png(grey);
    for (const char* name : {"start.png", "mask.png", "colours.png"})
      ASSERT_TRUE(write_file_atomically(folder_ / "outputs/img-samples" / name, *png));
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<Launch> launch(const std::string& words) const {
    TRY_ASSIGN(const auto split, shell_words(words));
    return read_launch(split, [this](const char* name) {
      return name == std::string("INVOKEAI_ROOT") ? folder_.string() : std::string();
    });
  }

  std::string effect(const std::string& place, const std::string& words) const {
    const std::string start = (folder_ / "outputs/img-samples/start.png").string();
    const std::string line = place == "prompt" ? "a cat" : "a cat -I " + start;
    const auto plain = launch("");
    const auto changed = launch(place == "launch" ? words : "");
    if (!changed) return "error: " + changed.error().message;
    return difference(facts_of(*plain, line),
                      facts_of(*changed, place == "launch" ? line : line + " " + words));
  }

  fs::path folder_;
};

/// The names of the settings that these words give.
std::vector<std::string> settings_in(const std::string& place, const std::string& words) {
  const auto parsed = parse_words(*shell_words(words), place == "launch" ? WordsFrom::init_file
                                                                         : WordsFrom::prompt_line);
  std::vector<std::string> names;
  if (parsed)
    for (const auto& [name, value] : parsed->values.given()) names.push_back(name);
  return names;
}

TEST_F(SwitchEffects, TheNearestWordWins) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/precedence.txt");
  int rows = 0;
  for (std::string row; std::getline(table, row);) {
    if (row.empty() || row.starts_with('#')) continue;
    ++rows;
    const auto first = row.find(" | "), second = row.find(" | ", first + 1), arrow = row.find(" ==> ");
    ASSERT_NE(arrow, row.npos) << row;
    ASSERT_TRUE(write_file_atomically(folder_ / "invokeai.init", row.substr(0, first)));
    const auto started = launch(row.substr(first + 3, second - first - 3));
    ASSERT_TRUE(started.has_value()) << row << started.error().text();
    const Facts facts = facts_of(*started, "a cat " + row.substr(second + 3, arrow - second - 3));
    const std::string expected = row.substr(arrow + 5);
    const auto colon = expected.find(": ");
    const auto fact = facts.find(expected.substr(0, colon));
    ASSERT_NE(fact, facts.end()) << row;
    EXPECT_EQ(fact->second, expected.substr(colon + 2)) << row;
  }
  EXPECT_GT(rows, 15);
}

TEST_F(SwitchEffects, OfTheTable) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/switch_effects.txt");
  std::set<std::string> shown;
  for (std::string row; std::getline(table, row);) {
    if (row.empty() || row.starts_with('#')) continue;
    const auto arrow = row.find(" ==> "), blank = row.find(' ');
    ASSERT_NE(arrow, row.npos) << row;
    const std::string place = row.substr(0, blank), expected = row.substr(arrow + 5);
    const std::string words = row.substr(blank + 1, arrow - blank - 1);
    const std::vector<std::string> names = settings_in(place, words);
    EXPECT_FALSE(names.empty()) << row;
    for (const std::string& name : names)
      shown.insert((place == "launch" ? "launch " : "prompt ") + name);
    if (expected.starts_with("see "))
      EXPECT_TRUE(fs::exists(fs::path(INVOKEAI_TEST_DATA) / expected.substr(4))) << row;
    else
      EXPECT_EQ(effect(place, words), expected) << row;
  }
  for (const Setting& each : all_settings()) {
    const std::string name(each.name);
    EXPECT_TRUE(each.launch != Use::works || shown.contains("launch " + name)) << name;
    EXPECT_TRUE(each.prompt != Use::works || shown.contains("prompt " + name)) << name;
  }
}

}  // namespace
}  // namespace invokeai::cli
