// Paints one box of a canvas, as the browser's canvas asks for it, and lays it back.
//   paint_box MODEL CANVAS.png LEFT,TOP,WIDTH,HEIGHT OUT.png "PROMPT SWITCHES..."
// The box may stand over the edges. The line is one of the invoke> prompt, without -I.

#include <array>
#include <charconv>
#include <cstdio>

#include "base/command_line.h"
#include "image/canvas_box.h"
#include "image/codec.h"
#include "image/png.h"
#include "jobs/job.h"

namespace {

using namespace invokeai;

Result<image::Box> parse_box(std::string_view text) {
  std::array<int, 4> numbers{};
  const char *at = text.data(), *end = text.data() + text.size();
  for (int& number : numbers) {
    const auto read = std::from_chars(at, end, number);
    const bool last = &number == &numbers.back();
    if (read.ec != std::errc() || (last ? read.ptr != end : read.ptr == end || *read.ptr != ','))
      return fail(ErrorCode::invalid_argument, "paint_box",
                  "a box is LEFT,TOP,WIDTH,HEIGHT in pixels, not {}", shown(text));
    at = read.ptr + 1;
  }
  return image::Box{numbers[0], numbers[1], numbers[2], numbers[3]};
}

Result<jobs::Job> make_job(const std::string& line, const fs::path& canvas, const image::Box& box,
                           const pipeline::ModelInfo& model) {
  TRY_ASSIGN(PromptCommand command, parse_prompt_line(line));
  command.values.set("init_img", fs::absolute(canvas).string());
  jobs::take_recommended(command.values, model.recommended);
  return jobs::make_job(command.prompt, command.values, fs::current_path(),
                        pipeline::CanvasBox{.box = box, .scale = {.optimum = model.native_width}});
}

Result<> paint(char** arguments) {
  TRY_ASSIGN(const image::Box box, parse_box(arguments[3]));
  TRY_ASSIGN(image::Image canvas, image::load_image(arguments[2]));
  pipeline::EngineOptions options;
  options.model_path = arguments[1];
  options.device = "cpu";
  TRY_ASSIGN(const auto engine, pipeline::load_engine(options));
  TRY_ASSIGN(const jobs::Job job, make_job(arguments[5], arguments[2], box, engine->model()));
  const auto lay_back = [&](pipeline::GeneratedImage&& made) -> Result<> {
    image::CanvasPart part;
    part.box = box;
    image::put_back(canvas, part, made.picture);
    return {};
  };
  TRY_VOID(engine->generate(job.request, {{}, lay_back, {}}, {}));
  TRY_ASSIGN(const std::string bytes, image::encode_png(canvas, {}, 9));
  return write_file_atomically(arguments[4], bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "paint_box MODEL CANVAS.png LEFT,TOP,WIDTH,HEIGHT OUT.png \"LINE\"\n");
    return 2;
  }
  const auto done = paint(argv);
  if (!done) std::fprintf(stderr, "error: %s\n", done.error().text().c_str());
  return done ? 0 : 1;
}
