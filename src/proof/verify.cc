#include "proof/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "ledger/merkle.h"
#include "proof/internal/json.h"
#include "proof/internal/leaves.h"
#include "proof/internal/manifest.h"

namespace licet::proof {
namespace {

using nlohmann::json;

constexpr std::size_t kMostFaults = 20;
constexpr std::string_view kRelease = "licet release";

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

class Verification {
 public:
  Verification(std::span<const BundleFile> files, const std::optional<ledger::Verifier>& trusted) : trusted_(trusted) {
    for (const BundleFile& f : files) files_.emplace(f.path, f.bytes);
  }

  Report run() {
    // Whose signature? Beyond this point a key is known, though perhaps not trusted.
    if (!find_key()) return std::move(report_);
    // Is the manifest the signed one? Where it isn't, the rest is still looked at, to name what else is wrong.
    const bool signed_manifest = check_manifest();
    if (!manifest_.is_object()) return std::move(report_);
    check_files();
    if (signed_manifest && text(manifest_, "kind") == kRelease) {
      if (report_.ok()) {
        say("release   {}, as of {}", text(manifest_, "release"), text(manifest_, "as_of"));
        say("world     stack {}, {}", text(manifest_, "stack").substr(0, 12), text(manifest_, "under"));
        say("files     {}, each as it was signed", member(manifest_, "files").size());
      }
      return std::move(report_);
    }
    if (check_checkpoint()) check_entries();
    if (signed_manifest && report_.ok()) {
      say("period    {} to {}{}", text(member(manifest_, "period"), "from"), text(member(manifest_, "period"), "to"),
          complete_ ? ", complete" : ", narrowed");
      say("world     stack {}, {}", text(manifest_, "stack").substr(0, 12), text(manifest_, "under"));
      say("ledger    {} entries here, each in the log of {} entries", entries_.size(), checkpoint_.size);
      say("files     {}, each as it was signed", member(manifest_, "files").size());
    }
    return std::move(report_);
  }

 private:
  template <class... A>
  void say(fmt::format_string<A...> f, A&&... a) {
    report_.lines.push_back(fmt::format(f, std::forward<A>(a)...));
  }
  template <class... A>
  void fault(fmt::format_string<A...> f, A&&... a) {
    if (report_.faults.size() < kMostFaults) report_.faults.push_back(fmt::format(f, std::forward<A>(a)...));
  }
  [[nodiscard]] const std::string_view* find(std::string_view path) const {
    const auto at = files_.find(path);
    return at == files_.end() ? nullptr : &at->second;
  }
  const std::string_view* need(std::string_view path) {
    const std::string_view* bytes = find(path);
    if (bytes == nullptr) fault("{}: it is missing", path);
    return bytes;
  }

  bool find_key() {
    const std::string_view* bytes = need(kKey);
    if (bytes != nullptr) {
      auto key = ledger::parse_vkey(bytes->substr(0, bytes->find('\n')));
      if (!key)
        fault("{}: {}", kKey, key.error().message);
      else if (ledger::vkey(*key) + "\n" != *bytes)
        fault("{}: it isn't written as a verifier key is", kKey);
      else if (trusted_ && (key->name != trusted_->name || key->key != trusted_->key))
        fault("{}: the bundle was signed by {}, not by the key that you trust", kKey, key->name);
      if (key) verifier_ = *std::move(key);
    }
    if (trusted_) verifier_ = trusted_;
    if (!verifier_) return false;
    say("key       {}{}", ledger::vkey(*verifier_), trusted_ ? ", as you gave it" : ": compare it with the one that you got elsewhere");
    return true;
  }

  bool check_manifest() {
    const std::string_view* manifest = need(kManifest);
    const std::string_view* note = need(kSignature);
    if (manifest == nullptr) return false;
    manifest_ = json::parse(*manifest, nullptr, false);
    if (!manifest_.is_object()) fault("{}: it isn't JSON", kManifest);
    if (note == nullptr) return false;
    auto signed_text = ledger::open_note(*note, *verifier_);
    if (!signed_text) {
      fault("{}: {}", kSignature, signed_text.error().message);
      return false;
    }
    // One signature, ours, written in the one way there is: nothing in this file goes unread.
    const auto last = std::count(note->begin(), note->end(), '\n') - std::count(signed_text->begin(), signed_text->end(), '\n');
    if (last != 2) fault("{}: it holds more than one signature", kSignature);
    if (*signed_text != manifest_note(crypto::sha256(*manifest))) {
      fault("{}: its bytes aren't the ones that were signed", kManifest);
      return false;
    }
    if (number(manifest_, "v") != 1 || (text(manifest_, "kind") != "licet bundle" && text(manifest_, "kind") != kRelease)) {
      fault("{}: a bundle of another version: use a newer licet", kManifest);
      return false;
    }
    if (text(manifest_, "origin") != verifier_->name) fault("{}: it names another log than its signer", kManifest);
    complete_ = member(manifest_, "complete") == json(true);
    return true;
  }

  void check_files() {
    std::set<std::string_view> named = {kManifest, kSignature};
    if (text(manifest_, "kind") == kRelease) named.insert(kKey);  // made when it is sealed; find_key() compared it with the signature's
    for (const json& f : member(manifest_, "files")) {
      const std::string path = text(f, "path");
      const auto at = files_.find(path);
      if (at == files_.end()) {
        fault("{}: it is missing", path);
        continue;
      }
      named.insert(at->first);
      if (at->second.size() != number(f, "bytes"))
        fault("{}: it has {} bytes instead of {}", path, at->second.size(), number(f, "bytes"));
      else if (hex(crypto::sha256(at->second)) != text(f, "sha256"))
        fault("{}: its bytes aren't the ones that were signed", path);
    }
    for (const auto& [path, bytes] : files_)
      if (!named.contains(path)) fault("{}: the manifest doesn't name it", path);
  }

  bool check_checkpoint() {
    const std::string_view* note = need(kCheckpoint);
    if (note == nullptr) return false;
    auto checkpoint = ledger::open_checkpoint(*note, *verifier_);
    if (!checkpoint) {
      fault("{}: {}", kCheckpoint, checkpoint.error().message);
      return false;
    }
    checkpoint_ = *std::move(checkpoint);
    const json& known = member(manifest_, "known");
    if (checkpoint_.size != number(known, "size") || hex(checkpoint_.root) != text(known, "root"))
      fault("{}: it isn't the head that the manifest names", kCheckpoint);
    return true;
  }

  void check_entries() {
    const std::string_view* entries = need(kEntries);
    const std::string_view* proofs = need(kProofs);
    if (entries == nullptr || proofs == nullptr) return;
    const auto leaves = lines_of(*entries);
    const auto paths = lines_of(*proofs);
    if (leaves.size() != paths.size()) fault("{}: {} proofs for {} entries", kProofs, paths.size(), leaves.size());
    if (leaves.size() != number(manifest_, "entries"))
      fault("{}: {} entries instead of {}", kEntries, leaves.size(), number(manifest_, "entries"));
    Micros before{};
    for (std::size_t i = 0; i < std::min(leaves.size(), paths.size()); ++i) {
      const json proof = json::parse(paths[i], nullptr, false);
      const std::uint64_t index = number(proof, "index");
      if (!proof.is_object() || !member(proof, "index").is_number_unsigned() || (!entries_.empty() && index <= entries_.back().index)) {
        fault("{}: line {} has no index, or one out of order", kProofs, i + 1);
        continue;
      }
      check_inclusion(index, leaves[i], member(proof, "proof"));
      const Micros time = time_of(leaves[i]);
      if (time < before) fault("{}: entry {} is older than the one before it", kEntries, index);
      before = time;
      entries_.push_back({index, std::string(leaves[i])});
    }
    check_tables();
  }

  static Micros time_of(std::string_view leaf) {
    return micros(static_cast<std::int64_t>(number(json::parse(leaf, nullptr, false), "time")));
  }

  void check_inclusion(std::uint64_t index, std::string_view leaf, const json& hashes) {
    ledger::Proof proof;
    bool good = hashes.is_array() && hashes.size() <= 64;
    if (good)
      for (const json& h : hashes) {
        auto hash = ledger::parse_hash(h.is_string() ? h.get_ref<const std::string&>() : std::string());
        if (hash)
          proof.push_back(*hash);
        else
          good = false;
      }
    if (!good) return fault("{}: the proof of entry {} isn't a list of hashes", kProofs, index);
    if (auto is_in = ledger::verify_inclusion(index, checkpoint_.size, ledger::leaf_hash(leaf), proof, checkpoint_.root); !is_in)
      fault("{}: entry {} is not the one in the log", kEntries, index);
  }

  void check_tables() {
    const json& period = member(manifest_, "period");
    auto from = parse_time(text(period, "from"));
    auto to = parse_time(text(period, "to"));
    if (const bool from_is = from.ok(), to_is = to.ok(); !from_is || !to_is) return fault("{}: it names no period", kManifest);
    const LeafTables tables = leaf_tables(entries_, *from, *to);
    const auto same = [&](std::string_view path, const std::string& expected) {
      const std::string_view* bytes = need(path);
      if (bytes == nullptr || *bytes == expected) return;
      // Name the row: its first cell is the entry's index.
      const auto is = lines_of(*bytes), should = lines_of(expected);
      for (std::size_t i = 0; i < std::max(is.size(), should.size()); ++i)
        if (i >= is.size() || i >= should.size() || is[i] != should[i])
          return fault("{}: line {} isn't what the ledger's entries say", path, i + 1);
      fault("{}: it isn't what the ledger's entries say", path);
    };
    same(kExchanges, tables.exchanges);
    same(kRefusals, tables.refusals);
    same(kTools, tables.tools);
    if (complete_) check_complete(*from, *to);
  }

  // Entries stand in the order of their times, so neighbors that lie on both sides of an edge show that nothing between them was left out.
  void check_complete(Micros from, Micros to) {
    std::optional<std::uint64_t> before, next;  // the last entry before the period; the index that must come next
    for (const Included& entry : entries_) {
      const Micros time = time_of(entry.json);
      if (time < from) {
        before = entry.index;
        continue;
      }
      if (!next) next = before ? *before + 1 : 0;
      if (entry.index != *next) return fault("{}: the entries from {} to {} are missing", kEntries, *next, entry.index - 1);
      next = entry.index + 1;
      if (time >= to) return;
    }
    if (!next) next = before ? *before + 1 : 0;
    if (*next != checkpoint_.size) fault("{}: the entries from {} on are missing", kEntries, *next);
  }

  const std::optional<ledger::Verifier>& trusted_;
  std::map<std::string_view, std::string_view> files_;
  std::optional<ledger::Verifier> verifier_;
  json manifest_;
  bool complete_ = false;
  ledger::Checkpoint checkpoint_;
  std::vector<Included> entries_;
  Report report_;
};

Result<void> walk(store::FileSystem& files, const std::string& root, const std::string& below, int depth, std::uint64_t& left,
                  std::vector<BundleFile>& out) {
  if (depth > 16) return Error{Code::exhausted, root + ": folders nest deeper than 16"};
  LICET_TRY(names, files.list(below.empty() ? root : root + "/" + below));
  for (const std::string& name : names) {
    const std::string path = below.empty() ? name : below + "/" + name;
    if (files.list(root + "/" + path).ok()) {
      LICET_TRY_VOID(walk(files, root, path, depth + 1, left, out));
      continue;
    }
    if (out.size() == kMostBundleFiles) return Error{Code::exhausted, root + ": more files than a bundle has"};
    LICET_TRY(bytes, files.read_all(root + "/" + path, left));
    left -= bytes.size();
    out.push_back({path, std::move(bytes)});
  }
  return {};
}

}  // namespace

bool is_bundle(store::FileSystem& files, const std::string& folder) {
  return files.exists(folder + "/" + std::string(kManifest));
}

Result<std::vector<BundleFile>> read_bundle(store::FileSystem& files, const std::string& folder) {
  std::vector<BundleFile> out;
  std::uint64_t left = kMostBundleBytes;
  LICET_TRY_VOID(walk(files, folder, "", 0, left, out));
  std::sort(out.begin(), out.end(), [](const BundleFile& a, const BundleFile& b) { return a.path < b.path; });
  return out;
}

Report verify_bundle(std::span<const BundleFile> files, const std::optional<ledger::Verifier>& trusted) {
  return Verification(files, trusted).run();
}

}  // namespace licet::proof
