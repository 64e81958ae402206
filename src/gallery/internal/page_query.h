#pragma once
// Filters and cursors as SQL.

#include <string>
#include <vector>

#include "base/sqlite.h"
#include "gallery/index.h"

namespace invokeai::gallery {

struct Query {
  std::string text;
  std::vector<sql::Value> values;
};

#define PICTURE_COLUMNS \
  "path, kind, created, width, height, model, sampler, prompt, seed, steps, starred, board"

/// Rows of PICTURE_COLUMNS, one more than the limit; oldest first when only `newer_than` is given.
Query page_query(const PageRequest& request);
Query count_query(const GalleryFilter& filter);
PictureEntry read_entry(const sql::Statement& row);

/// What the user typed as a full-text query: every word, or the beginning of one, must be there;
/// "quoted words" stand beside each other. Empty when there is no word.
std::string search_expression(std::string_view typed);

}  // namespace invokeai::gallery
