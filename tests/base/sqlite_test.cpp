#include "base/sqlite.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace invokeai::sql {
namespace {

constexpr const char* kSteps[] = {"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, size REAL)",
                                  "ALTER TABLE t ADD COLUMN note TEXT"};

class Sqlite : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::path(::testing::TempDir()) / fmt::format("sqlite_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
  }
  void TearDown() override {
    std::error_code ignored;
    fs::permissions(folder_, fs::perms::owner_all, ignored);
    fs::remove_all(folder_);
  }

  fs::path file() const { return folder_ / "deep" / "x.db"; }

  Database open(const DatabaseOptions& options = {}) const {
    auto database = Database::open(file(), options);
    EXPECT_TRUE(database) << database.error().text();
    EXPECT_TRUE(database->migrate(kSteps));
    return std::move(*database);
  }

  static std::int64_t count(Database& database) {
    auto row = database.query("SELECT count(*) FROM t");
    EXPECT_TRUE(row && *row->step());
    return row->integer(0);
  }

  fs::path folder_;
};

TEST_F(Sqlite, ValuesComeBackAsTheyWent) {
  Database database = open();
  const std::string odd("a\0b'; DROP TABLE t; --\xc3\xa9", 25);
  ASSERT_TRUE(database.run("INSERT INTO t VALUES (?, ?, ?, ?)", 1, odd, 0.1, nullptr));
  ASSERT_TRUE(database.run("INSERT INTO t VALUES (?, ?, ?, ?)", INT64_MAX, "", -2.5,
                           std::optional<std::string>("n")));
  EXPECT_EQ(database.last_id(), INT64_MAX);
  auto rows = database.query("SELECT id, name, size, note FROM t ORDER BY id");
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->integer(0), 1);
  EXPECT_EQ(rows->text(1), odd);
  EXPECT_EQ(rows->real(2), 0.1);
  EXPECT_TRUE(rows->is_null(3));
  EXPECT_EQ(rows->maybe_text(3), std::nullopt);
  EXPECT_EQ(rows->maybe_integer(0), 1);
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->integer(0), INT64_MAX);
  EXPECT_FALSE(rows->is_null(1)) << "the empty text is not NULL";
  EXPECT_EQ(rows->text(3), "n");
  EXPECT_FALSE(*rows->step());
}

TEST_F(Sqlite, RunCountsWhatItChanged) {
  Database database = open();
  EXPECT_EQ(*database.run("INSERT INTO t (name) VALUES ('a'), ('b'), ('c')"), 3);
  EXPECT_EQ(*database.run("UPDATE t SET size = 1 WHERE name > ?", "a"), 2);
  EXPECT_EQ(*database.run("UPDATE t SET size = 1 WHERE name > ?", "x"), 0);
  EXPECT_EQ(*database.run("INSERT OR IGNORE INTO t (id) VALUES (1)"), 0);
}

TEST_F(Sqlite, StatementsInUseAtTheSameTimeDoNotDisturbEachOther) {
  Database database = open();
  ASSERT_TRUE(database.run("INSERT INTO t (name) VALUES ('a'), ('b')"));
  auto outer = database.query("SELECT name FROM t ORDER BY name");
  ASSERT_TRUE(*outer->step());
  {
    auto inner = database.query("SELECT name FROM t ORDER BY name");
    ASSERT_TRUE(*inner->step());
    ASSERT_TRUE(*inner->step());
    EXPECT_EQ(inner->text(0), "b");
  }
  EXPECT_EQ(outer->text(0), "a");
}

TEST_F(Sqlite, ATransactionThatIsNotCommittedIsUndone) {
  Database database = open();
  {
    auto transaction = database.begin();
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database.run("INSERT INTO t (name) VALUES ('a')"));
  }
  EXPECT_EQ(count(database), 0);
  auto transaction = database.begin();
  ASSERT_TRUE(database.run("INSERT INTO t (name) VALUES ('a')"));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(count(database), 1);
}

TEST_F(Sqlite, MigrationsGoOnWhereTheFileStands) {
  {
    auto database = Database::open(file());
    ASSERT_TRUE(database->migrate({kSteps, 1}));
    ASSERT_TRUE(database->run("INSERT INTO t (name) VALUES ('old')"));
  }
  Database database = open();
  EXPECT_EQ(count(database), 1);
  EXPECT_TRUE(database.run("UPDATE t SET note = 'new'"));
  const auto older = database.migrate({kSteps, 1});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, ErrorCode::bad_file);
  EXPECT_NE(older.error().message.find("newer version"), std::string::npos);
}

TEST_F(Sqlite, AFailedMigrationLeavesTheFileAsItWas) {
  Database database = open();
  const char* broken[] = {kSteps[0], kSteps[1], "CREATE TABLE u (x); CREATE TABLE t (x)"};
  EXPECT_FALSE(database.migrate(broken));
  EXPECT_FALSE(database.run("SELECT x FROM u")) << "half a step";
  EXPECT_TRUE(database.migrate(kSteps));
}

TEST_F(Sqlite, ALockOfAnotherProgramIsNamed) {
  Database database = open();
  Database other = open({.busy_milliseconds = 30});
  auto transaction = database.begin();
  const auto blocked = other.begin();
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().code, ErrorCode::io);
  EXPECT_NE(blocked.error().message.find("locked by another program"), std::string::npos);
  EXPECT_EQ(count(other), 0) << "readers are not locked out";
}

TEST_F(Sqlite, WhatIsNoDatabaseIsLeftAlone) {
  fs::create_directories(file().parent_path());
  ASSERT_TRUE(write_file_atomically(file(), std::string(5000, 'x')));
  const auto database = Database::open(file());
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, ErrorCode::bad_file);
  EXPECT_EQ(*read_file(file()), std::string(5000, 'x'));
}

TEST_F(Sqlite, AFolderThatCannotBeWrittenIsNamed) {
  const auto nowhere = Database::open("/dev/null/x.db");
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message.find("/dev/null"), std::string::npos);
  const auto missing = Database::open(file(), {.access = Access::read_only});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::io);
  Database database = open();
  Database reader = open({.access = Access::read_only});
  const auto written = reader.run("INSERT INTO t (name) VALUES ('a')");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::io);
  EXPECT_NE(written.error().message.find("read-only"), std::string::npos);
}

TEST_F(Sqlite, AFullDiskIsAnErrorAndKeepsWhatWasThere) {
  Database database = open();
  ASSERT_TRUE(database.run("INSERT INTO t (name) VALUES ('kept')"));
  // A limit on the size of files stands for the full disk.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto result = database.run("INSERT INTO t (name) VALUES (?)", std::string(500'000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().code == ErrorCode::disk_full || result.error().code == ErrorCode::io)
      << result.error().text();
  EXPECT_NE(result.error().message.find("x.db"), std::string::npos);
  EXPECT_EQ(count(database), 1);
  EXPECT_TRUE(database.run("INSERT INTO t (name) VALUES (?)", std::string(500'000, 'x')));
}

TEST_F(Sqlite, AMistakeInAStatementIsOurs) {
  Database database = open();
  const auto result = database.run("SELECT nothing FROM t");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::internal);
}

}  // namespace
}  // namespace invokeai::sql
