// What an importer fills, and how ids are made of other people's names.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace licet::stack::importing {

struct Organization {
  std::string id, name;
};
struct System {
  std::string id, name, owner, region, url, environment;
  std::optional<bool> encrypted;
};
struct Flow {
  std::string id, from, to, protocol, description;
  std::optional<bool> encrypted;
  std::string theirs;  // what the file says flows, in its own words: a comment, never a class
};

class Model {
 public:
  explicit Model(std::string owner) : owner_(std::move(owner)) { taken_.insert(owner_); }
  // `key` is the file's own identity of the thing: asked for again, the same one comes back.
  System& system(const std::string& key, std::string_view name);
  [[nodiscard]] bool has_system(const std::string& key) const { return system_keys_.contains(key); }
  std::string organization(std::string_view name);  // its id
  // Between two systems by their keys; one flow for each direction of a pair.
  Flow& flow(const std::string& from, const std::string& to);
  void note(std::string text) { notes_.push_back(std::move(text)); }

  [[nodiscard]] const std::string& owner() const { return owner_; }
  std::vector<Organization> organizations;
  std::vector<System> systems;
  std::vector<Flow> flows;
  [[nodiscard]] std::vector<std::string>& notes() { return notes_; }

 private:
  std::string fresh(std::string_view name);
  std::string owner_;
  std::map<std::string, std::size_t> system_keys_, organization_keys_;
  std::map<std::pair<std::string, std::string>, std::size_t> flow_keys_;
  std::set<std::string> taken_;
  std::vector<std::string> notes_;
};

[[nodiscard]] std::string id_of(std::string_view name);    // "Auth0 (EU)" → auth0-eu
[[nodiscard]] std::string word_of(std::string_view text);  // a region: without spaces
[[nodiscard]] bool encrypted_protocol(std::string_view protocol);

[[nodiscard]] Result<void> cyclonedx(std::string_view bytes, Model& model);
[[nodiscard]] Result<void> terraform(std::string_view bytes, Model& model);
[[nodiscard]] Result<void> oscal(std::string_view bytes, Model& model);
[[nodiscard]] Result<void> backstage(std::string_view bytes, Model& model);
[[nodiscard]] Result<void> threagile(std::string_view bytes, Model& model);
[[nodiscard]] Result<void> fides(std::string_view bytes, Model& model);
[[nodiscard]] Result<void> csv(std::string_view bytes, Model& model);

}  // namespace licet::stack::importing
