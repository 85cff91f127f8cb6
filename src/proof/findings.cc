#include "proof/findings.h"

#include <map>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "proof/internal/json.h"
#include "proof/report.h"

namespace licet::proof {

using nlohmann::json;
using rules::Status;

namespace {

constexpr std::array kStatuses = {Status::pass, Status::fail, Status::unknown, Status::not_applicable, Status::accepted, Status::stale};

json date_or_null(const std::optional<Date>& date) {
  return date ? json(format(*date)) : json(nullptr);
}

// SARIF's location of the first declared thing that a finding was read from; null where it stands on recorded facts alone.
json location_of(const rules::Finding& finding, std::string_view folder) {
  const std::string at = place_of(finding);
  const auto colon = at.rfind(':');
  if (colon == std::string::npos) return nullptr;
  const int line = std::atoi(at.c_str() + colon + 1);
  json place{{"artifactLocation", {{"uri", at.substr(0, colon)}, {"uriBaseId", "STACK"}}}};
  if (!folder.empty()) place["artifactLocation"] = {{"uri", std::string(folder) + "/" + at.substr(0, colon)}};
  if (line > 0) place["region"] = {{"startLine", line}};
  return json{{"physicalLocation", std::move(place)}};
}

}  // namespace

json to_json(const rules::Finding& f) {
  return {{"requirement", f.asked->requirement}, {"cites", f.asked->cites}, {"subject", f.subject},
          {"status", rules::name(f.status)},     {"because", f.sentence()}, {"witness", embedded(f.witness)},
          {"facts", embedded(f.facts)},          {"mend", f.mend}};
}

json to_json(const rules::Ground& g) {
  return {{"id", g.id},
          {"kind", g.kind},
          {"flow", g.flow},
          {"recipient", g.recipient},
          {"entity", g.entity},
          {"classes", g.classes},
          {"purposes", g.purposes},
          {"regions", g.regions},
          {"whose", g.whose},
          {"form", g.form},
          {"minimum_necessary", g.minimum_necessary},
          {"accountable", g.accountable},
          {"hold", g.hold},
          {"asks_for", g.asks_for},
          {"from", date_or_null(g.from)},
          {"until", date_or_null(g.until)},
          {"agreements", g.agreements},
          {"cites", g.cites},
          {"because", g.because},
          {"witness", embedded(g.witness)}};  // patients of `named` grounds stay out: tokens of this process's life mean nothing elsewhere
}

json to_json(const rules::PackInfo& p) {
  json out{{"id", p.id}, {"version", p.version}, {"status", p.status}};
  if (p.digest != Digest{}) out["sha256"] = hex(p.digest);
  return out;
}

json to_json(const license::License& l) {
  constexpr std::array whose = {"all", "compartment", "members", "panel", "named"};
  return {{"id", l.id},
          {"holder", l.holder},
          {"permit", l.permit},
          {"flow", l.flow},
          {"ground", l.ground_id},
          {"ground_kind", l.ground_kind},
          {"entity", l.entity},
          {"classes", l.classes},
          {"purposes", l.purposes},
          {"regions", l.regions},
          {"actions", l.actions},
          {"conditions", l.conditions},
          {"agreements", l.agreements},
          {"form", name(l.form)},
          {"view", l.view},
          {"whose", whose.at(static_cast<std::size_t>(l.whose))},
          {"hold", l.hold},
          {"accountable", l.accountable},
          {"carries", l.carries},
          {"from", date_or_null(l.from)},
          {"until", date_or_null(l.until)},
          {"because", l.because},
          {"witness", embedded(l.witness)}};
}

json to_json(const license::Change& c) {
  return {{"what", c.what},     {"holder", c.holder}, {"flow", c.flow},   {"class", c.data_class}, {"purpose", c.purpose},
          {"action", c.action}, {"before", c.before}, {"after", c.after}, {"care", c.care}};
}

json turn_json(const rules::Finding* before, const rules::Finding* after, bool breaks, bool mends) {
  const auto status = [](const rules::Finding* f) { return f == nullptr ? json(nullptr) : json(rules::name(f->status)); };
  return {{"what", breaks  ? "breaks"
                   : mends ? "mends"
                           : "turns"},
          {"before", status(before)},
          {"after", status(after)},
          {"finding", to_json(after != nullptr ? *after : *before)}};
}

std::string diff_json(std::span<const rules::Turn> turns, std::span<const license::Change> changes, const rules::Judgment& before,
                      const rules::Judgment& after, bool strict, std::span<const rules::Pack* const> proposed) {
  json findings = json::array(), licenses = json::array();
  for (const rules::Turn& t : turns) findings.push_back(turn_json(t.before, t.after, t.breaks(strict), t.mends(strict)));
  for (const license::Change& c : changes) licenses.push_back(to_json(c));
  const auto side = [](const rules::Judgment& j) { return json{{"as_of", format(j.as_of)}, {"under", j.under}, {"summary", summary(j)}}; };
  json out = {{"before", side(before)}, {"after", side(after)}, {"findings", std::move(findings)}, {"licenses", std::move(licenses)}};
  for (const rules::Pack* pack : proposed) {
    json requirements = json::array();
    for (const rules::Requirement& r : pack->requirements)
      requirements.push_back({{"id", r.id}, {"cites", r.cites}, {"asks", r.asks}, {"notes", r.notes}});
    out["proposed"].push_back(
        {{"id", pack->info.id}, {"version", pack->info.version}, {"title", pack->info.title}, {"requirements", std::move(requirements)}});
  }
  return canonical(out);
}

json summary(const rules::Judgment& judgment) {
  std::array<int, kStatuses.size()> counts{};
  for (const rules::Finding& f : judgment.findings) ++counts.at(static_cast<std::size_t>(f.status));
  json out = json::object();
  for (const Status s : kStatuses) out[std::string(rules::name(s))] = counts.at(static_cast<std::size_t>(s));
  return out;
}

std::string findings_json(const rules::Judgment& judgment) {
  json packs = json::array();
  for (const rules::PackInfo& p : judgment.packs) packs.push_back({{"id", p.id}, {"version", p.version}, {"status", p.status}});
  // One finding at a time: a tree of all of them would hold each of its texts twice.
  std::string out = "{\"as_of\":" + canonical(format(judgment.as_of)) + ",\"findings\":[";
  for (const rules::Finding& f : judgment.findings) {
    if (&f != judgment.findings.data()) out += ',';
    out += canonical(to_json(f));
  }
  return out + "],\"packs\":" + canonical(packs) + ",\"summary\":" + canonical(summary(judgment)) + "}";
}

std::string findings_sarif(const rules::Judgment& judgment, std::string_view version, std::string_view folder) {
  while (folder.starts_with("./")) folder.remove_prefix(2);
  while (folder.ends_with("/")) folder.remove_suffix(1);
  if (folder == "." || folder.starts_with("/") || folder.starts_with("..")) folder = {};
  json descriptors = json::array(), results = json::array();
  std::map<std::string, std::size_t> index;
  for (const rules::Finding& f : judgment.findings) {
    json result{{"ruleId", f.asked->requirement}};
    switch (f.status) {
      case Status::pass:
      case Status::not_applicable:
        continue;
      case Status::fail:
      case Status::stale:
        result["kind"] = "fail", result["level"] = f.asked->about == "program" ? "warning" : "error";
        break;
      case Status::unknown:
        result["kind"] = "open", result["level"] = "none";
        break;  // §3.27.10: only `fail` has another level than none
      case Status::accepted:
        result["kind"] = "fail", result["level"] = "note";
        result["suppressions"] = json::array({{{"kind", "external"}, {"status", "accepted"}, {"justification", f.sentence()}}});
        break;
    }
    const auto [at, is_new] = index.emplace(f.asked->requirement, descriptors.size());
    if (is_new) {
      std::string cites;
      for (const std::string& c : f.asked->cites) cites += (cites.empty() ? "" : ", ") + c;
      json descriptor{
          {"id", f.asked->requirement},
          {"shortDescription", {{"text", cites.empty() ? f.asked->requirement : cites}}},
          {"properties", {{"about", f.asked->about}, {"source", f.asked->source}, {"level", f.asked->level}, {"tags", f.asked->cites}}}};
      if (const std::string url = f.asked->cites.empty() ? std::string() : source_url(f.asked->cites.front()); !url.empty())
        descriptor["helpUri"] = url;
      descriptors.push_back(std::move(descriptor));
    }
    result["ruleIndex"] = at->second;
    const std::string mend = f.mend.empty() || f.status == Status::accepted ? std::string() : " Mend: " + f.mend;
    result["message"] = {{"text", f.sentence() + mend}};
    result["partialFingerprints"] = {{"requirementAndSubject/v1", f.asked->requirement + "/" + f.subject}};
    result["properties"] = {{"status", rules::name(f.status)}, {"subject", f.subject}};
    if (json place = location_of(f, folder); !place.is_null()) result["locations"] = json::array({std::move(place)});
    results.push_back(std::move(result));
  }
  json driver{{"name", "licet"}, {"rules", std::move(descriptors)}};
  if (!version.empty()) driver["version"] = version;
  json run{{"tool", {{"driver", std::move(driver)}}},
           {"results", std::move(results)},
           {"originalUriBaseIds", {{"STACK", {{"description", {{"text", "the folder of the declaration"}}}}}}},
           {"columnKind", "utf16CodeUnits"},
           {"properties", {{"as_of", format(judgment.as_of)}, {"under", judgment.under}}}};
  return canonical(
      {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}, {"runs", json::array({std::move(run)})}});
}

}  // namespace licet::proof
