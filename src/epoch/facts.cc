#include "epoch/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/bytes.h"
#include "stack/schema.h"

namespace licet::epoch {
namespace {

using nlohmann::json;

// 164.508(c)(1), (2): what makes an authorization valid; (c)(1)(vi) adds the authority of who signs for the patient.
constexpr FactDetail kAuthorization[] = {
    {"elements", "description|discloser|recipient|purpose|expiry|signature|authority", false, true},
    {"statements", "revocation|conditioning|redisclosure|remuneration", false, true},
    {"for", "marketing|sale|psychotherapy-notes|research|other"},
    {"signed-by", "patient|representative"},
};
// 42 CFR 2.31(a), and what the consent reaches: all future treatment, payment and operations, or less, or the protected kinds.
constexpr FactDetail kConsent[] = {
    {"scope", "tpo|specific|proceedings|counseling-notes"},
    {"elements", "patient|discloser|recipient|purpose|description|revocation|expiry|signature|date", false, true},
};
constexpr FactDetail kRestriction[] = {{"is", "agreed|paid-in-full"}};
constexpr FactDetail kRepresentative[] = {
    {"basis", "parent|guardian|executor|power-of-attorney|court-order|other"},
    {"checked", "id|court-order|power-of-attorney|letters-testamentary|known", false, true},
};
constexpr FactDetail kRequest[] = {
    {"is", "access|amendment|accounting|restriction|confidential-communication", true},
    {"extended", "date"},  // the day on which the individual was told in writing why it takes longer, and until when
};
constexpr FactDetail kAnswer[] = {{"outcome", "granted|partly|denied", true}};
constexpr FactDetail kLegalProcess[] = {
    {"is", "court-order|warrant|grand-jury-subpoena|administrative-request|subpoena|discovery-request|investigative-demand"},
    {"assurance", "notice-to-individual|protective-order|none"},  // of a subpoena without an order: 164.512(e)(1)(ii)
};
constexpr FactDetail kDisclosure[] = {
    {"basis",
     "required-by-law|public-health|abuse|oversight|judicial|law-enforcement|decedent|organ-donation|research|serious-threat|"
     "government|workers-compensation|other"},
};
constexpr FactDetail kOpportunity[] = {
    {"for", "directory|involved-in-care|disaster-relief|immunization|abuse|victim", true},
    {"answer", "agreed|did-not-object|professional-judgment|objected", true},
};
// 164.404(c)(1), (d) and 164.410(c): what a notice of a breach says, and how it was given.
constexpr FactDetail kNoticeIndividuals[] = {
    {"contents", "what-happened|types|steps|done|contact", false, true},
    {"by", "mail|email-agreed|substitute|website|media|telephone", false, true},
    {"unreached", "none|fewer-than-ten|ten-or-more"},
};
constexpr FactDetail kNoticeEntity[] = {{"contents", "individuals|information", false, true}};
constexpr FactDetail kVerification[] = {
    {"of", "identity|authority", true, true},
    {"by", "known|badge|letterhead|written-authority|oral-authority|warrant|credential|call-back", true, true},
};

constexpr FactKind kKinds[] = {
    {"training", false, "person", "training", "a person finished a training"},
    {"access-ended", false, "person", "", "a person's access ended (left, or was removed)"},
    {"suspension", false, "system, organization, person or route", "", "access stops at once"},
    {"suspension-lifted", false, "system, organization, person or route", "", "a suspension ends"},
    {"terminated", false, "agreement", "", "an agreement was terminated; --from is its first day out of force"},
    {"risk-analysis", false, "organization", "", "a risk analysis was done or updated (164.308(a)(1)(ii)(A))"},
    {"evaluation", false, "organization", "", "an evaluation against the rule was done (164.308(a)(8))"},
    {"activity-review", false, "system", "", "the activity of a system was reviewed (164.308(a)(1)(ii)(D))"},
    {"login-review", false, "organization", "", "log-in attempts were reviewed (164.308(a)(5)(ii)(C))"},
    {"access-review", false, "organization", "", "everybody's access was looked through (164.308(a)(4)(ii)(C))"},
    {"access-authorized", false, "person", "role", "a person's access was authorized (164.308(a)(3)(ii)(A))"},
    {"clearance", false, "person", "", "a person's access was found appropriate (164.308(a)(3)(ii)(B))"},
    {"sanction", false, "organization", "person", "a sanction was applied (164.308(a)(1)(ii)(C)); who it was is sealed"},
    {"reminder", false, "organization", "", "a security reminder went out (164.308(a)(5)(ii)(A))"},
    {"drill", false, "organization", "", "the contingency plan was tried (164.308(a)(7)(ii)(D))"},
    {"restore-test", false, "backup", "", "a copy was restored and compared (164.308(a)(7)(ii)(A))"},
    {"site-validated", false, "facility", "", "who gets in, and why, was validated (164.310(a)(2)(iii))"},
    {"maintenance", false, "facility", "", "a repair or change of doors, locks or walls was written down (164.310(a)(2)(iv))"},
    {"device-lost", false, "device", "", "a device is missing"},
    {"device-found", false, "device", "", "a missing device was found"},
    {"device-wiped", false, "device", "", "a device was wiped"},
    {"disposed", false, "device or media", "method: clear, purge or destroy", "it was disposed of (164.310(d)(2)(i), NIST SP 800-88)"},
    {"moved", false, "device or media", "person who answers for it", "it changed hands (164.310(d)(2)(iii))"},
    {"notice-entity", false, "incident", "", "the party upward was told of a breach (164.410)", kNoticeEntity},
    {"notice-individuals", false, "incident", "", "the individuals were told of a breach (164.404)", kNoticeIndividuals},
    {"notice-media", false, "incident", "", "the media were told of a breach (164.406)"},
    {"notice-hhs", false, "incident", "", "HHS was told of a breach (164.408)"},
    {"law-enforcement-delay", false, "incident", "", "an official asked for delay until --until (164.412)"},
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
    {"authorization", true, "recipient: system or organization", "", "the patient signed an authorization (164.508)", kAuthorization},
    {"consent", true, "recipient: system or organization", "", "the patient consented to a disclosure of Part 2 records (42 CFR 2.31)",
     kConsent},
    {"restriction", true, "recipient: system or organization", "", "the patient's restriction was agreed to (164.522(a))", kRestriction},
    {"panel", true, "person, role or system", "", "the patient is on the holder's panel"},
    {"coverage", true, "organization: the plan", "", "the plan covers the patient"},
    {"representative", true, "", "representative's patient id", "somebody acts for the patient (164.502(g))", kRepresentative},
    {"legal-process", true, "recipient: system or organization", "", "an order, subpoena or request was received and checked",
     kLegalProcess},
    {"disclosure", true, "recipient: organization", "", "a disclosure was made outside the gate (164.528)", kDisclosure},
    {"request", true, "organization that received it", "",
     "the individual asked for access, an amendment, an accounting … (its clock runs from --from)", kRequest},
    {"request-answered", false, "", "index of the request", "a request was answered, on --from", kAnswer},
    {"opportunity", true, "recipient: system or organization", "", "the patient agreed or objected to a disclosure (164.510)",
     kOpportunity},
    {"decedent", true, "", "", "the patient died, on --from (164.502(f), 164.512(g))"},
    {"verification", false, "organization or system", "", "identity and authority of a requester were verified (164.514(h))",
     kVerification},
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

bool word_of(std::string_view choices, std::string_view word) {
  if (choices == "id") return good_id(word);
  if (choices == "number") return !word.empty() && word.size() <= 12 && word.find_first_not_of("0123456789") == std::string_view::npos;
  if (choices == "date") {
    auto date = parse_date(word);
    return static_cast<bool>(date);
  }
  return stack::schema::one_of(choices, word);
}

// Empty: it is one of the kind's words.
std::string wrong_detail(const FactKind& kind, std::string_view name, std::string_view value) {
  for (const FactDetail& d : kind.details) {
    if (d.name != name) continue;
    const std::string remedy = fmt::format("--set {}= takes {}{}", name, d.choices, d.many ? ", several with commas" : "");
    if (!d.many) return word_of(d.choices, value) ? "" : remedy;
    for (std::string_view rest = value;;) {
      const std::size_t comma = rest.find(',');
      if (!word_of(d.choices, rest.substr(0, comma))) return remedy;
      if (comma == std::string_view::npos) return "";
      rest.remove_prefix(comma + 1);
    }
  }
  std::string names;
  for (const FactDetail& d : kind.details) names += fmt::format("{}{}", names.empty() ? "" : ", ", d.name);
  return names.empty() ? "takes no --set" : fmt::format("takes --set of {}", names);
}

// As it was recorded: an object of strings, whatever wrote it.
void read_details(const json& from, stack::Fact& fact) {
  const auto details = from.find("details");
  if (details == from.end() || !details->is_object()) return;
  for (const auto& [name, value] : details->items())
    if (value.is_string()) fact.details.emplace(name, value.get<std::string>());
}

std::string_view detail(const stack::Fact& fact, const char* name) {
  const auto at = fact.details.find(name);
  return at == fact.details.end() ? std::string_view() : std::string_view(at->second);
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
  const bool about_a_sanction = input.kind == "sanction";  // that there was one is on record; whose it was rests sealed
  if (input.kind == "disposed" && input.object != "clear" && input.object != "purge" && input.object != "destroy")
    return bad("the method is clear, purge or destroy (NIST SP 800-88)");
  if (!input.object.empty() && !about_two_patients && !about_a_sanction) payload["object"] = input.object;
  if (!input.data_class.empty()) payload["class"] = input.data_class;
  if (!input.purpose.empty()) payload["purpose"] = input.purpose;
  for (const auto& [name, value] : input.details)
    if (const std::string wrong = wrong_detail(*kind, name, value); !wrong.empty()) return bad(wrong);
  for (const FactDetail& d : kind->details)
    if (d.required && !input.details.contains(std::string(d.name))) return bad(fmt::format("say --set {}={}", d.name, d.choices));
  // The patient rests only under the restriction key, which outlives the quarterly detail keys: a consent must be readable for years.
  if (kind->patient || about_a_sanction) {
    json inside = about_a_sanction ? json{{"person", input.object}} : json{{"patient", input.patient}};
    if (about_two_patients) inside["representative"] = input.object;
    if (!input.details.empty()) inside["details"] = input.details;
    payload["sealed"] = base64(as_bytes(crypto::seal(keys.restriction_key(), as_bytes(inside.dump()), as_bytes(kAad), random)));
  } else if (!input.details.empty()) {
    payload["details"] = input.details;
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
  LICET_TRY_VOID(ledger.read_acts(out.size, [&](const ledger::Leaf& leaf) {
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
    read_details(p, fact);
    if (p.contains("sealed")) {
      const auto box = unbase64(p["sealed"].get<std::string>());
      auto opened = crypto::open(keys.restriction_key(), as_bytes(box.value_or("")), as_bytes(kAad));
      const json inside = opened ? json::parse(*opened, nullptr, false) : json();
      if (!inside.is_object()) {
        failed = Error{Code::data_loss, fmt::format("the patient of fact {} can't be opened: wrong restriction key?", leaf.index)};
        return false;
      }
      if (inside.contains("patient")) fact.patient = hex_token(blind(inside.value("patient", "")));
      read_details(inside, fact);
      if (inside.contains("person")) fact.object = hex_token(blind(inside.value("person", "")));
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
    else if (f.kind == "opportunity" && detail(f, "answer") == "objected")
      overlay.restrict(patient, f.subject, f.data_class.empty() ? "*" : f.data_class, reference);  // 164.510(a)(2), (b)(2)
    else if (f.kind == "consent" && detail(f, "scope") != "proceedings")  // such a one lets nothing go to those who treat or pay
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
