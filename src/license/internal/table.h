// What a Table is made of. compile.cc fills it, decide.cc reads it, table.cc tells people about it, diff.cc compares two.
//
// The hot part is three look-ups, each of one or two cache lines:
//   links   (route, caller)                                → link
//   tuples  (link, holder, purpose, class, action)         → a set of grants, or why there is none
//   sets    a set of grants, best first                    → the first that the request meets
// Sets are shared by all tuples of one license, so 100,000 tuples stand on a few hundred sets, which stay in cache.
#pragma once

#include <algorithm>
#include <bitset>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "license/internal/hash.h"
#include "license/table.h"

namespace licet::license {

constexpr std::uint32_t kNone = 0xffffffff;

// Widths of a packed tuple: 64 bits in all. compile() refuses a declaration that has more.
constexpr int kLinkBits = 22, kHolderBits = 22, kPurposeBits = 8, kClassBits = 9, kActionBits = 3;
constexpr std::uint32_t kGlass = 6;  // stands where the action does: what break glass opens
constexpr std::uint32_t kForbidden = 7;  // likewise: prohibitions, for any holder

[[nodiscard]] constexpr std::uint64_t pack(std::uint32_t link, std::uint32_t holder, std::uint32_t purpose, std::uint32_t cls,
                                           std::uint32_t action) noexcept {
  return ((((std::uint64_t{link} << kHolderBits | holder) << kPurposeBits | purpose) << kClassBits | cls) << kActionBits) | action;
}

// Bits of `whose`: several hold together where permit and ground differ.
enum WhoseBit : std::uint8_t { kCompartment = 1, kMembers = 2, kPanel = 4, kNamed = 8 };

// One way to be licensed: a license (of one permit, flow, ground and holder) for one view.
struct Grant {
  std::int64_t from = INT64_MIN, until = INT64_MAX;  // µs, [from, until)
  std::uint32_t license = kNone;
  std::uint32_t view = kNone;     // none: full
  std::uint32_t regions = kNone;  // none: any
  std::uint32_t named = kNone;    // list of patients
  std::uint32_t lapse = kNone;    // refusal once `until` has passed; none: the general sentence
  std::uint32_t conditions = 0;
  std::uint32_t root = kNone;     // of a carrying license: the entity whose people it carries
  Form form = Form::none;
  std::uint8_t whose = 0;
  bool hold = false, accountable = false;
  bool care = false;     // stands on workforce or treatment: break glass and emergencies may lift
  bool part2 = false;    // workforce of a Part 2 program: no consent needed within it (42 CFR 2.12(c)(3))
  bool own = false;      // the individual's own access: no restriction or consent stands against it
};

struct Set {
  std::uint32_t begin = 0, count = 0;  // into Inside::in_sets
};
struct Tuple {
  std::uint32_t set = kNone;      // none: refused
  std::uint32_t refusal = kNone;  // why, where a finding says it; none: the general sentence of no-ground
};

struct Link {
  std::uint32_t route = 0, caller = 0;
  std::uint32_t to = 0;         // the system that receives: the caller, or the one that is reached
  std::uint32_t from = 0;
  bool send = false;            // a `reaches` route
  bool individual_own = false;  // the app is the individual's own: no gate on it (164.524)
  std::uint32_t carries_for_individual = kNone;  // root of the holder of the records
  struct Flow {
    std::uint32_t flow = 0;
    std::vector<std::uint32_t> purposes;  // sorted
    std::vector<bool> classes;
  };
  std::vector<Flow> flows;
  std::vector<PurposeId> purposes;  // sorted
};

struct Organization {
  std::string id, name;
  std::uint32_t parent = kNone, root = kNone;
  bool part2 = false;  // it, or what it is part of, is a Part 2 program
};
struct System {
  std::string id, name;
  std::uint32_t owner = kNone, region = kNone;
};
struct Person {
  std::string id;
  std::uint32_t organization = kNone;
  std::vector<std::string> roles;  // with those inherited; sorted
};
struct Route {
  std::string id;
  bool send = false;
};
struct Refusal {
  Reason reason = Reason::no_ground;
  std::string text;
};

// Ids by name: built once, looked up by string_view.
class Names {
 public:
  std::uint32_t add(std::string_view name) {
    const auto [at, fresh] = ids_.try_emplace(std::string(name), static_cast<std::uint32_t>(list_.size()));
    if (fresh) list_.push_back(at->first);
    return at->second;
  }
  [[nodiscard]] std::uint32_t find(std::string_view name) const {
    const auto at = ids_.find(name);
    return at == ids_.end() ? kNone : at->second;
  }
  [[nodiscard]] const std::string& operator[](std::uint32_t id) const { return list_[id]; }
  [[nodiscard]] std::size_t size() const { return list_.size(); }

 private:
  std::map<std::string, std::uint32_t, std::less<>> ids_;
  std::vector<std::string> list_;
};

struct Table::Inside {
  ClassMap classes;
  Names systems_by, persons_by, routes_by, purposes_by, regions_by, organizations_by;
  std::vector<System> systems;
  std::vector<Person> persons;
  std::vector<Organization> organizations;
  std::vector<Route> routes;
  std::vector<std::string> flows;
  std::vector<Link> links;

  Lookup<std::uint32_t> link_of;  // route << 32 | caller
  Lookup<Tuple> tuples;
  std::vector<Set> sets;
  std::vector<std::uint32_t> in_sets;  // grants
  std::vector<Grant> grants;
  std::vector<std::uint64_t> region_sets;  // `region_words` words each
  std::size_t region_words = 1;
  std::vector<std::vector<PatientKey>> named;  // sorted
  std::vector<View> views;
  std::vector<std::bitset<256>> view_types;  // TypeIds that a view shows
  Lookup<std::uint32_t> meets;                // view << 32 | view → their intersection
  std::vector<bool> is_part2_class;           // special.sud
  std::uint32_t treat = kNone, etreat = kNone, btg = kNone;

  std::vector<License> licenses;  // sorted by id
  std::vector<Refusal> refusals;
  std::vector<std::pair<std::uint64_t, Tuple>> all_tuples;  // sorted by key: for digest_text() and diff()
  std::string under, digest_text;
  Date as_of{};

  // Holders: systems by their own license, systems as carriers for their entity's people, persons, and the individual.
  [[nodiscard]] std::uint32_t holder_system(std::uint32_t s) const noexcept { return s; }
  [[nodiscard]] std::uint32_t holder_carrier(std::uint32_t s) const noexcept { return static_cast<std::uint32_t>(systems.size()) + s; }
  [[nodiscard]] std::uint32_t holder_person(std::uint32_t p) const noexcept { return static_cast<std::uint32_t>(2 * systems.size()) + p; }
  [[nodiscard]] std::uint32_t holder_individual() const noexcept { return static_cast<std::uint32_t>(2 * systems.size() + persons.size()); }

  [[nodiscard]] const Link* link(std::uint32_t route, std::uint32_t caller) const noexcept {
    const std::uint32_t* at = link_of.find(std::uint64_t{route} << 32 | caller);
    return at != nullptr ? &links[*at] : nullptr;
  }
  [[nodiscard]] std::uint32_t number(const Link& link) const noexcept { return static_cast<std::uint32_t>(&link - links.data()); }
};

}  // namespace licet::license
