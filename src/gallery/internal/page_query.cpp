#include "gallery/internal/page_query.h"

#include <algorithm>

namespace invokeai::gallery {
namespace {

/// Appends " AND condition".
void require(Query& query, std::string_view condition, std::initializer_list<sql::Value> values) {
  query.text += " AND ";
  query.text += condition;
  query.values.insert(query.values.end(), values);
}

void add_filter(Query& query, const GalleryFilter& filter) {
  if (filter.kind) require(query, "kind = ?", {std::int64_t{static_cast<int>(*filter.kind)}});
  if (!filter.model.empty()) require(query, "model = ?", {filter.model});
  if (!filter.sampler.empty()) require(query, "sampler = ?", {filter.sampler});
  if (filter.width) require(query, "width = ?", {std::int64_t{*filter.width}});
  if (filter.height) require(query, "height = ?", {std::int64_t{*filter.height}});
  if (filter.starred) require(query, "starred = 1", {});
  if (!filter.board.empty()) require(query, "board = ?", {filter.board});
  if (const std::string words = search_expression(filter.search); !words.empty())
    require(query, "id IN (SELECT rowid FROM prompts WHERE prompts MATCH ?)", {words});
}

}  // namespace

std::string search_expression(std::string_view typed) {
  std::string expression, word;
  bool quoted = false;
  const auto end_word = [&](bool whole) {
    if (word.find_first_not_of(" \t") == word.npos) {
      word.clear();
      return;
    }
    if (!expression.empty()) expression += ' ';
    expression += fmt::format("\"{}\"{}", word, whole ? "" : "*");
    word.clear();
  };
  for (const char c : typed) {
    if (c == '"') {
      end_word(quoted);
      quoted = !quoted;
    } else if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\0')) {
      end_word(false);
    } else {
      word += c;
    }
  }
  end_word(quoted);
  return expression;
}

Query page_query(const PageRequest& request) {
  Query query{"SELECT " PICTURE_COLUMNS " FROM pictures WHERE 1", {}};
  add_filter(query, request.filter);
  if (request.older_than)
    require(query, "(created, path) < (?, ?)",
            {request.older_than->created, request.older_than->path});
  if (request.newer_than)
    require(query, "(created, path) > (?, ?)",
            {request.newer_than->created, request.newer_than->path});
  const bool upwards = request.newer_than && !request.older_than;
  query.text += upwards ? " ORDER BY created, path" : " ORDER BY created DESC, path DESC";
  query.text += " LIMIT ? OFFSET ?";
  query.values.emplace_back(std::int64_t{std::max(0, request.limit)} + 1);
  query.values.emplace_back(std::int64_t{std::max(0, request.skip)});
  return query;
}

Query count_query(const GalleryFilter& filter) {
  Query query{"SELECT count(*) FROM pictures WHERE 1", {}};
  add_filter(query, filter);
  return query;
}

PictureEntry read_entry(const sql::Statement& row) {
  PictureEntry entry;
  entry.path = row.text(0);
  entry.kind = static_cast<PictureKind>(row.integer(1));
  entry.created = row.integer(2);
  entry.width = static_cast<int>(row.integer(3));
  entry.height = static_cast<int>(row.integer(4));
  entry.model = row.text(5);
  entry.sampler = row.text(6);
  entry.prompt = row.text(7);
  entry.seed = row.maybe_integer(8);
  entry.steps = row.maybe_integer(9);
  entry.starred = row.integer(10) != 0;
  entry.board = row.text(11);
  return entry;
}

}  // namespace invokeai::gallery
