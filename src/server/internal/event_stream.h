#pragma once
// Server-sent events on a connection.

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "server/internal/network.h"

namespace invokeai::server {

/// Text of one event as it is sent.
std::string print_event(std::string_view event, std::string_view data, std::string_view id);

/// Brings events from any thread to the network's; the connection writes them.
class EventStream : public EventSink {
 public:
  using Text = std::shared_ptr<const std::string>;
  /// All three run on the network's thread: `end` after what was sent, `drop` at once.
  EventStream(Network& network, std::function<void(Text)> write, std::function<void()> end,
              std::function<void()> drop)
      : network_(network.weak_from_this()),
        limit_(network.options.max_backlog),
        write_(std::move(write)),
        end_(std::move(end)),
        drop_(std::move(drop)) {}

  void send(std::string_view event, std::string_view data, std::string_view id) override;
  void close() override;
  bool closed() const override { return closed_; }

  void send_comment();
  void written(std::size_t bytes) { backlog_ -= bytes; }
  void mark_closed() { closed_ = true; }

 private:
  void send_text(std::string text);

  std::weak_ptr<Network> network_;
  const std::size_t limit_;
  const std::function<void(Text)> write_;
  const std::function<void()> end_, drop_;
  std::atomic<std::size_t> backlog_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace invokeai::server
