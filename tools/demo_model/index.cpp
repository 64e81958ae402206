#include "base/file.h"
#include "demo_model/configs.h"
#include "demo_model/trainer.h"

namespace invokeai::demo {

Result<> write_index(const TrainOptions& options) {
  fs::create_directories(options.folder / "scheduler");
  const char* prediction = options.prediction == Prediction::noise ? "epsilon" : "v_prediction";
  TRY_VOID(write_file_atomically(options.folder / "scheduler/scheduler_config.json",
                                 scheduler_config(prediction).dump(2) + "\n"));
  return write_file_atomically(options.folder / "model_index.json",
                               model_index(options.kind == Kind::inpainting).dump(2) + "\n");
}

}  // namespace invokeai::demo
