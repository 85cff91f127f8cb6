#include "identity/roles.h"

namespace licet::identity {
namespace {

constexpr ActRow kActs[] = {
    {Act::see, "see", "read what is declared, judged and licensed"},
    {Act::watch, "watch", "read exchanges as they happen, and the sentence of each"},
    {Act::ledger, "ledger", "search the ledger"},
    {Act::people, "people", "read who has an account"},
    {Act::propose, "propose", "see what a change to the declaration would do, and take its patch along"},
    {Act::commit, "commit", "commit a proposed change to a new branch"},
    {Act::record, "record", "put a fact on record"},
    {Act::suspend, "suspend", "stop a system, organization, person, route or everything"},
    {Act::lift, "lift", "end a suspension"},
    {Act::release, "release", "let a held exchange pass once"},
    {Act::prove, "prove", "make an evidence bundle"},
    {Act::report, "report", "make a report"},
    {Act::share, "share", "give a link to the trust page to somebody outside"},
    {Act::keys, "keys", "make and end API keys"},
};

constexpr RoleRow kRoles[] = {
    {Role::privacy_officer,
     "privacy-officer",
     "Privacy officer",
     false,
     {Act::see, Act::watch, Act::ledger, Act::people, Act::propose, Act::commit, Act::record, Act::suspend, Act::lift, Act::release,
      Act::prove, Act::report, Act::share, Act::keys}},
    {Role::security_officer,
     "security-officer",
     "Security officer",
     false,
     {Act::see, Act::watch, Act::ledger, Act::people, Act::propose, Act::commit, Act::record, Act::suspend, Act::lift, Act::release,
      Act::prove, Act::report, Act::share, Act::keys}},
    {Role::vendor_manager,
     "vendor-manager",
     "Vendor manager",
     false,
     {Act::see, Act::propose, Act::commit, Act::record, Act::suspend, Act::report, Act::share}},
    {Role::operator_,
     "operator",
     "Operator",
     false,
     {Act::see, Act::watch, Act::ledger, Act::propose, Act::record, Act::suspend, Act::report}},
    {Role::engineer, "engineer", "Engineer", false, {Act::see, Act::watch, Act::propose, Act::commit, Act::report}},
    {Role::auditor, "auditor", "Auditor", true, {Act::see, Act::watch, Act::ledger, Act::people, Act::prove, Act::report}},
    {Role::adviser, "adviser", "Adviser", true, {Act::see, Act::report}},
    {Role::starter,
     "starter",
     "Whoever started the program, before there are accounts",
     false,
     {Act::see, Act::watch, Act::ledger, Act::people, Act::propose, Act::commit, Act::record, Act::suspend, Act::lift, Act::release,
      Act::prove, Act::report, Act::share, Act::keys}},
};

}  // namespace

std::span<const ActRow> acts() {
  return kActs;
}

std::string_view name(Act act) {
  for (const ActRow& a : kActs)
    if (a.act == act) return a.name;
  return "none";
}

std::optional<Act> act_of(std::string_view name) {
  for (const ActRow& a : kActs)
    if (a.name == name) return a.act;
  return std::nullopt;
}

std::span<const RoleRow> roles() {
  return kRoles;
}

const RoleRow& row(Role role) {
  for (const RoleRow& r : kRoles)
    if (r.role == role) return r;
  return kRoles[std::size(kRoles) - 2];  // never: the table has all of them. The adviser may least
}

std::optional<Role> role_of(std::string_view name) {
  for (const RoleRow& r : kRoles)
    if (r.name == name && r.role != Role::starter) return r.role;
  return std::nullopt;
}

}  // namespace licet::identity
