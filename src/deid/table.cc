#include "deid/table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/csv.h"
#include "codec/scan.h"

namespace licet::deid {
namespace {

constexpr std::size_t kMemoBytes = std::size_t{4} << 20;
constexpr std::size_t kFewCodes = 2048;                   // which the caches hold
constexpr std::size_t kMemoMost = 1024, kMemoLeast = 16;  // cells a column

}  // namespace

TableTransform::Memo& TableTransform::memo(const Plan& plan, const codec::KeyWords& words) {
  const std::uint64_t hash = (words.first ^ std::rotl(words.last * 0x9e3779b97f4a7c15, 29)) * 0xd6e8feb86659fd93;
  return memo_[plan.memo + (hash >> memo_shift_)];
}

TableTransform::TableTransform(std::vector<Column> columns, ValueContext& values, Pieces& pieces, Pieces::Note note)
    : values_(values), pieces_(pieces), note_(std::move(note)), columns_(std::move(columns)), plans_(columns_.size()) {
  values_.patient.clear();  // of the file before
  shifts_ = values_.profile.rule(Kind::date).act == Act::shift;
  std::size_t remembered = 0;
  for (std::size_t n = 0; n < columns_.size(); ++n) {
    const Column& c = columns_[n];
    Plan& plan = plans_[n];
    switch (c.is) {
      case Column::Is::drop:
        plan.what = Plan::Do::drop;
        break;
      case Column::Is::keep:
        plan.what = Plan::Do::copy;
        break;
      case Column::Is::number:
        plan.what = Plan::Do::number;
        break;
      case Column::Is::token:
        plan.what = Plan::Do::token;
        break;
      case Column::Is::patient:
        if (!patient_) patient_ = n;
        plan.what = Plan::Do::remember;
        break;
      case Column::Is::identifier:
        plan.kind = c.kind;
        // What a date becomes is a matter of the patient, too.
        plan.what = c.kind == Kind::text ? Plan::Do::text : c.kind == Kind::date && shifts_ ? Plan::Do::value : Plan::Do::remember;
        reads_ = reads_ || (c.kind == Kind::text && values_.profile.rule(Kind::text).act == Act::scrub);
        break;
    }
    if (plan.what != Plan::Do::remember) continue;
    plan.memo = remembered++;
    if (values_.profile.rule(plan.kind).act == Act::code) coded_.push_back(n);
  }
  const std::size_t each = std::bit_floor(std::min(kMemoMost, kMemoBytes / sizeof(Memo) / std::max<std::size_t>(remembered, 1)));
  for (Plan& plan : plans_) {
    if (plan.what == Plan::Do::remember && each < kMemoLeast) plan.what = Plan::Do::value;
    plan.memo *= each;
  }
  if (each >= kMemoLeast) memo_.resize(remembered * each);
  memo_shift_ = 64 - static_cast<unsigned>(std::countr_zero(each));
}

bool TableTransform::drops_all() const {
  return std::all_of(columns_.begin(), columns_.end(), [](const Column& c) { return c.is == Column::Is::drop; });
}

void TableTransform::room(std::size_t bytes) {
  if (made_.size() - size_ < bytes) made_.resize(std::max(2 * made_.size(), size_ + bytes));
}

void TableTransform::put(std::string_view text) {
  room(text.size());
  std::copy(text.begin(), text.end(), made_.data() + size_);
  size_ += text.size();
}

bool TableTransform::stays(const Plan& plan, const codec::CsvCell& cell) {
  if (cell.raw.size() == (cell.quoted ? 2 : 0)) return true;  // says nothing
  switch (plan.what) {
    case Plan::Do::copy:
      return true;
    case Plan::Do::number:
      return number_stays(cell.text(scratch_));
    case Plan::Do::token:
      return token_stays(cell.text(scratch_));
    case Plan::Do::drop:
    case Plan::Do::text:
    case Plan::Do::value:
    case Plan::Do::remember:
      return false;
  }
  return false;
}

void TableTransform::expect(std::span<const codec::CsvRecord> records) {
  if (values_.codes.size() < kFewCodes) return;
  expected_.clear();
  for (const codec::CsvRecord& r : records) {
    if (r.cells.size() != columns_.size()) continue;
    for (const std::size_t n : coded_) {
      const codec::CsvCell& cell = r.cells[n];
      if (cell.raw.empty() || cell.doubled) continue;
      if (const Plan& plan = plans_[n]; plan.what == Plan::Do::remember && cell.raw.size() <= 16)
        if (const codec::KeyWords words = codec::key_words(cell.raw); memo(plan, words).of(words)) continue;
      expected_.push_back(cell.text(scratch_));
    }
  }
  values_.codes.expect(expected_);
}

void TableTransform::apply(const codec::CsvRecord& record, std::string_view ending) {
  LICET_ASSERT(record.cells.size() == plans_.size());
  if (patient_ && (shifts_ || reads_)) values_.patient = record.cells[*patient_].text(scratch_);
  if (reads_) read_texts(record);
  std::size_t piece = 0;
  // Cells side by side that stay are copied in one piece, with the comma before them.
  const char *from = nullptr, *to = nullptr;
  const auto copy = [&] {
    if (from != nullptr) put({from, static_cast<std::size_t>(to - from)});
    from = nullptr;
  };
  const codec::CsvCell* next = record.cells.data();
  bool first = true;
  for (const Plan& plan : plans_) {
    const codec::CsvCell& cell = *next++;
    if (stays(plan, cell)) {
      if (from == nullptr) from = cell.raw.data() - (first ? 0 : 1);
      to = cell.raw.data() + cell.raw.size();
      first = false;
      continue;
    }
    copy();
    if (!std::exchange(first, false)) put(",");
    switch (plan.what) {
      case Plan::Do::copy:
        break;  // it stays
      case Plan::Do::number:
      case Plan::Do::token:
        ++values_.tally.misfit;
        break;
      case Plan::Do::drop:
        ++values_.tally.dropped;
        break;
      case Plan::Do::text:
        ++values_.tally.kinds[static_cast<std::size_t>(Kind::text)];
        if (!reads_) break;
        plain_.clear();
        put_csv(pieces_.made(piece++), ',', plain_);
        put(plain_);
        break;
      case Plan::Do::value:
        value(plan.kind, cell);
        break;
      case Plan::Do::remember:
        remembered(plan, cell);
        break;
    }
  }
  copy();
  put(record.ending.empty() ? ending : record.ending);
}

void TableTransform::remembered(const Plan& plan, const codec::CsvCell& cell) {
  const std::string_view raw = cell.raw;
  if (raw.size() > 16) return value(plan.kind, cell);
  const codec::KeyWords words = codec::key_words(raw);
  Memo& m = memo(plan, words);
  if (m.of(words)) {
    ++values_.tally.kinds[static_cast<std::size_t>(plan.kind)];
    values_.tally.misfit += m.misfit ? 1 : 0;
    room(m.text.size());
    std::memcpy(made_.data() + size_, m.text.data(), m.text.size());
    size_ += m.made;
    return;
  }
  const std::size_t before = size_;
  const std::uint64_t misfits = values_.tally.misfit;
  value(plan.kind, cell);
  const std::string_view put_there = made().substr(before);
  if (put_there.size() > m.text.size()) return;
  m = {.first = words.first,
       .last = words.last,
       .size = static_cast<std::uint8_t>(words.size),
       .made = static_cast<std::uint8_t>(put_there.size()),
       .misfit = values_.tally.misfit != misfits};
  std::copy(put_there.begin(), put_there.end(), m.text.begin());
}

void TableTransform::value(Kind kind, const codec::CsvCell& cell) {
  plain_.clear();
  put_value(kind, cell.text(scratch_), Written::free, values_, plain_);
  if (codec::find_any(plain_, 0, ',', '"', '\r', '\n') == plain_.size()) return put(plain_);
  const std::string unquoted = std::move(plain_);
  plain_.clear();
  put_csv(unquoted, ',', plain_);
  put(plain_);
}

void TableTransform::read_texts(const codec::CsvRecord& record) {
  pieces_.clear();
  Known known;
  for (std::size_t n = 0; n < columns_.size(); ++n) {
    const Column& c = columns_[n];
    const std::string_view text = record.cells[n].text(scratch_);
    if (text.empty()) continue;
    if (c.is == Column::Is::patient) known.add(text, Kind::mrn);
    if (c.is != Column::Is::identifier) continue;
    if (c.kind == Kind::text)
      pieces_.add(text);
    else if (c.kind != Kind::date && c.kind != Kind::age && c.kind != Kind::state && c.kind != Kind::country && c.kind != Kind::id &&
             c.kind != Kind::trait)
      known.add(text, c.kind);
  }
  if (pieces_.size() == 0) return;
  pieces_.read(known, {.as_of = values_.as_of, .codes = &values_.codes, .key = values_.key, .patient = values_.patient}, note_);
}

}  // namespace licet::deid
