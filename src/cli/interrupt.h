#pragma once
// Ctrl-C.

#include "base/cancel.h"

namespace invokeai::cli {

/// While it lives, Ctrl-C (and a polite kill) cancels the token; the second one ends the program
/// the usual way. One at a time.
class InterruptGuard {
 public:
  explicit InterruptGuard(CancelToken token);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool interrupted() const { return token_.cancelled(); }

 private:
  CancelToken token_;
};

}  // namespace invokeai::cli
