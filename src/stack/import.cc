// import(): a reader for each format fills one model; one writer makes YAML of it.
#include "stack/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stack/internal/import.h"

namespace licet::stack {
namespace importing {
namespace {

constexpr std::size_t kIdMost = 60;  // of 63: room for a number

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string id_of(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (is_word(c))
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  if (out.size() > kIdMost) out.resize(kIdMost);
  while (!out.empty() && out.back() == '-') out.pop_back();
  if (out.empty()) return "unnamed";
  return out.front() >= 'a' && out.front() <= 'z' ? out : id_of("x-" + out);
}

std::string word_of(std::string_view text) {
  return text.empty() ? std::string() : id_of(text);
}

bool encrypted_protocol(std::string_view protocol) {
  for (const std::string_view safe : {"https", "wss", "ssh", "ssh-tunnel", "sftp", "scp", "ftps", "ldaps", "mllps", "tls"})
    if (protocol == safe) return true;
  return protocol.ends_with("-encrypted");
}

std::string Model::fresh(std::string_view name) {
  const std::string base = id_of(name);
  std::string id = base;
  for (int n = 2; !taken_.insert(id).second; ++n) id = fmt::format("{}-{}", base, n);
  return id;
}

System& Model::system(const std::string& key, std::string_view name) {
  const auto [at, is_new] = system_keys_.emplace(key, systems.size());
  if (is_new)
    systems.push_back(
        {.id = fresh(name), .name = std::string(name), .owner = owner_, .region = {}, .url = {}, .environment = {}, .encrypted = {}});
  return systems[at->second];
}

std::string Model::organization(std::string_view name) {
  const auto [at, is_new] = organization_keys_.emplace(id_of(name), organizations.size());
  if (is_new) {
    // An organization that the file names may be the declared owner itself.
    const std::string id = id_of(name) == owner_ ? owner_ : fresh(name);
    organizations.push_back({id, std::string(name)});
  }
  return organizations[at->second].id;
}

Flow& Model::flow(const std::string& from, const std::string& to) {
  const auto [at, is_new] = flow_keys_.emplace(std::pair(from, to), flows.size());
  if (is_new) {
    const std::string a = systems[system_keys_.at(from)].id, b = systems[system_keys_.at(to)].id;
    flows.push_back({.id = fresh(a.substr(0, 29) + "-to-" + b.substr(0, 27)),
                     .from = a,
                     .to = b,
                     .protocol = {},
                     .description = {},
                     .encrypted = {},
                     .theirs = {}});
  }
  return flows[at->second];
}

}  // namespace importing

namespace {

using importing::Model;

struct Format {
  ImportFormat about;
  Result<void> (*read)(std::string_view bytes, Model& model);
};
constexpr Format kFormats[] = {
    {{"cyclonedx", "CycloneDX JSON: services, their providers, data flows and endpoints"}, importing::cyclonedx},
    {{"terraform", "Terraform: a state file, or `terraform show -json`: stores, databases, regions, encryption"}, importing::terraform},
    {{"fides", "Fides YAML: systems, their ingress and egress"}, importing::fides},
    {{"backstage", "Backstage catalog YAML: components, resources, and what they depend on"}, importing::backstage},
    {{"oscal", "OSCAL component definition JSON: components"}, importing::oscal},
    {{"threagile", "Threagile YAML: technical assets and communication links"}, importing::threagile},
    {{"csv", "CSV with a head: name, vendor, region, url, environment, encrypted; from, to for flows"}, importing::csv},
};

// On one line, without what YAML calls unprintable, at most 200 bytes: names and comments are for people.
std::string clean(std::string_view text) {
  std::string out;
  text = text.substr(0, 200);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool c1 = c == 0xc2 && next < 0xa0;  // U+0080 … U+009F
    const auto third = static_cast<unsigned char>(i + 2 < text.size() ? text[i + 2] : 0);
    const bool mark = (c == 0xef && (next == 0xbb || next == 0xbf) && third >= 0xbb) ||  // U+FEFF, U+FFFE, U+FFFF and their neighbors
                      (c == 0xe2 && next == 0x80 && (third == 0xa8 || third == 0xa9));   // U+2028, U+2029: line breaks to a YAML parser
    if (c < 0x20 || c == 0x7f || c1 || mark)
      out += ' ', i += c1 ? 1U : mark ? 2U : 0U;
    else
      out += text[i];
  }
  while (out.ends_with(' ')) out.pop_back();
  return out.substr(std::min(out.find_first_not_of(' '), out.size()));
}
// A JSON string is a double-quoted YAML scalar. Bytes that aren't UTF-8 become U+FFFD.
std::string double_quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
std::string comment(std::string_view text) {
  const std::string json = double_quoted(clean(text));
  return json.substr(1, json.size() - 2);
}
bool good_url(std::string_view url) {
  return url.size() < 200 && url.find_first_of(" @\"\\<>{}|^`") == std::string_view::npos &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}
void line(std::string& out, std::string_view key, std::string_view value) {
  if (const std::string text = clean(value); !text.empty()) out += fmt::format("{}: {}\n", key, double_quoted(text));
}
void line(std::string& out, std::string_view key, std::optional<bool> value) {
  if (value) out += fmt::format("{}: {}\n", key, *value);
}
std::string yaml_of(const Model& model, std::string_view format, std::string_view source) {
  std::string out = fmt::format(
      "# Imported from {} ({}) by `licet import`, which replaces this file. Say more in a layer of your own: a document\n"
      "# of the same id outside imported/ overrides this one, field by field.\n",
      comment(source.empty() ? "a file" : source), format);
  for (const auto& o : model.organizations) {
    if (o.id == model.owner()) continue;  // declared already
    out += "---\nkind: organization\nid: " + o.id + "\n";
    line(out, "name", clean(o.name).empty() ? o.id : o.name);
  }
  for (const auto& s : model.systems) {
    out += "---\nkind: system\nid: " + s.id + "\n";
    line(out, "name", s.name);
    line(out, "owner", s.owner);
    line(out, "environment", s.environment);
    line(out, "region", s.region);
    line(out, "encrypted", s.encrypted);
    if (good_url(s.url)) line(out, "url", s.url);
  }
  for (const auto& f : model.flows) {
    out += "---\nkind: flow\nid: " + f.id + "\n";
    if (!f.theirs.empty()) out += "# the file says: " + comment(f.theirs) + "\n";
    line(out, "from", f.from);
    line(out, "to", f.to);
    out += "data: [unclassified]          # what is it? Nobody said: nothing passes until somebody does\npurposes: [\"licet:unstated\"]\n";
    line(out, "protocol", f.protocol);
    line(out, "encrypted", f.encrypted);
    line(out, "description", f.description);
  }
  return out;
}

}  // namespace

std::span<const ImportFormat> import_formats() {
  static const std::vector<ImportFormat> kAbout = [] {
    std::vector<ImportFormat> out;
    for (const Format& f : kFormats) out.push_back(f.about);
    return out;
  }();
  return kAbout;
}

Result<Imported> import(std::string_view format, std::string_view bytes, const ImportOptions& options, const Limits& limits) {
  const auto known = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const Format& f) { return f.about.name == format; });
  if (known == std::end(kFormats))
    return Error{Code::invalid_argument, fmt::format("no importer for '{}'; `licet import --help` lists them", format)};
  if (bytes.size() > limits.stack_bytes) return Error{Code::exhausted, fmt::format("larger than {} bytes", limits.stack_bytes)};
  if (importing::id_of(options.owner) != options.owner && !options.owner.empty())
    return Error{Code::invalid_argument, fmt::format("--owner '{}' is no id of an organization", options.owner)};
  Model model(options.owner);
  if (auto read = known->read(bytes, model); !read) return Error{read.error().code, fmt::format("{}: {}", format, read.error().message)};
  if (model.systems.empty()) return Error{Code::invalid_argument, fmt::format("{}: it names no system", format)};
  const auto nobody = std::find_if(model.systems.begin(), model.systems.end(), [](const auto& s) { return s.owner.empty(); });
  if (nobody != model.systems.end())
    return Error{Code::invalid_argument,
                 fmt::format("the file does not say whose '{}' is: give --owner, the id of a declared organization", nobody->id)};
  Imported out;
  out.yaml = yaml_of(model, format, options.source);
  out.organizations = model.organizations.size();
  out.systems = model.systems.size();
  out.flows = model.flows.size();
  out.notes = std::move(model.notes());
  if (out.flows > 0)
    out.notes.push_back(fmt::format("{} flows are unclassified: say what each carries and what for, or nothing passes on it", out.flows));
  if (out.organizations > 0)
    out.notes.push_back(fmt::format("{} organizations are new: is there an agreement with each?", out.organizations));
  return out;
}

}  // namespace licet::stack
