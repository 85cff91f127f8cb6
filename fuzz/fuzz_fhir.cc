// FHIR JSON and FHIR request lines from anyone.
//
// Properties, not just "no crash":
//   - cutting the bytes differently changes no event and no verdict;
//   - what the filter writes is strict JSON again, of the same type, patients no more than before, and filtering it once more changes
//   nothing;
//   - an error names no content; a request's verdict doesn't fall from outside to inside when the view shrinks.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "codec/fhir.h"
#include "codec/fhir_request.h"

namespace {

using namespace licet;
using namespace licet::codec;

struct Filters {
  std::vector<std::string> wide{"name",       "code",     "subject", "value", "content", "component.code", "status.extension",
                                "identifier", "birthDate"},
      narrow{"code"};
  ElementFilter wide_filter = make(wide), narrow_filter = make(narrow);
  static ElementFilter make(const std::vector<std::string>& elements) {
    std::vector<TypeElements> rows;
    for (const char* type : {"Patient", "Observation", "DocumentReference", "Encounter", "List"}) rows.push_back({type, elements});
    return *ElementFilter::compile(rows);
  }
};

std::string filtered(const ElementFilter& filter, const ResourceScan& scan) {
  std::string out;
  return filter.apply(scan, out) == Applied::kept ? out : std::string();
}

// The events as one text; "!" where it ends in an error.
std::string events(std::string_view bytes, std::size_t chunk) {
  Limits limits;
  limits.resource_bytes = 64 * 1024;
  BundleReader reader(limits, {"https://ehr.example/fhir"});
  std::string log;
  std::size_t at = 0;
  bool finished = false;
  for (;;) {
    auto event = reader.next();
    if (!event) return log + "!";
    if (event->kind == BundleEvent::Kind::end) return log + "end";
    if (event->kind == BundleEvent::Kind::more) {
      if (at == bytes.size()) {
        LICET_ASSERT(!finished);
        reader.finish();
        finished = true;
        continue;
      }
      const std::size_t n = std::min(chunk, bytes.size() - at);
      if (!reader.feed(bytes.substr(at, n))) return log + "!";
      at += n;
      continue;
    }
    log.append(event->name).append("=").append(event->value).append(event->entry.full_url).append(event->entry.search_mode);
    if (event->scan != nullptr) {
      log.append(event->scan->bytes);
      for (const std::string_view patient : event->scan->patients) log.append("@").append(patient);
    }
    log += '\n';
  }
}

void check_resource(std::string_view bytes, const Filters& filters) {
  ResourceScanner scanner(Limits{}), again(Limits{});
  auto scan = scanner.scan(bytes);
  if (!scan) {
    LICET_ASSERT(scan.error().message.size() < 120);
    return;
  }
  for (const ElementFilter* filter : {&filters.wide_filter, &filters.narrow_filter}) {
    const std::string once = filtered(*filter, **scan);
    if (once.empty()) continue;
    auto second = again.scan(once);
    LICET_ASSERT(second.ok());
    LICET_ASSERT((*second)->type == (*scan)->type);
    LICET_ASSERT((*second)->patients.size() <= (*scan)->patients.size());
    LICET_ASSERT(filtered(*filter, **second) == once);
  }
}

void check_request(std::string_view bytes, const Filters& filters) {
  const std::size_t line = bytes.find('\n');
  const std::string_view target = bytes.substr(0, line),
                         form = line == std::string_view::npos ? std::string_view{} : bytes.substr(line + 1);
  auto request = parse_request(
      {.method = form.empty() ? "GET" : "POST", .target = target, .content_type = "application/x-www-form-urlencoded", .form = form},
      Limits{});
  if (!request) {
    LICET_ASSERT(request.error().message.size() < 120);
    return;
  }
  (void)patient_of(*request);
  // Outside the full view is only what looks at labels.
  const bool full = outside_view(*request, ElementFilter::full()).has_value(),
             wide = outside_view(*request, filters.wide_filter).has_value(),
             narrow = outside_view(*request, filters.narrow_filter).has_value();
  LICET_ASSERT(!full || bytes.find("security") != std::string_view::npos || bytes.find("confidentiality") != std::string_view::npos ||
               bytes.find('%') != std::string_view::npos);
  LICET_ASSERT((!full || wide) && (!wide || narrow));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Filters filters;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!bytes.empty() && (bytes[0] == '/' || bytes[0] == '?')) {
    check_request(bytes, filters);
    return 0;
  }
  check_resource(bytes, filters);
  const std::string whole = events(bytes, bytes.size() + 1);
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{63}, std::size_t{200}}) {
    const std::string cut = events(bytes, chunk);
    // A document in error may have told more or less of itself before the error was seen; its verdict is the same.
    LICET_ASSERT(whole.ends_with('!') ? cut.ends_with('!') : cut == whole);
  }
  return 0;
}
