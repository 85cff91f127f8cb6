#include "console/internal/records.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace licet::console {
namespace {

constexpr std::uint64_t kMostSteps = 60'000'000;  // some 0.2 s of SQLite's work
constexpr std::chrono::milliseconds kWait{200}, kLook{500};
constexpr std::uint64_t kFar = 50'000;

}  // namespace

Result<void> Records::start() {
  const std::string path = options_.file.empty() ? ":memory:" : options_.file;
  auto opened = ledger::Index::open(path);
  // It is no record: what can't be used goes.
  bool good = opened.ok();
  if (good) {
    auto size = opened->size();
    good = size.ok() && *size <= options_.ledger->head().size;
  }
  if (!good && !options_.file.empty()) {
    for (const char* part : {"", "-wal", "-shm"}) std::remove((options_.file + part).c_str());
    auto again = ledger::Index::open(path);
    if (!again) return std::move(again).error();
    writer_.emplace(*std::move(again));
  } else {
    if (!opened) return std::move(opened).error();
    writer_.emplace(*std::move(opened));
  }
  if (options_.file.empty()) return {};
  LICET_TRY(reader, ledger::Index::open_to_read(path));
  reader_.emplace(std::move(reader));
  thread_ = std::thread([this] { run(); });
  return {};
}

void Records::stop() {
  {
    const std::lock_guard lock(waiting_);
    stopping_ = true;
  }
  wake_.notify_all();
  came_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Records::run() {
  bool told = false;
  for (;;) {
    std::uint64_t size = 0;
    // In bites, so that a stop never waits for a long one.
    auto came = writer_->catch_up(*options_.ledger, 65'536);
    bool all = true;
    if (came) {
      auto now = writer_->size();
      if (now) size = *now;
      all = size >= options_.ledger->head().size;
    } else if (!told) {
      told = true;
      log::warn("the ledger's index can't follow: {}", came.error().message);
    }
    std::unique_lock lock(waiting_);
    indexed_ = size;
    came_.notify_all();
    if (stopping_) return;
    if (!all) continue;
    wake_.wait_for(lock, kLook, [this] { return stopping_ || ask_; });
    ask_ = false;
    if (stopping_) return;
  }
}

ledger::Index* Records::at_hand() {
  return reader_ ? &*reader_ : writer_ ? &*writer_ : nullptr;
}

// Whoever asks has often just done something: that should be in it.
void Records::fresh() {
  if (options_.file.empty()) {
    if (!writer_) return;
    auto came = writer_->catch_up(*options_.ledger);
    came.ignore();  // the answer says how far it is
    return;
  }
  const std::uint64_t wanted = options_.ledger->head().size;
  std::unique_lock lock(waiting_);
  // Far behind, as after a first start, 200 ms change nothing.
  if (indexed_ >= wanted || wanted - indexed_ > kFar || stopping_) return;
  ask_ = true;
  wake_.notify_all();
  came_.wait_for(lock, kWait, [&] { return indexed_ >= wanted || stopping_; });
}

Result<std::vector<ledger::Row>> Records::find(const ledger::Index::Query& query) {
  const std::lock_guard lock(mutex_);
  fresh();
  ledger::Index* const index = at_hand();
  if (index == nullptr) return Error{Code::unavailable, "the ledger has no index here"};
  auto found = index->find(query, kMostSteps);
  if (!found && found.error().code == Code::exhausted)
    return Error{Code::unavailable, "that is too much to look through: narrow it by time, kind or actor"};
  return found;
}

Result<std::vector<ledger::Index::Daily>> Records::daily(Date from, Date to) {
  const std::lock_guard lock(mutex_);
  fresh();
  ledger::Index* const index = at_hand();
  if (index == nullptr) return Error{Code::unavailable, "the ledger has no index here"};
  return index->daily(from, to);
}

std::uint64_t Records::size() {
  const std::lock_guard lock(mutex_);
  fresh();
  ledger::Index* const index = at_hand();
  if (index == nullptr) return 0;
  auto size = index->size();
  return size ? *size : 0;
}

Result<nlohmann::json> Records::leaf(std::uint64_t index) const {
  nlohmann::json out;
  LICET_TRY_VOID(options_.ledger->read(index, index + 1, [&](const ledger::Leaf& leaf) {
    out = nlohmann::json::parse(leaf.json, nullptr, false);
    return true;
  }));
  if (!out.is_object()) return Error{Code::data_loss, "an entry of the ledger can't be read"};
  return out;
}

}  // namespace licet::console
