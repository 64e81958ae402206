#include "server/internal/network.h"

#include <exception>
#include <utility>

namespace invokeai::server {

Network::Network(HttpServerOptions o)
    : options(std::move(o)),
      origins{options.host, options.cors, options.hosts},
      bodies(options.max_held),
      handlers(options.pool_threads, options.pool_threads + options.max_connections / 4),
      files(2, 2),
      log_queue(std::make_shared<SerialQueue>(files)) {}

void Network::log(AccessRecord record) {
  if (access_log) log_queue->post([this, record = std::move(record)] { access_log(record); });
}

void Network::note(std::string line) {
  if (notes) log_queue->post([this, line = std::move(line)] { notes(line); });
}

Caller Network::caller_of(const Request& request) const {
  try {
    return authenticate ? authenticate(request) : Caller{"", Role::admin};
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace invokeai::server
