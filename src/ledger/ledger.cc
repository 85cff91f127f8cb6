// The ledger's three threads of work:
//
//   append()        the caller's thread: writes the leaf but for its time, salts, commits to and encrypts the detail, and queues
//   commit_loop()   the committer: takes what is queued (natural batching: while one fdatasync runs, the next group fills), checks tokens
//                   and epochs in sequence, builds the group, writes, syncs, and only then calls back
//   publish_loop()  the background: makes the next segment ahead of need; copies what is durable to tiles, detail store and checkpoint
//
// Recovery, in open(), is the story of recover() below.
#include "ledger/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/log.h"
#include "crypto/crypto.h"
#include "ledger/internal/group.h"
#include "ledger/internal/leaf.h"
#include "ledger/internal/publisher.h"
#include "ledger/internal/scan.h"
#include "ledger/internal/segments.h"
#include "ledger/note.h"
#include "ledger/proof.h"

namespace licet::ledger {

Recorded Ledger::recorded(std::string exchange, Leg leg, std::uint32_t part, std::uint64_t epoch, const Digest& digest, std::uint64_t index,
                          Micros time) {
  Recorded r;
  r.exchange_ = std::move(exchange);
  r.leg_ = leg;
  r.part_ = part;
  r.epoch_ = epoch;
  r.digest_ = digest;
  r.index_ = index;
  r.time_ = time;
  return r;
}

namespace {

constexpr auto kPublishEvery = std::chrono::seconds(1);
constexpr auto kTokenLife = std::chrono::minutes(2);  // where a draft names no expiry
constexpr std::uint64_t kMostNoteBytes = 64 * 1024;

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t head;
    std::memcpy(&head, digest.data(), sizeof head);
    return head;
  }
};

// The token ids that can't be used again. A token that has expired need not be remembered: it is refused by its date.
class SpentTokens {
 public:
  // False: it was spent before, or is past its time.
  bool spend(const Digest& token, Micros expires, Micros now) {
    if (expires == Micros{}) expires = now + kTokenLife;
    if (expires < now) return false;
    return spent_.emplace(token, expires).second;
  }
  void remember(const Digest& token, Micros expires) { spent_.emplace(token, expires); }
  // Called once a group; looks at all of them once a minute.
  void forget_expired(Micros now) {
    if (now < next_sweep_) return;
    next_sweep_ = now + std::chrono::minutes(1);
    std::erase_if(spent_, [now](const auto& entry) { return entry.second < now; });
  }

 private:
  std::unordered_map<Digest, Micros, DigestHash> spent_;
  Micros next_sweep_{};
};

// What only says how something ended: nobody waits for it, so it starts no group of its own for a while.
bool can_wait(Kind kind) {
  return kind == Kind::exchange_outcome;
}
constexpr std::chrono::milliseconds kOutcomeWait{20};
// Where several callers waited at once, the next group waits this long for as many: they share a signature, a write and a sync. A lone
// caller never waits.
constexpr std::chrono::microseconds kGatherWait{1000};

struct Job {
  PreparedLeaf leaf;
  Kind kind = Kind::lifecycle;
  std::string exchange;
  Leg leg = Leg::none;
  std::uint32_t part = 0;
  std::uint64_t epoch = 0;
  Digest digest{};
  Ledger::Done done;

  // set as it is sequenced
  std::optional<Error> refused;
  std::uint64_t index = 0;

  [[nodiscard]] std::size_t most_bytes() const { return kRecordHeaderBytes + leaf.most_bytes() + leaf.box.size(); }
};

// Kinds under which PHI leaves: they need the epoch in force. An outcome or a refusal of an older one must still be recordable.
bool sends(Kind kind) {
  return kind == Kind::exchange_sent || kind == Kind::exchange_part;
}

// Where an act is: its group's place.
struct Act {
  std::uint64_t index = 0;
  Place group;
};

bool same_place(const Place& a, const Place& b) {
  return a.segment == b.segment && a.offset == b.offset;
}

// Of a leaf that this program wrote: the members are sorted, so none that holds another one comes before it.
bool act_by_text(std::string_view leaf) {
  constexpr std::string_view kKey = R"("kind":")";
  const std::size_t at = leaf.find(kKey);
  if (at == std::string_view::npos) return false;
  const std::string_view rest = leaf.substr(at + kKey.size());
  const auto kind = kind_of(rest.substr(0, rest.find('"')));
  return kind && is_act(*kind);
}

class TheLedger final : public Ledger {
 public:
  explicit TheLedger(Options options)
      : options_(std::move(options)),
        files_(*options_.files),
        verifier_{options_.origin, options_.keys->log_key().public_key()},
        segments_(files_, options_.folder, options_.limits.segment_bytes),
        publisher_(files_, options_.folder, options_.outside, options_.origin, options_.keys->log_key()) {
    options_.random->fill(generation_);
  }

  ~TheLedger() override {
    {
      const std::lock_guard lock(queue_mutex_);
      stopping_ = true;
    }
    queue_changed_.notify_all();
    if (committer_.joinable()) committer_.join();  // what is queued is still recorded
    {
      const std::lock_guard lock(background_mutex_);
      background_stops_ = true;
    }
    background_wakes_.notify_all();
    if (background_.joinable()) background_.join();
    if (open_ && !poisoned()) {
      if (auto published = publish(); !published) log::warn("ledger: the last checkpoint was not written: {}", published.error().message);
    }
  }

  [[nodiscard]] Result<void> recover();

  void start() {
    open_ = true;
    committer_ = std::thread([this] { commit_loop(); });
    if (options_.background) background_ = std::thread([this] { publish_loop(); });
  }

  void append(Draft draft, Done done) override;
  Result<Recorded> append_and_wait(Draft draft) override;
  void require_epoch(std::uint64_t epoch) override;

  Head head() const override {
    const std::lock_guard lock(head_mutex_);
    return head_;
  }
  Micros now() const override { return std::max(options_.clock->now(), micros(last_time_.load(std::memory_order_acquire))); }
  Result<void> read(std::uint64_t from, std::uint64_t to, const std::function<bool(const Leaf&)>& each) const override;
  Result<void> read_acts(std::uint64_t to, const std::function<bool(const Leaf&)>& each) const override;
  Result<Phi<std::string>> detail(std::uint64_t index) const override;
  Result<std::string> receipt(std::uint64_t index) override;
  Result<std::string> checkpoint() override { return publish(); }
  bool poisoned() const override { return poisoned_.load(std::memory_order_acquire); }
  BlindIndex blind(std::string_view type, std::string_view id, Micros time) const override;

 private:
  // ---- committer
  void commit_loop();
  void commit(std::vector<Job>& batch);
  [[nodiscard]] Result<void> write_group(std::vector<Job>& batch);
  [[nodiscard]] Result<void> make_room(std::size_t bytes);
  void poison(const Error& error) const;
  [[nodiscard]] Error poison_error() const {
    return {Code::data_loss, "the ledger is poisoned by an earlier error; the process must be restarted"};
  }
  [[nodiscard]] Result<Job> prepare_job(Draft draft) const;

  // ---- background
  void publish_loop();
  [[nodiscard]] Result<std::string> publish();

  // Calls `each` with the groups that hold durable entries at or behind `from`, until it returns false.
  using EachDurable = std::function<Result<bool>(const Group&, const Place&)>;
  [[nodiscard]] Result<void> each_group(std::uint64_t from, const EachDurable& each) const;

  // ---- recovery
  [[nodiscard]] Result<std::optional<Checkpoint>> read_checkpoint(const std::string& path) const;
  [[nodiscard]] Result<void> quarantine(const Leftover& left) const;

  const Options options_;
  store::FileSystem& files_;
  const Verifier verifier_;
  std::array<std::byte, 16> generation_{};
  std::unique_ptr<store::Lock> lock_;
  bool open_ = false;

  std::mutex queue_mutex_;
  std::condition_variable queue_changed_;
  std::condition_variable group_done_;
  std::deque<Job> queue_;
  std::size_t urgent_ = 0;   // in the queue: records that somebody waits for
  std::size_t wake_at_ = 1;  // as many of them wake the committer
  bool stopping_ = false;
  bool committing_ = false;
  std::uint64_t groups_begun_ = 0;
  std::atomic<std::uint64_t> required_epoch_{0};
  mutable std::atomic<bool> poisoned_{false};

  // The committer's own.
  std::uint64_t sequence_ = 0;
  Digest previous_{};
  CompactRange tree_;
  SpentTokens spent_;
  std::unique_ptr<store::File> file_;
  Segment segment_;  // the one that is written; number 0: none yet
  std::string buffer_;

  mutable std::mutex head_mutex_;
  Head head_;
  std::vector<Act> acts_;  // in order; complete for all that head_ covers
  std::atomic<std::int64_t> last_time_{0};

  Segments segments_;
  std::mutex publish_mutex_;
  Publisher publisher_;

  std::mutex background_mutex_;
  std::condition_variable background_wakes_;
  bool background_stops_ = false;
  bool segment_wanted_ = false;

  std::thread committer_;
  std::thread background_;
};

// ---- append

Result<Job> TheLedger::prepare_job(Draft draft) const {
  Job job;
  LICET_TRY(leaf, prepare(draft, *options_.keys, *options_.random, now(), options_.limits.entry_bytes));
  job.leaf = std::move(leaf);
  job.kind = draft.kind;
  job.exchange = std::move(draft.exchange);
  job.leg = draft.leg;
  job.part = draft.part;
  job.epoch = draft.epoch;
  job.digest = draft.digest;
  if (padded(kGroupHeaderBytes + job.most_bytes()) > segments_.segment_bytes())
    return Error{Code::exhausted, "the record is larger than a segment"};
  return job;
}

void TheLedger::append(Draft draft, Done done) {
  if (poisoned()) return done(poison_error());
  auto job = prepare_job(std::move(draft));
  if (!job) return done(std::move(job).error());
  job->done = std::move(done);
  {
    const std::lock_guard lock(queue_mutex_);
    if (queue_.size() < options_.limits.record_queue && !stopping_) {
      const bool waits = can_wait(job->kind);
      if (!waits) ++urgent_;
      queue_.push_back(*std::move(job));
      // Woken no more often than it has something to do: a wake-up costs the caller more than the record does.
      if ((!waits && urgent_ == wake_at_) || queue_.size() == 1 || queue_.size() == options_.limits.group_records)
        queue_changed_.notify_one();
      return;
    }
  }
  job->done(Error{Code::exhausted, "too many records wait to be written"});
}

Result<Recorded> TheLedger::append_and_wait(Draft draft) {
  std::promise<Result<Recorded>> promise;
  append(std::move(draft), [&promise](Result<Recorded> r) { promise.set_value(std::move(r)); });
  return promise.get_future().get();
}

void TheLedger::require_epoch(std::uint64_t epoch) {
  std::unique_lock lock(queue_mutex_);
  if (required_epoch_.load() < epoch) required_epoch_.store(epoch);
  // A group that was begun before may hold older drafts: their callbacks come before this returns.
  if (!committing_ || std::this_thread::get_id() == committer_.get_id()) return;
  const std::uint64_t begun = groups_begun_;
  group_done_.wait(lock, [&] { return !committing_ || groups_begun_ != begun; });
}

// ---- the committer

void TheLedger::commit_loop() {
  std::vector<Job> batch;
  std::size_t together = 1;  // callers that waited at the same time: in the last group, and behind it
  const auto gathered = [this] { return urgent_ >= wake_at_ || stopping_ || queue_.size() >= options_.limits.group_records; };
  for (;;) {
    batch.clear();
    {
      std::unique_lock lock(queue_mutex_);
      wake_at_ = 1;
      queue_changed_.wait(lock, [this] { return !queue_.empty() || stopping_; });
      if (urgent_ == 0) queue_changed_.wait_for(lock, kOutcomeWait, gathered);
      if (urgent_ > 0 && urgent_ < together) {
        wake_at_ = together;
        queue_changed_.wait_for(lock, kGatherWait, gathered);
      }
      if (queue_.empty()) return;
      together = 0;
      const std::size_t most = std::min(options_.limits.group_bytes, segments_.segment_bytes() - kGroupHeaderBytes);
      std::size_t bytes = 0;
      while (!queue_.empty() && batch.size() < options_.limits.group_records) {
        bytes += queue_.front().most_bytes();
        if (!batch.empty() && bytes > most) break;
        if (!can_wait(queue_.front().kind)) --urgent_, ++together;
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      committing_ = true;
      ++groups_begun_;
    }
    commit(batch);
    {
      const std::lock_guard lock(queue_mutex_);
      committing_ = false;
      together += urgent_;
    }
    group_done_.notify_all();
  }
}

void TheLedger::commit(std::vector<Job>& batch) {
  const auto failed = poisoned() ? Result<void>(poison_error()) : write_group(batch);
  for (Job& job : batch) {
    const Ledger::Done done = std::move(job.done);
    if (!failed) {
      done(Error{failed.error()});
    } else if (job.refused) {
      done(*std::move(job.refused));
    } else {
      done(recorded(std::move(job.exchange), job.leg, job.part, job.epoch, job.digest, job.index, micros(last_time_.load())));
    }
  }
}

// Beyond a return without error, every job that isn't refused is durable.
Result<void> TheLedger::write_group(std::vector<Job>& batch) {
  std::size_t most = kGroupHeaderBytes;
  for (const Job& job : batch) most += job.most_bytes();
  // Room first: a full disk must not spend a token.
  LICET_TRY_VOID(make_room(padded(most)));

  const Micros time = now();
  const std::uint64_t epoch = required_epoch_.load();
  spent_.forget_expired(time);
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), std::max<std::int64_t>(count(time), 0)).ptr;
  const std::string_view time_text(digits.data(), static_cast<std::size_t>(end - digits.data()));

  GroupHeader header;
  header.generation = generation_;
  header.sequence = sequence_ + 1;
  header.first = tree_.size();
  header.previous = previous_;
  header.time = std::max<std::int64_t>(count(time), 0);
  CompactRange tree = tree_;
  begin_group(buffer_);
  for (Job& job : batch) {
    if (sends(job.kind) && job.epoch < epoch) {
      job.refused = Error{Code::failed_precondition, fmt::format("epoch {} is no longer in force", job.epoch)};
      continue;
    }
    if (job.leaf.txn && !spent_.spend(*job.leaf.txn, job.leaf.txn_expires, time)) {
      job.refused = Error{Code::already_exists, "the token was used before, or its time is over"};
      continue;
    }
    const std::size_t at = buffer_.size() + kRecordHeaderBytes;
    add_record(buffer_, job.leaf.before, time_text, job.leaf.after, job.leaf.box);
    const std::size_t leaf_bytes = buffer_.size() - at - job.leaf.box.size();
    job.index = tree.size();
    tree.append(leaf_hash(std::string_view(buffer_).substr(at, leaf_bytes)));
    ++header.records;
  }
  if (header.records == 0) return {};
  header.size = tree.size();
  header.root = tree.root();
  seal_group(buffer_, header, options_.origin, options_.keys->log_key());

  auto written = file_->write_at(segment_.used, as_bytes(buffer_));
  if (written) written = file_->sync();
  if (!written) {
    poison(written.error());
    return Error{Code::data_loss, written.error().message};
  }
  sequence_ = header.sequence;
  previous_ = group_hash(buffer_);
  tree_ = std::move(tree);
  const Place place{segment_.number, segment_.used};
  segment_.used += buffer_.size();
  segments_.used(segment_.number, segment_.used);
  last_time_.store(header.time, std::memory_order_release);
  {
    const std::lock_guard lock(head_mutex_);
    head_ = {header.size, header.root, micros(header.time)};
    for (const Job& job : batch)
      if (!job.refused && is_act(job.kind)) acts_.push_back({job.index, place});
  }
  // The next segment is made in good time, off this thread.
  if (options_.background && segment_.used * 2 > segment_.bytes && segments_.count() == segment_.number) {
    {
      const std::lock_guard lock(background_mutex_);
      segment_wanted_ = true;
    }
    background_wakes_.notify_one();
  }
  return {};
}

Result<void> TheLedger::make_room(std::size_t bytes) {
  while (file_ == nullptr || segment_.bytes - segment_.used < bytes) {
    auto opened = segments_.next(segment_.number, tree_.size());
    if (!opened) {
      if (opened.error().code != Code::exhausted) poison(opened.error());
      return std::move(opened).error();
    }
    file_ = std::move(opened->file);
    segment_ = opened->segment;
  }
  return {};
}

void TheLedger::poison(const Error& error) const {
  if (!poisoned_.exchange(true)) log::error("ledger: poisoned: {}; nothing more is recorded or released", error.message);
}

// ---- the background

void TheLedger::publish_loop() {
  std::unique_lock lock(background_mutex_);
  while (!background_stops_) {
    background_wakes_.wait_for(lock, kPublishEvery, [this] { return background_stops_ || segment_wanted_; });
    if (background_stops_ || poisoned()) return;
    const bool wanted = std::exchange(segment_wanted_, false);
    lock.unlock();
    if (wanted) {
      // A failure here is met again, and answered for, by the committer.
      segments_.prepare(segments_.count()).ignore();
    } else if (auto published = publish(); !published) {
      log::warn("ledger: the checkpoint was not written: {}", published.error().message);
    }
    lock.lock();
  }
}

Result<std::string> TheLedger::publish() {
  if (poisoned()) return poison_error();
  const std::lock_guard lock(publish_mutex_);
  const std::uint64_t size = head().size;
  if (publisher_.taken() < size) {
    LICET_TRY_VOID(each_group(publisher_.taken(), [&](const Group& group, const Place&) -> Result<bool> {
      for (const Record& record : group.records) LICET_TRY_VOID(publisher_.take(record, leaf_hash(record.leaf)));
      return publisher_.taken() < size;
    }));
  }
  return publisher_.publish();
}

// ---- reading

Result<void> TheLedger::each_group(std::uint64_t from, const EachDurable& each) const {
  const std::uint64_t size = head().size;
  const std::vector<Segment> segments = segments_.all();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const bool before = i + 1 < segments.size() && segments[i + 1].used > 0 && segments[i + 1].first <= from;
    if (segment.used == 0 || before) continue;
    LICET_TRY(file, files_.open(segments_.path(segment.number), store::Mode::read));
    for (std::uint64_t offset = 0; offset < segment.used;) {
      LICET_TRY(seen, look(*file, offset, segment.used));
      const Group& group = seen.group;
      if (seen.found != Found::group)
        return Error{Code::data_loss, fmt::format("{}/{} at byte {}: {}", kSegmentFolder, segment_name(segment.number), offset, seen.why)};
      if (group.header.size > size) return {};
      if (group.header.size > from) {
        LICET_TRY(more, each(group, Place{segment.number, offset}));
        if (!more) return {};
      }
      offset += group.bytes.size();
    }
  }
  return {};
}

Result<void> TheLedger::read(std::uint64_t from, std::uint64_t to, const std::function<bool(const Leaf&)>& each) const {
  if (from >= to || from >= head().size) return {};
  return each_group(from, [&](const Group& group, const Place&) -> Result<bool> {
    std::uint64_t index = group.header.first;
    for (const Record& record : group.records) {
      if (index >= to) return false;
      if (index >= from && !each(Leaf{index, std::string(record.leaf)})) return false;
      ++index;
    }
    return index < to;
  });
}

Result<void> TheLedger::read_acts(std::uint64_t to, const std::function<bool(const Leaf&)>& each) const {
  std::vector<Act> acts;
  {
    const std::lock_guard lock(head_mutex_);
    acts = acts_;
  }
  std::unique_ptr<store::File> file;
  Place at;
  Group group;
  for (const Act& act : acts) {
    if (act.index >= to) break;
    if (!same_place(at, act.group)) {
      if (at.segment != act.group.segment) {
        LICET_TRY(opened, files_.open(segments_.path(act.group.segment), store::Mode::read));
        file = std::move(opened);
      }
      LICET_TRY(size, file->size());
      LICET_TRY(seen, look(*file, act.group.offset, size));
      if (seen.found != Found::group || seen.group.header.first > act.index || seen.group.header.size <= act.index)
        return Error{Code::data_loss, fmt::format("{}/{} at byte {}: the group of entry {} is not here", kSegmentFolder,
                                                  segment_name(act.group.segment), act.group.offset, act.index)};
      group = std::move(seen.group);
      at = act.group;
    }
    if (!each(Leaf{act.index, std::string(group.records[act.index - group.header.first].leaf)})) return {};
  }
  return {};
}

Result<Phi<std::string>> TheLedger::detail(std::uint64_t index) const {
  if (index >= head().size) return Error{Code::not_found, fmt::format("there is no entry {}", index)};
  std::string leaf, box;
  LICET_TRY_VOID(each_group(index, [&](const Group& group, const Place&) -> Result<bool> {
    const Record& record = group.records[index - group.header.first];
    leaf = record.leaf;
    box = record.box;
    return false;
  }));
  return open_detail(leaf, box, *options_.keys);
}

Result<std::string> TheLedger::receipt(std::uint64_t index) {
  if (index >= head().size) return Error{Code::not_found, fmt::format("there is no entry {}", index)};
  LICET_TRY(note, publish());
  const std::lock_guard lock(publish_mutex_);
  Receipt receipt;
  receipt.index = index;
  LICET_TRY(latest, publisher_.publish());  // what was published since, if anything: proof and checkpoint must be of one size
  receipt.checkpoint = std::move(latest);
  LICET_TRY(proof, publisher_.prove(index));
  receipt.proof = std::move(proof);
  return print_receipt(receipt);
}

BlindIndex TheLedger::blind(std::string_view type, std::string_view id, Micros time) const {
  BlindIndex index{};
  auto key = options_.keys->index_key(time);
  if (!key) {
    // Without the month's key entries could not be found again by patient: nothing more is recorded, so nothing leaves.
    poison(key.error());
    return index;
  }
  const std::string text = fmt::format("{}\n{}\n{}", type, options_.keys->tenant(), id);
  const Digest mac = crypto::hmac_sha256((*key)->bytes(), as_bytes(text));
  std::copy_n(mac.begin(), index.size(), index.begin());
  return index;
}

// ---- recovery

Result<std::optional<Checkpoint>> TheLedger::read_checkpoint(const std::string& path) const {
  if (!files_.exists(path)) return std::optional<Checkpoint>();
  LICET_TRY(note, files_.read_all(path, kMostNoteBytes));
  auto checkpoint = open_checkpoint(note, verifier_);
  if (!checkpoint) return Error{Code::data_loss, path + ": " + checkpoint.error().message};
  return std::optional<Checkpoint>(*std::move(checkpoint));
}

// Keeps the bytes that recovery is about to cut. Named by place and content, so a second try writes the same file.
Result<void> TheLedger::quarantine(const Leftover& left) const {
  LICET_TRY(file, files_.open(segments_.path(left.segment), store::Mode::read));
  std::string bytes(left.end - left.offset, '\0');
  LICET_TRY_VOID(file->read_at(left.offset, std::as_writable_bytes(std::span(bytes))));
  LICET_TRY_VOID(files_.make_folder(options_.quarantine));
  return files_.replace(fmt::format("{}/{:08}-{}-{}.bin", options_.quarantine, left.segment, left.offset, brief(crypto::sha256(bytes))),
                        bytes);
}

Result<void> TheLedger::recover() {
  LICET_TRY_VOID(files_.make_folder(options_.folder));
  LICET_TRY(lock, files_.lock(options_.folder));
  lock_ = std::move(lock);

  // What others remember of this log. A checkpoint that was published must be a prefix of what is found.
  LICET_TRY(inside, read_checkpoint(options_.folder + "/checkpoint"));
  std::optional<Checkpoint> outside;
  if (!options_.outside.empty()) {
    LICET_TRY(found, read_checkpoint(options_.outside + "/checkpoint"));
    outside = std::move(found);
  }
  const std::uint64_t published = inside ? inside->size : 0;
  publisher_.start_from(published);

  // Every group, from the first: chain, signature and root are checked, tokens and tiles rebuilt.
  const Micros clock_now = options_.clock->now();
  std::optional<Error> rolled_back;
  const auto compare = [&](const std::optional<Checkpoint>& checkpoint, const Chain& chain, const char* which) {
    if (checkpoint && checkpoint->size == chain.tree.size() && checkpoint->root != chain.tree.root() && !rolled_back)
      rolled_back = Error{Code::data_loss,
                          fmt::format("the checkpoint {} has another root for size {}: the ledger was rewritten", which, checkpoint->size)};
  };
  LICET_TRY(found, scan(
                       files_, options_.folder, verifier_,
                       [&](const Group& group, const std::vector<Digest>& leaves, const Chain& chain, const Place& place) -> Result<void> {
                         compare(inside, chain, "in the folder");
                         compare(outside, chain, "outside");
                         for (std::size_t i = 0; i < leaves.size(); ++i) {
                           const Record& record = group.records[i];
                           LICET_TRY_VOID(publisher_.take(record, leaves[i]));
                           if (act_by_text(record.leaf)) acts_.push_back({group.header.first + i, place});
                           if (record.leaf.find("\"txn\":\"") == std::string_view::npos) continue;
                           const auto txn = unhex(text_member(record.leaf, "txn"));
                           if (!txn || txn->size() != sizeof(Digest)) continue;
                           Digest token;
                           std::memcpy(token.data(), txn->data(), token.size());
                           Micros expires = micros(integer_member(record.leaf, "txn_exp").value_or(0));
                           if (expires == Micros{}) expires = micros(chain.time) + kTokenLife;
                           if (expires >= clock_now) spent_.remember(token, expires);
                         }
                         return {};
                       },
                       published));
  if (found.damage) return found.damage->error();
  if (rolled_back) return *std::move(rolled_back);
  const std::uint64_t size = found.chain.tree.size();
  for (const auto& [checkpoint, which] : {std::pair{&inside, "in the folder"}, std::pair{&outside, "outside"}}) {
    if (*checkpoint && (*checkpoint)->size > size)
      return Error{Code::data_loss,
                   fmt::format("the checkpoint {} covers {} entries, but only {} are here: {}", which, (*checkpoint)->size, size,
                               found.tail ? fmt::format("{} at byte {} is damaged ({})", segment_name(found.tail->segment),
                                                        found.tail->offset, found.tail->why)
                                          : std::string("the ledger was cut or rolled back"))};
  }
  sequence_ = found.chain.sequence;
  previous_ = found.chain.previous;
  tree_ = found.chain.tree;
  last_time_.store(found.chain.time);
  head_ = {size, tree_.root(), micros(found.chain.time)};

  // A group that was copied forward is read from its new place: the old one is about to be cut.
  const auto moved = [this](const Place& from, const Place& to) {
    for (auto act = acts_.rbegin(); act != acts_.rend(); ++act)
      if (same_place(act->group, from)) act->group = to;
  };
  for (const Leftover& left : found.leftovers) {
    if (!left.copied) continue;
    std::uint64_t number = left.segment + 1;  // the next one with anything in it begins with the copy
    while (found.segments[number - 1].used == 0) ++number;
    moved({left.segment, left.offset}, {number, 0});
  }

  // Beyond the published size, the last group may be in the page cache only: a process that met an I/O error leaves such groups behind.
  const bool uncertain = size > published;
  const bool cut = found.tail.has_value() || !found.leftovers.empty();
  std::uint64_t last_with_bytes = found.last_place.segment;
  if (found.tail) last_with_bytes = std::max(last_with_bytes, found.tail->segment);
  for (const Leftover& left : found.leftovers) last_with_bytes = std::max(last_with_bytes, left.segment);
  segments_.adopt(std::move(found.segments));

  if (!uncertain && !cut) {
    if (found.last_place.segment == 0) return {};
    segment_ = segments_.all()[found.last_place.segment - 1];
    LICET_TRY(file, files_.open(segments_.path(segment_.number), store::Mode::read_write));
    file_ = std::move(file);
    return {};
  }

  // Copy forward, name what is cut, and only then cut it. Every step can be repeated after a crash at any point.
  segment_.number = last_with_bytes;
  segment_.bytes = segment_.used = 0;
  std::vector<Leftover> cuts = found.leftovers;
  if (uncertain) {
    const std::uint64_t first = size - [&] {
      std::uint32_t records = 0;
      std::memcpy(&records, found.last_group.data() + 56, sizeof records);
      return records;
    }();
    do {
      LICET_TRY(opened, segments_.next(segment_.number, first));
      file_ = std::move(opened.file);
      segment_ = opened.segment;
    } while (segment_.bytes < found.last_group.size());
    LICET_TRY_VOID(file_->write_at(0, as_bytes(found.last_group)));
    LICET_TRY_VOID(file_->sync());
    segment_.used = found.last_group.size();
    moved(found.last_place, {segment_.number, 0});
    segments_.used(segment_.number, segment_.used);
    cuts.push_back({found.last_place.segment, found.last_place.offset, found.last_place.offset + found.last_group.size(), true, {}});
  }
  if (found.tail) cuts.push_back(*found.tail);
  for (const Leftover& left : cuts) {
    if (left.copied) continue;
    LICET_TRY_VOID(quarantine(left));
    log::warn("ledger: {} bytes of {} at byte {} were cut ({}) and kept in quarantine", left.end - left.offset, segment_name(left.segment),
              left.offset, left.why);
    Draft gap;
    gap.kind = Kind::gap;
    gap.payload =
        fmt::format(R"({{"bytes":{},"offset":{},"segment":"{}"}})", left.end - left.offset, left.offset, segment_name(left.segment));
    LICET_TRY(job, prepare_job(std::move(gap)));
    std::vector<Job> batch;
    batch.push_back(std::move(job));
    LICET_TRY_VOID(write_group(batch));
  }
  for (const Leftover& left : cuts) {
    LICET_TRY(file, files_.open(segments_.path(left.segment), store::Mode::read_write));
    LICET_TRY(bytes, file->size());
    if (bytes > left.offset) {
      LICET_TRY_VOID(file->truncate(left.offset));
      LICET_TRY_VOID(file->sync());
    }
    const Segment old = segments_.all()[left.segment - 1];
    if (old.used > left.offset) segments_.used(left.segment, left.offset);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(Options options) {
  if (options.files == nullptr || options.keys == nullptr || options.clock == nullptr || options.random == nullptr ||
      options.folder.empty() || options.origin.empty())
    return Error{Code::invalid_argument, "the ledger needs files, keys, a clock, randomness, a folder and an origin"};
  auto ledger = std::make_unique<TheLedger>(std::move(options));
  LICET_TRY_VOID(ledger->recover());
  ledger->start();
  if (auto note = ledger->checkpoint(); !note) log::warn("ledger: the checkpoint was not written: {}", note.error().message);
  return std::unique_ptr<Ledger>(std::move(ledger));
}

}  // namespace licet::ledger
