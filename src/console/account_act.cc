#include "console/account_act.h"

#include <nlohmann/json.hpp>

#include "console/internal/acts.h"

namespace licet::console {
namespace {

using nlohmann::json;

Result<std::uint64_t> note(ledger::Ledger& ledger, const std::string& by, const json& payload) {
  ledger::Draft draft;
  draft.kind = ledger::Kind::admin;
  draft.actor = by;
  draft.payload = payload.dump();
  auto recorded = ledger.append_and_wait(std::move(draft));
  if (!recorded) return Error{Code::unavailable, "this was not recorded: " + recorded.error().message};
  return recorded->index();
}

json shown(const identity::Secrets& s) {
  return {{"password", s.password}, {"secret", s.secret}, {"uri", s.uri}, {"recovery", s.recovery}};
}

Result<identity::NewAccount> wanted_of(const json& in, const stack::Stack& stack) {
  identity::NewAccount out;
  out.name = text(in, "name");
  out.full_name = text(in, "full_name");
  const auto role = identity::role_of(text(in, "role"));
  if (!role) {
    std::string names;
    for (const identity::RoleRow& r : identity::roles())
      if (r.role != identity::Role::starter) names += (names.empty() ? "" : ", ") + std::string(r.name);
    return Error{Code::invalid_argument, "role: " + names};
  }
  out.role = *role;
  for (const json& owner : in.value("owners", json::array())) {
    const std::string id = owner.is_string() ? owner.get<std::string>() : "";
    if (stack.find("organization", id) == nullptr && stack.find("team", id) == nullptr)
      return Error{Code::not_found, "owner '" + id + "' is no organization or team of the declaration"};
    out.owners.push_back(id);
  }
  if (const std::string until = text(in, "until"); !until.empty()) {
    LICET_TRY(day, parse_date(until));
    out.until = day;
  }
  out.issuer = text(in, "issuer");
  out.subject = text(in, "subject");
  out.local = in.value("local", true);
  out.password = text(in, "password");
  return out;
}

}  // namespace

Result<json> account_act(identity::Accounts& accounts, ledger::Ledger& ledger, const stack::Stack& stack, const json& in,
                         const std::string& by) {
  const std::string act = text(in, "act"), name = text(in, "name");
  if (act == "list") {
    json items = json::array();
    for (const identity::Account& a : accounts.list())
      items.push_back({{"name", a.name},
                       {"full_name", a.full_name},
                       {"role", identity::row(a.role).name},
                       {"owners", a.owners},
                       {"until", a.until ? json(format(*a.until)) : json(nullptr)},
                       {"state", a.ended                                 ? "ended"
                                 : a.over(ledger.now(), stack.zone)      ? "over"
                                 : accounts.locked(a.name, ledger.now()) ? "locked"
                                                                         : "active"},
                       {"totp", a.totp},
                       {"subject", a.subject}});
    return json{{"items", std::move(items)}};
  }
  json payload{{"act", "account-" + act}, {"name", name}};
  json out = json::object();
  if (act == "add") {
    LICET_TRY(wanted, wanted_of(in, stack));
    LICET_TRY(made, accounts.add(wanted));
    payload["role"] = identity::row(wanted.role).name;
    payload["owners"] = wanted.owners;
    payload["until"] = wanted.until ? json(format(*wanted.until)) : json(nullptr);
    out = shown(made);
    auto index = note(ledger, by, payload);
    if (!index) {
      auto ended = accounts.end(wanted.name);  // no record, no account
      ended.ignore();
      return std::move(index).error();
    }
    out["index"] = *index;
    return out;
  }
  if (!accounts.find(name)) return Error{Code::not_found, "no account of that name"};
  if (act == "password") {
    LICET_TRY(made, accounts.renew_password(name, text(in, "password")));
    out = shown(made);
  } else if (act == "totp") {
    LICET_TRY(made, accounts.renew_totp(name));
    out = shown(made);
  } else if (act == "end") {
    LICET_TRY_VOID(accounts.end(name));
  } else if (act == "unlock") {
    accounts.unlock(name);
  } else {
    return Error{Code::invalid_argument, "act: add, password, totp, end, unlock or list"};
  }
  LICET_TRY(index, note(ledger, by, payload));
  out["index"] = index;
  return out;
}

}  // namespace licet::console
