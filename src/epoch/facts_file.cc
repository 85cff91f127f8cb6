#include "epoch/facts_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "crypto/crypto.h"

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

// What is signed: the digest of everything in the file but the signature, written in the one way there is.
std::string signed_text(json file) {
  file.erase("signature");
  return "licet facts\nsha256 " + hex(crypto::sha256(file.dump(-1, ' ', false, json::error_handler_t::replace))) + "\n";
}

// Whether a key vouches for the file; where none does, whether the reader believes it all the same.
Result<bool> vouched(const json& file, const std::string& origin, const FactsTrust& trust) {
  if (!file.contains("signature")) {
    if (trust.unsigned_too && !trust.key) return false;
    return Error{Code::permission_denied,
                 "it is not signed: anybody could have written it (licet facts signs it; --facts-unsigned believes it)"};
  }
  if (!trust.key) {
    if (trust.unsigned_too) return false;
    return Error{Code::permission_denied,
                 fmt::format("{} signed it: give its key with --facts-key (STATE/log.vkey), or believe it unchecked with "
                             "--facts-unsigned",
                             origin)};
  }
  auto opened = ledger::open_note(text(file, "signature"), *trust.key);
  if (!opened) return Error{Code::permission_denied, fmt::format("it is not signed by {}: {}", trust.key->name, opened.error().message)};
  if (*opened != signed_text(file))
    return Error{Code::permission_denied, fmt::format("it was altered after {} signed it", trust.key->name)};
  return true;
}

json date(const std::optional<Date>& day) {
  return day ? json(format(*day)) : json(nullptr);
}

}  // namespace

std::string facts_file(std::span<const stack::Fact> facts_on_record, const std::string& origin, const crypto::Ed25519Key* key) {
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
                     {"details", f.details},
                     {"recorded", format(f.recorded)},
                     {"by", f.by}});
  }
  json file{{"format", 1}, {"facts", std::move(facts)}};
  if (key != nullptr) {
    file["origin"] = origin;
    file["signature"] = ledger::sign_note(signed_text(file), origin, *key);
  }
  return file.dump(1) + "\n";
}

Result<FactsFile> read_facts_file(std::string_view bytes, const FactsTrust& trust) {
  const json file = json::parse(bytes, nullptr, false);
  if (!file.is_object() || !file.contains("facts") || !file["facts"].is_array())
    return Error{Code::invalid_argument, "not a file of recorded facts: `licet facts` writes one"};
  if (const auto at = file.find("format"); at != file.end() && *at != 1)
    return Error{Code::invalid_argument, "a newer format of recorded facts than this program reads: update licet"};
  FactsFile out;
  out.origin = text(file, "origin");
  LICET_TRY(proven, vouched(file, out.origin, trust));
  out.proven = proven;
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
    if (const auto details = in.find("details"); details != in.end() && details->is_object())
      for (const auto& [name, value] : details->items())
        if (value.is_string()) f.details.emplace(name, value.get<std::string>());
    if (belongs(f)) out.facts.push_back(std::move(f));
  }
  return out;
}

}  // namespace licet::epoch
