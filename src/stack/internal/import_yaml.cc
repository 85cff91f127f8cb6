// Backstage, Threagile and Fides: YAML of other tools. Read by our strict parser; what that finds fault with (an empty value, an alias) is
// left out, and what isn't YAML at all is refused.
#include "stack/internal/import.h"
#include "stack/yaml.h"

namespace licet::stack::importing {
namespace {

using yaml::Node;

const Node* at(const Node* in, std::string_view key) {
  return in == nullptr || in->type != Value::Type::map ? nullptr : in->find(key);
}
std::string text(const Node* in, std::string_view key) {
  const Node* found = at(in, key);
  return found != nullptr && found->type == Value::Type::scalar ? found->text : std::string();
}
std::vector<std::string> texts(const Node* in, std::string_view key) {
  std::vector<std::string> out;
  if (const Node* found = at(in, key); found != nullptr)
    for (const Node& item : found->items)
      if (item.type == Value::Type::scalar) out.push_back(item.text);
  return out;
}
std::span<const Node> items(const Node* in, std::string_view key) {
  const Node* found = at(in, key);
  return found == nullptr ? std::span<const Node>() : std::span(found->items);
}
std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

Result<std::vector<Node>> parse(std::string_view bytes, Model& model) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  yaml::Parsed parsed = yaml::parse(bytes);
  if (parsed.whole && !parsed.documents.empty()) {
    if (!parsed.faults.empty())
      model.note(std::to_string(parsed.faults.size()) + " places of the file were left out, the first on line " +
                 std::to_string(parsed.faults.front().place.line) + ": " + parsed.faults.front().message);
    return std::move(parsed.documents);
  }
  return Error{Code::invalid_argument,
               parsed.faults.empty() ? "no YAML document in it"
                                     : "line " + std::to_string(parsed.faults.front().place.line) + ": " + parsed.faults.front().message};
}

// "component:default/searcher", "resource:x", "searcher": kind and name.
std::string entity(std::string_view reference, std::string_view kind) {
  if (const auto colon = reference.find(':'); colon != std::string_view::npos) {
    kind = reference.substr(0, colon);
    reference.remove_prefix(colon + 1);
  }
  if (const auto slash = reference.find('/'); slash != std::string_view::npos) reference.remove_prefix(slash + 1);
  return id_of(kind) + ":" + std::string(reference);
}

}  // namespace

Result<void> backstage(std::string_view bytes, Model& model) {
  LICET_TRY(documents, parse(bytes, model));
  bool any = false;
  std::map<std::string, std::string> provider;  // API → the component that provides it
  const auto each = [&](auto use) {
    for (const Node& d : documents) {
      if (!text(&d, "apiVersion").starts_with("backstage.io/")) continue;
      any = true;
      const std::string kind = text(&d, "kind"), name = text(at(&d, "metadata"), "name");
      if ((kind == "Component" || kind == "Resource") && !name.empty()) use(d, entity(name, kind), name);
    }
  };
  each([&](const Node& d, const std::string& key, const std::string& name) {
    System& s = model.system(key, name);
    if (const std::string stage = text(at(&d, "spec"), "lifecycle"); stage == "production") s.environment = stage;
    for (const std::string& api : texts(at(&d, "spec"), "providesApis")) provider[entity(api, "api")] = key;
  });
  if (!any) return Error{Code::invalid_argument, "no document has an apiVersion of backstage.io"};
  each([&](const Node& d, const std::string& key, const std::string&) {
    const Node* spec = at(&d, "spec");
    for (const std::string& other : texts(spec, "dependsOn")) {
      const std::string target = entity(other, "component");
      if (model.has_system(target) && target != key) model.flow(key, target).theirs = "depends on it";
    }
    for (const std::string& api : texts(spec, "consumesApis")) {
      const auto from = provider.find(entity(api, "api"));
      if (from == provider.end()) {
        model.note(api + " is consumed by " + model.system(key, key).id + ", but nothing in the file provides it: whose is it?");
      } else if (from->second != key) {
        model.flow(key, from->second).theirs = "consumes " + api;
        model.flow(from->second, key).theirs = "answers from " + api;
      }
    }
  });
  return {};
}

Result<void> threagile(std::string_view bytes, Model& model) {
  LICET_TRY(documents, parse(bytes, model));
  const Node* assets = at(&documents.front(), "technical_assets");
  if (assets == nullptr || assets->type != Value::Type::map) return Error{Code::invalid_argument, "no technical_assets in it"};
  const auto key_of = [](const yaml::Member& asset) {
    const std::string id = text(&asset.value, "id");
    return id.empty() ? asset.key : id;
  };
  for (const yaml::Member& asset : assets->members) {
    System& s = model.system(key_of(asset), asset.key);
    const std::string encryption = text(&asset.value, "encryption");
    if (!encryption.empty()) s.encrypted = encryption != "none" && encryption != "transparent";  // transparent: nobody is kept out by it
  }
  for (const yaml::Member& asset : assets->members) {
    const Node* links = at(&asset.value, "communication_links");
    if (links == nullptr) continue;
    for (const yaml::Member& link : links->members) {
      const std::string from = key_of(asset), to = text(&link.value, "target"), protocol = text(&link.value, "protocol");
      if (!model.has_system(to) || to == from) continue;
      const auto way = [&](const std::string& a, const std::string& b, const std::string& data) {
        if (data.empty()) return;
        Flow& f = model.flow(a, b);
        f.theirs += (f.theirs.empty() ? "" : ", ") + data;
        f.protocol = word_of(protocol);
        f.encrypted = f.encrypted.value_or(true) && encrypted_protocol(protocol);  // two links of a pair: as weak as the weaker
      };
      way(from, to, joined(texts(&link.value, "data_assets_sent")));
      way(to, from, joined(texts(&link.value, "data_assets_received")));
    }
  }
  return {};
}

Result<void> fides(std::string_view bytes, Model& model) {
  LICET_TRY(documents, parse(bytes, model));
  std::vector<const Node*> systems;
  for (const Node& d : documents)
    for (const Node& s : items(&d, "system")) systems.push_back(&s);
  if (systems.empty()) return Error{Code::invalid_argument, "no list `system` in it"};
  for (const Node* s : systems) {
    const std::string key = text(s, "fides_key"), name = text(s, "name");
    if (key.empty()) continue;
    System& made = model.system(key, name.empty() ? key : name);
    if (const std::string legal = text(s, "legal_name"); !legal.empty()) made.owner = model.organization(legal);
  }
  const auto other = [&](const Node& end) {
    const std::string key = text(&end, "fides_key");
    if (text(&end, "type") == "user") return std::string();  // individuals: no system of theirs is declared
    if (!key.empty() && !model.has_system(key)) model.system(key, key);
    return key;
  };
  for (const Node* s : systems) {
    const std::string key = text(s, "fides_key");
    if (key.empty()) continue;
    for (const Node& end : items(s, "egress"))
      if (const std::string to = other(end); !to.empty() && to != key) model.flow(key, to).theirs = joined(texts(&end, "data_categories"));
    for (const std::string& on : texts(s, "system_dependencies")) {  // before ingress and egress had names of their own
      if (!model.has_system(on)) model.system(on, on);
      if (on != key) model.flow(key, on).theirs = "depends on it";
    }
    for (const Node& end : items(s, "ingress"))
      if (const std::string from = other(end); !from.empty() && from != key)
        model.flow(from, key).theirs = joined(texts(&end, "data_categories"));
  }
  return {};
}

}  // namespace licet::stack::importing
