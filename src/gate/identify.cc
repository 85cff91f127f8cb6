// Who is asking (Exchange::identify), and POST /token: what a caller has, exchanged for one transaction token (RFC 8693).

#include <algorithm>

#include "gate/exchange.h"
#include "identity/exchange_request.h"
#include "identity/tokens.h"

namespace licet::gate {
namespace {

identity::Credentials credentials_of(const http::Request& request) {
  identity::Credentials shown;
  if (const std::string* a = request.headers.find("authorization")) shown.authorization = *a;
  if (const std::string* t = request.headers.find("txn-token")) shown.txn_token = *t;
  shown.mtls_certified = request.peer.certified;
  shown.dns_names = request.peer.dns_names;
  shown.uris = request.peer.uris;
  return shown;
}

identity::Accepts accepts_of(const std::vector<std::string>& names) {
  if (names.empty()) return {true, true, true};
  const auto has = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  return {has("transaction-token"), has("mtls"), has("oidc")};
}

// The patient of a transaction token: the table's key of this process, in hex.
std::string hex_of(const license::PatientKey& key) {
  return fmt::format("{:016x}{:016x}", key[0], key[1]);
}
license::PatientKey key_of(std::string_view text) {
  license::PatientKey key{};
  if (text.size() != 32) return key;
  for (std::size_t i = 0; i < 32; ++i) {
    const char c = text[i];
    key[i / 16] = key[i / 16] << 4 | static_cast<std::uint64_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
  }
  return key;
}

}  // namespace

Task<Step<void>> Exchange::identify() {
  identity::Credentials shown = credentials_of(request_);
  const identity::Accepts accepts = accepts_of(route_->accepts);
  auto found = co_await gate_.options_.identity->identify(std::move(shown), policy_->directory, policy_->epoch, accepts,
                                                          gate_.options_.ledger->now());
  if (!found) {
    if (found.error().code == Code::failed_precondition) co_return refuse(Reason::wrong_node);
    co_return refuse(Reason::no_identity, "Nobody that the declaration knows is asking: " + found.error().message);
  }
  const identity::Caller& caller = *found;
  const license::Table& table = *policy_->table;
  who_.system = table.system(caller.system);
  who_.actor = caller.system;
  switch (caller.kind) {
    case identity::CallerKind::system:
      break;
    case identity::CallerKind::person:
      who_.person = table.person(caller.person);
      if (!who_.person.known()) co_return refuse(Reason::no_identity);  // never judged as the system alone
      who_.actor = caller.person;
      who_.client = caller.system;
      break;
    case identity::CallerKind::patient:
      who_.individual = true;
      who_.self = caller.patient_blind.empty() ? (*gate_.options_.blind)(caller.patient.reveal()) : key_of(caller.patient_blind);
      who_.actor = "individual";
      who_.client = caller.system;
      break;
  }
  if (caller.mfa) who_.conditions |= license::kMfa;
  who_.purposes = caller.purposes;
  who_.purpose = caller.purpose;
  who_.purpose_source = caller.purpose_source;
  if (caller.txn.empty()) co_return Step<void>{};

  if (caller.route != route_->id) co_return refuse(Reason::no_identity, "The transaction token is for another route.");
  if (!caller.method.empty() && caller.method != request_.method)
    co_return refuse(Reason::no_identity, "The transaction token is for another method.");
  if (!caller.path.empty() && caller.path != request_.path())
    co_return refuse(Reason::no_identity, "The transaction token is for another path.");
  who_.spend_token = caller.txn;
  who_.token_expires = caller.expires;
  if (caller.kind != identity::CallerKind::patient) who_.only_patient = key_of(caller.patient_blind);
  if (caller.purpose == "BTG") who_.conditions |= license::kBreakGlass;
  co_return Step<void>{};
}

Task<void> Gate::token_endpoint(http::Request request, http::Body& body, http::Responder& responder) {
  const auto policy = policy_.get();
  const Micros now = options_.ledger->now();
  std::string answer;
  http::Response head;
  head.headers.add("content-type", "application/json");
  head.headers.add("cache-control", "no-store");
  const auto failed = [&](const Error& error) {
    head.status = identity::oauth_status(error);
    answer = identity::oauth_error(error);
  };

  std::string form;
  bool whole = request.method == "POST";
  while (whole) {
    auto piece = co_await body.read(16 * 1024);
    if (!piece || form.size() > 8 * options_.limits.token_bytes)
      whole = false;
    else if (piece->reveal().empty())
      break;
    else
      form += piece->reveal();
  }
  const std::string* type = request.headers.find("content-type");
  auto ask = identity::parse_exchange(form, type == nullptr ? "" : *type, options_.limits.token_bytes);
  const Route* route = nullptr;
  if (ask)
    for (const Route& r : policy->routes)
      if (r.id == ask->route) route = &r;
  if (!whole) {
    failed(Error{Code::invalid_argument, "POST a form of at most " + std::to_string(8 * options_.limits.token_bytes) + " bytes"});
  } else if (!ask) {
    failed(ask.error());
  } else if (route == nullptr) {
    failed(Error{Code::not_found, "no such route"});
  } else {
    identity::Credentials shown = credentials_of(request);
    shown.txn_token.clear();  // a transaction token is never exchanged for another
    if (!ask->subject_token.empty()) shown.authorization = "Bearer " + ask->subject_token;
    identity::Accepts accepts = accepts_of(route->accepts);
    accepts.transaction_token = false;
    const bool asserted = !ask->client_assertion.empty();
    std::string endpoint = options_.audience + "/token";
    Result<identity::Caller> caller = Error{Code::permission_denied, "nobody"};
    caller.ignore();
    if (asserted)
      caller = co_await options_.identity->identify_client(std::move(ask->client_assertion), policy->directory, std::move(endpoint), now);
    else
      caller = co_await options_.identity->identify(std::move(shown), policy->directory, policy->epoch, accepts, now);
    if (!caller) {
      failed(caller.error());
    } else {
      const bool claims = !caller->purposes.empty();
      const bool allowed = !claims || std::find(caller->purposes.begin(), caller->purposes.end(), ask->purpose) != caller->purposes.end();
      const license::SystemId system = policy->table->system(caller->system);
      const auto declared = policy->table->purposes(route->key, system);
      const license::PurposeId purpose = policy->table->purpose(ask->purpose);
      const bool flows = std::find(declared.begin(), declared.end(), purpose) != declared.end();
      if ((!allowed && ask->purpose != "BTG") || (!flows && ask->purpose != "BTG")) {
        failed(Error{Code::invalid_argument, "this purpose is not one that the caller's flows on this route declare"});
      } else {
        identity::TokenRequest want;
        want.audience = options_.audience;
        want.node = options_.node;
        want.route = route->id;
        want.purpose = ask->purpose;
        want.kind = caller->kind;
        want.system = caller->system;
        want.person = caller->person;
        want.mfa = caller->mfa;
        want.issuer = caller->issuer;
        want.method = ask->method;
        want.path = ask->path;
        want.reason = ask->reason;
        want.life = options_.limits.transaction_token_life;
        if (caller->kind == identity::CallerKind::patient)
          want.patient = hex_of((*options_.blind)(caller->patient.reveal()));
        else if (!ask->patient.reveal().empty())
          want.patient = hex_of((*options_.blind)(ask->patient.reveal()));
        auto minted = identity::mint(want, *options_.token_key, now, *options_.random);
        if (!minted) {
          failed(minted.error());
        } else {
          // The issue is on record before the token exists for anybody.
          ledger::Draft draft;
          draft.kind = ask->purpose == "BTG" ? ledger::Kind::emergency : ledger::Kind::token;
          draft.actor = caller->kind == identity::CallerKind::person    ? caller->person
                        : caller->kind == identity::CallerKind::patient ? "individual"
                                                                        : caller->system;
          draft.client = caller->kind == identity::CallerKind::system ? "" : caller->system;
          draft.route = route->id;
          draft.purpose = ask->purpose;
          draft.epoch = policy->epoch;
          auto start = [this, d = std::move(draft)](auto done) mutable { options_.ledger->append(std::move(d), std::move(done)); };
          auto recorded = co_await until<Result<ledger::Recorded>>(std::move(start));
          if (!recorded) {
            failed(Error{Code::unavailable, "the ledger takes no record now: no token"});
          } else {
            options_.identity->minted(*minted);
            head.status = 200;
            answer = identity::exchanged(minted->token, options_.limits.transaction_token_life);
          }
        }
      }
    }
  }
  auto sent = co_await responder.send(std::move(head), std::move(answer));
  sent.ignore();
}

}  // namespace licet::gate
