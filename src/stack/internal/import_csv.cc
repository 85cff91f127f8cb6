// CSV (RFC 4180) with a head: a vendor list out of a spreadsheet.
#include "base/csv.h"
#include "stack/internal/import.h"

namespace licet::stack::importing {
namespace {

constexpr std::size_t kRowsMost = 100'000;

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  while (!out.empty() && out.back() == ' ') out.pop_back();
  out.erase(0, std::min(out.find_first_not_of(' '), out.size()));
  return out;
}

}  // namespace

Result<void> csv(std::string_view bytes, Model& model) {
  LICET_TRY(rows, csv_rows(bytes, ',', kRowsMost));
  if (rows.empty()) return Error{Code::invalid_argument, "it is empty"};
  std::map<std::string, std::size_t> columns;
  for (std::size_t i = 0; i < rows[0].size(); ++i) columns.emplace(lower(rows[0][i]), i);
  const auto also = [&](const char* name, std::initializer_list<const char*> others) {
    for (const char* other : others)
      if (const auto at = columns.find(other); at != columns.end()) columns.emplace(name, at->second);
  };
  // As vendor lists out of purchasing and privacy tools call them.
  also("vendor",
       {"vendor name", "vendor_name", "supplier", "supplier name", "provider", "subprocessor", "sub-processor", "company", "third party"});
  also("url", {"website", "link", "homepage"});
  // vendor_id beside name: the names are those of vendors.
  if (columns.contains("vendor_id") || columns.contains("vendor id") || columns.contains("supplier_id") || columns.contains("supplier id"))
    also("vendor", {"name"});
  also("name", {"system", "service", "product", "application", "tool", "software"});
  also("name", {"vendor"});  // a list of vendors alone: each has one system, of its own name
  if (!columns.contains("name") && !(columns.contains("from") && columns.contains("to")))
    return Error{Code::invalid_argument, "the head names neither a column 'name' or 'vendor' nor 'from' and 'to'"};
  for (std::size_t n = 1; n < rows.size(); ++n) {
    const auto cell = [&](const char* name) {
      const auto at = columns.find(name);
      return at == columns.end() || at->second >= rows[n].size() ? std::string() : rows[n][at->second];
    };
    const auto key = [](const std::string& name) { return id_of(name); };
    if (const std::string name = cell("name"); !name.empty()) {
      System& s = model.system(key(name), name);
      if (const std::string vendor = cell("vendor"); !vendor.empty()) s.owner = model.organization(vendor);
      s.region = word_of(cell("region"));
      if (cell("url").starts_with("https://") || cell("url").starts_with("http://")) s.url = cell("url");
      const std::string stage = lower(cell("environment"));
      if (stage == "production" || stage == "staging" || stage == "development" || stage == "test") s.environment = stage;
      const std::string encrypted = lower(cell("encrypted"));
      if (encrypted == "yes" || encrypted == "true") s.encrypted = true;
      if (encrypted == "no" || encrypted == "false") s.encrypted = false;
    }
    if (const std::string from = cell("from"), to = cell("to"); !from.empty() && !to.empty() && key(from) != key(to)) {
      model.system(key(from), from);
      model.system(key(to), to);
      model.flow(key(from), key(to)).theirs = cell("data");
    }
  }
  return {};
}

}  // namespace licet::stack::importing
