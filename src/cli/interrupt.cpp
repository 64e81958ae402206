#include "cli/interrupt.h"

#include <csignal>

namespace invokeai::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

// A signal handler has no other way to reach its guard. Cancelling is one lock-free store.
std::atomic<const CancelToken*> active_token = nullptr;

void set_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);  // no SA_RESTART: a waiting read must end
  for (const int signal : kSignals) ::sigaction(signal, &action, nullptr);
}

void on_signal(int) {
  if (const CancelToken* token = active_token.load()) token->cancel();
  set_handlers(SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard(CancelToken token) : token_(std::move(token)) {
  active_token = &token_;
  set_handlers(on_signal);
}

InterruptGuard::~InterruptGuard() {
  set_handlers(SIG_DFL);
  active_token = nullptr;
}

}  // namespace invokeai::cli
