#include "store/faulty.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/random.h"

namespace licet::store {

struct FaultyFileSystem::Node {
  std::string now;   // as programs see it
  std::string disk;  // what is certain
};

// One step that a crash may undo, in whole or (writes) by sectors.
struct FaultyFileSystem::Pending {
  enum class Is { write, truncate, link, unlink, rename } is;
  std::shared_ptr<Node> node;
  std::uint64_t offset = 0;  // truncate: the new size
  std::string bytes;
  std::string path;
  std::string to;          // rename
  bool abandoned = false;  // a sync that failed covered it: no later one will
};

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

void put_at(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  if (!bytes.empty()) std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

}  // namespace

class FaultyFile final : public File {
 public:
  FaultyFile(FaultyFileSystem& fs, std::shared_ptr<FaultyFileSystem::Node> node, std::string path, bool writes)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)), writes_(writes) {}

  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(fs_.mutex_);
    return std::uint64_t{node_->now.size()};
  }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    const std::lock_guard lock(fs_.mutex_);
    LICET_TRY_VOID(fs_.enter(FaultyFileSystem::Call::read, path_));
    if (offset + out.size() > node_->now.size()) return Error{Code::data_loss, "read " + path_ + ": it ends at byte " + std::to_string(node_->now.size())};
    if (!out.empty()) std::memcpy(out.data(), node_->now.data() + offset, out.size());
    return {};
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const std::lock_guard lock(fs_.mutex_);
    if (!writes_) return Error{Code::permission_denied, "write " + path_};
    auto entered = fs_.enter(FaultyFileSystem::Call::write, path_);
    if (!entered) {
      if (std::exchange(fs_.half_, false)) write(offset, bytes.first(bytes.size() / 2));
      return entered;
    }
    const std::uint64_t end = offset + bytes.size();
    const std::uint64_t grows = end > node_->now.size() ? end - node_->now.size() : 0;
    if (fs_.used() + grows > fs_.capacity_ && grows > 0) return Error{Code::exhausted, "write " + path_ + ": no space left"};
    write(offset, bytes);
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard lock(fs_.mutex_);
    auto entered = fs_.enter(FaultyFileSystem::Call::sync, path_);
    for (auto& op : fs_.pending_) {
      if (op.node != node_ || op.abandoned) continue;
      if (op.is != FaultyFileSystem::Pending::Is::write && op.is != FaultyFileSystem::Pending::Is::truncate) continue;
      if (!entered) {
        op.abandoned = true;
      } else if (op.is == FaultyFileSystem::Pending::Is::write) {
        put_at(node_->disk, op.offset, op.bytes);
      } else {
        node_->disk.resize(op.offset, '\0');
      }
    }
    if (!entered) return entered;
    std::erase_if(fs_.pending_, [this](const auto& op) {
      return op.node == node_ && !op.abandoned &&
             (op.is == FaultyFileSystem::Pending::Is::write || op.is == FaultyFileSystem::Pending::Is::truncate);
    });
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    const std::lock_guard lock(fs_.mutex_);
    if (!writes_) return Error{Code::permission_denied, "truncate " + path_};
    LICET_TRY_VOID(fs_.enter(FaultyFileSystem::Call::truncate, path_));
    node_->now.resize(size, '\0');
    FaultyFileSystem::Pending op{FaultyFileSystem::Pending::Is::truncate, node_, size, {}, path_, {}, false};
    fs_.pending_.push_back(std::move(op));
    return {};
  }

 private:
  void write(std::uint64_t offset, std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    put_at(node_->now, offset, as_text(bytes));
    FaultyFileSystem::Pending op{FaultyFileSystem::Pending::Is::write, node_, offset, std::string(as_text(bytes)), path_, {}, false};
    fs_.pending_.push_back(std::move(op));
  }

  FaultyFileSystem& fs_;
  std::shared_ptr<FaultyFileSystem::Node> node_;
  std::string path_;
  bool writes_;
};

class FaultyLock final : public Lock {
 public:
  FaultyLock(FaultyFileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  FaultyLock(const FaultyLock&) = delete;
  FaultyLock& operator=(const FaultyLock&) = delete;
  ~FaultyLock() override {
    const std::lock_guard lock(fs_.mutex_);
    fs_.locks_.erase(path_);
  }

 private:
  FaultyFileSystem& fs_;
  std::string path_;
};

FaultyFileSystem::FaultyFileSystem() { folders_.insert("."); }
FaultyFileSystem::~FaultyFileSystem() = default;

Result<void> FaultyFileSystem::enter(Call call, const std::string& path) {
  if (dead_) return Error{Code::data_loss, path + ": the machine is gone"};
  const std::uint64_t number = calls_[static_cast<std::size_t>(call)]++;
  if (read_only_ && call != Call::read) return Error{Code::permission_denied, path + ": read-only file system"};
  const auto hit = std::find_if(injections_.begin(), injections_.end(), [&](const Injection& i) { return i.call == call && i.at == number; });
  if (hit == injections_.end()) return {};
  const Fault fault = hit->fault;
  injections_.erase(hit);
  switch (fault) {
    case Fault::io_error: half_ = call == Call::write; return Error{Code::data_loss, path + ": injected I/O error"};
    case Fault::no_space: return Error{Code::exhausted, path + ": injected, no space left"};
    case Fault::read_only: return Error{Code::permission_denied, path + ": injected, read-only"};
    case Fault::crash:
      half_ = call == Call::write;
      dead_ = true;
      return Error{Code::data_loss, path + ": injected crash"};
  }
  return {};
}

std::uint64_t FaultyFileSystem::used() const {
  std::uint64_t sum = 0;
  for (const auto& [path, node] : now_) sum += node->now.size();
  return sum;
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::string& path, Mode mode) {
  const std::lock_guard lock(mutex_);
  if (dead_) return Error{Code::data_loss, path + ": the machine is gone"};
  const auto found = now_.find(path);
  if (mode != Mode::create) {
    if (found == now_.end()) return Error{Code::not_found, "open " + path};
    if (mode == Mode::read_write && read_only_) return Error{Code::permission_denied, path + ": read-only file system"};
    return std::unique_ptr<File>(std::make_unique<FaultyFile>(*this, found->second, path, mode == Mode::read_write));
  }
  if (found != now_.end()) return Error{Code::already_exists, "open " + path};
  if (!folders_.contains(folder_of(path))) return Error{Code::not_found, "open " + path + ": no such folder"};
  LICET_TRY_VOID(enter(Call::create, path));
  auto node = std::make_shared<Node>();
  now_[path] = node;
  pending_.push_back({Pending::Is::link, node, 0, {}, path, {}, false});
  return std::unique_ptr<File>(std::make_unique<FaultyFile>(*this, node, path, true));
}

Result<void> FaultyFileSystem::make_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (dead_) return Error{Code::data_loss, path + ": the machine is gone"};
  if (read_only_ && !folders_.contains(path)) return Error{Code::permission_denied, path + ": read-only file system"};
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    folders_.insert(path.substr(0, end));
    if (end == std::string::npos) return {};
  }
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  if (!folders_.contains(folder)) return Error{Code::not_found, "list " + folder};
  std::set<std::string> names;
  const std::string prefix = folder + "/";
  const auto add = [&](const std::string& path) {
    if (path.starts_with(prefix)) names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
  };
  for (const auto& [path, node] : now_) add(path);
  for (const auto& path : folders_) add(path);
  return std::vector<std::string>(names.begin(), names.end());
}

bool FaultyFileSystem::exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return now_.contains(path) || folders_.contains(path);
}

Result<void> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto found = now_.find(from);
  if (found == now_.end()) return Error{Code::not_found, "rename " + from};
  if (!folders_.contains(folder_of(to))) return Error{Code::not_found, "rename to " + to + ": no such folder"};
  LICET_TRY_VOID(enter(Call::rename, from));
  auto node = found->second;
  now_.erase(found);
  now_[to] = node;
  pending_.push_back({Pending::Is::rename, node, 0, {}, from, to, false});
  return {};
}

Result<void> FaultyFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = now_.find(path);
  if (found == now_.end()) {
    if (folders_.erase(path) != 0) return {};
    return Error{Code::not_found, "remove " + path};
  }
  LICET_TRY_VOID(enter(Call::remove, path));
  pending_.push_back({Pending::Is::unlink, found->second, 0, {}, path, {}, false});
  now_.erase(found);
  return {};
}

Result<void> FaultyFileSystem::sync_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!folders_.contains(path)) return Error{Code::not_found, "sync folder " + path};
  LICET_TRY_VOID(enter(Call::sync_folder, path));
  std::erase_if(pending_, [&](const Pending& op) {
    switch (op.is) {
      case Pending::Is::write:
      case Pending::Is::truncate: return false;
      case Pending::Is::link:
        if (folder_of(op.path) != path) return false;
        disk_[op.path] = op.node;
        return true;
      case Pending::Is::unlink:
        if (folder_of(op.path) != path) return false;
        disk_.erase(op.path);
        return true;
      case Pending::Is::rename:
        if (folder_of(op.to) != path && folder_of(op.path) != path) return false;
        disk_.erase(op.path);
        disk_[op.to] = op.node;
        return true;
    }
    return false;
  });
  return {};
}

Result<std::unique_ptr<Lock>> FaultyFileSystem::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!locks_.insert(path).second) return Error{Code::failed_precondition, path + " is in use by another process"};
  return std::unique_ptr<Lock>(std::make_unique<FaultyLock>(*this, path));
}

void FaultyFileSystem::inject(Call call, std::uint64_t skip, Fault fault) {
  const std::lock_guard lock(mutex_);
  injections_.push_back({call, calls_[static_cast<std::size_t>(call)] + skip, fault});
}

std::uint64_t FaultyFileSystem::calls(Call call) const {
  const std::lock_guard lock(mutex_);
  return calls_[static_cast<std::size_t>(call)];
}

void FaultyFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void FaultyFileSystem::set_read_only(bool on) {
  const std::lock_guard lock(mutex_);
  read_only_ = on;
}

// ---- crashes

// A write is one unit per sector that it touches; everything else is one unit.
std::size_t FaultyFileSystem::units(const Pending& op) {
  if (op.is != Pending::Is::write) return 1;
  return static_cast<std::size_t>((op.offset + op.bytes.size() + kSector - 1) / kSector - op.offset / kSector);
}

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::survivor(const std::vector<Fate>& fates, std::uint64_t seed) const {
  auto left = std::make_unique<FaultyFileSystem>();
  left->folders_ = folders_;
  SeededRandom random(seed);
  std::map<const Node*, std::shared_ptr<Node>> copies;
  const auto copy = [&](const std::shared_ptr<Node>& node) {
    auto& twin = copies[node.get()];
    if (twin == nullptr) {
      twin = std::make_shared<Node>();
      twin->disk = node->disk;
    }
    return twin;
  };
  for (const auto& [path, node] : disk_) left->disk_[path] = copy(node);
  std::size_t unit = 0;
  for (const Pending& op : pending_) {
    const auto node = copy(op.node);
    const Fate fate = fates[unit];
    switch (op.is) {
      case Pending::Is::write:
        for (std::uint64_t at = op.offset; at < op.offset + op.bytes.size(); ++unit) {
          const std::uint64_t end = std::min<std::uint64_t>((at / kSector + 1) * kSector, op.offset + op.bytes.size());
          std::string sector = op.bytes.substr(at - op.offset, end - at);
          if (fates[unit] == Fate::garbage) random.fill(std::as_writable_bytes(std::span(sector)));
          if (fates[unit] != Fate::lost) put_at(node->disk, at, sector);
          at = end;
        }
        continue;
      case Pending::Is::truncate:
        if (fate != Fate::lost) node->disk.resize(op.offset, '\0');
        break;
      case Pending::Is::link:
        if (fate != Fate::lost) left->disk_[op.path] = node;
        break;
      case Pending::Is::unlink:
        if (fate != Fate::lost) left->disk_.erase(op.path);
        break;
      case Pending::Is::rename:
        if (fate != Fate::lost) {
          left->disk_.erase(op.path);
          left->disk_[op.to] = node;
        }
        break;
    }
    ++unit;
  }
  for (const auto& [node, twin] : copies) twin->now = twin->disk;
  left->now_ = left->disk_;
  return left;
}

std::size_t FaultyFileSystem::each_crash(const Crashes& crashes,
                                         const std::function<void(FaultyFileSystem& survivor, std::string_view how)>& each) const {
  const std::lock_guard lock(mutex_);
  std::size_t total = 0;
  std::vector<std::size_t> writes;  // the first unit of each write
  for (const Pending& op : pending_) {
    if (op.is == Pending::Is::write) writes.push_back(total);
    total += units(op);
  }
  std::size_t count = 0;
  const auto hand = [&](const std::vector<Fate>& fates, const std::string& how) {
    ++count;
    const auto left = survivor(fates, crashes.seed + count);
    each(*left, how);
  };

  if (total <= crashes.all_subsets_up_to) {
    for (std::uint64_t mask = 0; mask < (1ULL << total); ++mask) {
      std::vector<Fate> fates(total, Fate::lost);
      for (std::size_t i = 0; i < total; ++i)
        if ((mask >> i) & 1U) fates[i] = Fate::kept;
      hand(fates, "subset " + std::to_string(mask) + " of " + std::to_string(total) + " units");
    }
  } else {
    const std::size_t step = std::max<std::size_t>(1, total / std::max<std::size_t>(1, crashes.prefixes));
    for (std::size_t kept = 0; kept <= total; kept += step) {
      std::vector<Fate> fates(total, Fate::lost);
      std::fill_n(fates.begin(), kept, Fate::kept);
      hand(fates, "the first " + std::to_string(kept) + " of " + std::to_string(total) + " units");
    }
    hand(std::vector<Fate>(total, Fate::kept), "everything");
    SeededRandom random(crashes.seed);
    for (std::size_t i = 0; i < crashes.samples; ++i) {
      std::vector<Fate> fates(total);
      for (Fate& fate : fates) fate = (random.next() & 1U) != 0 ? Fate::kept : Fate::lost;
      hand(fates, "sample " + std::to_string(i) + " of " + std::to_string(total) + " units");
    }
  }
  // A torn sector: everything before it is there, it is garbage, what follows is there or not.
  SeededRandom random(crashes.seed + 7);
  for (const std::size_t first : writes) {
    for (const Fate after : {Fate::lost, Fate::kept}) {
      std::vector<Fate> fates(total, after);
      const std::size_t torn = first + static_cast<std::size_t>(random.next() % (total - first));
      std::fill_n(fates.begin(), torn, Fate::kept);
      fates[torn] = Fate::garbage;
      hand(fates, "unit " + std::to_string(torn) + " of " + std::to_string(total) + " torn");
    }
  }
  return count;
}

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::synced() const {
  const std::lock_guard lock(mutex_);
  std::size_t total = 0;
  for (const Pending& op : pending_) total += units(op);
  return survivor(std::vector<Fate>(total, Fate::lost), 0);
}

// ---- behind everybody's back

std::vector<std::string> FaultyFileSystem::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [path, node] : now_) all.push_back(path);
  return all;
}

std::string FaultyFileSystem::content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = now_.find(path);
  return found == now_.end() ? std::string() : found->second->now;
}

void FaultyFileSystem::put(const std::string& path, std::string bytes) {
  const std::lock_guard lock(mutex_);
  auto& node = now_[path];
  if (node == nullptr) node = std::make_shared<Node>();
  node->now = bytes;
  node->disk = std::move(bytes);
  disk_[path] = node;
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) folders_.insert(path.substr(0, end));
}

void FaultyFileSystem::flip_bit(const std::string& path, std::uint64_t bit) {
  const std::lock_guard lock(mutex_);
  Node& node = *now_.at(path);
  for (std::string* content : {&node.now, &node.disk})
    if (bit / 8 < content->size()) (*content)[bit / 8] = static_cast<char>((*content)[bit / 8] ^ (1 << (bit % 8)));
}

void FaultyFileSystem::erase(const std::string& path) {
  const std::lock_guard lock(mutex_);
  now_.erase(path);
  disk_.erase(path);
}

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::clone() const {
  const std::lock_guard lock(mutex_);
  std::size_t total = 0;
  for (const Pending& op : pending_) total += units(op);
  return survivor(std::vector<Fate>(total, Fate::kept), 0);
}

}  // namespace licet::store
