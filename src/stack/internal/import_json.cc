// CycloneDX, Terraform and OSCAL: JSON in, a model out. A member that is absent or of another type is empty.
#include <nlohmann/json.hpp>

#include "stack/internal/import.h"

namespace licet::stack::importing {
namespace {

using nlohmann::json;

constexpr int kDepthMost = 64;

const json& member(const json& in, const char* name) {
  static const json kNothing;
  if (!in.is_object()) return kNothing;
  const auto at = in.find(name);
  return at == in.end() ? kNothing : *at;
}
std::string text(const json& in, const char* name) {
  const json& at = member(in, name);
  return at.is_string() ? at.get<std::string>() : std::string();
}
const json& list(const json& in, const char* name) {
  static const json kNone = json::array();
  const json& at = member(in, name);
  return at.is_array() ? at : kNone;
}
std::optional<bool> flag(const json& in, const char* name) {
  const json& at = member(in, name);
  if (at.is_boolean()) return at.get<bool>();
  if (at.is_string() && (at == "true" || at == "false")) return at == "true";
  return std::nullopt;
}

// Nested deeper than any real file: refused before a parser recurses on it.
Result<json> parse(std::string_view bytes) {
  json out = json::parse(
      bytes, [](int depth, json::parse_event_t, json&) { return depth <= kDepthMost; }, false);
  if (out.is_discarded() || !out.is_object()) return Error{Code::invalid_argument, "not a JSON object"};
  return out;
}

void service(const json& in, const std::string& app, Model& model) {
  const std::string name = text(in, "name"), ref = text(in, "bom-ref");
  const std::string key = ref.empty() ? "service:" + name : ref;
  if (!name.empty()) {
    System& s = model.system(key, name);
    if (const std::string provider = text(member(in, "provider"), "name"); !provider.empty()) s.owner = model.organization(provider);
    for (const json& endpoint : list(in, "endpoints"))
      if (s.url.empty() && endpoint.is_string() && endpoint.get<std::string>().starts_with("http")) s.url = endpoint.get<std::string>();
    const std::string url = s.url;
    const auto flows = [&](const std::string& from, const std::string& to, const std::string& says) {
      if (from.empty() || to.empty() || from == to) return;
      Flow& f = model.flow(from, to);
      if (!says.empty()) f.theirs += (f.theirs.empty() ? "" : ", ") + says;
      if (url.starts_with("https://") && to == key) f.encrypted = true;
    };
    for (const json& data : list(in, "data")) {
      const std::string way = text(data, "flow");
      std::string says = text(data, "classification");
      if (const std::string what = text(data, "name"); !what.empty()) says += " " + what;
      if (way != "outbound") flows(app, key, says);  // inbound, bi-directional, unknown: it may receive
      if (way != "inbound") flows(key, app, says);
    }
    if (list(in, "data").empty() && flag(in, "x-trust-boundary").value_or(false)) flows(app, key, "crosses a trust boundary");
  }
  for (const json& inner : list(in, "services")) service(inner, app, model);
}

struct Kept {
  const char* type;
  const char* name;       // attribute that names it
  const char* encrypted;  // attribute, or nullptr: the file can't say
  const char* region;     // attribute, or nullptr: from the arn or availability zone
};
// What keeps data. The cloud's own organization is the owner: whoever keeps PHI for somebody is an associate of theirs.
constexpr Kept kKept[] = {
    {"aws_s3_bucket", "bucket", nullptr, "region"},
    {"aws_db_instance", "identifier", "storage_encrypted", nullptr},
    {"aws_rds_cluster", "cluster_identifier", "storage_encrypted", nullptr},
    {"aws_dynamodb_table", "name", nullptr, nullptr},
    {"aws_efs_file_system", "creation_token", "encrypted", nullptr},
    {"aws_ebs_volume", "id", "encrypted", nullptr},
    {"aws_redshift_cluster", "cluster_identifier", "encrypted", nullptr},
    {"aws_elasticache_replication_group", "replication_group_id", "at_rest_encryption_enabled", nullptr},
    {"aws_opensearch_domain", "domain_name", nullptr, nullptr},
    {"aws_sqs_queue", "name", nullptr, nullptr},
    {"aws_cloudwatch_log_group", "name", nullptr, nullptr},
    {"google_storage_bucket", "name", nullptr, "location"},
    {"google_sql_database_instance", "name", nullptr, "region"},
    {"google_bigquery_dataset", "dataset_id", nullptr, "location"},
    {"azurerm_storage_account", "name", nullptr, "location"},
    {"azurerm_mssql_server", "name", nullptr, "location"},
    {"azurerm_postgresql_flexible_server", "name", nullptr, "location"},
    {"azurerm_cosmosdb_account", "name", nullptr, "location"},
};

std::string cloud_of(std::string_view type) {
  if (type.starts_with("aws_")) return "Amazon Web Services";
  return type.starts_with("google_") ? "Google Cloud" : "Microsoft Azure";
}

// arn:aws:rds:us-east-1:…; us-east-1a without its zone's letter.
std::string region_of(const json& attributes) {
  if (std::string region = text(attributes, "region"); !region.empty()) return region;
  std::string_view arn =
      member(attributes, "arn").is_string() ? member(attributes, "arn").get_ref<const std::string&>() : std::string_view();
  for (int i = 0; i < 3; ++i) {  // past arn, partition and service
    const std::size_t colon = arn.find(':');
    arn.remove_prefix(colon == std::string_view::npos ? arn.size() : colon + 1);
  }
  if (const std::string_view region = arn.substr(0, arn.find(':')); !region.empty()) return std::string(region);
  std::string zone = text(attributes, "availability_zone");
  if (!zone.empty() && zone.back() >= 'a' && zone.back() <= 'z') zone.pop_back();
  return zone;
}

struct Buckets {
  std::vector<std::pair<std::string, std::string>> seen;  // bucket's name → key
  std::vector<std::string> encrypted;                     // names that a resource of its own encrypts
};

void resource(const std::string& type, const std::string& address, const json& attributes, Model& model, Buckets& buckets) {
  if (type == "aws_s3_bucket_server_side_encryption_configuration") buckets.encrypted.push_back(text(attributes, "bucket"));
  for (const Kept& kept : kKept) {
    if (type != kept.type) continue;
    std::string name = text(attributes, kept.name);
    if (name.empty()) name = text(attributes, "id");
    if (name.empty()) name = address;
    System& s = model.system(address, name);
    s.owner = model.organization(cloud_of(type));
    s.region = word_of(kept.region == nullptr ? region_of(attributes) : text(attributes, kept.region));
    if (s.region.empty()) s.region = word_of(region_of(attributes));
    if (kept.encrypted != nullptr) s.encrypted = flag(attributes, kept.encrypted);
    if (type == "aws_s3_bucket") {
      buckets.seen.emplace_back(name, address);
      if (!list(attributes, "server_side_encryption_configuration").empty()) s.encrypted = true;
    }
  }
}

void module(const json& in, Model& model, Buckets& buckets) {
  for (const json& r : list(in, "resources"))
    if (text(r, "mode") != "data") resource(text(r, "type"), text(r, "address"), member(r, "values"), model, buckets);
  for (const json& child : list(in, "child_modules")) module(child, model, buckets);
}

}  // namespace

Result<void> cyclonedx(std::string_view bytes, Model& model) {
  LICET_TRY(bom, parse(bytes));
  if (text(bom, "bomFormat") != "CycloneDX") return Error{Code::invalid_argument, "bomFormat is not CycloneDX"};
  const json& root = member(member(bom, "metadata"), "component");
  std::string app;
  if (const std::string name = text(root, "name"); !name.empty()) {
    app = text(root, "bom-ref").empty() ? "component:" + name : text(root, "bom-ref");
    model.system(app, name);
  } else {
    model.note("the file names no application of its own: its services stand alone, without flows to or from it");
  }
  for (const json& s : list(bom, "services")) service(s, app, model);
  return {};
}

Result<void> terraform(std::string_view bytes, Model& model) {
  LICET_TRY(state, parse(bytes));
  Buckets buckets;
  if (const json& root = member(member(state, "values"), "root_module"); root.is_object()) {
    module(root, model, buckets);
  } else if (member(state, "version") == 4) {
    for (const json& r : list(state, "resources")) {
      if (text(r, "mode") == "data") continue;
      std::size_t n = 0;
      for (const json& instance : list(r, "instances")) {
        std::string address = text(r, "module") + "." + text(r, "type") + "." + text(r, "name") + "[" + std::to_string(n++) + "]";
        resource(text(r, "type"), address, member(instance, "attributes"), model, buckets);
      }
    }
  } else {
    return Error{Code::invalid_argument, "neither a state of version 4 nor what `terraform show -json` prints"};
  }
  for (const auto& [name, key] : buckets.seen)
    for (const std::string& encrypted : buckets.encrypted)
      if (encrypted == name) model.system(key, name).encrypted = true;
  for (const System& s : model.systems)
    if (!s.encrypted) model.note("is what rests in " + s.id + " encrypted? The state does not say");
  return {};
}

Result<void> oscal(std::string_view bytes, Model& model) {
  LICET_TRY(file, parse(bytes));
  const json& definition = member(file, "component-definition");
  if (!definition.is_object()) return Error{Code::invalid_argument, "no component-definition in it"};
  std::map<std::string, std::string> parties;
  for (const json& party : list(member(definition, "metadata"), "parties"))
    if (text(party, "type") == "organization") parties[text(party, "uuid")] = text(party, "name");
  for (const json& component : list(definition, "components")) {
    const std::string type = text(component, "type"), title = text(component, "title");
    // Policies, plans and the like are documents, not systems.
    if (title.empty() ||
        (type != "software" && type != "service" && type != "hardware" && type != "interconnection" && type != "this-system"))
      continue;
    System& s = model.system(text(component, "uuid"), title);
    for (const json& role : list(component, "responsible-roles")) {
      const std::string id = text(role, "role-id");
      if (id != "provider" && id != "supplier" && id != "asset-owner") continue;
      for (const json& party : list(role, "party-uuids"))
        if (party.is_string() && parties.contains(party.get<std::string>()))
          s.owner = model.organization(parties[party.get<std::string>()]);
    }
  }
  return {};
}

}  // namespace licet::stack::importing
