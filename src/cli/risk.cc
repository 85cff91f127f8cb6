// licet risk: what a table still tells of its people, what another file finds again, and the generalization that meets a target.
//
// Of the data nothing is shown but counts and names of columns: no value is in an error, a report or a log. `--rows` writes row numbers,
// and
// `--out` the generalized file: both are asked for by name, and made 0600.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/Option.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/csv.h"
#include "base/time.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "codec/csv.h"
#include "crypto/crypto.h"
#include "deid/risk/hierarchy.h"
#include "deid/risk/linkage.h"
#include "deid/risk/measure.h"
#include "deid/risk/report.h"
#include "deid/risk/search.h"
#include "deid/risk/stream.h"

namespace licet::cli {
namespace fs = std::filesystem;
namespace risk = deid::risk;
namespace {

struct RiskArgs {
  std::string input, against, population, out, rows, format = "text", delimiter = "auto", scratch;
  std::vector<std::string> quasi, sensitive, target, hierarchy, match, keep;
  std::string truth, command;
  double threshold = 0.09, seconds = 60;
  std::uint64_t population_size = 0, memory = 1024;
  bool as_is = false, again = false;
};

// Blocks in memory, and behind a budget in a file that has no name and is gone with the process.
class BlockScratch final : public risk::Scratch {
 public:
  BlockScratch(std::string folder, std::size_t budget) : folder_(std::move(folder)), budget_(budget) {}
  ~BlockScratch() override {
    if (file_ >= 0) ::close(file_);
  }
  BlockScratch(const BlockScratch&) = delete;
  BlockScratch& operator=(const BlockScratch&) = delete;

  Result<void> append(std::size_t part, std::span<const std::byte> block) override {
    if (part >= parts_.size()) parts_.resize(part + 1);
    if (held_ + block.size() <= budget_) {
      held_ += block.size();
      parts_[part].push_back({.bytes = {block.begin(), block.end()}});
      return {};
    }
    if (file_ < 0) {
      file_ = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
      if (file_ < 0) return Error{Code::unavailable, folder_ + ": no scratch file can be made there; --scratch names another folder"};
    }
    for (std::size_t done = 0; done < block.size();) {
      const ssize_t n = ::pwrite(file_, block.data() + done, block.size() - done, static_cast<off_t>(end_ + done));
      if (n <= 0) {
        if (n < 0 && errno == EINTR) continue;
        return Error{Code::exhausted, folder_ + ": the scratch file can't be written; --scratch names another folder"};
      }
      done += static_cast<std::size_t>(n);
    }
    parts_[part].push_back({.bytes = {}, .at = end_, .size = block.size()});
    end_ += block.size();
    return {};
  }
  Result<void> read(std::size_t part, const std::function<void(std::span<const std::byte>)>& each) override {
    if (part >= parts_.size()) return {};
    std::vector<std::byte> buffer;
    for (Block& block : parts_[part]) {
      if (block.size == 0) {
        each(block.bytes);
        block.bytes = {};
        continue;
      }
      buffer.resize(block.size);
      for (std::size_t done = 0; done < block.size;) {
        const ssize_t n = ::pread(file_, buffer.data() + done, block.size - done, static_cast<off_t>(block.at + done));
        if (n <= 0) {
          if (n < 0 && errno == EINTR) continue;
          return Error{Code::data_loss, folder_ + ": the scratch file can't be read back"};
        }
        done += static_cast<std::size_t>(n);
      }
      each(buffer);
    }
    return {};
  }

 private:
  struct Block {
    std::vector<std::byte> bytes;
    std::size_t at = 0, size = 0;  // in the file, where size is not 0
  };
  std::string folder_;
  std::size_t budget_, held_ = 0, end_ = 0;
  int file_ = -1;
  std::vector<std::vector<Block>> parts_;
};

std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// One CSV file, its rows in order. Lines without anything on them are passed over.
class CsvFile {
 public:
  CsvFile(std::string path, std::string delimiter)
      : path_(std::move(path)), delimiter_(std::move(delimiter)), reader_(',', kLongestRow, codec::CsvReader::BareQuote::kept) {}

  Result<void> open() {
    in_.open(path_, std::ios::binary);
    if (!in_ || fs::is_directory(path_)) return Error{Code::not_found, path_ + ": can't be read"};
    fill();
    if (delimiter_ != "auto" && delimiter_ != "tab" && delimiter_.size() != 1)
      return Error{Code::invalid_argument, "--delimiter is one character, or tab, or auto"};
    reader_.set_delimiter(delimiter_ == "auto" ? guess_delimiter(reader_.ahead()) : delimiter_ == "tab" ? '\t' : delimiter_[0]);
    LICET_TRY(there, next());
    if (!there) return Error{Code::invalid_argument, path_ + ": holds nothing; its first line must name the columns"};
    names_.assign(row_.begin(), row_.end());
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (std::find(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(i), names_[i]) !=
          names_.begin() + static_cast<std::ptrdiff_t>(i))
        return Error{Code::invalid_argument, path_ + ": two columns have the same name, columns " +
                                                 std::to_string(std::find(names_.begin(), names_.end(), names_[i]) - names_.begin() + 1) +
                                                 " and " + std::to_string(i + 1) + ": rename one"};
    return {};
  }

  // What the first line holds might be data, where somebody forgot the header: an error names only what is close to what was asked.
  Result<std::size_t> column(std::string_view name, std::string_view option) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
    std::string near;
    for (const std::string& other : names_)
      if (edits(other, name) <= 2) near = "; is it \"" + other + "\"?";
    return Error{Code::not_found, std::string(option) + " " + std::string(name) + ": " + path_ + " has no such column among its " +
                                      std::to_string(names_.size()) + " in the first line" + near};
  }
  Result<std::vector<std::size_t>> columns(std::span<const std::string> names, std::string_view option) const {
    std::vector<std::size_t> out;
    for (const std::string& name : names) {
      LICET_TRY(at, column(name, option));
      out.push_back(at);
    }
    return out;
  }

  // True: row() holds the next one. Every row has as many fields as the header, which is row 0.
  Result<bool> next() {
    const codec::CsvRecord* r = nullptr;
    while ((r = reader_.next()) == nullptr || r->blank()) {
      if (r != nullptr) continue;
      if (reader_.finished()) return false;
      fill();
    }
    const auto wrong = [&](const std::string& what) {
      return Error{Code::invalid_argument, path_ + ": row " + std::to_string(rows_) + what};
    };
    if (r->problem != nullptr) return wrong(std::string(": ") + (r->lost ? "a quote is opened and not closed" : r->problem));
    if (!names_.empty() && r->cells.size() != names_.size())
      return wrong(" has " + std::to_string(r->cells.size()) + " fields, the first line " + std::to_string(names_.size()) +
                   ": mend the row, or name the --delimiter");
    row_.resize(r->cells.size());
    if (undone_.size() < row_.size()) undone_.resize(row_.size());
    for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = r->cells[i].text(undone_[i]);
    ++rows_;
    return true;
  }
  [[nodiscard]] const std::vector<std::string_view>& row() const { return row_; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_ - 1; }  // without the header
  // Once the end was read.
  risk::Report::Input input(std::string role) {
    return {std::move(role), fs::path(path_).filename().string(), hex(sha_.finish()), bytes_, rows()};
  }

 private:
  static constexpr std::size_t kLongestRow = std::size_t{16} << 20;

  void fill() {
    const auto room = reader_.room(std::size_t{256} << 10);
    in_.read(room.data(), static_cast<std::streamsize>(room.size()));
    const auto got = static_cast<std::size_t>(in_.gcount());
    sha_.update({room.data(), got});
    bytes_ += got;
    if (got > 0)
      reader_.commit(got);
    else
      reader_.finish();
  }
  std::string path_, delimiter_;
  std::ifstream in_;
  codec::CsvReader reader_;
  crypto::Sha256 sha_;
  std::uint64_t bytes_ = 0, rows_ = 0;
  std::vector<std::string_view> row_;
  std::vector<std::string> undone_;  // fields with "" inside, as they read
  std::vector<std::string> names_;
};

std::vector<std::string_view> picked(const std::vector<std::string_view>& row, std::span<const std::size_t> columns) {
  std::vector<std::string_view> out;
  out.reserve(columns.size());
  for (const std::size_t i : columns) out.push_back(row[i]);
  return out;
}

class Risk {
 public:
  explicit Risk(const RiskArgs& args) : args_(args) {}

  Result<int> go() {
    LICET_TRY_VOID(prepare());
    LICET_TRY_VOID(read());
    if (!args_.against.empty()) LICET_TRY_VOID(attack(table_, {}, "the data as it is"));
    if (report_.target) LICET_TRY_VOID(reach());
    print();
    if (!report_.target || report_.met_as_is) return kClean;
    return report_.found && report_.found->met ? kClean : kNo;
  }

 private:
  // ---- what is asked
  // --------------------------------------------------------------------------------------------------------------------------------

  Result<void> prepare() {
    if (args_.quasi.empty())
      return Error{Code::invalid_argument, "--quasi names the columns by which somebody might be known: --quasi birth,zip,sex"};
    if (args_.format != "text" && args_.format != "json" && args_.format != "html")
      return Error{Code::invalid_argument, "--format is text, json or html"};
    if (args_.threshold <= 0 || args_.threshold > 1) return Error{Code::invalid_argument, "--threshold is above 0 and at most 1"};
    for (const std::string& name : args_.sensitive)
      if (std::find(args_.quasi.begin(), args_.quasi.end(), name) != args_.quasi.end())
        return Error{Code::invalid_argument, "--sensitive " + name + ": is among --quasi too; a column is one or the other"};
    LICET_TRY_VOID(read_target());
    std::string all;
    for (const std::string& m : args_.match) all += (all.empty() ? "" : ",") + m;
    if (all.empty())
      for (const std::string& name : args_.quasi) all += (all.empty() ? "" : ",") + name;
    LICET_TRY(matches, risk::parse_matches(all));
    matches_ = std::move(matches);
    if (args_.against.empty() && (!args_.match.empty() || !args_.truth.empty() || !args_.rows.empty()))
      return Error{Code::invalid_argument, "--match, --truth and --rows go with --against FILE"};
    if (!args_.out.empty() && (!report_.target || args_.as_is))
      return Error{Code::invalid_argument, "--out writes what a search found: it goes with --target, without --as-is"};
    for (const std::string* path : {&args_.out, &args_.rows}) {
      if (path->empty()) continue;
      std::error_code none;
      for (const std::string* read : {&args_.input, &args_.against, &args_.population})
        if (!read->empty() && fs::equivalent(*path, *read, none))
          return Error{Code::invalid_argument, *path + ": is what is read; name another file"};
      if (!args_.again && fs::exists(*path)) return Error{Code::already_exists, *path + ": is there already; --again makes it once more"};
    }
    report_.program = std::string("licet ") + LICET_VERSION;
    report_.made = format(std::chrono::floor<std::chrono::days>(SystemClock().now()));
    report_.command = args_.command;
    report_.threshold = args_.threshold;
    report_.sensitive = args_.sensitive;
    report_.population_size = args_.population_size;
    for (const std::string& name : args_.quasi) report_.quasi.push_back({.name = name, .values = 0, .hierarchy = {}, .labels = {}});
    return {};
  }

  Result<void> read_target() {
    if (args_.target.empty()) {
      if (args_.as_is) return Error{Code::invalid_argument, "--as-is goes with --target"};
      return {};
    }
    risk::Target target;
    for (const std::string& one : args_.target) {
      const std::string name = one.substr(0, one.find('='));
      const auto value = risk::number_of(one.size() > name.size() ? std::string_view(one).substr(name.size() + 1) : std::string_view());
      const bool whole = value && *value >= 1 && *value < 1e15 && *value == std::floor(*value);
      if (name == "k" && whole)
        target.k = std::max(target.k, static_cast<std::uint64_t>(*value));
      else if (name == "risk" && value && *value > 0 && *value <= 1)
        target.k = std::max(target.k, static_cast<std::uint64_t>(std::ceil(1 / *value - 1e-9)));
      else if (name == "l" && whole)
        target.distinct_l = static_cast<std::uint64_t>(*value);
      else if (name == "entropy-l" && value && *value >= 1)
        target.entropy_l = *value;
      else if (name == "t" && value && *value >= 0 && *value <= 1)
        target.t = *value;
      else if (name == "suppress" && value && *value >= 0 && *value < 1)
        target.suppress = *value;
      else
        return Error{Code::invalid_argument, "--target \"" + one +
                                                 "\" is none of k=11, risk=0.09 (0 to 1), l=3, entropy-l=2.5, t=0.3 (0 to 1), "
                                                 "suppress=0.02 (a share of rows below 1)"};
    }
    if (target.asks_values() && args_.sensitive.empty())
      return Error{Code::invalid_argument, "--target l, entropy-l and t are about --sensitive columns: name them"};
    report_.target = target;
    return {};
  }

  // ---- the data
  // --------------------------------------------------------------------------------------------------------------------------------------

  Result<void> read() {
    std::error_code failed;
    const std::uintmax_t size = fs::file_size(args_.input, failed);
    const bool needs_table = (report_.target && !args_.as_is) || !args_.against.empty();
    bool streamed = !failed && !needs_table && size / 2 > (args_.memory << 20);
    if (!streamed) {
      auto table = load();
      if (!table && table.error().code == Code::exhausted && !needs_table)
        streamed = true;
      else if (!table)
        return std::move(table).error();
    }
    if (!streamed) {
      report_.before = risk::measure(table_, risk::classes_of(table_, quasi_), sensitive_);
      for (std::size_t i = 0; i < quasi_.size(); ++i) report_.quasi[i].values = table_.columns[quasi_[i]].dictionary.size();
    }
    if (streamed || !args_.population.empty()) {
      LICET_TRY(measures, stream(streamed));
      report_.before = std::move(measures);
      report_.streamed = streamed;
    }
    if (report_.before.rows == 0) return Error{Code::invalid_argument, args_.input + ": has no rows behind its first line"};
    if (report_.target) report_.met_as_is = risk::meets(report_.before, *report_.target);
    return estimate(report_.before, report_.estimate);
  }

  Result<void> estimate(const risk::Measures& measures, std::optional<risk::PopulationEstimate>& out) const {
    if (args_.population_size == 0) return {};
    if (args_.population_size < measures.rows)
      return Error{Code::invalid_argument, "--population-size " + std::to_string(args_.population_size) + ": the data alone have " +
                                               std::to_string(measures.rows) + " rows"};
    out = risk::estimate_population(measures.sizes, args_.population_size);
    return {};
  }

  // Which columns of the file are what. `names`: those that the table holds, quasi-identifiers and sensitive ones first.
  Result<std::vector<std::size_t>> wanted(const CsvFile& file, bool note) {
    std::vector<std::string> names = args_.quasi;
    LICET_TRY(quasi, file.columns(args_.quasi, "--quasi"));
    LICET_TRY(sensitive, file.columns(args_.sensitive, "--sensitive"));
    LICET_TRY(kept, file.columns(args_.keep, "--keep"));
    (void)kept;
    names.insert(names.end(), args_.sensitive.begin(), args_.sensitive.end());
    std::vector<std::size_t> at = quasi;
    at.insert(at.end(), sensitive.begin(), sensitive.end());
    quasi_.clear();
    sensitive_.clear();
    for (std::size_t i = 0; i < quasi.size(); ++i) quasi_.push_back(i);
    for (std::size_t i = 0; i < sensitive.size(); ++i) sensitive_.push_back(quasi.size() + i);
    const auto also = [&](const std::string& name, std::string_view option) -> Result<std::size_t> {
      const auto there = std::find(names.begin(), names.end(), name);
      if (there != names.end()) return static_cast<std::size_t>(there - names.begin());
      LICET_TRY(column, file.column(name, option));
      names.push_back(name);
      at.push_back(column);
      return names.size() - 1;
    };
    matched_.clear();
    if (!args_.against.empty()) {
      for (const risk::Match& m : matches_) {
        LICET_TRY(i, also(m.column, "--match"));
        matched_.push_back(i);
      }
      if (!args_.truth.empty()) {
        LICET_TRY(i, also(args_.truth.substr(0, args_.truth.find('=')), "--truth"));
        truth_ = i;
      }
    }
    names_ = names;
    if (note)
      for (const std::string& name : file.names())
        if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(quasi_.size() + sensitive_.size()), name) ==
            names.begin() + static_cast<std::ptrdiff_t>(quasi_.size() + sensitive_.size()))
          report_.not_considered.push_back(name);
    return at;
  }

  Result<void> load() {
    CsvFile file(args_.input, args_.delimiter);
    LICET_TRY_VOID(file.open());
    report_.not_considered.clear();
    LICET_TRY(at, wanted(file, true));
    table_ = risk::Table(std::span<const std::string>(names_));
    std::vector<std::string_view> fields(at.size());
    for (;;) {
      LICET_TRY(there, file.next());
      if (!there) break;
      for (std::size_t i = 0; i < at.size(); ++i) fields[i] = file.row()[at[i]];
      table_.add(fields);
      if (table_.rows % 65536 == 0) {
        progress("read", table_.rows);
        if (table_.bytes() > (args_.memory << 20) || table_.rows > 0xfffffff0U) {
          table_ = {};
          return Error{Code::exhausted, args_.input + ": its columns take more than the " + std::to_string(args_.memory) +
                                            " MiB of --memory. A search and an attack need them in memory: raise it, or measure alone"};
        }
      }
    }
    report_.inputs.insert(report_.inputs.begin(), file.input("data"));
    return {};
  }

  // Through scratch space: for files larger than memory, and for everything that asks a population table.
  Result<risk::Measures> stream(bool note) {
    std::error_code failed;
    std::uintmax_t size = fs::file_size(args_.input, failed);
    if (!args_.population.empty()) size = std::max(size, fs::file_size(args_.population, failed));
    BlockScratch scratch(scratch_folder(), args_.memory << 18);  // a quarter of the memory
    risk::Streamed streamed(scratch, options(size), args_.sensitive);
    CsvFile file(args_.input, args_.delimiter);
    LICET_TRY_VOID(file.open());
    if (note) report_.not_considered.clear();
    LICET_TRY(at, wanted(file, note));
    const std::span<const std::size_t> quasi = std::span(at).first(args_.quasi.size());
    const std::span<const std::size_t> sensitive = std::span(at).subspan(args_.quasi.size(), args_.sensitive.size());
    for (;;) {
      LICET_TRY(there, file.next());
      if (!there) break;
      LICET_TRY_VOID(streamed.add(picked(file.row(), quasi), picked(file.row(), sensitive)));
      if (file.rows() % 65536 == 0) progress("read", file.rows());
    }
    if (note) report_.inputs.insert(report_.inputs.begin(), file.input("data"));
    LICET_TRY_VOID(add_population(streamed, {}, true));
    return std::move(streamed).finish();
  }

  risk::Streamed::Options options(std::uintmax_t bytes) {
    risk::Streamed::Options out{.parts = std::clamp<std::size_t>(static_cast<std::size_t>(bytes >> 23), 16, 1024),
                                .population = !args_.population.empty(),
                                .most_values = args_.memory << 18};
    crypto::SystemRandom random;
    random.fill(std::as_writable_bytes(std::span(out.key)));
    return out;
  }
  [[nodiscard]] std::string scratch_folder() const {
    if (!args_.scratch.empty()) return args_.scratch;
    const char* folder = std::getenv("TMPDIR");
    return folder != nullptr && *folder != '\0' ? folder : "/tmp";
  }

  Result<void> add_population(risk::Streamed& streamed, std::span<const std::uint8_t> levels, bool note) {
    if (args_.population.empty()) return {};
    CsvFile file(args_.population, args_.delimiter);
    LICET_TRY_VOID(file.open());
    LICET_TRY(at, file.columns(args_.quasi, "--quasi"));
    std::vector<Coarse> coarse = coarse_columns(levels);
    std::vector<std::string_view> fields(at.size());
    for (;;) {
      LICET_TRY(there, file.next());
      if (!there) break;
      for (std::size_t i = 0; i < at.size(); ++i) fields[i] = levels.empty() ? file.row()[at[i]] : coarse[i].of(file.row()[at[i]]);
      LICET_TRY_VOID(streamed.add_population(fields));
      if (file.rows() % 65536 == 0) progress("read of the population", file.rows());
    }
    if (note) report_.inputs.push_back(file.input("population table"));
    return {};
  }

  // A quasi-identifier of another file, generalized as ours are; each different value once.
  class Coarse {
   public:
    Coarse(const risk::Ladder* ladder, std::size_t level) : ladder_(ladder), level_(level) {}
    std::string_view of(std::string_view value) {
      if (ladder_ == nullptr || level_ == 0) return value;
      const std::uint32_t code = seen_.code(value);
      if (code == becomes_.size()) becomes_.push_back(made_.code(ladder_->hierarchy.apply(level_, value)));
      return made_.value(becomes_[code]);
    }

   private:
    const risk::Ladder* ladder_;
    std::size_t level_;
    risk::Dictionary seen_, made_;
    std::vector<std::uint32_t> becomes_;
  };
  std::vector<Coarse> coarse_columns(std::span<const std::uint8_t> levels) const {
    std::vector<Coarse> out;
    for (std::size_t i = 0; i < args_.quasi.size(); ++i)
      out.emplace_back(levels.empty() ? nullptr : &ladders_[i], levels.empty() ? 0 : levels[i]);
    return out;
  }

  // ---- the attack
  // ------------------------------------------------------------------------------------------------------------------------------------

  // Exactly, and where tolerances were given with them. On generalized data the attacker generalizes too.
  Result<void> attack(const risk::Table& table, std::span<const std::uint8_t> levels, const std::string& on) {
    std::vector<risk::Match> loose = matches_;
    for (risk::Match& m : loose) {
      const auto q = std::find(args_.quasi.begin(), args_.quasi.end(), m.column);
      if (!levels.empty() && q != args_.quasi.end() && levels[static_cast<std::size_t>(q - args_.quasi.begin())] > 0)
        m.how = risk::Match::How::equal;
    }
    std::vector<std::vector<risk::Match>> ways{risk::exactly(matches_)};
    if (std::any_of(loose.begin(), loose.end(), [](const risk::Match& m) { return !m.exact(); })) ways.push_back(loose);
    for (std::size_t way = 0; way < ways.size(); ++way) {
      std::string how;
      for (const risk::Match& m : ways[way]) how += (how.empty() ? "" : ", ") + m.say();
      risk::Linkage linkage(table, matched_, ways[way], truth_);
      CsvFile file(args_.against, args_.delimiter);
      LICET_TRY_VOID(file.open());
      std::vector<std::size_t> at;
      for (const risk::Match& m : matches_) {
        LICET_TRY(column, file.column(m.other, "--match"));
        at.push_back(column);
      }
      std::optional<std::size_t> truth_at;
      if (truth_) {
        const std::size_t equals = args_.truth.find('=');
        LICET_TRY(column, file.column(equals == std::string::npos ? args_.truth : args_.truth.substr(equals + 1), "--truth"));
        truth_at = column;
      }
      std::vector<Coarse> coarse;
      for (const risk::Match& m : matches_) {
        const auto q = static_cast<std::size_t>(std::find(args_.quasi.begin(), args_.quasi.end(), m.column) - args_.quasi.begin());
        const bool ours = !levels.empty() && q < args_.quasi.size();
        coarse.emplace_back(ours ? &ladders_[q] : nullptr, ours ? levels[q] : 0);
      }
      std::vector<std::string_view> fields(at.size());
      for (;;) {
        LICET_TRY(there, file.next());
        if (!there) break;
        for (std::size_t i = 0; i < at.size(); ++i) fields[i] = coarse[i].of(file.row()[at[i]]);
        linkage.add(fields, truth_at ? file.row()[*truth_at] : std::string_view());
        if (file.rows() % 65536 == 0) progress("compared", file.rows());
      }
      report_.attacks.push_back({.on = on, .how = how, .result = linkage.result()});
      if (levels.empty() && way == 0) report_.inputs.push_back(file.input("linkage attack"));
      if (levels.empty() && way + 1 == ways.size() && !args_.rows.empty()) {
        std::string rows = "row,found\n";
        for (const risk::Linkage::Pair& p : linkage.pairs()) rows += std::to_string(p.row) + "," + std::to_string(p.other) + "\n";
        LICET_TRY(digest, write(args_.rows, [&](std::ostream& out) -> Result<void> {
                    out << rows;
                    return {};
                  }));
        (void)digest;
      }
    }
    return {};
  }

  // ---- the search
  // ------------------------------------------------------------------------------------------------------------------------------------

  Result<void> climb() {
    std::map<std::string, std::string> asked;
    for (const std::string& one : args_.hierarchy) {
      const std::size_t equals = one.find('=');
      if (equals == std::string::npos)
        return Error{Code::invalid_argument, "--hierarchy \"" + one + "\" is not NAME=STEPS, such as birth=date:month,year,5y"};
      const std::string name = one.substr(0, equals);
      if (std::find(args_.quasi.begin(), args_.quasi.end(), name) == args_.quasi.end())
        return Error{Code::invalid_argument, "--hierarchy " + name + ": is not among --quasi"};
      asked[name] = one.substr(equals + 1);
    }
    for (std::size_t i = 0; i < args_.quasi.size(); ++i) {
      const risk::Column& column = table_.columns[quasi_[i]];
      const auto spec = asked.find(args_.quasi[i]);
      risk::Hierarchy hierarchy = risk::Hierarchy::guess(column.name, column.dictionary);
      if (spec != asked.end()) {
        const bool file = spec->second.ends_with(".csv") && spec->second.find(':') == std::string::npos;
        auto made = file ? hierarchy_of(spec->second) : risk::Hierarchy::parse(spec->second);
        if (!made) return Error{made.error().code, "--hierarchy " + args_.quasi[i] + "=: " + made.error().message};
        hierarchy = *std::move(made);
      }
      LICET_TRY(ladder, risk::ladder(column, std::move(hierarchy)));
      risk::Report::Quasi& q = report_.quasi[i];
      q.hierarchy = ladder.hierarchy.spec();
      q.guessed = spec == asked.end();
      for (std::size_t level = 0; level < ladder.levels.size(); ++level) q.labels.push_back(ladder.hierarchy.label(level));
      ladders_.push_back(std::move(ladder));
    }
    double nodes = 1;
    for (const risk::Ladder& l : ladders_) nodes *= static_cast<double>(l.levels.size());
    if (nodes > 1e18) return Error{Code::exhausted, "--quasi: too many combinations of levels to number; name fewer columns or steps"};
    return {};
  }

  Result<risk::Hierarchy> hierarchy_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{Code::not_found, path + ": can't be read"};
    const std::string text(std::istreambuf_iterator<char>(in), {});
    auto made = risk::Hierarchy::of_csv(text);
    if (!made) return Error{made.error().code, path + ": " + made.error().message};
    report_.inputs.push_back({.role = "hierarchy",
                              .file = fs::path(path).filename().string(),
                              .sha256 = hex(crypto::sha256(text)),
                              .bytes = text.size(),
                              .rows = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'))});
    return made;
  }

  Result<void> reach() {
    if (args_.as_is) return {};
    LICET_TRY_VOID(climb());
    const auto begun = std::chrono::steady_clock::now();
    const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(); };
    std::uint64_t checks = 0;
    report_.found = risk::search(table_, ladders_, quasi_, sensitive_, *report_.target, [&] {
      progress("checked, combinations of levels", ++checks);
      return spent() > args_.seconds;
    });
    report_.search_seconds = spent();
    const risk::Found& found = *report_.found;
    if (!found.met) return {};
    const risk::Table made = risk::generalized(table_, ladders_, quasi_, found.levels, found.kept);
    if (args_.population.empty()) {
      report_.after = risk::measure(made, risk::classes_of(made, quasi_), sensitive_);
    } else {
      LICET_TRY(measures, stream_generalized(made, found.levels));
      report_.after = std::move(measures);
    }
    LICET_TRY_VOID(estimate(*report_.after, report_.estimate_after));
    if (!args_.against.empty()) LICET_TRY_VOID(attack(made, found.levels, "the data as generalized"));
    if (!args_.out.empty()) LICET_TRY_VOID(write_generalized(found));
    return {};
  }

  Result<risk::Measures> stream_generalized(const risk::Table& made, std::span<const std::uint8_t> levels) {
    std::error_code failed;
    BlockScratch scratch(scratch_folder(), args_.memory << 18);
    risk::Streamed streamed(scratch, options(fs::file_size(args_.population, failed)), args_.sensitive);
    std::vector<std::string_view> quasi(quasi_.size()), sensitive(sensitive_.size());
    for (std::size_t row = 0; row < made.rows; ++row) {
      for (std::size_t i = 0; i < quasi.size(); ++i) quasi[i] = made.columns[quasi_[i]].value(row);
      for (std::size_t i = 0; i < sensitive.size(); ++i) sensitive[i] = made.columns[sensitive_[i]].value(row);
      LICET_TRY_VOID(streamed.add(quasi, sensitive));
    }
    LICET_TRY_VOID(add_population(streamed, levels, false));
    return std::move(streamed).finish();
  }

  // Only what was measured, and what --keep names: a name or a number that nobody spoke of does not leave by accident.
  Result<void> write_generalized(const risk::Found& found) {
    CsvFile file(args_.input, args_.delimiter);
    LICET_TRY_VOID(file.open());
    struct Field {
      std::size_t at = 0, quasi = 0;
      bool as_is = true;
    };
    std::vector<Field> fields;
    std::string line;
    for (std::size_t i = 0; i < file.names().size(); ++i) {
      const std::string& name = file.names()[i];
      const auto among = [&](const std::vector<std::string>& names) { return std::find(names.begin(), names.end(), name); };
      const auto q = among(args_.quasi);
      if (q != args_.quasi.end())
        fields.push_back({i, static_cast<std::size_t>(q - args_.quasi.begin()), false});
      else if (among(args_.sensitive) != args_.sensitive.end() || among(args_.keep) != args_.keep.end())
        fields.push_back({i, 0, true});
      else
        continue;
      if (!line.empty()) line += ',';
      put_csv(name, ',', line);
    }
    std::uint64_t written = 0;
    LICET_TRY(input, write(args_.out, [&](std::ostream& out) -> Result<void> {
                line += '\n';
                for (std::size_t row = 0;; ++row) {
                  out << line;
                  LICET_TRY(there, file.next());
                  if (!there) break;
                  if (row >= found.kept.size()) return Error{Code::failed_precondition, args_.input + ": grew while it was read"};
                  line.clear();
                  if (!found.kept[row]) continue;
                  ++written;
                  for (std::size_t i = 0; i < fields.size(); ++i) {
                    if (i > 0) line += ',';
                    const Field& f = fields[i];
                    const std::uint8_t level = f.as_is ? 0 : found.levels[f.quasi];
                    if (level == 0) {
                      put_csv(file.row()[f.at], ',', line);
                    } else {
                      const risk::Ladder::Level& made = ladders_[f.quasi].levels[level];
                      put_csv(made.values.value(made.becomes[table_.columns[quasi_[f.quasi]].codes[row]]), ',', line);
                    }
                  }
                  line += '\n';
                }
                return {};
              }));
    if (file.input("data").sha256 != report_.inputs[0].sha256) {
      std::error_code ignored;
      fs::remove(args_.out, ignored);
      return Error{Code::failed_precondition, args_.input + ": changed while it was read; " + args_.out + " was taken away again"};
    }
    input.rows = written;
    report_.output = input;
    return {};
  }

  // A file has its name once all of it is there.
  template <class Fill>
  Result<risk::Report::Input> write(const std::string& path, Fill fill) {
    const std::string part = path + ".part";
    {
      std::ofstream out(part, std::ios::binary | std::ios::trunc);
      std::error_code ignored;
      fs::permissions(part, fs::perms::owner_read | fs::perms::owner_write, ignored);
      if (!out) return Error{Code::unavailable, path + ": can't be written"};
      LICET_TRY_VOID(fill(out));
      if (!out.flush()) return Error{Code::exhausted, path + ": can't be written to its end"};
    }
    std::error_code failed;
    fs::rename(part, path, failed);
    if (failed) return Error{Code::unavailable, path + ": can't be written"};
    risk::Report::Input out{.role = "generalized data", .file = fs::path(path).filename().string(), .sha256 = {}};
    std::ifstream in(path, std::ios::binary);
    crypto::Sha256 sha;
    std::vector<char> block(std::size_t{1} << 20);
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
      sha.update({block.data(), static_cast<std::size_t>(in.gcount())});
      out.bytes += static_cast<std::uint64_t>(in.gcount());
    }
    out.sha256 = hex(sha.finish());
    return out;
  }

  // ---- what is said
  // ----------------------------------------------------------------------------------------------------------------------------------

  void progress(std::string_view what, std::uint64_t n) {
    if (isatty(2) == 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < std::chrono::milliseconds(200)) return;
    shown_ = now;
    fmt::print(stderr, "\r{}: {} \033[K", what, n);
    said_ = true;
  }

  void print() {
    if (said_) fmt::print(stderr, "\r\033[K");
    if (args_.format == "json") return fmt::print("{}", risk::report_json(report_));
    if (args_.format == "html") return fmt::print("{}", risk::report_html(report_));
    text();
  }

  void text() const {
    const risk::Measures& b = report_.before;
    const std::optional<risk::Measures>& a = report_.after;
    std::vector<std::vector<std::string>> rows;
    const auto add = [&](std::string what, const auto& of) {
      rows.push_back({std::move(what), of(b, report_.estimate)});
      if (a) rows.back().push_back(of(*a, report_.estimate_after));
    };
    using Estimate = std::optional<risk::PopulationEstimate>;
    const auto share = [](std::uint64_t n, std::uint64_t of) {
      return fmt::format("{} ({})", n, risk::percent(of == 0 ? 0 : static_cast<double>(n) / static_cast<double>(of)));
    };
    add("rows", [](const risk::Measures& m, const Estimate&) { return std::to_string(m.rows); });
    add("classes", [](const risk::Measures& m, const Estimate&) { return std::to_string(m.classes); });
    add("k", [](const risk::Measures& m, const Estimate&) { return std::to_string(m.k); });
    add("unique rows", [&](const risk::Measures& m, const Estimate&) { return share(m.unique_rows, m.rows); });
    add("prosecutor risk", [](const risk::Measures& m, const Estimate&) {
      return fmt::format("max {:.4g}, mean {:.4g}", m.prosecutor.most, m.prosecutor.mean);
    });
    add(fmt::format("rows above {}", args_.threshold),
        [&](const risk::Measures& m, const Estimate&) { return share(m.at_risk(args_.threshold), m.rows); });
    if (b.population || report_.estimate) {
      add("journalist risk", [](const risk::Measures& m, const Estimate& e) {
        const risk::Exposure x = m.population ? m.population->journalist : e ? e->journalist : risk::Exposure{};
        return fmt::format("max {:.4g}, mean {:.4g}{}", x.most, x.mean, m.population ? "" : " (estimate)");
      });
      add("marketer risk", [](const risk::Measures& m, const Estimate& e) {
        return fmt::format("{:.4g}{}",
                           m.population ? m.population->marketer
                           : e          ? e->journalist.mean
                                        : 0,
                           m.population ? "" : " (estimate)");
      });
      add("unique in the population", [&](const risk::Measures& m, const Estimate& e) {
        if (m.population) return share(m.population->unique_rows, m.rows);
        return e ? fmt::format("{:.0f} (Pitman), {:.0f} (Poisson): estimates", e->pitman_unique_rows, e->poisson_unique_rows)
                 : std::string("no estimate");
      });
    }
    for (std::size_t i = 0; i < b.attributes.size(); ++i)
      add(b.attributes[i].name, [i](const risk::Measures& m, const Estimate&) {
        const risk::AttributeMeasures& x = m.attributes[i];
        return fmt::format("distinct l {}, entropy l {:.3g}, t {:.3g}{}; {} rows in classes of one value", x.distinct_l, x.entropy_l, x.t,
                           x.ordered ? " (ordered)" : "", x.told_rows);
      });
    std::vector<std::string> head{"", "as it is"};
    if (a) head.emplace_back("as generalized");
    print_table(head, rows);
    for (const risk::Report::Attack& attack : report_.attacks) {
      const risk::LinkageResult& l = attack.result;
      fmt::print("\n{}\n  compared: {}\n  found uniquely {}, one to one {}; among several {}; expected right {:.1f} if they are there\n",
                 paint(Paint::bold, "Attack on " + attack.on), attack.how, share(l.unique, l.rows), l.one_to_one,
                 share(l.ambiguous, l.rows), l.expected_right);
      if (l.truth) fmt::print("  right: {} of {} unique; among several {}\n", l.right_unique, l.unique, l.right_ambiguous);
      if (l.cut > 0) fmt::print("  {} rows of the other file were not compared with all that fits: narrow it with --match\n", l.cut);
    }
    if (report_.target) target_text();
    if (!report_.not_considered.empty()) {
      fmt::print("\nNot considered:");
      for (const std::string& name : report_.not_considered) fmt::print(" {}", name);
      fmt::print("\n");
    }
    fmt::print("\n{}\n", risk::kNotice);
  }

  void target_text() const {
    fmt::print("\nTarget: {}. {}\n", risk::say(*report_.target),
               report_.met_as_is ? paint(Paint::green, "The data meet it as they are.")
                                 : paint(Paint::yellow, "The data do not meet it as they are."));
    if (!report_.found) return;
    const risk::Found& f = *report_.found;
    if (f.met) {
      for (std::size_t i = 0; i < f.levels.size(); ++i)
        fmt::print("  {}: {}{}\n", report_.quasi[i].name, report_.quasi[i].labels[f.levels[i]],
                   report_.quasi[i].guessed ? paint(Paint::dim, "  (steps guessed: " + report_.quasi[i].hierarchy + ")") : "");
      fmt::print("  loss {:.4f}, {} rows suppressed; {}\n", f.loss, f.suppressed,
                 f.optimal ? "no generalization of these steps loses less"
                           : fmt::format("ended by --seconds: a loss down to {:.4f} is not ruled out", f.bound));
    } else {
      fmt::print("  {}\n", f.optimal ? "No generalization of these steps meets it: add steps with --hierarchy, or allow suppress=…"
                                     : "None found in time: raise --seconds, or name fewer columns or steps");
    }
    fmt::print("  {} of {:.0f} combinations checked, {} passed over, in {:.2f} s\n", f.checks.size(), f.nodes, f.passed_over,
               report_.search_seconds);
    if (report_.output) fmt::print("  {}: {} rows, sha256 {}\n", report_.output->file, report_.output->rows, report_.output->sha256);
  }

  const RiskArgs& args_;
  risk::Report report_;
  risk::Table table_;
  std::vector<std::string> names_;                        // of the table's columns
  std::vector<std::size_t> quasi_, sensitive_, matched_;  // the table's columns
  std::optional<std::size_t> truth_;
  std::vector<risk::Match> matches_;
  std::vector<risk::Ladder> ladders_;
  std::chrono::steady_clock::time_point shown_{};
  bool said_ = false;
};

int risk_verb(const RiskArgs& args) {
  auto code = std::make_unique<Risk>(args)->go();
  return code ? *code : fail(code.error());
}

}  // namespace

void add_risk(CLI::App& app, Run& run) {
  auto args = std::make_shared<RiskArgs>();
  CLI::App* c = app.add_subcommand("risk", "Measure and lower the re-identification risk of a table (CSV)");
  c->add_option("input", args->input, "the table; its first line names the columns; one row a person")->required();
  c->add_option("--quasi", args->quasi, "columns by which somebody might be known: birth,zip,sex")->delimiter(',')->allow_extra_args(false);
  c->add_option("--sensitive", args->sensitive, "columns that nobody should learn of a person")->delimiter(',')->allow_extra_args(false);
  c->add_option("--threshold", args->threshold, "count the rows whose risk is above it")->capture_default_str();
  c->add_option("--population-size", args->population_size, "people whom the data are a sample of: estimates journalist and marketer risk");
  c->add_option("--population", args->population, "a register of them, with the same columns: counts instead of estimates");
  c->add_option("--against", args->against, "linkage attack: how many rows does this file find again?");
  c->add_option("--match", args->match, "what it compares: NAME, NAME~3d (days), NAME^3 (first characters), NAME~0.92 (names), NAME=OTHER…")
      ->delimiter(',')
      ->allow_extra_args(false);
  c->add_option("--truth", args->truth, "a column of both (NAME or NAME=OTHER) that says who it is: counts what was found right");
  c->add_option("--rows", args->rows, "write the row numbers that were found uniquely: a list that re-identifies");
  c->add_option("--target", args->target,
                "find the least generalization with k=11, risk=0.09, l=3, entropy-l=2, t=0.3; suppress=0.02 of rows")
      ->delimiter(',')
      ->allow_extra_args(false);
  c->add_flag("--as-is", args->as_is, "with --target: only say whether the data meet it");
  c->add_option("--hierarchy", args->hierarchy,
                "NAME=date:month,year,5y | prefix:4,3 | number:5,10,top=90 | any | keep | FILE.csv (value,step 1,…); else guessed")
      ->allow_extra_args(false);
  c->add_option("--seconds", args->seconds, "the search ends after so long with the best so far")->capture_default_str();
  c->add_option("-o,--out", args->out, "write the generalized table: quasi-identifiers and sensitive columns");
  c->add_option("--keep", args->keep, "further columns for --out, as they are")->delimiter(',')->allow_extra_args(false);
  c->add_flag("--again", args->again, "write --out and --rows though they are there");
  c->add_option("--format", args->format, "text, json, html (to print and sign)")->capture_default_str();
  c->add_option("--delimiter", args->delimiter, "auto, tab, or a character")->capture_default_str();
  c->add_option("--memory", args->memory, "MiB; a larger table is measured through scratch space")->capture_default_str();
  c->add_option("--scratch", args->scratch, "folder for that space ($TMPDIR, /tmp); it holds keyed hashes, in a file without a name");
  c->footer(
      "No value of the data is shown: counts and names of columns only. Licet makes no expert determination (45 CFR 164.514(b)(1)).\n"
      "Docs: docs/risk.md. Exit: 0 measured, and the target is met where one is asked; 1 it is not met; 2 could not measure.\n\n"
      "  licet risk visits.csv --quasi birth,zip,sex --sensitive diagnosis\n"
      "  licet risk visits.csv --quasi birth,zip,sex --against voters.csv --match 'birth=dob~3d,zip^3,sex'\n"
      "  licet risk visits.csv --quasi birth,zip,sex --target k=11,suppress=0.02 --out released.csv\n"
      "  licet risk visits.csv --quasi birth,zip,sex --population-size 650000 --format html > risk.html");
  c->callback([args, &run] {
    args->command = "risk " + fs::path(args->input).filename().string();
    const auto say = [&](std::string_view option, const std::vector<std::string>& values) {
      std::string all;
      for (const std::string& v : values) all += (all.empty() ? "" : ",") + v;
      if (!all.empty()) args->command += " " + std::string(option) + " " + all;
    };
    const auto file = [](const std::string& path) { return std::vector<std::string>{fs::path(path).filename().string()}; };
    say("--quasi", args->quasi);
    say("--sensitive", args->sensitive);
    say("--threshold", {fmt::format("{}", args->threshold)});
    if (args->population_size > 0) say("--population-size", {std::to_string(args->population_size)});
    say("--population", file(args->population));
    say("--against", file(args->against));
    say("--match", args->match);
    say("--truth", {args->truth});
    say("--target", args->target);
    if (args->as_is) args->command += " --as-is";
    for (const std::string& h : args->hierarchy) say("--hierarchy", {h});
    say("--keep", args->keep);
    if (!args->target.empty() && !args->as_is) say("--seconds", {fmt::format("{}", args->seconds)});
    run = [args] { return risk_verb(*args); };
  });
}

}  // namespace licet::cli
