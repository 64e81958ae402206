#include "jobs/request.h"

#include <gtest/gtest.h>

#include "jobs/internal/frames.h"

namespace invokeai::jobs {
namespace {

TEST(Request, SurvivesTheQueue) {
  JobRequest request{"a \"cat\" \xc3\xa9", {}, 5};
  request.values.set("steps", std::int64_t{7});
  request.values.set("cfg_scale", 3.5);
  const auto back = request_from_json(request_to_json(request));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->prompt, request.prompt);
  EXPECT_EQ(back->values.given(), request.values.given());
  EXPECT_EQ(back->preview_every, 5);
}

TEST(Request, WhatIsRareSurvivesToo) {
  JobRequest request{"a cat", {}, 2, true, {{"a cat", "blue", 7}, {"a dog", "", 8}}, {}, "tag"};
  request.canvas = pipeline::CanvasBox{.box = {-8, 16, 64, 128}};
  request.canvas->scale = {.method = image::BoxScaling::manual, .manual = {512, 768}};
  const auto back = request_from_json(request_to_json(request));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_TRUE(back->full_previews);
  ASSERT_EQ(back->pictures.size(), 2u);
  EXPECT_EQ(back->pictures[0].negative_prompt, "blue");
  EXPECT_EQ(back->pictures[1].seed, 8u);
  EXPECT_EQ(back->tag, "tag");
  ASSERT_TRUE(back->canvas);
  EXPECT_EQ(back->canvas->box, request.canvas->box);
  EXPECT_EQ(back->canvas->scale.method, image::BoxScaling::manual);
  EXPECT_EQ(back->canvas->scale.manual, request.canvas->scale.manual);
  request.canvas->scale = {.method = image::BoxScaling::automatic};
  EXPECT_EQ(request_from_json(request_to_json(request))->canvas->scale.optimum, 0) << "the model's";
}

TEST(Request, MistakesAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "this is no JSON"},
      {"[]", "this is no object"},
      {"{}", "the prompt is missing"},
      {R"({"prompt": 3})", "prompt has another type"},
      {R"({"prompt": "x", "promt": "y"})", "nothing is called 'promt'"},
      {R"({"prompt": "x", "preview_every": -1})", "preview_every has another type or range"},
      {R"({"prompt": "x", "preview_every": 1.5})", "preview_every has another type or range"},
      {R"({"prompt": "x", "canvas": {"box": [1, 2]}})", "a box of four whole numbers"},
      {R"({"prompt": "x", "canvas": {"box": [0, 0, 8, 8], "working": [1]}})", "two whole numbers"},
      {R"({"prompt": "x", "pictures": [{"prompt": "x"}]})", "each of the pictures has"},
      {R"({"prompt": "x", "pictures": 3})", "pictures has another type"},
      {R"({"prompt": "x", "values": {"steps": 0}})", "steps takes a whole number from 1 to 999"},
      {R"({"prompt": "x", "values": 3})", "settings are an object"}};
  for (const auto& [text, wanted] : cases) {
    const auto request = request_from_json(text);
    ASSERT_FALSE(request) << text;
    EXPECT_EQ(request.error().code, ErrorCode::invalid_argument) << text;
    EXPECT_NE(request.error().message.find(wanted), std::string::npos) << request.error().message;
  }
}

SettingValues recommendation() {
  SettingValues recommended;
  recommended.set("cfg_scale", 2.0);
  recommended.set("steps", std::int64_t{20});
  recommended.set("sampler_name", std::string("k_euler"));
  return recommended;
}

TEST(Recommended, FillsInWhatTheUserDidNotSay) {
  SettingValues values;
  values.set("steps", std::int64_t{7});
  EXPECT_EQ(take_recommended(values, recommendation()),
            "this model recommends guidance 2, the sampler k_euler");
  EXPECT_EQ(values.integer("steps"), 7);
  EXPECT_EQ(values.real("cfg_scale"), 2);
  EXPECT_EQ(values.text("sampler_name"), "k_euler");
  const auto job = make_job("a cat", values, "/nowhere");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->request.cfg_scale, 2) << "what is stored is what was used";
}

TEST(Recommended, SaysNothingWhereNothingIsTaken) {
  SettingValues values = recommendation();
  values.set("cfg_scale", 9.0);
  EXPECT_EQ(take_recommended(values, recommendation()), "");
  EXPECT_EQ(values.real("cfg_scale"), 9);
  SettingValues none;
  EXPECT_EQ(take_recommended(none, {}), "");
  EXPECT_TRUE(none.given().empty());
}

TEST(Recommended, TravelsFromTheWorkerToTheServer) {
  pipeline::ModelInfo model;
  model.recommended = recommendation();
  EXPECT_EQ(model_from(to_json(model)).recommended.given(), model.recommended.given());
  pipeline::EngineOptions options;
  options.clipseg_path = "/models/clipseg";
  options.max_memory = 2.5;
  options.deterministic = options.verbose = true;
  const pipeline::EngineOptions arrived = engine_options_from(to_json(options));
  EXPECT_EQ(arrived.clipseg_path, "/models/clipseg");
  EXPECT_EQ(arrived.max_memory, 2.5);
  EXPECT_TRUE(arrived.deterministic && arrived.verbose);
}

TEST(Frames, AreReadFromPiecesOfAnySize) {
  const std::string bytes("\0\x01 preview", 10);
  const std::string all = encode_frame({{{"type", "progress"}, {"step", 3}}, bytes}) +
                          encode_frame({{{"type", "pong"}}}) + encode_frame({{{"type", "x"}}});
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, all.size()}) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      reader.feed(std::string_view(all).substr(at, piece));
      while (true) {
        auto frame = reader.next();
        ASSERT_TRUE(frame);
        if (!*frame) break;
        frames.push_back(std::move(**frame));
      }
    }
    ASSERT_EQ(frames.size(), 3u);
    EXPECT_EQ(frames[0].message["step"], 3);
    EXPECT_EQ(frames[0].bytes, bytes);
    EXPECT_EQ(frames[1].message["type"], "pong");
  }
}

TEST(Frames, NonsenseIsAnError) {
  for (const std::string& bytes :
       {std::string(8, '\xff'), std::string("\2\0\0\0\0\0\0\0[]", 10),
        std::string("\2\0\0\0\0\0\0\0{}", 10), std::string("\1\0\0\0\0\0\0\0{", 9)}) {
    FrameReader reader;
    reader.feed(bytes);
    EXPECT_FALSE(reader.next());
  }
}

TEST(Frames, ErrorsKeepTheirKind) {
  const Error error{ErrorCode::out_of_memory, "worker", "memory ran out"};
  const Error back = error_from(to_json(error));
  EXPECT_EQ(back.code, error.code);
  EXPECT_EQ(back.text(), error.text());
  EXPECT_EQ(error_from(Json::object()).code, ErrorCode::internal);
}

}  // namespace
}  // namespace invokeai::jobs
