#include "codec/fhir_request.h"

#include <algorithm>
#include <array>

#include "codec/internal/r4.h"
#include "codec/internal/tape.h"

namespace licet::codec {
namespace {

using internal::each_word;

// Parameters, path segments and steps of a chain are few in honest requests.
constexpr std::size_t kParameters = 200;
constexpr std::size_t kChain = 4;

Error malformed(std::string_view what) {
  return Error{Code::invalid_argument, "FHIR request: " + std::string(what)};
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.'; }) && text != "." &&
         text != "..";
}
bool is_operation(std::string_view text) {
  return text.size() > 1 && text.size() <= 64 && text[0] == '$' &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}
std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

// A media type, with its parameters, that the filter can read. (`+` in a query is a space: application/fhir json.)
bool is_json(std::string_view type) {
  const std::string bare = lower(trim(type.substr(0, type.find(';'))));
  return bare == "json" || bare == "application/json" || bare == "application/fhir+json" || bare == "application/fhir json" ||
         bare == "text/json";
}
bool accepts_json(std::string_view accept) {
  if (trim(accept).empty()) return true;
  bool any = false;
  each_word(
      accept,
      [&](std::string_view range) {
        const std::string bare = lower(trim(range.substr(0, range.find(';'))));
        any |= is_json(range) || bare == "*/*" || bare == "application/*";
      },
      ',');
  return any;
}

Result<void> add_parameters(std::string_view query, std::vector<SearchParameter>& to) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    if (pair.empty()) continue;
    if (to.size() == kParameters) return malformed("too many parameters");
    const std::size_t equals = pair.find('=');
    LICET_TRY(name, percent_decode(pair.substr(0, equals), true));
    SearchParameter parameter;
    LICET_TRY(value, percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true));
    parameter.value = std::move(value);
    if (name.empty()) return malformed("a parameter without a name");
    for (const char c : name)
      if (!is_letter(c) && !is_digit(c) && std::string_view("_-.:[]").find(c) == std::string_view::npos)
        return malformed("a parameter name with odd characters");
    if (name.starts_with("_has:")) {  // reverse chain: its colons are its own
      parameter.name = "_has";
      parameter.chain = name.substr(5);
    } else {
      // name[:modifier][.chain]; the modifier of a chained reference is the type it goes to.
      const std::size_t stop = name.find_first_of(":.");
      parameter.name = name.substr(0, stop);
      std::string rest = stop == std::string::npos ? std::string() : name.substr(stop);
      if (rest.starts_with(':')) {
        const std::size_t dot = rest.find('.');
        parameter.modifier = rest.substr(1, dot == std::string::npos ? dot : dot - 1);
        rest = dot == std::string::npos ? std::string() : rest.substr(dot);
        if (parameter.modifier.empty()) return malformed("a parameter with an empty modifier");
      }
      if (rest.starts_with('.')) parameter.chain = rest.substr(1);
      if (parameter.name.empty() || rest == ".") return malformed("a parameter that ends nowhere");
    }
    to.push_back(std::move(parameter));
  }
  return {};
}

// What a chained or plain parameter of `type` looks at is all in the view.
bool inside(std::string_view type, std::string_view name, std::string_view modifier, std::string_view chain, const ElementFilter& filter,
            std::size_t depth);

// "Type:reference:parameter", the parameter possibly chained or a further _has.
bool inside_has(std::string_view target, std::string_view path, const ElementFilter& filter, std::size_t depth) {
  if (depth > kChain) return false;
  const std::size_t first = path.find(':');
  if (first == std::string_view::npos) return false;
  const std::size_t second = path.find(':', first + 1);
  if (second == std::string_view::npos) return false;
  const std::string_view type = path.substr(0, first), reference = path.substr(first + 1, second - first - 1),
                         rest = path.substr(second + 1);
  if (!filter.has_type(type)) return false;
  const std::vector<std::string_view> targets = search_targets(type, reference);
  if (std::find(targets.begin(), targets.end(), target) == targets.end() && std::find(targets.begin(), targets.end(), "*") == targets.end())
    return false;
  if (!inside(type, reference, {}, {}, filter, depth + 1)) return false;
  if (rest.starts_with("_has:")) return inside_has(type, rest.substr(5), filter, depth + 1);
  const std::size_t stop = rest.find_first_of(":.");
  const std::string_view name = rest.substr(0, stop);
  std::string_view modifier, chain;
  if (stop != std::string_view::npos) {
    const std::string_view after = rest.substr(stop + 1);
    if (rest[stop] == '.') {
      chain = after;
    } else {
      const std::size_t dot = after.find('.');
      modifier = after.substr(0, dot);
      if (dot != std::string_view::npos) chain = after.substr(dot + 1);
    }
  }
  return inside(type, name, modifier, chain, filter, depth + 1);
}

bool inside(std::string_view type, std::string_view name, std::string_view modifier, std::string_view chain, const ElementFilter& filter,
            std::size_t depth) {
  if (depth > kChain || !filter.has_type(type)) return false;
  if (name == "_id" || name == "_lastUpdated") return chain.empty();
  if (name.starts_with('_')) return false;
  const std::vector<std::string_view> paths = search_paths(type, name);
  if (paths.empty()) return false;
  for (const std::string_view path : paths) {
    if (!filter.shows(type, path)) return false;
    // Reference.identifier isn't shown with the reference.
    if (modifier == "identifier" && !filter.shows(type, std::string(path) + ".identifier")) return false;
  }
  if (chain.empty()) return true;
  // Every type that the reference can go to must show the rest.
  std::vector<std::string_view> targets = search_targets(type, name);
  if (!modifier.empty()) {
    if (!is_resource_type(modifier)) return false;
    targets.assign(1, modifier);
  }
  if (targets.empty() || targets[0] == "*") return false;
  const std::size_t stop = chain.find_first_of(":.");
  const std::string_view next = chain.substr(0, stop);
  std::string_view next_modifier, next_chain;
  if (next == "_has" && stop != std::string_view::npos && chain[stop] == ':') {
    return std::all_of(targets.begin(), targets.end(),
                       [&](std::string_view target) { return inside_has(target, chain.substr(stop + 1), filter, depth + 1); });
  }
  if (stop != std::string_view::npos) {
    const std::string_view after = chain.substr(stop + 1);
    if (chain[stop] == '.') {
      next_chain = after;
    } else {
      const std::size_t dot = after.find('.');
      next_modifier = after.substr(0, dot);
      if (dot != std::string_view::npos) next_chain = after.substr(dot + 1);
    }
    if (after.empty()) return false;
  }
  return std::all_of(targets.begin(), targets.end(),
                     [&](std::string_view target) { return inside(target, next, next_modifier, next_chain, filter, depth + 1); });
}

// The id in "ID" (where bare ids mean patients) or "Patient/ID".
std::optional<std::string> patient_id(std::string_view value, bool bare) {
  if (value.starts_with("Patient/"))
    value.remove_prefix(8);
  else if (!bare)
    return std::nullopt;
  if (!is_id(value)) return std::nullopt;
  return std::string(value);
}

// The parameter says whose record it is and nothing more: whether the answer may be about that patient is the license's question, not the
// view's.
std::optional<std::string> patient_named(std::string_view type, const SearchParameter& p) {
  if (!p.chain.empty() || (!p.modifier.empty() && p.modifier != "Patient")) return std::nullopt;
  if (type == "Patient") return p.name == "_id" && p.modifier.empty() ? patient_id(p.value, true) : std::nullopt;
  const internal::R4Type* known = internal::find_type(type);
  const internal::R4Search* search = internal::find_search(type, p.name);
  if (known == nullptr || search == nullptr) return std::nullopt;
  bool primary = true;
  each_word(search->paths, [&](std::string_view path) {
    bool found = false;
    each_word(known->compartment,
              [&](std::string_view word) { found |= word.size() == path.size() + 1 && word[0] == '!' && word.substr(1) == path; });
    primary &= found;
  });
  if (!primary) return std::nullopt;
  return patient_id(p.value, p.name == "patient" || p.modifier == "Patient" || search->targets == "Patient");
}

// Parameters that shape the answer or page through it, and look at nothing.
bool is_result_parameter(std::string_view name) {
  static constexpr std::array kNames = std::to_array<std::string_view>(
      {"_count", "_elements", "_format", "_pretty", "_summary", "_total", "_maxresults",
       // paging of HAPI, Medplum, Firely, Azure: opaque, made by the upstream for a search that was judged when it was first asked
       "_getpages", "_getpagesoffset", "_pageId", "_bundletype", "_offset", "_cursor", "_page", "_skip", "_snapshot", "_since", "_at",
       "start", "end", "ct"});
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool inside_sort(const FhirRequest& request, std::string_view value, const ElementFilter& filter) {
  bool all = true;
  each_word(
      value,
      [&](std::string_view key) {
        if (key.starts_with('-')) key.remove_prefix(1);
        if (key == "_id" || key == "_lastUpdated" || key == "_score") return;
        all &= !request.type.empty() && key.find(':') == std::string_view::npos && inside(request.type, key, {}, {}, filter, 0);
      },
      ',');
  return all;
}

// "Source:parameter[:Target]".
bool inside_include(std::string_view value, const ElementFilter& filter) {
  const std::size_t first = value.find(':');
  if (first == std::string_view::npos) return false;  // `*`
  const std::string_view source = value.substr(0, first);
  std::string_view parameter = value.substr(first + 1), target;
  if (const std::size_t second = parameter.find(':'); second != std::string_view::npos) {
    target = parameter.substr(second + 1);
    parameter = parameter.substr(0, second);
  }
  if (!target.empty() && !filter.has_type(target)) return false;
  return !search_targets(source, parameter).empty() && inside(source, parameter, {}, {}, filter, 0);
}

bool inside_system(const FhirRequest& request, const SearchParameter& p, const ElementFilter& filter) {
  // Without a type, a parameter looks at every type's: only the ones that every view shows are certain.
  (void)request;
  (void)filter;
  return p.chain.empty() && (p.name == "_id" || p.name == "_lastUpdated" || p.name == "_type");
}

// Security labels decide what is withheld: that a search by them has no total, or a next page, would tell that something is.
bool looks_at_labels(const SearchParameter& p) {
  const auto names_one = [](std::string_view text) {
    for (const std::string_view label : {"_security", "security-label", "confidentiality"})
      if (text.find(label) != std::string_view::npos) return true;
    return false;
  };
  return names_one(p.name) || names_one(p.chain) || ((p.name == "_filter" || p.name == "_sort") && names_one(p.value));
}

// Operations whose answer is resources, each of which is filtered, and whose parameters look at nothing hidden.
bool is_read_operation(std::string_view operation) {
  return operation == "$everything";
}

}  // namespace

std::string_view name(Interaction interaction) {
  switch (interaction) {
    case Interaction::read:
      return "read";
    case Interaction::vread:
      return "vread";
    case Interaction::history_instance:
      return "history-instance";
    case Interaction::history_type:
      return "history-type";
    case Interaction::history_system:
      return "history-system";
    case Interaction::search_type:
      return "search-type";
    case Interaction::search_system:
      return "search-system";
    case Interaction::create:
      return "create";
    case Interaction::update:
      return "update";
    case Interaction::patch:
      return "patch";
    case Interaction::remove:
      return "delete";
    case Interaction::batch:
      return "batch";
    case Interaction::capabilities:
      return "capabilities";
    case Interaction::operation:
      return "operation";
  }
  return "?";
}

Result<std::string> percent_decode(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool encoded = false;
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1, low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return malformed("a bad percent escape");
      c = static_cast<char>(high << 4 | low);
      i += 2;
      encoded = true;
    } else if (c == '+' && plus) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return malformed("a control byte");
    if (!encoded && static_cast<unsigned char>(c) >= 0x80) return malformed("a byte that must be escaped");
    out.push_back(c);
  }
  for (std::size_t i = 0; i + 2 < out.size(); ++i)
    if (out[i] == '%' && hex_digit(out[i + 1]) >= 0 && hex_digit(out[i + 2]) >= 0) return malformed("a doubly encoded value");
  if (!internal::valid_utf8(out)) return malformed("not UTF-8");
  return out;
}

bool is_resource_type(std::string_view type) {
  return internal::find_type(type) != nullptr;
}

std::vector<std::string_view> search_paths(std::string_view type, std::string_view parameter) {
  std::vector<std::string_view> paths;
  if (const internal::R4Search* row = internal::find_search(type, parameter))
    each_word(row->paths, [&](std::string_view path) { paths.push_back(path); });
  return paths;
}

std::vector<std::string_view> search_targets(std::string_view type, std::string_view parameter) {
  std::vector<std::string_view> targets;
  if (const internal::R4Search* row = internal::find_search(type, parameter))
    each_word(row->targets, [&](std::string_view t) { targets.push_back(t); });
  return targets;
}

Result<FhirRequest> parse_request(const RequestHead& head, const Limits& limits) {
  if (head.target.size() > limits.target_bytes) return malformed("a target longer than the limit");
  FhirRequest request;
  const std::size_t mark = head.target.find('?');
  std::string_view path = head.target.substr(0, mark);
  if (head.target.find('#') != std::string_view::npos) return malformed("a fragment");
  if (mark != std::string_view::npos) LICET_TRY_VOID(add_parameters(head.target.substr(mark + 1), request.parameters));

  // The path: nothing in it ever needs an escape but `$` and `*`.
  if (path.starts_with('/')) path.remove_prefix(1);
  std::vector<std::string> parts;
  if (!path.empty()) {
    for (std::string_view rest = path;;) {
      const std::size_t slash = rest.find('/');
      LICET_TRY(part, percent_decode(rest.substr(0, slash), false));
      if (part.empty() || part == "." || part == ".." || part.find_first_of("/\\%?#;") != std::string::npos)
        return malformed("an ambiguous path");
      parts.push_back(std::move(part));
      if (parts.size() > 5) return malformed("a path too deep");
      if (slash == std::string_view::npos) break;
      rest.remove_prefix(slash + 1);
    }
  }

  const std::string_view method = head.method;
  const bool get = method == "GET" || method == "HEAD", post = method == "POST";
  const std::size_t n = parts.size();
  const bool typed = n > 0 && is_resource_type(parts[0]);
  if (method == "OPTIONS" || (get && n == 1 && parts[0] == "metadata")) {
    request.interaction = Interaction::capabilities;
  } else if (n > 0 && is_operation(parts[n - 1])) {
    if (!get && !post) return malformed("an operation by another method than GET or POST");
    if (n > 1 && !typed) return malformed("no resource type");
    if (n > 2 && !is_id(parts[1])) return malformed("no resource id");
    if (n > 3) return malformed("no interaction of FHIR R4");
    request.interaction = Interaction::operation;
    request.operation = parts[n - 1];
    if (n > 1) request.type = parts[0];
    if (n > 2) request.id = parts[1];
  } else if (n == 0) {
    if (get)
      request.interaction = Interaction::search_system;
    else if (post)
      request.interaction = Interaction::batch;
    else if (method == "DELETE" && !request.parameters.empty())
      request.interaction = Interaction::remove;
    else
      return malformed("no interaction of FHIR R4");
  } else if (n == 1 && (parts[0] == "_history" || parts[0] == "_search")) {
    if (parts[0] == "_history" ? !get : !post) return malformed("no interaction of FHIR R4");
    request.interaction = get ? Interaction::history_system : Interaction::search_system;
  } else if (!typed) {
    return malformed("no resource type");
  } else {
    request.type = parts[0];
    if (n == 1) {
      if (get)
        request.interaction = Interaction::search_type;
      else if (post)
        request.interaction = Interaction::create;
      else if (method == "PUT")
        request.interaction = Interaction::update;
      else if (method == "PATCH")
        request.interaction = Interaction::patch;
      else if (method == "DELETE" && !request.parameters.empty())
        request.interaction = Interaction::remove;
      else
        return malformed("no interaction of FHIR R4");
    } else if (n == 2 && (parts[1] == "_history" || parts[1] == "_search")) {
      if (parts[1] == "_history" ? !get : !post) return malformed("no interaction of FHIR R4");
      request.interaction = get ? Interaction::history_type : Interaction::search_type;
    } else {
      if (!is_id(parts[1])) return malformed("no resource id");
      request.id = parts[1];
      if (n == 2) {
        if (get)
          request.interaction = Interaction::read;
        else if (method == "PUT")
          request.interaction = Interaction::update;
        else if (method == "PATCH")
          request.interaction = Interaction::patch;
        else if (method == "DELETE")
          request.interaction = Interaction::remove;
        else
          return malformed("no interaction of FHIR R4");
      } else if (parts[2] == "_history") {
        if (!get || n > 4) return malformed("no interaction of FHIR R4");
        request.interaction = n == 3 ? Interaction::history_instance : Interaction::vread;
        if (n == 4) {
          if (!is_id(parts[3])) return malformed("no version id");
          request.version = parts[3];
        }
      } else {
        // A compartment: Patient/1/Observation, Patient/1/*, and their POST …/_search.
        const bool search = n == 4 && parts[3] == "_search" && post;
        if ((n != 3 || !get) && !search) return malformed("no interaction of FHIR R4");
        if (parts[2] != "*" && !is_resource_type(parts[2])) return malformed("no resource type");
        request.compartment_type = std::move(request.type);
        request.compartment_id = std::move(request.id);
        request.type = parts[2] == "*" ? std::string() : parts[2];
        request.id.clear();
        request.interaction = parts[2] == "*" ? Interaction::search_system : Interaction::search_type;
      }
    }
  }

  const bool form = !parts.empty() && parts.back() == "_search";
  if (form) {
    const std::string bare = lower(trim(head.content_type.substr(0, head.content_type.find(';'))));
    if (!head.form.empty() && bare != "application/x-www-form-urlencoded") return malformed("a _search that is no form");
    if (head.form.size() > limits.request_body_bytes) return malformed("a form longer than the limit");
    LICET_TRY_VOID(add_parameters(head.form, request.parameters));
  } else if (!head.form.empty()) {
    return malformed("a form that isn't for _search");
  }
  if (!head.if_none_exist.empty()) {
    if (request.interaction != Interaction::create) return malformed("If-None-Exist on what creates nothing");
    std::string_view query = head.if_none_exist;
    if (const std::size_t start = query.find('?'); start != std::string_view::npos) query.remove_prefix(start + 1);
    LICET_TRY_VOID(add_parameters(query, request.parameters));
  }

  bool formatted = false;
  for (const SearchParameter& p : request.parameters) {
    if (p.name != "_format") continue;
    formatted = true;
    if (!is_json(p.value)) return Error{Code::failed_precondition, "FHIR request: _format asks for what can't be filtered; only JSON can"};
  }
  if (!formatted && !accepts_json(head.accept))
    return Error{Code::failed_precondition, "FHIR request: Accept asks for what can't be filtered; only JSON can"};
  return request;
}

std::optional<std::string> outside_view(const FhirRequest& request, const ElementFilter& filter) {
  for (const SearchParameter& p : request.parameters)
    if (looks_at_labels(p)) return p.name;
  if (filter.is_full()) return std::nullopt;
  if (request.interaction == Interaction::capabilities) return std::nullopt;
  if (request.interaction == Interaction::operation && !is_read_operation(request.operation)) return request.operation;
  if (request.interaction == Interaction::batch) return "batch";
  const bool everything = request.interaction == Interaction::operation;
  if (!request.type.empty() && !everything && !filter.has_type(request.type)) return "type";
  for (const SearchParameter& p : request.parameters) {
    const std::string_view n = p.name;
    if (is_result_parameter(n)) {
      if (!p.chain.empty()) return p.name;
      continue;
    }
    if (everything && n == "_type") continue;
    bool good = false;
    if (n == "_sort") {
      good = p.modifier.empty() && p.chain.empty() && inside_sort(request, p.value, filter);
    } else if (n == "_include" || n == "_revinclude") {
      good =
          (p.modifier.empty() || p.modifier == "iterate" || p.modifier == "recurse") && p.chain.empty() && inside_include(p.value, filter);
    } else if (n == "_has") {
      good = !request.type.empty() && inside_has(request.type, p.chain, filter, 0);
    } else if (request.type.empty()) {
      good = inside_system(request, p, filter);
    } else {
      good = patient_named(request.type, p).has_value() || inside(request.type, n, p.modifier, p.chain, filter, 0);
    }
    if (!good) return p.name;
  }
  return std::nullopt;
}

std::optional<std::string> patient_of(const FhirRequest& request) {
  std::optional<std::string> found;
  const auto take = [&](std::optional<std::string> id) {
    if (!id) return true;
    if (found && *found != *id) return false;
    found = std::move(id);
    return true;
  };
  if (request.type == "Patient" && !request.id.empty() && !take(request.id)) return std::nullopt;
  if (request.compartment_type == "Patient" && !take(request.compartment_id)) return std::nullopt;
  if (request.interaction == Interaction::search_type)
    for (const SearchParameter& p : request.parameters)
      if (!take(patient_named(request.type, p))) return std::nullopt;
  return found;
}

}  // namespace licet::codec
