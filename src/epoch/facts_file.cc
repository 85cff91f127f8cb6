#include "epoch/facts_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace licet::epoch {
namespace {

using nlohmann::json;

constexpr std::string_view kSanction = "sanction";

std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

bool belongs(const stack::Fact& fact) {
  return fact.patient.empty() && fact.kind != kSanction;
}

json date(const std::optional<Date>& day) {
  return day ? json(format(*day)) : json(nullptr);
}

}  // namespace

std::string facts_file(std::span<const stack::Fact> facts_on_record) {
  json facts = json::array();
  for (const stack::Fact& f : facts_on_record) {
    if (!belongs(f)) continue;
    facts.push_back({{"index", f.index},
                     {"kind", f.kind},
                     {"subject", f.subject},
                     {"object", f.object},
                     {"class", f.data_class},
                     {"purpose", f.purpose},
                     {"from", date(f.from)},
                     {"until", date(f.until)},
                     {"recorded", format(f.recorded)},
                     {"by", f.by}});
  }
  return json{{"format", 1}, {"facts", std::move(facts)}}.dump(1) + "\n";
}

Result<std::vector<stack::Fact>> read_facts_file(std::string_view bytes) {
  const json file = json::parse(bytes, nullptr, false);
  if (!file.is_object() || !file.contains("facts") || !file["facts"].is_array())
    return Error{Code::invalid_argument, "not a file of recorded facts: `licet facts` writes one"};
  if (const auto at = file.find("format"); at != file.end() && *at != 1)
    return Error{Code::invalid_argument, "a newer format of recorded facts than this program reads: update licet"};
  std::vector<stack::Fact> out;
  std::size_t number = 0;
  for (const json& in : file["facts"]) {
    const auto wrong = [&](std::string_view what) {
      return Error{Code::invalid_argument, fmt::format("fact {} of the file: {}", number, what)};
    };
    ++number;
    if (!in.is_object() || !in.contains("index") || !in["index"].is_number_unsigned()) return wrong("it has no index");
    stack::Fact f;
    f.index = in["index"].get<std::uint64_t>();
    f.kind = text(in, "kind");
    f.subject = text(in, "subject");
    f.object = text(in, "object");
    f.data_class = text(in, "class");
    f.purpose = text(in, "purpose");
    f.by = text(in, "by");
    if (f.kind.empty()) return wrong("it has no kind");
    auto recorded = parse_time(text(in, "recorded"));
    if (!recorded) return wrong("recorded is not an instant");
    f.recorded = *recorded;
    for (const auto& [name, field] : {std::pair{"from", &f.from}, std::pair{"until", &f.until}}) {
      if (text(in, name).empty()) continue;
      auto day = parse_date(text(in, name));
      if (!day) return wrong(fmt::format("{} is not a date", name));
      *field = *day;
    }
    if (belongs(f)) out.push_back(std::move(f));
  }
  return out;
}

}  // namespace licet::epoch
