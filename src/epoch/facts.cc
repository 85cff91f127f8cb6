#include "epoch/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/bytes.h"

namespace licet::epoch {
namespace {

using nlohmann::json;

constexpr FactKind kKinds[] = {
    {"training", false, "person", "training", "a person finished a training"},
    {"access-ended", false, "person", "", "a person's access ended (left, or was removed)"},
    {"suspension", false, "system, organization or person", "", "access stops at once"},
    {"suspension-lifted", false, "system, organization or person", "", "a suspension ends"},
    {"terminated", false, "agreement", "", "an agreement was terminated; --from is its first day out of force"},
    {"device-lost", false, "device", "", "a device is missing"},
    {"device-wiped", false, "device", "", "a device was wiped"},
    {"evidence", false, "organization or system", "", "evidence was received and checked"},
    {"review", false, "organization, system or agreement", "", "a review was done"},
    {"phi-returned", false, "organization", "agreement", "PHI was returned or destroyed after an agreement ended"},
    {"phi-kept", false, "organization", "agreement",
     "returning or destroying it is not feasible; its protection goes on (164.504(e)(2)(ii)(J))"},
    {"subcontractor-consent", false, "agreement: the subcontract", "", "the upper party consented to this subcontractor"},
    {"subcontractor-refused", false, "agreement: the subcontract", "", "the upper party refused this subcontractor"},
    {"offshore-consent", false, "agreement", "", "the upper party consented to handling outside the country"},
    {"terms-page", false, "agreement", "SHA-256 of the page", "the published text was looked at"},
    {"expert-determination", false, "system", "", "an expert determined that re-identification risk is very small (164.514(b)(1))"},
    {"authorization", true, "recipient: system or organization", "", "the patient signed an authorization (164.508)"},
    {"consent", true, "recipient: system or organization", "", "the patient consented to a disclosure of Part 2 records (42 CFR 2.31)"},
    {"restriction", true, "recipient: system or organization", "", "the patient's restriction was agreed to (164.522(a))"},
    {"panel", true, "person, role or system", "", "the patient is on the holder's panel"},
    {"coverage", true, "organization: the plan", "", "the plan covers the patient"},
    {"representative", true, "", "representative's patient id", "somebody acts for the patient (164.502(g))"},
    {"legal-process", true, "recipient: system or organization", "", "an order, subpoena or request was received and checked"},
    {"disclosure", true, "recipient: organization", "", "a disclosure was made outside the gate (164.528)"},
    {"revoked", false, "", "index of the fact", "an earlier fact no longer holds"},
};

const FactKind* find_kind(std::string_view kind) {
  for (const FactKind& k : kKinds)
    if (k.kind == kind) return &k;
  return nullptr;
}

bool good_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

std::string hex_token(const std::array<std::uint64_t, 2>& key) {
  return fmt::format("{:016x}{:016x}", key[0], key[1]);
}

license::PatientKey key_of(std::string_view token) {
  license::PatientKey key{};
  for (std::size_t i = 0; i < token.size() && i < 32; ++i) {
    const char c = token[i];
    key[i / 16] = key[i / 16] << 4 | static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return key;
}

constexpr std::string_view kAad = "licet fact patient v1";

}  // namespace

std::span<const FactKind> fact_kinds() {
  return kKinds;
}

Result<ledger::Draft> fact_draft(const FactInput& input, std::string_view by, crypto::KeyRing& keys, Random& random) {
  const FactKind* kind = find_kind(input.kind);
  if (kind == nullptr) return Error{Code::invalid_argument, "no such kind of fact; `licet record --help` lists them"};
  const auto bad = [&](std::string_view what) { return Error{Code::invalid_argument, fmt::format("{}: {}", input.kind, what)}; };
  if (!kind->subject.empty() && !good_id(input.subject)) return bad(fmt::format("--subject must be the id of a {}", kind->subject));
  if (!kind->object.empty() && !good_id(input.object)) return bad(fmt::format("--object must be the {}", kind->object));
  if (kind->patient != !input.patient.empty())
    return bad(kind->patient ? "--patient is missing" : "this kind is not about a patient: drop --patient");
  if (!input.data_class.empty() && input.data_class.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-*_") != std::string::npos)
    return bad("--class must be a data class such as clinical.note");
  if (input.purpose.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_") != std::string::npos)
    return bad("--purpose must be a purpose code such as TREAT");
  json payload{{"fact", input.kind}};
  for (const auto& [name, value] : {std::pair{"from", &input.from}, std::pair{"until", &input.until}}) {
    if (value->empty()) continue;
    if (auto date = parse_date(*value); !date) return bad(fmt::format("--{}: {}", name, date.error().message));
    payload[name] = *value;
  }
  if (!input.from.empty() && !input.until.empty() && input.until < input.from) return bad("--until lies before --from");
  if (!input.subject.empty()) payload["subject"] = input.subject;
  const bool about_two_patients = input.kind == "representative";
  if (!input.object.empty() && !about_two_patients) payload["object"] = input.object;
  if (!input.data_class.empty()) payload["class"] = input.data_class;
  if (!input.purpose.empty()) payload["purpose"] = input.purpose;
  // The patient rests only under the restriction key, which outlives the quarterly detail keys: a consent must be readable for years.
  if (kind->patient) {
    json inside{{"patient", input.patient}};
    if (about_two_patients) inside["representative"] = input.object;
    payload["sealed"] = base64(as_bytes(crypto::seal(keys.restriction_key(), as_bytes(inside.dump()), as_bytes(kAad), random)));
  }
  ledger::Draft draft;
  draft.kind = ledger::Kind::fact;
  draft.actor = by;
  draft.payload = payload.dump();
  return draft;
}

Result<Recorded> read_facts(const ledger::Ledger& ledger, crypto::KeyRing& keys, const crypto::Blinder& blind) {
  Recorded out;
  out.size = ledger.head().size;
  std::optional<Error> failed;
  LICET_TRY_VOID(ledger.read(0, out.size, [&](const ledger::Leaf& leaf) {
    if (leaf.json.find("\"kind\":\"fact\"") == std::string::npos) return true;
    const json entry = json::parse(leaf.json, nullptr, false);
    if (entry.is_discarded() || entry.value("kind", "") != "fact" || !entry.contains("payload")) return true;
    const json& p = entry["payload"];
    stack::Fact fact;
    fact.index = leaf.index;
    fact.kind = p.value("fact", "");
    fact.subject = p.value("subject", "");
    fact.object = p.value("object", "");
    fact.data_class = p.value("class", "");
    fact.purpose = p.value("purpose", "");
    fact.by = entry.value("actor", "");
    fact.recorded = micros(entry.value("time", std::int64_t{0}));
    for (auto [name, field] : {std::pair{"from", &fact.from}, std::pair{"until", &fact.until}})
      if (p.contains(name))
        if (auto date = parse_date(p[name].get<std::string>())) *field = *date;
    if (p.contains("sealed")) {
      const auto box = unbase64(p["sealed"].get<std::string>());
      auto opened = crypto::open(keys.restriction_key(), as_bytes(box.value_or("")), as_bytes(kAad));
      const json inside = opened ? json::parse(*opened, nullptr, false) : json();
      if (!inside.is_object()) {
        failed = Error{Code::data_loss, fmt::format("the patient of fact {} can't be opened: wrong restriction key?", leaf.index)};
        return false;
      }
      fact.patient = hex_token(blind(inside.value("patient", "")));
      if (inside.contains("representative")) fact.object = hex_token(blind(inside.value("representative", "")));
    }
    out.facts.push_back(std::move(fact));
    return true;
  }));
  if (failed) return *failed;
  return out;
}

license::Overlay overlay_of(std::span<const stack::Fact> facts, const Zone& zone, Micros now) {
  std::set<std::uint64_t> revoked;
  for (const stack::Fact& f : facts)
    if (f.kind == "revoked") revoked.insert(std::strtoull(f.object.c_str(), nullptr, 10));
  license::Overlay overlay;
  const Date today = zone.day(now);
  for (const stack::Fact& f : facts) {
    if (revoked.contains(f.index) || (f.from && *f.from > today) || (f.until && *f.until < today)) continue;
    const std::string reference = "ledger:" + std::to_string(f.index);
    const license::PatientKey patient = key_of(f.patient);
    const std::optional<Micros> until = f.until ? std::optional(zone.start(*f.until + std::chrono::days(1))) : std::nullopt;
    if (f.kind == "suspension")
      overlay.suspend(f.subject, reference);
    else if (f.kind == "suspension-lifted")
      overlay.lift(f.subject);
    else if (f.kind == "restriction")
      overlay.restrict(patient, f.subject, f.data_class.empty() ? "*" : f.data_class, reference);
    else if (f.kind == "consent")
      overlay.consent(patient, f.subject, f.data_class.empty() ? "special.sud" : f.data_class, until);
    else if (f.kind == "panel")
      overlay.tie(f.subject, patient, until.value_or(Micros::max()));
    else if (f.kind == "coverage")
      overlay.member(f.subject, patient);
    else if (f.kind == "representative")
      overlay.represent(key_of(f.object), patient, until);
  }
  return overlay;
}

}  // namespace licet::epoch
