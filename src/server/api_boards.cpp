#include <algorithm>

#include "server/api.h"
#include "server/internal/handlers.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

Json board_view(const gallery::Board& board) {
  return {{"id", board.id}, {"name", board.name}, {"pictures", board.pictures}};
}

Result<std::string> name_in(const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"name"}));
  return text_in(body, "name");
}

Result<Response> get_boards(Studio& studio, const Request&) {
  TRY_ASSIGN(const auto boards, studio.gallery().boards());
  Json list = Json::array();
  for (const gallery::Board& board : boards) list.push_back(board_view(board));
  return Response::json({{"boards", list}, {"more", false}});
}

Result<Response> post_board(Studio& studio, const Request& request) {
  TRY_ASSIGN(const std::string name, name_in(request));
  TRY_ASSIGN(const gallery::Board board, studio.gallery().create_board(name));
  return Response::json(board_view(board), 201);
}

Result<Response> patch_board(Studio& studio, const Request& request) {
  const std::string id = request.parameter("id");
  TRY_ASSIGN(const std::string name, name_in(request));
  TRY_VOID(studio.gallery().rename_board(id, name));
  TRY_ASSIGN(const auto boards, studio.gallery().boards());
  const auto found = std::ranges::find(boards, id, &gallery::Board::id);
  if (found == boards.end())
    return fail(ErrorCode::not_found, "", "there is no board {}", shown(id));
  return Response::json(board_view(*found));
}

Result<Response> remove_board(Studio& studio, const Request& request) {
  TRY_VOID(studio.gallery().delete_board(request.parameter("id")));
  return Response::empty();
}

Result<Response> get_bin(Studio& studio, const Request&) {
  TRY_ASSIGN(auto entries, studio.gallery().bin());
  std::ranges::sort(entries, std::greater(), &gallery::BinEntry::id);
  Json list = Json::array();
  for (const gallery::BinEntry& entry : entries)
    list.push_back({{"id", entry.id}, {"name", entry.path}});
  return Response::json({{"entries", list}, {"more", false}});
}

Result<Response> restore(Studio& studio, const Request& request) {
  TRY_ASSIGN(const auto picture, studio.gallery().restore(request.parameter("id")));
  return Response::json(view(picture));
}

Result<Response> empty_bin(Studio& studio, const Request&) {
  TRY_ASSIGN(const int removed, studio.gallery().empty_bin());
  return Response::json({{"removed", removed}});
}

}  // namespace

void add_board_routes(Router& router, Studio& studio) {
  const auto with = [&studio](Result<Response> (*answer)(Studio&, const Request&)) {
    return handling([&studio, answer](const Request& request) { return answer(studio, request); });
  };
  router.get("/api/v1/boards", with(get_boards));
  router.post("/api/v1/boards", with(post_board));
  router.patch("/api/v1/boards/{id}", with(patch_board));
  router.remove("/api/v1/boards/{id}", with(remove_board));
  router.get("/api/v1/bin", with(get_bin));
  router.remove("/api/v1/bin", with(empty_bin), Role::admin);
  router.post("/api/v1/bin/{id}/restore", with(restore));
}

}  // namespace invokeai::server
