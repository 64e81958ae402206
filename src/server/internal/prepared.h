#pragma once
// An answer made ready for the network: head written out, files opened, first bytes read. Made on
// pool threads, where waiting for a disk is allowed.

#include <cstdint>
#include <memory>
#include <string>

#include "server/file_answer.h"
#include "server/http.h"

namespace invokeai::server {

/// An open file that is read piece by piece.
class OpenFile {
 public:
  static std::shared_ptr<OpenFile> open(const fs::path& path);  ///< nullptr: no regular file
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const FileFacts& facts() const { return facts_; }
  /// Up to `length` bytes from `offset`; fewer when the file became shorter.
  std::string read(std::uint64_t offset, std::size_t length) const;

 private:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
  FileFacts facts_;
};

/// What of the request decides the form of the answer.
struct AnswerForm {
  bool head = false;        ///< no body, whatever its length
  bool keep_alive = true;
  FileConditions conditions;
};

struct Prepared {
  int status = 200;
  std::string head;                ///< status line and headers, with the empty line
  std::string body;                ///< all of it, or the first piece of a file
  std::shared_ptr<OpenFile> file;  ///< what follows `body`, if anything does
  std::uint64_t file_offset = 0, file_left = 0;
  OpenStream stream;               ///< events follow `head`
  bool keep_alive = true;
};

constexpr std::size_t kPiece = 256u << 10;  // bytes written (and read from files) at a time

Prepared prepare(Response response, const AnswerForm& form);

}  // namespace invokeai::server
