// What a FHIR R4 request asks for, and whether its search looks only where the view looks.
//
//   LICET_TRY(request, parse_request({.method = "GET", .target = "/Patient?birthdate=lt1960-01-01&_summary=count"}, limits));
//   request.interaction == Interaction::search_type;  request.type == "Patient";
//   if (auto name = outside_view(request, filter)) …                // "birthdate": a count would answer about a hidden field
//   if (auto patient = patient_of(request)) …                       // whose record, where the request says it
//
// Strict: percent-decoding happens once; bad escapes, control bytes, an escape that would decode to a further escape, encoded slashes and
// dots in the path, empty or unknown path shapes are refused. Pure; any thread. Messages name parameters, never their values. Source: HL7
// FHIR R4 (4.0.1) http.html, search.html, compartmentdefinition.html.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "codec/fhir.h"

namespace licet::codec {

enum class Interaction : std::uint8_t {
  read,              // GET|HEAD [type]/[id]
  vread,             // GET [type]/[id]/_history/[vid]
  history_instance,  // GET [type]/[id]/_history
  history_type,      // GET [type]/_history
  history_system,    // GET _history
  search_type,       // GET [type]?…, POST [type]/_search, GET Patient/[id]/[type]?… (then compartment is set)
  search_system,     // GET ?…, POST _search, GET Patient/[id]/*
  create,            // POST [type]
  update,            // PUT [type]/[id] (or conditional: no id)
  patch,
  remove,        // DELETE
  batch,         // POST to the base: batch or transaction
  capabilities,  // GET metadata, OPTIONS
  operation,     // …/$name
};
[[nodiscard]] std::string_view name(Interaction);

struct SearchParameter {
  std::string name;      // "birthdate", "_has"; without modifier and chain
  std::string modifier;  // "exact", "not", "missing", a type ("Patient") …; without the colon
  std::string chain;     // after the first dot: "name", "organization.name"; empty where not chained
  std::string value;     // decoded
};

struct FhirRequest {
  Interaction interaction = Interaction::read;
  std::string type;  // empty at system level
  std::string id;
  std::string version;                           // of vread
  std::string operation;                         // with its `$`
  std::string compartment_type, compartment_id;  // GET Patient/1/Observation
  std::vector<SearchParameter> parameters;       // of the query, then of a _search form
  bool writes() const {
    return interaction == Interaction::create || interaction == Interaction::update || interaction == Interaction::patch ||
           interaction == Interaction::remove || interaction == Interaction::batch;
  }
};

struct RequestHead {
  std::string_view method;
  std::string_view target;        // below the route's base: "/Patient/1?_format=json", "", "?…"
  std::string_view content_type;  // empty where absent
  std::string_view accept;
  std::string_view form;           // the body of POST …/_search
  std::string_view if_none_exist;  // a conditional create is a search
};

// errors  invalid_argument     not one R4 interaction that can be read with certainty           → Reason::malformed
//         failed_precondition  asks for a format that can't be filtered (XML, Turtle, HTML …)   → Reason::unfilterable
[[nodiscard]] Result<FhirRequest> parse_request(const RequestHead& head, const Limits& limits);

// The first thing in the request that looks at what the view doesn't show, as it may be told to the caller: a parameter's name
// ("birthdate", "_sort", "_include"), or "type". nullopt: it looks only inside. For a full view only a search by security labels is
// outside: they decide what is withheld. Unknown parameters are outside. Chains, _has, _include and _revinclude count only where every
// step is inside the view. A history or an operation under a reduced view is outside, except where what it returns is filtered resource
// by resource ($everything, $lastn, _history).
[[nodiscard]] std::optional<std::string> outside_view(const FhirRequest& request, const ElementFilter& filter);

// The logical id of the one patient that the request evidently is about: Patient/ID (with _history, $everything, or as compartment),
// ?patient=ID, ?subject=Patient/ID, ?_id=ID on Patient. Nullopt where it is several, none, or can't be told.
[[nodiscard]] std::optional<std::string> patient_of(const FhirRequest& request);

// The element paths that a search parameter of a type looks at; empty: unknown. Common parameters (_id …) excluded.
[[nodiscard]] std::vector<std::string_view> search_paths(std::string_view type, std::string_view parameter);
// The types that a reference search parameter can point to; empty: unknown, or not a reference.
[[nodiscard]] std::vector<std::string_view> search_targets(std::string_view type, std::string_view parameter);
// A resource type of R4.
[[nodiscard]] bool is_resource_type(std::string_view name);

// Strict percent-decoding of one query or path component. plus: `+` is a space (query and form).
// errors  invalid_argument  a bad escape, a control byte, invalid UTF-8, or a result that still holds an escape (double encoding)
[[nodiscard]] Result<std::string> percent_decode(std::string_view text, bool plus);

}  // namespace licet::codec
