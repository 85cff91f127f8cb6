// A pack is untrusted input: YAML that holds SQL. Properties: loading and judging never crash and stay within their limits; an error names
// a file and line; and whatever a pack says, judging the same bytes twice says the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "rules/rules.h"

namespace {

using namespace licet;

constexpr const char* kPackHead =
    "kind: pack\nid: fuzz\nversion: \"1\"\nstatus: in-force\ntitle: Fuzz\nsource: none\nretrieved-on: 2026-01-01\n---\n";
constexpr const char* kStack =
    "kind: stack\nid: s\nformat: 1\ntenant: t\ntimezone: Etc/UTC\n---\nkind: organization\nid: clinic\nname: Clinic\ncovered: "
    "true\n---\nkind: system\nid: ehr\nowner: clinic\n---\n"
    "kind: system\nid: lab\nowner: clinic\n---\nkind: flow\nid: f\nfrom: ehr\nto: lab\ndata: [clinical.note]\npurposes: [TREAT]\n";

void must(bool holds) {
  if (!holds) std::abort();
}

std::string told(const rules::Judgment& j) {
  std::string out;
  for (const rules::Finding& f : j.findings) out += f.asked->requirement + f.subject + f.because + f.witness + f.facts + f.mend + "\n";
  for (const rules::Ground& g : j.grounds) out += g.id + g.because + "\n";
  for (const rules::Prohibition& p : j.prohibitions) out += p.id + p.because + "\n";
  return out;
}

const stack::Relations& relations() {
  static const stack::Relations made = [] {
    const stack::Source source{"s.yaml", kStack, stack::Layer::authored};
    return stack::relations(*stack::load(std::span(&source, 1)).stack, {});
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16 * 1024) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const stack::Source file{"pack.yaml", kPackHead + bytes, {}};
  auto pack = rules::load_pack(std::span(&file, 1));
  if (!pack) {
    must(pack.error().message.find("pack.yaml") != std::string::npos);
    return 0;
  }
  const auto day = parse_date("2026-06-15");
  auto once = rules::judge(relations(), std::span(&*pack, 1), *day);
  auto again = rules::judge(relations(), std::span(&*pack, 1), *day);
  must(once.ok() == again.ok());
  if (once) must(told(*once) == told(*again));
  return 0;
}
