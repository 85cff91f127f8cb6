// What the gate works from at one moment: the table in force, its routes, and what was prepared from both. Immutable; replaced as a whole.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/fhir.h"
#include "deid/fhir.h"
#include "deid/text.h"
#include "http/handler.h"
#include "identity/identity.h"
#include "license/table.h"

namespace licet::gate {

// A form that has to be made: what is read is not what leaves.
[[nodiscard]] constexpr bool is_made(license::Form form) {
  return form == license::Form::limited || form == license::Form::deidentified || form == license::Form::pseudonymized;
}

enum class Speaks : std::uint8_t { fhir_r4, http, llm_openai, llm_anthropic };
[[nodiscard]] constexpr bool is_llm(Speaks speaks) {
  return speaks == Speaks::llm_openai || speaks == Speaks::llm_anthropic;
}

struct Route {
  std::string id;
  std::string listens;             // "/fhir/"
  std::string base;                // the upstream's base path, "/fhir/"
  std::string origin;              // the upstream's scheme and authority: "https://ehr.example:8443"
  std::string says;                // what the upstream calls itself in links, where that is another address: "https://records.example/r4"
  std::vector<std::string> bases;  // both, without a slash at the end: prepare() fills it
  Speaks speaks = Speaks::http;
  std::string serves;                                          // PHI comes out of this system, in answers …
  std::string reaches;                                         // … or goes into this one, in requests: exactly one is set
  std::map<std::string, std::vector<license::ClassId>> sends;  // of a `reaches` route: by caller, every class that its flow declares
  std::vector<std::string> accepts;                            // transaction-token | mtls | oidc
  bool observe = false;
  Micros observe_until{};
  std::shared_ptr<http::Upstream> upstream;
  license::RouteId key;
  std::vector<std::string> cors_origins;
  // Of a route that speaks llm.*: what reads prompts (null: only identified ones pass), and the gate's own key to the provider.
  std::shared_ptr<const deid::TextEngine> reader;
  std::string api_key;
};

struct Policy {
  std::uint64_t epoch = 0;
  std::shared_ptr<const license::Table> table;
  std::vector<Route> routes;
  std::vector<codec::ElementFilter> filters;  // by ViewId
  codec::ElementFilter full = codec::ElementFilter::full();
  codec::ElementFilter nothing = codec::ElementFilter::full();  // after prepare(): no type at all; outcomes as codes
  std::shared_ptr<const deid::Library> deid;                    // packs/deid; null: forms less than identified are refused
  std::optional<deid::FhirTransform> limited, deidentified;     // by prepare(), of `deid`
  const deid::Profile* placeholders = nullptr;                  // where a route speaks llm.*: what of a prompt becomes a placeholder …
  const deid::Profile* plain_text = nullptr;                    // … and what de-identifies it
  std::shared_ptr<const identity::Directory> directory;

  // The route with the longest `listens` that begins the path; nullptr: none.
  [[nodiscard]] const Route* find(std::string_view path) const;
  // What makes a resource of that form; nullptr: `identified`, which needs nothing, or no profile for it.
  [[nodiscard]] const deid::FhirTransform* transform(license::Form form) const {
    if (form == license::Form::limited) return limited ? &*limited : nullptr;
    return form == license::Form::deidentified && deidentified ? &*deidentified : nullptr;
  }
  // What makes a prompt of that form; nullptr: nothing does.
  [[nodiscard]] const deid::Profile* prompt_profile(license::Form form) const {
    return form == license::Form::pseudonymized ? placeholders : form == license::Form::deidentified ? plain_text : nullptr;
  }
  [[nodiscard]] const codec::ElementFilter& filter(license::ViewId view) const { return view.known() ? filters[view.value] : full; }
};

// Prepares filters and checks that every view compiles. errors: invalid_argument (a permit's element path).
[[nodiscard]] Result<void> prepare(Policy& policy);

}  // namespace licet::gate
