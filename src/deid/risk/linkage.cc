#include "deid/risk/linkage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/assert.h"
#include "deid/risk/hierarchy.h"
#include "deid/risk/measure.h"

namespace licet::deid::risk {
namespace {

constexpr std::int64_t kNoDate = INT64_MIN;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string Match::say() const {
  const std::string name = column == other ? column : column + "=" + other;
  switch (how) {
    case How::equal:
      return name + " equal";
    case How::days:
      return fmt::format("{} within {} days", name, amount);
    case How::prefix:
      return fmt::format("{} by its first {} characters", name, amount);
    case How::similar:
      return fmt::format("{} with a Jaro-Winkler similarity of at least {}", name, amount);
  }
  return name;
}

Result<std::vector<Match>> parse_matches(std::string_view text) {
  std::vector<Match> out;
  while (!text.empty()) {
    std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::string whole(one);
    Match made;
    const auto amount_of = [&](char sign) -> std::optional<std::string_view> {
      const std::size_t at = one.rfind(sign);
      if (at == std::string_view::npos) return std::nullopt;
      const std::string_view amount = one.substr(at + 1);
      one = one.substr(0, at);
      return amount;
    };
    std::optional<double> number = 0;
    if (auto near = amount_of('~')) {
      if (near->ends_with('d')) {
        made.how = Match::How::days;
        number = number_of(near->substr(0, near->size() - 1));
        if (number && (*number < 0 || *number != std::floor(*number) || *number > 36600)) number.reset();
      } else {
        made.how = Match::How::similar;
        number = number_of(*near);
        if (number && (*number <= 0 || *number > 1)) number.reset();
      }
    } else if (auto first = amount_of('^')) {
      made.how = Match::How::prefix;
      number = number_of(*first);
      if (number && (*number < 1 || *number != std::floor(*number))) number.reset();
    }
    const std::size_t equals = one.find('=');
    made.column = one.substr(0, equals);
    made.other = equals == std::string_view::npos ? made.column : std::string(one.substr(equals + 1));
    if (!number || made.column.empty() || made.other.empty())
      return Error{Code::invalid_argument, "\"" + whole +
                                               "\" is none of NAME, NAME~3d (days), NAME^3 (first characters), NAME~0.92 "
                                               "(similarity from 0 to 1), each also NAME=OTHER…"};
    made.amount = *number;
    out.push_back(std::move(made));
  }
  return out;
}

std::vector<Match> exactly(std::vector<Match> matches) {
  for (Match& m : matches) m.how = Match::How::equal;
  return matches;
}

std::string folded_name(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || byte >= 0x80)
      words.back() += lower(c);
    else if (c != '\'' && !words.back().empty())
      words.emplace_back();
  }
  std::sort(words.begin(), words.end());
  std::string out;
  for (const std::string& word : words)
    if (!word.empty()) out += (out.empty() ? "" : " ") + word;
  return out;
}

double jaro_winkler(std::string_view a, std::string_view b) {
  if (a == b) return a.empty() ? 0 : 1;
  if (a.empty() || b.empty() || a.size() > 128 || b.size() > 128) return 0;
  const std::size_t reach = std::max<std::size_t>(1, std::max(a.size(), b.size()) / 2) - 1;
  std::array<bool, 128> in_a{}, in_b{};
  std::size_t common = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t from = i > reach ? i - reach : 0, to = std::min(b.size(), i + reach + 1);
    for (std::size_t j = from; j < to; ++j) {
      if (in_b[j] || a[i] != b[j]) continue;
      in_a[i] = in_b[j] = true;
      ++common;
      break;
    }
  }
  if (common == 0) return 0;
  std::size_t moved = 0;
  for (std::size_t i = 0, j = 0; i < a.size(); ++i) {
    if (!in_a[i]) continue;
    while (!in_b[j]) ++j;
    if (a[i] != b[j++]) ++moved;
  }
  const auto m = static_cast<double>(common);
  const double jaro =
      (m / static_cast<double>(a.size()) + m / static_cast<double>(b.size()) + (m - static_cast<double>(moved / 2)) / m) / 3;
  std::size_t prefix = 0;
  while (prefix < std::min<std::size_t>({4, a.size(), b.size()}) && a[prefix] == b[prefix]) ++prefix;
  return jaro + static_cast<double>(prefix) * 0.1 * (1 - jaro);
}

Linkage::Linkage(const Table& table, std::span<const std::size_t> columns, std::vector<Match> matches, std::optional<std::size_t> truth)
    : table_(table),
      columns_(columns.begin(), columns.end()),
      matches_(std::move(matches)),
      truth_(truth),
      first_date_(matches_.size()),
      serials_(matches_.size()),
      names_(matches_.size()),
      block_of_(table.rows, Dictionary::kNone),
      seen_(table.rows),
      other_serial_(matches_.size()),
      other_name_(matches_.size()) {
  bool blocks = false;
  for (std::size_t i = 0; i < matches_.size(); ++i) {
    const Dictionary& values = table.columns[columns_[i]].dictionary;
    switch (matches_[i].how) {
      case Match::How::equal:
        blocks = true;
        break;
      case Match::How::prefix:
        blocks = true;
        break;
      case Match::How::days:
        all_equal_ = false;
        if (first_date_ == matches_.size()) first_date_ = i;
        for (std::uint32_t code = 0; code < values.size(); ++code) serials_[i].push_back(serial_of(values.value(code)).value_or(kNoDate));
        break;
      case Match::How::similar:
        all_equal_ = false;
        for (std::uint32_t code = 0; code < values.size(); ++code) names_[i].push_back(folded_name(values.value(code)));
        break;
    }
  }
  by_letter_ = !blocks && first_date_ == matches_.size();
  std::vector<std::string_view> fields(matches_.size());
  for (std::uint32_t row = 0; row < table.rows; ++row) {
    for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = field(row, i);
    if (!block_key(fields)) continue;
    const std::uint32_t block = blocks_.code(key_);
    if (block == rows_of_.size()) rows_of_.emplace_back();
    rows_of_[block].push_back(row);
    block_of_[row] = block;
  }
  shared_of_.resize(rows_of_.size(), 0);
  last_of_.resize(rows_of_.size(), 0);
  if (first_date_ < matches_.size()) {
    const Column& column = table.columns[columns_[first_date_]];
    const std::vector<std::int64_t>& serial = serials_[first_date_];
    for (std::vector<std::uint32_t>& rows : rows_of_)
      std::sort(rows.begin(), rows.end(),
                [&](std::uint32_t a, std::uint32_t b) { return serial[column.codes[a]] < serial[column.codes[b]]; });
  }
  if (truth_) {
    rows_of_truth_.reserve(table.rows);
    for (std::uint32_t row = 0; row < table.rows; ++row) rows_of_truth_.emplace(hash_of(trimmed(table.columns[*truth_].value(row))), row);
  }
}

// What must be equal, as one string: false where something to compare is missing.
bool Linkage::block_key(std::span<const std::string_view> fields) {
  key_.clear();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view text = trimmed(fields[i]);
    if (text.empty()) return false;
    switch (matches_[i].how) {
      case Match::How::equal:
        for (const char c : text) key_ += lower(c);
        key_ += '\0';
        break;
      case Match::How::prefix:
        for (const char c : text.substr(0, static_cast<std::size_t>(matches_[i].amount))) key_ += lower(c);
        key_ += '\0';
        break;
      case Match::How::days:
        break;
      case Match::How::similar:
        if (by_letter_ && key_.empty()) key_ = folded_name(text).substr(0, 1);
        break;
    }
  }
  return true;
}

bool Linkage::similar(std::uint32_t row, std::size_t date) {
  for (std::size_t i = 0; i < matches_.size(); ++i) {
    const std::uint32_t code = table_.columns[columns_[i]].codes[row];
    if (matches_[i].how == Match::How::days && i != date) {
      const std::int64_t serial = serials_[i][code];
      if (serial == kNoDate || std::abs(serial - other_serial_[i]) > static_cast<std::int64_t>(matches_[i].amount)) return false;
    }
    if (matches_[i].how == Match::How::similar && jaro_winkler(names_[i][code], other_name_[i]) < matches_[i].amount) return false;
  }
  return true;
}

void Linkage::add(std::span<const std::string_view> fields, std::string_view truth) {
  const std::uint64_t other = ++others_;
  if (!block_key(fields)) return;
  const std::uint32_t block = blocks_.find(key_);
  if (block == Dictionary::kNone) return;
  const std::vector<std::uint32_t>& rows = rows_of_[block];
  const auto right = [&](auto matched) {
    if (!truth_ || truth.empty()) return;
    const std::string_view is = trimmed(truth);
    const auto [from, to] = rows_of_truth_.equal_range(hash_of(is));
    for (auto at = from; at != to; ++at)
      if (matched(at->second) && trimmed(table_.columns[*truth_].value(at->second)) == is) seen_[at->second].right = true;
  };
  if (all_equal_) {  // the block's rows all match: one count for them
    ++shared_of_[block];
    last_of_[block] = other;
    right([&](std::uint32_t row) { return block_of_[row] == block; });
    return;
  }
  for (std::size_t i = 0; i < matches_.size(); ++i) {
    if (matches_[i].how == Match::How::days) {
      other_serial_[i] = serial_of(trimmed(fields[i])).value_or(kNoDate);
      if (other_serial_[i] == kNoDate) return;
    }
    if (matches_[i].how == Match::How::similar) other_name_[i] = folded_name(fields[i]);
  }
  auto from = rows.begin(), to = rows.end();
  if (first_date_ < matches_.size()) {
    const Column& column = table_.columns[columns_[first_date_]];
    const std::vector<std::int64_t>& serial = serials_[first_date_];
    const std::int64_t at = other_serial_[first_date_], days = static_cast<std::int64_t>(matches_[first_date_].amount);
    from = std::lower_bound(rows.begin(), rows.end(), at - days,
                            [&](std::uint32_t row, std::int64_t least) { return serial[column.codes[row]] < least; });
    to = std::upper_bound(from, rows.end(), at + days,
                          [&](std::int64_t most, std::uint32_t row) { return most < serial[column.codes[row]]; });
  }
  if (static_cast<std::size_t>(to - from) > kMostCandidates) {
    to = from + kMostCandidates;
    ++cut_;
  }
  hits_.clear();
  for (; from != to; ++from)
    if (similar(*from, first_date_)) hits_.push_back(*from);
  for (const std::uint32_t row : hits_) {
    Seen& seen = seen_[row];
    ++seen.matches;
    seen.last = other;
    seen.shared = seen.shared || hits_.size() > 1;
  }
  std::sort(hits_.begin(), hits_.end());
  right([&](std::uint32_t row) { return std::binary_search(hits_.begin(), hits_.end(), row); });
}

LinkageResult Linkage::result() const {
  LinkageResult out{.rows = table_.rows, .others = others_, .truth = truth_.has_value(), .cut = cut_};
  for (std::uint32_t row = 0; row < table_.rows; ++row) {
    const std::uint32_t block = block_of_[row];
    if (block == Dictionary::kNone) continue;
    const std::uint64_t matches = all_equal_ ? shared_of_[block] : seen_[row].matches;
    if (matches == 0) continue;
    const bool shared = all_equal_ ? rows_of_[block].size() > 1 : seen_[row].shared;
    ++(matches == 1 ? out.unique : out.ambiguous);
    if (matches == 1 && !shared) ++out.one_to_one;
    out.expected_right += 1.0 / static_cast<double>(matches);
    if (seen_[row].right) ++(matches == 1 ? out.right_unique : out.right_ambiguous);
  }
  return out;
}

std::vector<Linkage::Pair> Linkage::pairs() const {
  std::vector<Pair> out;
  for (std::uint32_t row = 0; row < table_.rows; ++row) {
    const std::uint32_t block = block_of_[row];
    if (block == Dictionary::kNone) continue;
    if (all_equal_ ? shared_of_[block] == 1 : seen_[row].matches == 1)
      out.push_back({row + 1, all_equal_ ? last_of_[block] : seen_[row].last});
  }
  return out;
}

}  // namespace licet::deid::risk
