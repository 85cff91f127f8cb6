#include <algorithm>

#include "identity/identity.h"

namespace licet::identity {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}
bool is_uri(std::string_view san) {
  return san.find("://") != std::string_view::npos;
}

Error taken(std::string_view what, std::string_view id, std::string_view by) {
  return {Code::already_exists, std::string(what) + " of " + std::string(id) + " already stands for " + std::string(by)};
}

}  // namespace

std::string_view name(CallerKind kind) {
  switch (kind) {
    case CallerKind::system:
      return "system";
    case CallerKind::person:
      return "person";
    case CallerKind::patient:
      return "patient";
  }
  return "?";
}

Caller clone(const Caller& c) {
  return {.kind = c.kind,
          .system = c.system,
          .person = c.person,
          .patient = c.patient.clone(),
          .patient_blind = c.patient_blind,
          .purpose = c.purpose,
          .purposes = c.purposes,
          .purpose_source = c.purpose_source,
          .mfa = c.mfa,
          .scope = c.scope,
          .issuer = c.issuer,
          .expires = c.expires,
          .token = c.token,
          .txn = c.txn,
          .route = c.route,
          .method = c.method,
          .path = c.path,
          .reason = c.reason};
}

Result<void> Directory::add_client(Pair key, Client client) {
  if (client.id.empty() || key.first.empty() || key.second.empty())
    return Error{Code::invalid_argument, "a proof of " + client.id + " lacks its issuer or client"};
  const auto [at, fresh] = clients_.try_emplace(std::move(key), client);
  if (!fresh && (at->second.id != client.id || at->second.app != client.app)) return taken("the client", client.id, at->second.id);
  return {};
}

Result<void> Directory::add_system(std::string id, Proof proof) {
  if (proof.mtls_san.empty()) return add_client({std::move(proof.issuer), std::move(proof.client)}, {std::move(id), false});
  if (id.empty() || !proof.issuer.empty() || !proof.client.empty())
    return Error{Code::invalid_argument, "a proof of " + id + " is both a certificate's and an issuer's"};
  if (proof.mtls_san.find('*') != std::string::npos) return Error{Code::invalid_argument, "a proof of " + id + " has a wildcard"};
  const auto [at, fresh] = names_.try_emplace(is_uri(proof.mtls_san) ? std::move(proof.mtls_san) : lowered(proof.mtls_san), id);
  if (!fresh && at->second != id) return taken("the mtls-san", id, at->second);
  return {};
}

Result<void> Directory::add_app(std::string id, std::string issuer, std::string client) {
  return add_client({std::move(issuer), std::move(client)}, {std::move(id), true});
}

Result<void> Directory::add_person(std::string id, std::string issuer, std::string subject) {
  if (id.empty() || issuer.empty() || subject.empty())
    return Error{Code::invalid_argument, "a login of " + id + " lacks its issuer or subject"};
  const auto [at, fresh] = people_.try_emplace({std::move(issuer), std::move(subject)}, id);
  if (!fresh && at->second != id) return taken("a login", id, at->second);
  return {};
}

const Directory::Client* Directory::client(std::string_view issuer, std::string_view client) const {
  const auto at = clients_.find({std::string(issuer), std::string(client)});
  return at == clients_.end() ? nullptr : &at->second;
}

const std::string* Directory::person(std::string_view issuer, std::string_view subject) const {
  const auto at = people_.find({std::string(issuer), std::string(subject)});
  return at == people_.end() ? nullptr : &at->second;
}

bool Directory::has_person(std::string_view id) const {
  return std::any_of(people_.begin(), people_.end(), [id](const auto& login) { return login.second == id; });
}

Result<std::string> Directory::by_certificate(const std::vector<std::string>& dns_names, const std::vector<std::string>& uris) const {
  const std::string* found = nullptr;
  bool several = false;
  const auto look = [&](std::string_view san) {
    const auto at = names_.find(san);
    if (at == names_.end()) return;
    several = several || (found != nullptr && *found != at->second);
    found = &at->second;
  };
  for (const std::string& dns : dns_names)
    if (!is_uri(dns)) look(lowered(dns));
  for (const std::string& uri : uris)
    if (is_uri(uri)) look(uri);  // a URI never passes for a DNS name
  if (several) return Error{Code::permission_denied, "the certificate stands for several declared systems"};
  if (found == nullptr) return Error{Code::not_found, "the certificate stands for no declared system"};
  return *found;
}

}  // namespace licet::identity
