// Boxes of a canvas over the API: what is painted, what is stored meanwhile, and what is refused.

#include "image/image.h"
#include "server/canvas_pictures.h"
#include "server/internal/base64.h"
#include "server/studio_fixture.h"
#include "server/url.h"

namespace invokeai::server::test {
namespace {

class Canvas : public WithStudio {
 protected:
  /// Opaque, with a hole of this many columns at the left.
  static std::string picture(int width, int height, int hole = 0) {
    image::Image canvas(width, height, 4);
    for (int y = 0; y < height; ++y)
      for (int x = hole; x < width; ++x) canvas.at(x, y)[3] = 255;
    return image::encode_png(canvas).value();
  }
  static std::string mask(int width, int height, int black_columns) {
    image::Image drawn(width, height, 1);
    for (int y = 0; y < height; ++y)
      for (int x = black_columns; x < width; ++x) *drawn.at(x, y) = 255;
    return image::encode_png(drawn).value();
  }
  static Json box(int left, int top, int width, int height) {
    return {{"left", left}, {"top", top}, {"width", width}, {"height", height}};
  }
  int stored() const {
    const fs::path folder = canvas_folder(studio_->options().output);
    if (!fs::exists(folder)) return 0;
    return static_cast<int>(std::distance(fs::directory_iterator(folder), {}));
  }
  std::string upload(const std::string& bytes, const std::string& kind) {
    const std::string form = "--x\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\n" + kind +
                             "\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; "
                             "filename=\"a.png\"\r\n\r\n" + bytes + "\r\n--x--\r\n";
    const Response response = ask("POST", "/api/v1/images", form,
                                  {{"content-type", "multipart/form-data; boundary=x"}});
    EXPECT_EQ(response.status, 201) << text_of(response);
    return Json::parse(text_of(response)).value("name", "");
  }
};

TEST_F(Canvas, ABoxIsPaintedAndItsPicturesGoWithTheJob) {
  json(200, "PATCH", "/api/v1/queue", {{"paused", true}});
  const Json canvas = {{"box", box(-32, 64, 128, 192)},
                       {"scale", "manual"},
                       {"size", {{"width", 256}, {"height", 384}}},
                       {"picture", png_data_url(picture(256, 256))},
                       {"mask", base64_encode(mask(256, 256, 40))}};
  const Json posted = post_job({{"prompt", "a red star"},
                                {"values", {{"seam_size", 32}, {"infill_method", "tile"}}},
                                {"canvas", canvas}});
  const Json expected = {{"box", canvas["box"]}, {"scale", "manual"}, {"size", canvas["size"]}};
  EXPECT_EQ(posted["canvas"], expected);
  EXPECT_FALSE(posted["values"].contains("init_img")) << "it is no picture of the gallery";
  EXPECT_EQ(stored(), 1);
  json(200, "PATCH", "/api/v1/queue", {{"paused", false}});
  const Json job = ended(posted["id"]);
  ASSERT_EQ(job["state"], "completed") << job.dump();
  EXPECT_EQ(job["results"][0]["width"], 128);
  EXPECT_EQ(job["results"][0]["height"], 192);
  EXPECT_EQ(job["values"]["seam_size"], 32);
  EXPECT_TRUE(wait_until([&] { return stored() == 0; }));
}

TEST_F(Canvas, PicturesOfTheGalleryAreCanvasesToo) {
  const std::string name = upload(picture(256, 128, 256), "temporary");
  EXPECT_TRUE(name.starts_with("temp-images/")) << name;
  const std::string painted = upload(mask(256, 128, 10), "mask");
  const Json job = ended(post_job({{"prompt", "x"},
                                   {"values", {{"init_img", name}, {"init_mask", painted}, {"width", 512}}},
                                   {"canvas", {{"box", box(0, 0, 64, 64)}, {"temporary", true}}}})["id"]);
  ASSERT_EQ(job["state"], "completed") << job.dump();
  EXPECT_EQ(job["canvas"]["scale"], "auto");
  EXPECT_EQ(job["results"][0]["width"], 64);
  const std::string result = job["results"][0]["name"];
  EXPECT_TRUE(result.starts_with("temp-images/")) << result;
  EXPECT_EQ(json(200, "GET", "/api/v1/images/" + encode_percent(result))["kind"], "temporary");
  EXPECT_EQ(upload(picture(64, 64), "result").find('/'), std::string::npos);
}

TEST_F(Canvas, MistakesAreToldAndNothingStays) {
  const std::string opaque = base64_encode(picture(128, 128));
  const std::string clear = base64_encode(picture(128, 128, 128));
  const auto canvas = [&](Json more) {
    Json body = {{"box", box(0, 0, 64, 64)}, {"picture", opaque}};
    body.update(more);
    return body;
  };
  const std::tuple<Json, int, const char*> cases[] = {
      {3, 400, "canvas is to be a JSON object"},
      {Json::object(), 400, "canvas.box is to be a JSON object"},
      {canvas({{"x", 1}}), 400, "nothing in canvas is called 'x'"},
      {canvas({{"box", box(0, 0, 0, 64)}}), 400, "canvas.box.width: a whole number from 1 to 4096"},
      {canvas({{"box", box(0, 70'000, 64, 64)}}), 400, "canvas.box.top: a whole number"},
      {canvas({{"box", {{"left", 0}, {"top", 0}, {"width", 8}}}}), 400, "canvas.box.height"},
      {canvas({{"scale", "large"}}), 400, "canvas.scale: auto, manual or none"},
      {canvas({{"scale", "manual"}}), 400, "canvas.size is to be a JSON object"},
      {canvas({{"scale", "manual"}, {"size", {{"width", 500}, {"height", 512}}}}), 400,
       "multiples of 64"},
      {canvas({{"size", {{"width", 512}, {"height", 512}}}}), 400, "canvas.size goes with"},
      {canvas({{"picture", nullptr}}), 400, "a canvas needs its picture"},
      {canvas({{"picture", "?"}}), 400, "canvas.picture: a PNG, JPEG or WebP"},
      {canvas({{"picture", base64_encode("no picture")}}), 422, "canvas.picture"},
      {canvas({{"picture", 7}}), 400, "canvas.picture: a text is wanted"},
      {canvas({{"mask", base64_encode(mask(128, 64, 3))}}), 400, "same shape"},
      {canvas({{"picture", nullptr}, {"mask", clear}}), 400, "a canvas needs its picture"},
      {canvas({{"temporary", "yes"}}), 400, "canvas.temporary: true or false"}};
  for (const auto& [body, status, wanted] : cases) {
    const Json answer =
        json(status, "POST", "/api/v1/jobs", {{"prompt", "x"}, {"canvas", body}});
    const std::string message = answer["error"]["message"];
    EXPECT_NE(message.find(wanted), message.npos) << message;
  }
  const Json inverted = json(400, "POST", "/api/v1/jobs",
                             {{"prompt", "x"},
                              {"values", {{"invert_mask", true}}},
                              {"canvas", canvas({{"mask", base64_encode(mask(128, 128, 128))}})}});
  EXPECT_NE(inverted["error"]["message"].get<std::string>().find("nothing to paint"), std::string::npos);
  const Json both = json(400, "POST", "/api/v1/jobs",
                         {{"prompt", "x"},
                          {"values", {{"init_img", upload(picture(64, 64), "upload")}}},
                          {"canvas", canvas(Json::object())}});
  EXPECT_NE(both["error"]["message"].get<std::string>().find("drop one"), std::string::npos);
  const Json ways = json(400, "POST", "/api/v1/jobs",
                         {{"prompt", "x"}, {"values", {{"hires_fix", true}}}, {"canvas", canvas(Json::object())}});
  EXPECT_NE(ways["error"]["message"].get<std::string>().find("exclude each other"), std::string::npos);
  EXPECT_EQ(stored(), 0);
  EXPECT_TRUE(json(200, "GET", "/api/v1/jobs")["jobs"].empty());
}

TEST_F(Canvas, PicturesThatNoJobNeedsGoAtTheStart) {
  json(200, "PATCH", "/api/v1/queue", {{"paused", true}});
  const auto post = [&] {
    return post_job({{"prompt", "x"},
                     {"canvas", {{"box", box(0, 0, 64, 64)}, {"picture", base64_encode(picture(64, 64))}}}});
  };
  const std::string kept = post()["id"], second = post()["id"];
  json(200, "POST", "/api/v1/jobs/" + kept + "/cancel");
  const fs::path folder = canvas_folder(studio_->options().output);
  ASSERT_TRUE(store_canvas(studio_->options().output, picture(8, 8), ""));
  ASSERT_EQ(stored(), 3);
  for (const auto& entry : fs::directory_iterator(folder))
    fs::last_write_time(entry, fs::file_time_type::clock::now() - 2h);
  ASSERT_TRUE(store_canvas(studio_->options().output, picture(8, 8), ""));
  router_ = {};
  studio_.reset();
  open();
  EXPECT_EQ(stored(), 3) << "two of jobs, and one that just came";
  json(200, "POST", "/api/v1/jobs/" + kept + "/retry");
  json(200, "PATCH", "/api/v1/queue", {{"paused", false}});
  EXPECT_EQ(ended(kept)["state"], "completed");
  EXPECT_EQ(ended(second)["state"], "completed");
  EXPECT_TRUE(wait_until([&] { return stored() == 1; }));
}

}  // namespace
}  // namespace invokeai::server::test
