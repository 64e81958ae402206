#include "server/dialects.h"

#include "server/internal/base64.h"
#include "server/studio_fixture.h"

namespace invokeai::server::test {
namespace {

class Dialects : public WithStudio {
 protected:
  void SetUp() override {
    WithStudio::SetUp();
    add_dialects(router_, *studio_);
    ASSERT_TRUE(wait_until_ready());
  }
  static image::Image picture(const Json& base64) {
    return image::decode_png(base64_decode(base64.get<std::string>()).value()).value();
  }
};

TEST_F(Dialects, A1111DrawsFromText) {
  const Json answer = json(200, "POST", "/sdapi/v1/txt2img",
                           {{"prompt", "a (red:1.2) star"},
                            {"negative_prompt", "blue"},
                            {"steps", 4},
                            {"width", 64},
                            {"height", 128},
                            {"seed", 42},
                            {"sampler_name", "DPM++ 2M Karras"},
                            {"n_iter", 2},
                            {"unknown_key", 1}});
  ASSERT_EQ(answer["images"].size(), 2u);
  EXPECT_EQ(picture(answer["images"][0]).height, 128);
  const Json info = Json::parse(answer["info"].get<std::string>());
  EXPECT_EQ(info["seed"], 42);
  EXPECT_NE(info["infotexts"][0].get<std::string>().find("Steps: 4"), std::string::npos);
  const Json job = json(200, "GET", "/api/v1/jobs")["jobs"][0];
  EXPECT_EQ(job["values"]["sampler_name"], "dpmpp_2m");
  EXPECT_EQ(job["values"]["karras"], true);
  EXPECT_EQ(job["values"]["prompt_dialect"], "a1111");
  EXPECT_EQ(job["negative_prompt"], "blue");
  const Json read =
      json(200, "POST", "/sdapi/v1/png-info", {{"image", answer["images"][0]}});
  EXPECT_NE(read["info"].get<std::string>().find("Negative prompt: blue"), std::string::npos)
      << read;
}

TEST_F(Dialects, A1111DrawsFromPictures) {
  const std::string start = base64_encode(png(64, 64));
  const Json answer = json(200, "POST", "/sdapi/v1/img2img",
                           {{"prompt", "x"},
                            {"steps", 2},
                            {"init_images", {"data:image/png;base64," + start}},
                            {"denoising_strength", 0.5}});
  EXPECT_EQ(answer["images"].size(), 1u);
  EXPECT_FALSE(answer["parameters"].contains("init_images"));
  EXPECT_EQ(json(200, "GET", "/api/v1/jobs")["jobs"][0]["values"]["strength"], 0.5);
  json(404, "POST", "/sdapi/v1/img2img", {{"prompt", "x"}});
  json(422, "POST", "/sdapi/v1/img2img", {{"prompt", "x"}, {"init_images", {"no picture"}}});
}

TEST_F(Dialects, A1111TellsWhatThereIs) {
  EXPECT_EQ(json(200, "GET", "/sdapi/v1/options")["sd_model_checkpoint"], "demo");
  EXPECT_EQ(json(200, "GET", "/sdapi/v1/sd-models").size(), 2u);
  EXPECT_EQ(json(200, "GET", "/sdapi/v1/samplers")[0]["name"], "Euler a");
  const Json progress = json(200, "GET", "/sdapi/v1/progress");
  EXPECT_EQ(progress["progress"], 0);
  EXPECT_EQ(progress["state"]["job_count"], 0);
  json(200, "POST", "/sdapi/v1/interrupt");
  json(200, "POST", "/sdapi/v1/options", {{"sd_model_checkpoint", "other"}});
  EXPECT_EQ(json(200, "GET", "/sdapi/v1/options")["sd_model_checkpoint"], "other");
  const Json mistake =
      json(404, "POST", "/sdapi/v1/txt2img", {{"prompt", "x"}, {"sampler_name", "odd"}});
  EXPECT_NE(mistake["detail"].get<std::string>().find("Sampler not found"), std::string::npos);
  json(422, "POST", "/sdapi/v1/txt2img", {{"prompt", 3}});
  json(422, "POST", "/sdapi/v1/txt2img", {{"prompt", "x"}, {"width", "wide"}});
}

TEST_F(Dialects, OpenAiDrawsAndEdits) {
  const Json answer = json(200, "POST", "/v1/images/generations",
                           {{"prompt", "x"},
                            {"n", 2},
                            {"size", "64x128"},
                            {"model", "dall-e-2"},
                            {"response_format", "b64_json"}});
  ASSERT_EQ(answer["data"].size(), 2u);
  EXPECT_EQ(picture(answer["data"][0]["b64_json"]).height, 128);
  const Response linked =
      ask("POST", "/v1/images/generations", R"({"prompt": "x", "response_format": "url"})",
          {{"host", "localhost:9090"}});
  const std::string url = Json::parse(text_of(linked))["data"][0]["url"];
  ASSERT_TRUE(url.starts_with("http://localhost:9090/api/v1/images/")) << url;
  EXPECT_EQ(ask("GET", url.substr(std::string("http://localhost:9090").size())).status, 200);
  std::string form;
  const auto part = [&](const std::string& head, const std::string& body) {
    form += "--x\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
  };
  image::Image mask(64, 64, 4);
  for (std::size_t i = 3; i < mask.pixels.size() / 2; i += 4) mask.pixels[i] = 255;
  part("name=\"prompt\"", "a hat");
  part("name=\"image\"; filename=\"a.png\"", png(64, 64));
  part("name=\"mask\"; filename=\"m.png\"", image::encode_png(mask).value());
  form += "--x--\r\n";
  const Response edited = ask("POST", "/v1/images/edits", form,
                              {{"content-type", "multipart/form-data; boundary=x"}});
  EXPECT_EQ(edited.status, 200) << text_of(edited);
  EXPECT_EQ(json(200, "GET", "/v1/models")["data"][0]["id"], "demo");
}

TEST_F(Dialects, OpenAiMistakesHaveItsForm) {
  for (const Json& body : {Json{{"n", 1}}, Json{{"prompt", "x"}, {"n", 11}},
                           Json{{"prompt", "x"}, {"size", "big"}},
                           Json{{"prompt", "x"}, {"response_format", "gif"}}}) {
    const Json answer = json(400, "POST", "/v1/images/generations", body);
    EXPECT_EQ(answer["error"]["type"], "invalid_request_error") << answer;
  }
}

}  // namespace
}  // namespace invokeai::server::test
