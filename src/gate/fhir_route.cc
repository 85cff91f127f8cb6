// FHIR R4 through the gate: what a request is about, and the answer resource by resource: classified, decided, reduced, recorded, sent.

#include <algorithm>
#include <array>

#include "crypto/crypto.h"
#include "gate/exchange.h"

namespace licet::gate {
namespace {

using codec::Interaction;
using license::Action;
using license::Outcome;

// A part of a stream that has waited this long for more is sent as it is, so that a slow answer is seen, and can be cut, as it grows.
constexpr std::chrono::milliseconds kPartAge{200};

// The source's label on what a patient paid in full, and asked to be kept from the plan (HL7 v3-ActCode, 164.522(a)(1)(vi)).
bool is_self_paid(const codec::ResourceScan& scan) {
  return std::any_of(scan.labels.begin(), scan.labels.end(), [](const codec::Coding& c) { return c.code == "HIPAASelfPay"; });
}

Action action_of(Interaction interaction) {
  switch (interaction) {
    case Interaction::read:
    case Interaction::vread:
    case Interaction::history_instance:
      return Action::read;
    case Interaction::history_type:
    case Interaction::history_system:
    case Interaction::search_type:
    case Interaction::search_system:
    case Interaction::operation:
    case Interaction::capabilities:
      return Action::search;
    case Interaction::create:
      return Action::create;
    case Interaction::update:
    case Interaction::patch:
      return Action::update;
    case Interaction::remove:
      return Action::remove;
    case Interaction::batch:
      return Action::update;
  }
  return Action::update;
}

std::string without_slash(std::string url) {
  if (url.ends_with('/')) url.pop_back();
  return url;
}

// Whether a page's address holds only what the caller wrote, numbers and words: an opaque position may be somebody's id.
bool says_nothing_new(std::string_view url, std::string_view asked) {
  const std::size_t mark = url.find('?');
  const std::string_view path = url.substr(0, mark), type = path.substr(path.rfind('/') + 1);
  if (!type.empty() && !codec::is_resource_type(type)) return false;
  std::string_view query = mark == std::string_view::npos ? std::string_view{} : url.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::string_view value = pair.substr(std::min(pair.size(), pair.find('=') + 1));
    const bool number = value.size() <= 9 && value.find_first_not_of("0123456789") == std::string_view::npos;
    const bool word = std::all_of(value.begin(), value.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-' || c == '_'; });
    if (!number && !word && asked.find(pair) == std::string_view::npos) return false;
  }
  return true;
}

std::string_view text_of(const http::Headers& headers, std::string_view name) {
  const std::string* value = headers.find(name);
  return value == nullptr ? std::string_view{} : std::string_view(*value);
}

}  // namespace

// ---- The request ------------------------------------------------------------------------------------------------------------------------

bool Exchange::is_conformance() const {
  if (route_->speaks != Speaks::fhir_r4) return false;
  const std::string_view below = request_.path().substr(route_->listens.size());
  return request_.method == "OPTIONS" || (request_.method == "GET" && (below == "metadata" || below == ".well-known/smart-configuration"));
}

Task<Step<void>> Exchange::answer_conformance() {
  http::Response head;
  head.headers.add("cache-control", "no-store");
  head.headers.add("licet-reference", id_);
  const std::string_view origin = text_of(request_.headers, "origin");
  if (std::find(route_->cors_origins.begin(), route_->cors_origins.end(), origin) != route_->cors_origins.end() && !origin.empty()) {
    head.headers.add("access-control-allow-origin", std::string(origin));
    head.headers.add("vary", "Origin");
    head.headers.add("access-control-allow-headers", "authorization, content-type, licet-purpose, txn-token");
    head.headers.add("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE");
  }
  std::string body;
  const std::string base = own_base();
  if (request_.method == "OPTIONS") {
    head.status = 204;
  } else if (request_.path().ends_with("metadata")) {
    head.headers.add("content-type", "application/fhir+json");
    body =
        R"({"resourceType":"CapabilityStatement","status":"active","date":")" +
        format(Date(std::chrono::floor<std::chrono::days>(begun_))) +
        R"(","kind":"instance","software":{"name":"Licet"},"implementation":{"description":"Licet gate: what is licensed of the system behind it","url":)";
    codec::append_json_string(body, without_slash(base));
    body += R"(},"fhirVersion":"4.0.1","format":["json"],"rest":[{"mode":"server"}]})";
  } else {
    head.headers.add("content-type", "application/json");
    body = R"({"token_endpoint":)";
    codec::append_json_string(body, (request_.peer.tls ? "https://" : "http://") + request_.host + "/token");
    body +=
        R"(,"grant_types_supported":["urn:ietf:params:oauth:grant-type:token-exchange"],"token_endpoint_auth_methods_supported":["tls_client_auth"],)"
        R"("capabilities":["client-confidential-asymmetric"]})";
  }
  auto sent = co_await responder_.send(std::move(head), std::move(body));
  sent.ignore();
  status_ = 200;
  co_return Step<void>{};
}

Task<Step<void>> Exchange::locate_fhir(std::string_view below) {
  codec::RequestHead head;
  head.method = request_.method == "HEAD" ? std::string_view("GET") : std::string_view(request_.method);
  head.target = below;
  head.content_type = text_of(request_.headers, "content-type");
  head.accept = text_of(request_.headers, "accept");
  head.if_none_exist = text_of(request_.headers, "if-none-exist");
  LICET_STEP(sent, co_await read_request_body());
  located_.body = std::move(sent);
  const bool form = request_.path().ends_with("/_search");
  if (form) head.form = located_.body.reveal();
  auto fhir = codec::parse_request(head, gate_.options_.limits);
  if (!fhir)
    co_return refuse(fhir.error().code == Code::failed_precondition ? Reason::unfilterable : Reason::malformed, fhir.error().message);
  located_.fhir = *std::move(fhir);
  located_.type = located_.fhir.type;
  located_.action = action_of(located_.fhir.interaction);
  if (located_.fhir.interaction == Interaction::batch)
    co_return refuse(Reason::out_of_scope, "Batches and transactions don't pass the gate yet: send their requests one by one.");
  if (located_.fhir.interaction == Interaction::patch)
    co_return refuse(Reason::out_of_scope,
                     "PATCH doesn't pass the gate yet: what it would change can't be judged from the patch alone. Use PUT.");

  const license::ClassMap& classes = policy_->table->classes();
  const bool one_type = !located_.type.empty() && located_.fhir.interaction != Interaction::operation;
  if (one_type) {
    const auto of_type = classes.of_type(located_.type);
    located_.classes.assign(of_type.begin(), of_type.end());
  } else {
    for (std::uint32_t i = 0; i < classes.size(); ++i) located_.classes.push_back(license::ClassId{i});
  }
  if (const auto patient = codec::patient_of(located_.fhir)) located_.patient = (*gate_.options_.blind)(*patient);
  if (located_.fhir.interaction == Interaction::create || located_.fhir.interaction == Interaction::update) {
    auto body = locate_body();
    if (!body) co_return body;
  }
  co_return Step<void>{};
}

Step<void> Exchange::locate_body() {
  std::vector<std::string> bases = route_->bases;
  bases.push_back(without_slash(own_base()));
  codec::ResourceScanner scanner(gate_.options_.limits, std::move(bases));
  auto scan = scanner.scan(located_.body.reveal());
  if (!scan) return refuse(Reason::malformed, scan.error().message);
  const codec::ResourceScan& resource = **scan;
  if (resource.type != located_.type) return refuse(Reason::malformed, "The resource is of another type than the address says.");
  if (resource.patients.size() > 1) return refuse(Reason::out_of_scope, "The resource is about several patients.");
  license::ClassId data_class;
  for (const std::string_view patient : resource.patients) {
    located_.patient = note_patient(patient);
    kept_patients_.insert(std::string(patient));
  }
  (void)decide_resource(resource, data_class);
  self_paid_ = is_self_paid(resource);
  located_.classes = {data_class};
  part_resources_ = 1;
  ++resources_;
  return {};
}

// ---- The answer -------------------------------------------------------------------------------------------------------------------------

license::Decision Exchange::decide_resource(const codec::ResourceScan& scan, license::ClassId& data_class) {
  const auto copy = [](const std::vector<codec::Coding>& from, std::vector<license::Coding>& to) {
    to.clear();
    for (const codec::Coding& c : from) to.push_back({c.system, c.code});
  };
  copy(scan.categories, categories_);
  copy(scan.codes, codes_);
  copy(scan.labels, labels_);
  data_class = policy_->table->classes().classify({scan.type, categories_, codes_, labels_});
  const bool self_paid = is_self_paid(scan);
  const auto ask = [&](license::PatientKey patient) {
    license::Ask a = ask_of(data_class, patient, scan.type);
    if (self_paid) a.conditions &= ~std::uint32_t{license::kNotSelfPaid};
    return a;
  };
  const bool about_nobody = scan.patients.empty() && !scan.in_compartment && !scan.unresolved;
  license::Decision decision;
  if (scan.patients.empty()) {
    decision = decide_one(ask({}));
    // Whose record it is can't be told: where that matters, it isn't shown.
    const bool special = is_special(data_class);
    if (decision.if_patient && (!about_nobody || special)) {
      decision.outcome = Outcome::refuse;
      decision.reason = Reason::out_of_scope;
    }
  }
  for (const std::string_view patient : scan.patients) {
    const license::PatientKey key = note_patient(patient);
    decision = decide_one(ask(key));
    if (license::known(who_.only_patient) && key != who_.only_patient)
      decision.outcome = Outcome::refuse, decision.reason = Reason::out_of_scope;
    if (decision.if_patient) decision.outcome = Outcome::refuse;
    if (decision.outcome == Outcome::refuse) break;
  }
  if (who_.individual &&
      decision.outcome != Outcome::refuse) {  // their record may mention others (a parent's chart, a linked person): not theirs to see
    for (const std::string_view other : scan.mentions)
      if (note_patient(other) != who_.self) decision.outcome = Outcome::refuse, decision.reason = Reason::out_of_scope;
  }
  return decision;
}

bool Exchange::shape_resource(const codec::ResourceScan& scan, std::string& out, license::Decision& decision) {
  if (scan.type == "OperationOutcome") {
    decision = decision_;
    const bool words = !is_made(decision_.form);
    return (words ? policy_->filter(decision_.view) : policy_->nothing).apply(scan, out) == codec::Applied::kept;
  }
  license::ClassId data_class;
  decision = decide_resource(scan, data_class);
  if (observed_) {  // passes, and says so: the record names whose it was
    out += scan.bytes;
    for (const std::string_view p : scan.patients) kept_patients_.insert(std::string(p));
    return true;
  }
  // What a person released was decided as a whole; its resources are held by the same license, not refused.
  const bool held_and_released = decision.outcome == Outcome::hold && decision_.outcome == Outcome::hold;
  const bool keep = (decision.outcome != Outcome::refuse && decision.outcome != Outcome::hold) || held_and_released;
  if (!keep) return false;
  if (decision.form == license::Form::identified) {
    if (policy_->filter(decision.view).apply(scan, out) != codec::Applied::kept) {
      decision.outcome = Outcome::refuse;
      decision.reason = Reason::out_of_scope;
      return false;
    }
  } else if (!transform_resource(scan, out, decision)) {
    return false;
  }
  for (const std::string_view p : scan.patients) kept_patients_.insert(std::string(p));
  const license::PatientKey patient = scan.patients.empty() ? license::PatientKey{} : note_patient(scan.patients[0]);
  if (carried_keys_.insert(patient[0] ^ (std::uint64_t{data_class.value} << 32)).second)
    carried_.push_back({ask_of(data_class, patient, scan.type), std::string(scan.type), decision.form, view_text(decision)});
  return true;
}

bool Exchange::transform_resource(const codec::ResourceScan& scan, std::string& out, license::Decision& decision) {
  const auto fail = [&](Reason reason) {
    decision.outcome = Outcome::refuse;
    decision.reason = reason;
    return false;
  };
  const deid::FhirTransform* transform = policy_->transform(decision.form);
  if (transform == nullptr) return fail(Reason::unfilterable);
  reduced_.clear();
  if (policy_->filter(decision.view).apply(scan, reduced_) != codec::Applied::kept) return fail(Reason::out_of_scope);
  if (!reduced_scanner_) reduced_scanner_.emplace(gate_.options_.limits);
  const auto again = reduced_scanner_->scan(reduced_);
  if (!again) return fail(Reason::unfilterable);
  deid::FhirContext context{.as_of = std::chrono::floor<std::chrono::days>(gate_.options_.ledger->now()), .codes = random_ids()};
  return transform->apply(**again, context, out) == deid::Applied::kept || fail(Reason::unfilterable);
}

Step<void> Exchange::fits_form() const {
  if (is_llm(route_->speaks)) return fits_prompt();
  const std::string_view form = name(decision_.form);
  const std::string& license = policy_->table->license(decision_.license).id;
  const deid::FhirTransform* transform = policy_->transform(decision_.form);
  // PHI that is sent has no transformer, and what is written can't be written in a lesser form: refused, never let through as it is.
  if (route_->speaks != Speaks::fhir_r4 || route_->serves.empty() || transform == nullptr)
    return refuse(Reason::unfilterable,
                  fmt::format("The decision is form `{}` on {}, which this route can't make: nothing was released.", form, license));
  const codec::FhirRequest& asked = located_.fhir;
  if (asked.interaction != Interaction::read && asked.interaction != Interaction::search_type)
    return refuse(Reason::unfilterable,
                  fmt::format("The decision is form `{}` on {}: only resources and searches by type are made in it.", form, license));
  // Who asks by a patient's identifier has the identifier: an answer, in whatever form, would be about a known person.
  if (codec::patient_of(asked) || !asked.compartment_type.empty())
    return refuse(
        Reason::out_of_scope,
        fmt::format("The decision is form `{}` on {}: it is not asked for by a patient's id. Ask by type, code or date.", form, license));
  const auto shown = [&](std::string_view parameter) {
    if (parameter == "_lastUpdated") return transform->shows(asked.type, "meta.lastUpdated");
    const auto paths = codec::search_paths(asked.type, parameter);
    return !paths.empty() && std::all_of(paths.begin(), paths.end(), [&](std::string_view p) { return transform->shows(asked.type, p); });
  };
  for (const codec::SearchParameter& p : asked.parameters) {
    constexpr std::array<std::string_view, 9> kResult = {"_count",   "_offset",   "_format",  "_pretty",    "_total",
                                                         "_summary", "_elements", "_include", "_revinclude"};
    if (std::find(kResult.begin(), kResult.end(), p.name) != kResult.end()) continue;
    bool good = p.chain.empty() && (p.modifier.empty() || p.modifier == "not" || p.modifier == "missing");
    if (p.name == "_sort") {
      for (std::string_view rest = p.value; good && !rest.empty();) {
        std::string_view key = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), key.size() + 1));
        if (key.starts_with('-')) key.remove_prefix(1);
        good = shown(key);
      }
    } else {
      good = good && shown(p.name);
    }
    if (!good)
      return refuse(Reason::out_of_scope, fmt::format("The decision is form `{}` on {}, and the request looks at what that form hides: {}.",
                                                      form, license, p.name));
  }
  return {};
}

bool Exchange::shows_everything() const {
  if (is_made(decision_.form)) return false;
  if (!decision_.view.known()) return true;
  const license::View::Type* type = policy_->table->view(decision_.view).find(located_.type);
  return type != nullptr && type->whole();
}

Step<void> Exchange::refuse_resource(const license::Decision& decision) {
  const bool special = decision.data_class.known() && is_special(decision.data_class);
  const std::string sentence = policy_->table->sentence(decision);
  // Which rule withholds a specially protected record would tell what kind of record it is: one neutral answer for all of them.
  if (special || decision.neutral) return refuse(Reason::restricted, sentence, true);
  if (decision.reason == Reason::unfilterable)
    return refuse(
        Reason::unfilterable,
        fmt::format("The license for this resource is of form `{}`, and it can't be put into that form in full: nothing was released.",
                    name(decision.form)));
  return refuse(decision.outcome == Outcome::refuse ? decision.reason : Reason::no_ground, sentence);
}

Task<Step<void>> Exchange::flush_part(http::Response& head, std::string& out) {
  if (!streaming_) {
    auto begun = co_await responder_.begin(std::move(head), std::nullopt);
    if (!begun) co_return refuse(Reason::upstream, "the caller went away");
    streaming_ = true;
  }
  Part part(std::move(out));
  out.clear();
  Content content = take_part(part);
  LICET_STEP(recorded, co_await record(ledger::Kind::exchange_part, ledger::Leg::answer, std::move(content)));
  if (cut_) co_return refuse(Reason::suspended, cut_why_);
  Phi<Part> phi(std::move(part));
  auto sent = co_await send_part(responder_, std::move(phi), std::move(recorded));
  if (!sent) co_return refuse(cut_ ? Reason::suspended : Reason::upstream, cut_ ? cut_why_ : "the caller went away");
  carried_.clear();
  carried_keys_.clear();
  co_return Step<void>{};
}

Task<Step<void>> Exchange::answer_fhir(http::Answer& answer) {
  const Limits& limits = gate_.options_.limits;
  const http::Headers& from = answer.head().headers;
  const bool reduced = !shows_everything() && !observed_;
  if (const std::string_view coding = text_of(from, "content-encoding"); !coding.empty() && !http::same_name(coding, "identity"))
    co_return refuse(Reason::unfilterable, "The answer came in a content coding that can't be read here.");

  http::Response head;
  head.status = answer.head().status;
  head.headers.add("cache-control", "no-store");
  head.headers.add("licet-reference", id_);
  codec::Rebase rebase = codec::prefix_rebase(route_->bases, without_slash(own_base()));
  if (is_made(decision_.form))
    rebase = [inner = std::move(rebase), asked = request_.target](std::string_view url, std::string& to) {
      return says_nothing_new(url, asked) && inner(url, to);
    };
  if (!reduced) {  // transparent where the view is full; under a reduced one these would tell about what is hidden
    for (const std::string_view name : {"etag", "last-modified"})
      if (const std::string_view value = text_of(from, name); !value.empty()) head.headers.add(std::string(name), std::string(value));
    for (const std::string_view name : {"location", "content-location"}) {
      std::string url;
      if (const std::string_view value = text_of(from, name); !value.empty() && rebase(value, url))
        head.headers.add(std::string(name), url);
    }
  }

  codec::BundleReader reader(limits, route_->bases);
  std::string out;
  std::optional<codec::BundleWriter> writer;  // once the answer proves to be a Bundle
  const auto bundle = [&]() -> codec::BundleWriter& {
    if (!writer) writer.emplace(out, codec::BundleWriter::Options{.reduced = reduced, .rebase = rebase, .links = true});
    return *writer;
  };
  license::Decision decision;
  auto part_since = std::chrono::steady_clock::now();  // a wait between two sends, nothing that the law dates
  std::size_t read = 0, unsent = 0, unread = 0;
  std::string total;
  std::size_t matches = 0, matches_shown = 0;
  bool ended = false, single = false, any = false;
  std::string shaped;
  for (;;) {
    auto piece = co_await answer.body().read(64 * 1024);
    if (!piece) co_return refuse(Reason::upstream, "The answer of the system behind the gate broke off.");
    if (cut_) co_return refuse(Reason::suspended, cut_why_);
    if (piece->reveal().empty())
      reader.finish();
    else if (auto fed = reader.feed(piece->reveal()); !fed)
      co_return refuse(Reason::unfilterable, fed.error().message);
    read += piece->reveal().size();
    unsent += piece->reveal().size();
    // Nothing has left for long: it is all withheld, or never ends.
    if (unsent > limits.answer_body_bytes)
      co_return refuse(Reason::unfilterable, "The answer is longer than the gate reads without anything that may be shown.");
    unread += piece->reveal().size();
    const std::size_t in_flight = unread + 2 * out.size();  // as it came, as it will leave, and once more while it is sealed
    if (in_flight > memory_.bytes())
      if (auto held = hold_memory(in_flight - memory_.bytes()); !held) co_return held;
    any = any || !piece->reveal().empty();
    if (!any) break;  // no body at all
    for (bool more = false; !more && !ended;) {
      auto event = reader.next();
      if (!event) {
        if (head.status >= 400 && !streaming_) {  // an error page, not FHIR: the caller gets the status and fixed words
          head.headers.set("content-type", "application/fhir+json");
          auto sent = co_await responder_.send(std::move(head), codec::sanitized_error(answer.head().status));
          sent.ignore();
          co_return Step<void>{};
        }
        co_return refuse(Reason::unfilterable, event.error().message);
      }
      if (event->kind != codec::BundleEvent::Kind::more) unread = 0;  // what the reader still holds is shorter than the last piece
      switch (event->kind) {
        case codec::BundleEvent::Kind::more:
          more = true;
          break;
        case codec::BundleEvent::Kind::member:
          if (event->name == "total")
            total = event->value;  // told at the end, by the gate's own count
          else
            bundle().member(event->name, event->value);
          if (writer && writer->lost_page())
            co_return refuse(Reason::unfilterable,
                             is_made(decision_.form)
                                 ? "The address of the answer's next page would tell what this form hides: ask for more entries a page."
                                 : "The system behind the gate names a next page at an address that is not its own: what it calls itself "
                                   "belongs under `says` of the route in licet.yaml.");
          break;
        case codec::BundleEvent::Kind::entry: {
          if (event->scan == nullptr) {
            if (!reduced) bundle().entry(event->entry, {});
            break;
          }
          shaped.clear();
          const bool match = event->entry.search_mode.empty() || event->entry.search_mode == "match";
          matches += match;
          if (shape_resource(*event->scan, shaped, decision)) {
            const bool made = is_made(decision.form) && !observed_;
            bundle().entry(!made ? event->entry : codec::BundleEntry{.search_mode = event->entry.search_mode},
                           shaped);  // the rest says the id
            matches_shown += match;
            ++resources_;
            ++part_resources_;
          } else {
            ++withheld_;
          }
          break;
        }
        case codec::BundleEvent::Kind::resource: {
          single = true;
          if (!shape_resource(*event->scan, out, decision)) {
            ++withheld_;
            co_return refuse_resource(decision);
          }
          if (event->scan->type != "OperationOutcome") ++resources_, ++part_resources_;
          break;
        }
        case codec::BundleEvent::Kind::end:
          if (!single) {
            // The upstream's total counts what is withheld, too: told beside a page of it, or alone, it would say how much that is.
            if (total == std::to_string(matches) && !reduced && !decision_.if_patient)
              bundle().member("total", std::to_string(matches_shown));
            bundle().end();
          }
          ended = true;
          break;
      }
      if (!single && !ended && (out.size() >= limits.part_bytes || kept_patients_.size() >= limits.part_patients)) {
        head.headers.set("content-type", "application/fhir+json");
        LICET_STEP_VOID(co_await flush_part(head, out));
        part_since = std::chrono::steady_clock::now();
        unsent = 0;
      }
    }
    if (piece->reveal().empty()) break;
    if (single || !out.empty()) {
      if (single && read > limits.resource_bytes) co_return refuse(Reason::unfilterable);
      if (!single && !ended && part_resources_ > 0 && std::chrono::steady_clock::now() - part_since > kPartAge) {
        head.headers.set("content-type", "application/fhir+json");
        LICET_STEP_VOID(co_await flush_part(head, out));
        part_since = std::chrono::steady_clock::now();
        unsent = 0;
      }
    }
  }
  if (!ended && any) co_return refuse(Reason::unfilterable, "The answer ended before its document did.");
  if (!out.empty()) head.headers.set("content-type", "application/fhir+json");
  if (streaming_) {
    if (!out.empty()) LICET_STEP_VOID(co_await flush_part(head, out));
    auto finished = co_await responder_.finish();
    if (!finished) co_return refuse(cut_ ? Reason::suspended : Reason::upstream, cut_ ? cut_why_ : "the caller went away");
    co_return Step<void>{};
  }
  Part part(std::move(out));
  Content content = take_part(part);
  LICET_STEP(recorded, co_await record(ledger::Kind::exchange_sent, ledger::Leg::answer, std::move(content)));
  Phi<Part> phi(std::move(part));
  auto sent = co_await send_answer(responder_, std::move(head), std::move(phi), std::move(recorded));
  if (!sent) co_return refuse(Reason::upstream, "the caller went away");
  co_return Step<void>{};
}

}  // namespace licet::gate
