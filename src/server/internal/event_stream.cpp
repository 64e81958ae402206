#include "server/internal/event_stream.h"

#include <algorithm>

#include <boost/asio/post.hpp>

namespace invokeai::server {
namespace {

std::string one_line(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out;
}

}  // namespace

std::string print_event(std::string_view event, std::string_view data, std::string_view id) {
  std::string out;
  if (!id.empty()) out += "id: " + one_line(id) + '\n';
  if (!event.empty()) out += "event: " + one_line(event) + '\n';
  for (bool more = true; more;) {
    const std::size_t end = data.find('\n');
    more = end != std::string_view::npos;
    std::string_view line = data.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out += "data: " + one_line(line) + '\n';
    if (more) data.remove_prefix(end + 1);
  }
  return out + '\n';
}

void EventStream::send(std::string_view event, std::string_view data, std::string_view id) {
  send_text(print_event(event, data, id));
}

void EventStream::send_comment() { send_text(":\n\n"); }

void EventStream::send_text(std::string whole) {
  if (closed_) return;
  auto text = std::make_shared<const std::string>(std::move(whole));
  const auto network = network_.lock();
  if (!network) return;
  if ((backlog_ += text->size()) <= limit_)
    return boost::asio::post(network->io, [write = write_, text] { write(text); });
  // Too slow: what waits for it is forgotten with it.
  if (!closed_.exchange(true)) boost::asio::post(network->io, drop_);
}

void EventStream::close() {
  if (closed_.exchange(true)) return;
  if (const auto network = network_.lock()) boost::asio::post(network->io, end_);
}

}  // namespace invokeai::server
