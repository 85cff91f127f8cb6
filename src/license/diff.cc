#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "license/internal/table.h"

namespace licet::license {
namespace {

using Who = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view, Action>;  // holder, flow, class, purpose, action

std::string terms(const Table::Inside& in, const Grant& g) {
  const License& l = in.licenses[g.license];
  std::string out = fmt::format("{}, {}", name(g.form), g.view == kNone ? std::string("full") : "view " + in.views[g.view].id);
  if ((g.whose & kCompartment) != 0) out += ", own records";
  if ((g.whose & kMembers) != 0) out += ", members";
  if ((g.whose & kPanel) != 0) out += ", panel";
  if ((g.whose & kNamed) != 0) out += ", named patients";
  if (!l.regions.empty()) out += fmt::format(", in {}", fmt::join(l.regions, " "));
  if (g.conditions != 0) out += fmt::format(", with {}", fmt::join(l.conditions, " "));
  if (g.hold) out += ", held";
  if (l.from) out += ", from " + format(*l.from);
  if (l.until) out += ", until " + format(*l.until);
  return out;
}

// What each holder may receive, as words: the whole table but for break glass.
class Lawful {
 public:
  explicit Lawful(const Table::Inside& in) : in_(in) {
    for (const Grant& g : in.grants) terms_.push_back(terms(in, g));
    for (const auto& [key, tuple] : in.all_tuples) add(key, tuple);
  }
  std::map<Who, std::string> rows;

 private:
  void add(std::uint64_t key, const Tuple& tuple) {
    const auto take = [&key](int bits) {
      const auto low = static_cast<std::uint32_t>(key & ((std::uint64_t{1} << bits) - 1));
      key >>= bits;
      return low;
    };
    const std::uint32_t action = take(kActionBits), cls = take(kClassBits), purpose = take(kPurposeBits), holder = take(kHolderBits);
    const auto number = static_cast<std::uint32_t>(key);
    if (tuple.set == kNone || action >= kGlass) return;
    const std::uint32_t people = in_.holder_person(0);
    if (holder >= in_.holder_carrier(0) && holder < people) return;  // nothing by itself
    const Link& link = in_.links[number];
    std::string through;
    if (holder >= people && !(holder == in_.holder_individual() && link.individual_own)) {
      through = system(link, number, holder, cls, purpose, action);
      if (through.empty()) return;  // a person without the system's license has none
    }
    const Set& set = in_.sets[tuple.set];
    for (std::uint32_t i = 0; i < set.count; ++i) {
      const std::uint32_t g = in_.in_sets[set.begin + i];
      const License& l = in_.licenses[in_.grants[g].license];
      std::string& text = rows[{l.holder, l.flow, in_.classes.name(ClassId{cls}), in_.purposes_by[purpose], static_cast<Action>(action)}];
      if (!text.empty()) text += "; or ";
      text += terms_[g] + through;
    }
  }
  // The other half of the meet.
  std::string system(const Link& link, std::uint32_t number, std::uint32_t holder, std::uint32_t cls, std::uint32_t purpose, std::uint32_t action) const {
    std::uint32_t root = link.carries_for_individual;
    if (holder != in_.holder_individual()) {
      const std::uint32_t o = in_.persons[holder - in_.holder_person(0)].organization;
      root = o == kNone ? kNone : in_.organizations[o].root;
    }
    std::string out;
    for (const std::uint32_t of : {in_.holder_system(link.to), in_.holder_carrier(link.to)}) {
      const Tuple* tuple = in_.tuples.find(pack(number, of, purpose, cls, action));
      if (tuple == nullptr || tuple->set == kNone) continue;
      const Set& set = in_.sets[tuple->set];
      for (std::uint32_t i = 0; i < set.count; ++i) {
        const Grant& g = in_.grants[in_.in_sets[set.begin + i]];
        if (g.root != kNone && g.root != root) continue;
        out += out.empty() ? " through " + in_.systems[link.to].id + " (" : "; or ";
        out += terms_[in_.in_sets[set.begin + i]];
      }
    }
    return out.empty() ? out : out + ")";
  }

  const Table::Inside& in_;
  std::vector<std::string> terms_;
};

}  // namespace

std::vector<Change> diff(const Table& before, const Table& after) {
  const Lawful was(before.inside()), is(after.inside());
  std::vector<Change> out;
  const auto change = [&out](std::string_view what, const Who& who, std::string_view from, std::string_view to) {
    const auto& [holder, flow, cls, purpose, action] = who;
    out.push_back({std::string(what), std::string(holder), std::string(flow), std::string(cls), std::string(purpose), std::string(name(action)),
                   std::string(from), std::string(to), purpose == "TREAT" || purpose == "ETREAT"});
  };
  auto a = was.rows.begin();
  auto b = is.rows.begin();
  while (a != was.rows.end() || b != is.rows.end()) {
    if (b == is.rows.end() || (a != was.rows.end() && a->first < b->first)) {
      change("loses", a->first, a->second, "");
      ++a;
    } else if (a == was.rows.end() || b->first < a->first) {
      change("gains", b->first, "", b->second);
      ++b;
    } else {
      if (a->second != b->second) change("changes", a->first, a->second, b->second);
      ++a;
      ++b;
    }
  }
  return out;
}

}  // namespace licet::license
