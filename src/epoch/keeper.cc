#include "epoch/keeper.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "crypto/crypto.h"

namespace licet::epoch {
namespace {

// The number of the last epoch on record: a new process goes on counting.
Result<std::uint64_t> last_epoch(const ledger::Ledger& ledger) {
  std::uint64_t last = 0;
  LICET_TRY_VOID(ledger.read_acts(ledger.head().size, [&](const ledger::Leaf& leaf) {
    if (leaf.json.find("\"kind\":\"epoch\"") == std::string::npos) return true;
    const auto entry = nlohmann::json::parse(leaf.json, nullptr, false);
    if (entry.is_object() && entry.value("kind", "") == "epoch") last = std::max(last, entry.value("epoch", std::uint64_t{0}));
    return true;
  }));
  return last;
}

std::string sha_text(const Digest& d) {
  return hex(d);
}

// One blob by its digest, synced before it is named anywhere; the same bytes are written once.
Result<void> keep(store::FileSystem& files, const std::string& folder, const Digest& digest, std::string_view bytes) {
  const std::string path = folder + "/" + sha_text(digest);
  if (files.exists(path)) return {};
  return files.replace(path, bytes);
}

// Sources as one canonical text, so that `replay` and `prove` can rebuild the epoch.
std::string snapshot_of(std::span<const stack::Source> sources) {
  nlohmann::json out = nlohmann::json::array();
  for (const stack::Source& s : sources) out.push_back({{"bytes", s.bytes}, {"path", s.path}});
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Keeper::Keeper(Options options) : options_(std::move(options)) {}
Keeper::~Keeper() {
  stop();
}

Result<void> Keeper::start() {
  LICET_TRY_VOID(options_.files->make_folder(options_.snapshots));
  LICET_TRY_VOID(renew(true));
  thread_ = std::thread([this] { run(); });
  return {};
}

void Keeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Keeper::facts_changed() {
  {
    const std::lock_guard lock(mutex_);
    facts_changed_ = true;
  }
  // The overlay never waits for a compile: a suspension holds when this returns.
  if (auto recorded = overlay_now(); !recorded) log::error("the overlay could not be read: {}", recorded.error().message);
  wake_.notify_all();
}

void Keeper::look_now() {
  {
    const std::lock_guard lock(mutex_);
    look_ = true;
  }
  wake_.notify_all();
}

std::shared_ptr<const Epoch> Keeper::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Status Keeper::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Keeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, options_.look_every, [&] { return stopping_ || facts_changed_ || look_; });
    if (stopping_) return;
    const bool date = options_.ledger->now() >= next_date_;
    const bool facts = std::exchange(facts_changed_, false);
    look_ = false;
    lock.unlock();
    bool changed = date || facts || retry_;
    if (!changed) {
      auto sources = read_sources(*options_.files, options_.folders.stack, options_.limits);
      changed = !sources || digest_of(*sources) != seen_;
    }
    if (changed) {
      auto renewed = renew(false);
      retry_ = !renewed;
      if (!renewed) {
        problem({renewed.error().message});
        if (options_.failed) options_.failed();
      }
    }
    lock.lock();
  }
}

void Keeper::problem(std::vector<std::string> problems) {
  const std::lock_guard lock(mutex_);
  if (!status_.stale || status_.problems != problems) {
    for (const std::string& p : problems) log::error("declaration: {}", p);
    log::error("the declaration is not in force as it stands: epoch {} goes on serving", status_.epoch);
  }
  if (!status_.stale) {
    status_.stale_since = options_.clock->now();
    if (options_.stale) options_.stale(status_.stale_since);
  }
  status_.stale = true;
  status_.problems = std::move(problems);
}

Result<Recorded> Keeper::overlay_now() {
  LICET_TRY(recorded, read_facts(*options_.ledger, *options_.keys, *options_.blind));
  Zone zone = Zone::utc();
  if (const auto epoch = current()) zone = epoch->world.stack->zone;
  if (options_.overlaid)
    options_.overlaid(std::make_shared<const license::Overlay>(overlay_of(recorded.facts, zone, options_.ledger->now())));
  return recorded;
}

Result<void> Keeper::renew(bool at_start) {
  const Micros as_of = options_.ledger->now();
  LICET_TRY(recorded, overlay_now());
  LICET_TRY(sources, read_sources(*options_.files, options_.folders.stack, options_.limits));
  seen_ = digest_of(sources);
  auto next = std::make_shared<Epoch>();
  next->as_of = as_of;
  next->facts = std::move(recorded.facts);
  LICET_TRY(world, assemble_sources(std::move(sources), options_.folders.packs, next->facts, as_of, *options_.files, options_.limits));
  next->world = std::move(world);
  if (!next->world.problems.empty()) {
    std::vector<std::string> texts;
    for (const stack::Problem& p : next->world.problems) texts.push_back(p.text());
    if (at_start) {
      std::string all;
      for (const std::string& t : texts) all += "\n  " + t;
      return Error{Code::invalid_argument, "the declaration has problems:" + all};
    }
    problem(std::move(texts));
    return {};
  }
  const auto before = current();
  if (before && next->world.stack->tenant != before->world.stack->tenant)
    return Error{Code::failed_precondition, "the tenant can't change while running: restart"};
  const Zone& zone = next->world.stack->zone;
  // Judge again when the next date of any fact arrives, and at every midnight of the clinic at the latest.
  Date next_day = zone.day(as_of) + std::chrono::days(1);
  if (next->world.judgment.next_change) next_day = std::min(next_day, std::max(*next->world.judgment.next_change, next_day));
  const Micros next_date = zone.start(next_day);

  const bool same = before && before->world.stack_digest == next->world.stack_digest &&
                    before->world.table_digest == next->world.table_digest &&
                    before->world.judgment.packs.size() == next->world.judgment.packs.size();
  if (!same) {
    if (before) {
      next->number = before->number + 1;
    } else {
      LICET_TRY(last, last_epoch(*options_.ledger));
      next->number = last + 1;
    }
    options_.ledger->require_epoch(next->number);
    LICET_TRY_VOID(record(*next));
    if (options_.adopted) LICET_TRY_VOID(options_.adopted(next));
    log::info("epoch {} is in force: {} licenses, {} findings{}", next->number, next->world.table->licenses().size(),
              next->world.judgment.findings.size(), before ? "" : ", " + next->world.judgment.under);
  }
  // The same table is the same epoch; what was found beside it (a request that nobody answered) is new all the same.
  if (same) next->number = before->number;
  const std::lock_guard lock(mutex_);
  current_ = std::move(next);
  next_date_ = next_date;
  if (status_.stale && options_.stale) options_.stale(std::nullopt);
  status_ = Status{current_->number, false, {}, {}};
  return {};
}

Result<void> Keeper::record(const Epoch& next) {
  const World& w = next.world;
  LICET_TRY_VOID(keep(*options_.files, options_.snapshots, w.stack_digest, snapshot_of(w.sources)));
  LICET_TRY_VOID(keep(*options_.files, options_.snapshots, w.table_digest, w.table->digest_text()));
  nlohmann::json packs = nlohmann::json::array();
  for (const rules::PackInfo& p : w.judgment.packs) packs.push_back({{"digest", sha_text(p.digest)}, {"id", p.id}, {"version", p.version}});
  const ledger::Head head = options_.ledger->head();
  const nlohmann::json payload{
      {"as_of", format(w.judgment.as_of)},
      {"build", options_.build},
      {"facts", {{"root", sha_text(head.root)}, {"size", head.size}}},
      {"packs", std::move(packs)},
      {"stack", sha_text(w.stack_digest)},
      {"table", sha_text(w.table_digest)},
  };
  ledger::Draft draft;
  draft.kind = ledger::Kind::epoch;
  draft.actor = "licet";
  draft.epoch = next.number;
  draft.payload = payload.dump();
  LICET_TRY(recorded, options_.ledger->append_and_wait(std::move(draft)));
  (void)recorded;
  return {};
}

}  // namespace licet::epoch
