#include "jobs/fix.h"

#include "image/read_metadata.h"

namespace invokeai::jobs {
namespace {

Result<std::string> tool_of(const fs::path& picture, const SettingValues& values) {
  if (values.has("embiggen") || values.has("embiggen_tiles")) return std::string("embiggen");
  if (values.has("out_direction")) return std::string("outpaint");
  if (values.has("outcrop")) return std::string("outcrop");
  return fail(ErrorCode::invalid_argument, "",
              "!fix {} wants to know what to do: -G (faces), -U (size), --embiggen, -D or -c",
              picture.string());
}

/// What the file tells about its making; a picture that tells nothing can be worked on as well.
void take_metadata(const std::string& bytes, Fix& fix) {
  if (auto found = image::read_metadata(bytes)) fix.drawn = std::move(found->front().picture);
  if (const auto texts = image::read_png_text(bytes))
    for (const image::TextChunk& text : *texts)
      if (text.keyword == image::kMetadataKeyword) fix.sd_metadata = text.text;
}

std::string start_of_name(const fs::path& picture) {
  const std::string name = picture.filename().string();
  const std::string start = name.substr(0, name.find('.'));
  return start.empty() ? picture.stem().string() : start;
}

void name_result(const Fix& fix, OutputOptions& output) {
  output.name_format = "{source}.{seed}.{tool}{again}.png";
  output.name_values["source"] = start_of_name(fix.picture);
  output.name_values["tool"] = fix.tool;
  output.name_values["again"] = std::string();
}

}  // namespace

std::string take_stored_prompt(const image::ImageMetadata& drawn, SettingValues& values) {
  values.set("prompt_dialect", drawn.prompt_dialect);
  values.set("dynamic_prompts", false);  // it is settled
  if (!values.has("negative_prompt")) values.set("negative_prompt", drawn.negative_prompt);
  for (const char* name : {"long_prompts", "skip_normalize"})
    if (const auto given = drawn.more.given().find(name);
        given != drawn.more.given().end() && !values.has(name))
      values.set(name, given->second);
  return drawn.prompt;
}

Result<Job> make_fix_job(const fs::path& picture, std::string prompt, SettingValues& values,
                         const fs::path& root) {
  Fix fix{.picture = picture, .tool = {}, .sd_metadata = {}, .drawn = {}};
  TRY_ASSIGN(fix.tool, tool_of(picture, values));
  if (values.has("init_img"))
    return fail(ErrorCode::invalid_argument, "", "!fix starts from {} itself; drop -I",
                picture.string());
  TRY_ASSIGN(const std::string bytes, read_file(picture));
  take_metadata(bytes, fix);
  if (fix.drawn && prompt.empty()) prompt = take_stored_prompt(*fix.drawn, values);
  if (fix.drawn && !values.has("seed")) values.set("seed", std::int64_t{fix.drawn->seed});
  if (values.has("seed") && values.integer("seed") < 0) values.erase("seed");
  values.set("init_img", picture.string());
  for (const char* name : {"iterations", "grid", "prompt_as_dir"}) values.erase(name);
  TRY_ASSIGN(Job job, make_job(prompt, values, root));
  name_result(fix, job.output);
  job.fix = std::move(fix);
  return job;
}

}  // namespace invokeai::jobs
