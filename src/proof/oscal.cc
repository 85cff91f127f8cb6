#include "proof/oscal.h"

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "crypto/crypto.h"
#include "proof/internal/json.h"
#include "proof/internal/manifest.h"
#include "proof/report.h"

namespace licet::proof {
namespace {

using nlohmann::json;
using rules::Finding;
using rules::Status;

constexpr std::string_view kOscal = "1.2.1";
constexpr std::string_view kNames = "https://licet.example/ns/oscal";  // namespace of our own property names

std::string uuid(std::initializer_list<std::string_view> parts) {
  crypto::Sha256 hash;
  for (const std::string_view part : parts) {
    hash.update(part);
    hash.update(std::string_view("\0", 1));
  }
  std::string h = hex(hash.finish()).substr(0, 32);
  h[12] = '5';  // version
  h[16] = 'a';  // variant
  return h.substr(0, 8) + "-" + h.substr(8, 4) + "-" + h.substr(12, 4) + "-" + h.substr(16, 4) + "-" + h.substr(20);
}

std::string instant(Date day) {
  return format(day) + "T00:00:00Z";
}

json prop(std::string_view name, std::string_view value) {
  return {{"name", name}, {"ns", kNames}, {"value", value}};
}

json metadata(std::string_view title, Date as_of, std::string_view version) {
  return {{"title", title},
          {"last-modified", instant(as_of)},
          {"version", format(as_of)},
          {"oscal-version", kOscal},
          {"remarks", std::string(kNotice) + " Made by licet " + std::string(version) + "."}};
}

json links_of(const std::vector<std::string>& cites) {
  json out = json::array();
  for (const std::string& cite : cites)
    if (const std::string url = source_url(cite); !url.empty()) out.push_back({{"href", url}, {"rel", "reference"}, {"text", cite}});
  return out;
}

// A requirement holds where every subject passed; `reason` is OSCAL's own word, and ours stands beside it.
json status_of(const std::vector<const Finding*>& findings) {
  const auto any = [&](Status s) {
    return std::any_of(findings.begin(), findings.end(), [s](const Finding* f) { return f->status == s; });
  };
  if (any(Status::fail) || any(Status::stale)) return {{"state", "not-satisfied"}, {"reason", "fail"}};
  if (any(Status::unknown)) return {{"state", "not-satisfied"}, {"reason", "other"}, {"remarks", "unknown: nothing on record says"}};
  if (any(Status::accepted)) return {{"state", "not-satisfied"}, {"reason", "other"}, {"remarks", "accepted by a person's decision"}};
  return {{"state", "satisfied"}, {"reason", "pass"}};
}

json observation(const Finding& f, const rules::Judgment& judgment) {
  json props = json::array({prop("status", rules::name(f.status))});
  if (!f.subject.empty()) props.push_back(prop("subject", f.subject));
  if (const std::string at = place_of(f); !at.empty()) props.push_back(prop("at", at));
  json out{{"uuid", uuid({"observation", judgment.under, format(judgment.as_of), f.asked->requirement, f.subject})},
           {"title", f.asked->requirement + (f.subject.empty() ? "" : ": " + f.subject)},
           {"description", f.sentence()},
           {"methods", json::array({"EXAMINE"})},
           {"props", std::move(props)},
           {"collected", instant(judgment.as_of)}};
  if (!f.mend.empty() && f.status != Status::pass && f.status != Status::not_applicable) out["remarks"] = "Mend: " + f.mend;
  return out;
}

json control(const rules::Requirement& r) {
  json props = json::array({prop("level", r.level), prop("about", r.about), prop("source", r.source)});
  for (const std::string& cite : r.cites) props.push_back(prop("cites", cite));
  json out{{"id", r.id},
           {"title", r.asks},
           {"props", std::move(props)},
           {"parts", json::array({{{"id", r.id + "_smt"}, {"name", "statement"}, {"prose", r.asks}},
                                  {{"id", r.id + "_obj"}, {"name", "assessment-objective"}, {"prose", r.asks}}})}};
  if (json links = links_of(r.cites); !links.empty()) out["links"] = std::move(links);
  return out;
}

}  // namespace

std::string assessment_results(const rules::Judgment& judgment, std::string_view version) {
  const std::string day = format(judgment.as_of);
  std::map<std::string, std::vector<const Finding*>> by_requirement;
  for (const Finding& f : judgment.findings) by_requirement[f.asked->requirement].push_back(&f);

  json observations = json::array(), findings = json::array(), reviewed = json::array();
  for (const auto& [requirement, all] : by_requirement) {
    reviewed.push_back({{"control-id", requirement}});
    json related = json::array();
    std::vector<const Finding*> asked;
    for (const Finding* f : all) {
      observations.push_back(observation(*f, judgment));
      if (f->status == Status::not_applicable) continue;
      asked.push_back(f);
      related.push_back({{"observation-uuid", observations.back()["uuid"]}});
    }
    if (asked.empty()) continue;
    findings.push_back({{"uuid", uuid({"finding", judgment.under, day, requirement})},
                        {"title", requirement},
                        {"description", std::to_string(asked.size()) + " subjects were judged " + judgment.under + "."},
                        {"target", {{"type", "objective-id"}, {"target-id", requirement + "_obj"}, {"status", status_of(asked)}}},
                        {"related-observations", std::move(related)}});
  }
  json selection = json::object();
  if (reviewed.empty())
    selection["description"] = "No requirement was judged.";
  else
    selection["include-controls"] = std::move(reviewed);
  json result{{"uuid", uuid({"result", judgment.under, day})},
              {"title", "licet check"},
              {"description", "The declaration as judged " + judgment.under + "."},
              {"start", instant(judgment.as_of)},
              {"end", instant(judgment.as_of)},
              {"reviewed-controls", {{"control-selections", json::array({std::move(selection)})}}}};
  if (!observations.empty()) result["observations"] = std::move(observations);
  if (!findings.empty()) result["findings"] = std::move(findings);
  const std::string plan = uuid({"plan", judgment.under});
  json out{{"uuid", uuid({"assessment-results", judgment.under, day})},
           {"metadata", metadata("What was found as of " + day, judgment.as_of, version)},
           {"import-ap", {{"href", "#" + plan}}},
           {"results", json::array({std::move(result)})},
           {"back-matter",
            {{"resources",
              json::array({{{"uuid", plan},
                            {"title", "Assessment plan"},
                            {"description", "Every requirement of the packs named, on everything declared, " + judgment.under + "."}}})}}}};
  return canonical({{"assessment-results", std::move(out)}});
}

std::string catalog(std::span<const rules::Pack> packs, Date as_of, std::string_view version) {
  json groups = json::array();
  std::string names;
  for (const rules::Pack& pack : packs) {
    names += (names.empty() ? "" : ", ") + pack.info.id + "@" + pack.info.version;
    json controls = json::array();
    for (const rules::Requirement& r : pack.requirements) controls.push_back(control(r));
    json group{{"id", pack.info.id},
               {"title", pack.info.title.empty() ? pack.info.id : pack.info.title},
               {"props", json::array({prop("version", pack.info.version), prop("status", pack.info.status)})}};
    if (!controls.empty()) group["controls"] = std::move(controls);
    groups.push_back(std::move(group));
  }
  json out{{"uuid", uuid({"catalog", names})}, {"metadata", metadata("Packs: " + names, as_of, version)}};
  if (!groups.empty()) out["groups"] = std::move(groups);
  return canonical({{"catalog", std::move(out)}});
}

}  // namespace licet::proof
