#include "server/internal/prepared.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <boost/beast/http/status.hpp>

namespace invokeai::server {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

bool has_header(const Response& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const auto& header) { return same_name(header.first, name); });
}

void add_default(Response& response, const char* name, std::string value) {
  if (!has_header(response, name)) response.headers.emplace_back(name, std::move(value));
}

/// Values of headers may hold texts of users; a line break would begin another header.
std::string clean(std::string text) {
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
  return text;
}

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

std::string print_head(const Response& response, std::uint64_t length, bool endless, bool keep_alive) {
  const auto reason = boost::beast::http::obsolete_reason(
      static_cast<boost::beast::http::status>(response.status));
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                                 std::string_view(reason.data(), reason.size()),
                                 http_date(std::time(nullptr)));
  for (const auto& [name, value] : response.headers)
    head += clean(name) + ": " + clean(value) + "\r\n";
  if (!endless && !has_no_body(response.status)) head += fmt::format("Content-Length: {}\r\n", length);
  head += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  return head + "\r\n";
}

/// Fills in the body of a file; turns the response into a 404 when there is none.
void prepare_file(const FileBody& body, const AnswerForm& form, Response& response, Prepared& out,
                  std::uint64_t& length) {
  const auto file = OpenFile::open(body.path);
  if (!file) {
    response = Response::refused(404, "not_found", "there is no such file");
    return;
  }
  const FileFacts& facts = file->facts();
  FileAnswer answer{response.status, 0, facts.size, ""};
  if (response.status == 200) answer = plan_file(facts, form.conditions);
  response.status = answer.status;
  add_default(response, "Content-Type", content_type_of(body.path));
  add_default(response, "Cache-Control", "no-cache");
  add_default(response, "ETag", etag_of(facts));
  add_default(response, "Last-Modified", http_date(facts.modified_ns / 1'000'000'000));
  add_default(response, "Accept-Ranges", "bytes");
  if (!answer.content_range.empty())
    response.headers.emplace_back("Content-Range", answer.content_range);
  length = answer.length;
  if (form.head) return;
  out.body = file->read(answer.begin, static_cast<std::size_t>(std::min<std::uint64_t>(length, kPiece)));
  if (out.body.size() == length) return;
  out.file = file;
  out.file_offset = answer.begin + out.body.size();
  out.file_left = length - out.body.size();
}

}  // namespace

std::shared_ptr<OpenFile> OpenFile::open(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return nullptr;
  std::shared_ptr<OpenFile> file(new OpenFile(descriptor));
  struct stat info{};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) return nullptr;
  file->facts_.size = static_cast<std::uint64_t>(info.st_size);
#ifdef __APPLE__
  const timespec& modified = info.st_mtimespec;
#else
  const timespec& modified = info.st_mtim;
#endif
  file->facts_.modified_ns = std::int64_t{modified.tv_sec} * 1'000'000'000 + modified.tv_nsec;
  return file;
}

OpenFile::~OpenFile() { ::close(descriptor_); }

std::string OpenFile::read(std::uint64_t offset, std::size_t length) const {
  std::string bytes(length, '\0');
  std::size_t done = 0;
  while (done < length) {
    const ssize_t got = ::pread(descriptor_, bytes.data() + done, length - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Prepared prepare(Response response, const AnswerForm& form) {
  Prepared out;
  std::uint64_t length = 0;
  out.keep_alive = form.keep_alive;
  if (const auto* file = std::get_if<FileBody>(&response.body)) {
    const FileBody body = *file;
    prepare_file(body, form, response, out, length);
  }
  const bool endless = std::holds_alternative<OpenStream>(response.body);
  if (endless) {
    add_default(response, "Content-Type", "text/event-stream");
    add_default(response, "Cache-Control", "no-cache, no-transform");
    add_default(response, "X-Accel-Buffering", "no");
    out.keep_alive = false;
    if (!form.head) out.stream = std::get<OpenStream>(std::move(response.body));
  } else if (auto* text = std::get_if<std::string>(&response.body)) {
    length = text->size();
    if (!form.head && !has_no_body(response.status)) out.body = std::move(*text);
  }
  add_default(response, "X-Content-Type-Options", "nosniff");
  add_default(response, "Referrer-Policy", "same-origin");
  out.status = response.status;
  out.head = print_head(response, length, endless, out.keep_alive);
  return out;
}

}  // namespace invokeai::server
