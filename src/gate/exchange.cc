// The life of an exchange, in one place: identify → locate → decide → request leg → answer leg → outcome (ARCHITECTURE.md numbers the
// steps).

#include "gate/exchange.h"
#include "gate/audit_event.h"

#include <algorithm>

#include "base/log.h"
#include "crypto/crypto.h"

namespace licet::gate {

using license::Outcome;

Task<Step<void>> Exchange::tell() {
  // Where would it go? Beyond this point a route is known, and the table that is asked.
  LICET_STEP_VOID(co_await route());
  // Conformance and preflight carry no PHI: the gate answers them itself, to anybody.
  if (is_conformance()) co_return co_await answer_conformance();
  // Who is asking, and through what?
  LICET_STEP_VOID(co_await identify());
  // What is asked, about whom, and for which purpose? Beyond this point the request is one that can be judged.
  LICET_STEP_VOID(co_await locate());
  // Is it permitted now? Beyond this point a decision exists.
  LICET_STEP_VOID(decide());
  // Must a person release it first? Beyond this point nothing waits for anybody.
  LICET_STEP_VOID(co_await pass_hold());
  // The request leg. Where it carries PHI it is shaped, then recorded, then sent.
  LICET_STEP(answer, co_await request_leg());
  // The answer leg. Beyond this point the answer is held here; each part of it is shaped, then recorded, then sent.
  LICET_STEP_VOID(co_await answer_leg(std::move(answer)));
  co_return Step<void>{};
}

Task<void> Exchange::run() {
  Step<void> told;
  try {
    told = co_await tell();
  } catch (const std::exception&) {  // what a library threw; its text may hold PHI
    told = refuse(Reason::upstream, "the gate failed inside; nothing more was released");
    gate_.counters_.errors.fetch_add(1, std::memory_order_relaxed);
    log::error("exchange {}: an exception ended it", id_);
  }
  if (!told) {
    const Refusal refusal = told.error();
    co_await answer_refusal(refusal);
  }
  co_await outcome(told);
}

// ---- Steps ------------------------------------------------------------------------------------------------------------------------------

Task<Step<void>> Exchange::route() {
  policy_ = gate_.policy_.get();
  route_ = policy_->find(request_.path());
  if (route_ == nullptr) co_return refuse(Reason::not_found);
  co_return Step<void>{};
}

Task<Step<void>> Exchange::locate() {
  const std::string_view below = std::string_view(request_.target).substr(route_->listens.size() - 1);  // keeps the leading '/'
  located_.target = route_->base + std::string(below.substr(1));
  switch (route_->speaks) {
    case Speaks::fhir_r4: {
      LICET_STEP_VOID(co_await locate_fhir(below));
      break;
    }
    case Speaks::http: {
      // Nothing is known of the body's kind: every class that the flow declares must be licensed, in full.
      located_.action = license::Action::send;
      if (const auto classes = route_->sends.find(who_.actor); classes != route_->sends.end()) located_.classes = classes->second;
      LICET_STEP(sent, co_await read_request_body());
      located_.body = std::move(sent);
      break;
    }
    case Speaks::llm_openai:
    case Speaks::llm_anthropic: {
      LICET_STEP_VOID(co_await locate_prompt(below));
      break;
    }
  }
  if (license::known(who_.only_patient)) {
    if (license::known(located_.patient) && located_.patient != who_.only_patient)
      co_return refuse(Reason::out_of_scope, "The transaction token is for another patient.");
    located_.patient = who_.only_patient;
  }
  if (auto chosen = choose_purpose(); !chosen) co_return chosen;
  crypto::Sha256 hash;
  for (const std::string_view piece : {std::string_view(who_.actor), std::string_view(route_->id), std::string_view(request_.method),
                                       std::string_view(request_.target), std::string_view(located_.body.reveal())}) {
    hash.update(std::to_string(piece.size()));
    hash.update(":");
    hash.update(piece);
  }
  located_.fingerprint = hash.finish();
  co_return Step<void>{};
}

Step<void> Exchange::choose_purpose() {
  const license::Table& table = *policy_->table;
  std::string code = who_.purpose;
  located_.purpose_source = who_.purpose_source;
  const auto declared = table.purposes(route_->key, who_.system);
  if (code.empty()) {
    if (const std::string* header = request_.headers.find("licet-purpose")) {
      code = *header;
      located_.purpose_source = "header";
      if (!who_.purposes.empty() && std::find(who_.purposes.begin(), who_.purposes.end(), code) == who_.purposes.end())
        return refuse(Reason::no_purpose, "The access token allows other purposes than Licet-Purpose names.");
    } else if (declared.size() == 1 && who_.purposes.empty() && who_.client.empty()) {
      code = table.purpose_code(declared[0]);
      located_.purpose_source = "flow";
    }
  }
  if (code.empty() && declared.empty()) return {};  // no flow at all: the decision says `undeclared`, which is the truer answer
  if (code.empty())
    return refuse(Reason::no_purpose, "The request names no purpose: send Licet-Purpose, or a token that carries purpose_of_use.");
  if (code == "BTG" && located_.purpose_source != "token")
    return refuse(Reason::no_purpose, "BTG (break the glass) is taken from a transaction token only.");
  located_.purpose = table.purpose(code);
  return {};
}

license::Ask Exchange::ask_of(license::ClassId data_class, license::PatientKey patient, std::string_view type) const {
  license::Ask ask;
  ask.caller = who_.system;
  ask.person = who_.person;
  ask.individual = who_.individual;
  ask.self = who_.self;
  ask.route = route_->key;
  ask.purpose = located_.purpose;
  ask.action = located_.action;
  ask.data_class = data_class;
  if (!type.empty()) ask.type = policy_->table->type(type);
  ask.region = policy_->table->region_of(route_->reaches.empty() ? who_.system : policy_->table->system(route_->reaches));
  ask.patient = patient;
  ask.conditions = who_.conditions | (self_paid_ ? 0 : license::kNotSelfPaid);
  ask.now = gate_.options_.ledger->now();
  return ask;
}

bool Exchange::is_special(license::ClassId data_class) const {
  return policy_->table->classes().name(data_class).starts_with("special.");
}

// A declaration that nobody could read for a day may have ended a vendor's agreement: vendors wait, care does not.
bool Exchange::stopped_as_stale(const license::Decision& decision, Micros now) const {
  if (!decision.license.known() || !gate_.vendors_stopped(now)) return false;
  const std::string_view ground = policy_->table->license(decision.license).ground_kind;
  return ground != "workforce" && ground != "treatment" && ground != "individual";
}

license::Decision Exchange::decide_one(const license::Ask& ask) {
  const auto overlay = gate_.overlay_.get();
  license::Decision decision = policy_->table->decide(ask, *overlay);
  if (decision.outcome != Outcome::refuse && stopped_as_stale(decision, ask.now)) {
    decision.outcome = Outcome::refuse;
    decision.reason = Reason::suspended;
  }
  return decision;
}

Step<void> Exchange::decide() {
  // A request about a type may touch several classes of data: it may go on where any of them is licensed (the answer is decided again,
  // resource by resource); otherwise the one that came furthest says why not, specially protected ones aside: to name one of those would
  // tell. PHI that is sent must be licensed in all its classes.
  std::optional<license::Decision> best, first;
  license::ClassId best_class, first_class;
  const bool sends = route_->speaks != Speaks::fhir_r4;
  for (const license::ClassId data_class : located_.classes) {
    const license::Decision d = decide_one(ask_of(data_class, located_.patient, located_.type));
    const bool passes = d.outcome != Outcome::refuse;
    const bool tells = first && !passes && !sends && before(first->reason, d.reason) && !is_special(data_class);
    if (!first || (sends && !passes && first->outcome != Outcome::refuse) || tells ||
        (!sends && !passes && is_special(first_class) && !is_special(data_class))) {
      first = d;
      first_class = data_class;
    }
    if (!passes && sends) {
      best.reset();
      break;
    }
    if (passes && (!best || (best->outcome == Outcome::hold && d.outcome != Outcome::hold))) {
      best = d;
      best_class = data_class;
    }
  }
  decision_ = best ? *best : first.value_or(license::Decision{.reason = Reason::undeclared});
  decided_class_ = best ? best_class : first_class;
  if (decision_.outcome == Outcome::refuse) {
    const std::string sentence =
        stopped_as_stale(decision_, gate_.options_.ledger->now())
            ? std::string(
                  "The declaration could not be read for a day: until it is mended only workforce, treatment and individuals go on.")
            : policy_->table->sentence(decision_);
    if (route_->observe && gate_.options_.ledger->now() < route_->observe_until) {
      observed_ = true;
      would_ = decision_.reason;
      would_sentence_ = sentence;
      return {};
    }
    return refuse(decision_.reason, sentence, decision_.neutral);
  }
  if (decision_.form != license::Form::identified)
    if (auto fits = fits_form(); !fits) return fits;
  if (sends && decision_.view.known())
    return refuse(Reason::unfilterable,
                  "The license is for a view of certain elements, and this route does not speak a format that can be reduced.");
  if (route_->speaks == Speaks::fhir_r4) {
    if (const auto outside = codec::outside_view(located_.fhir, policy_->filter(decision_.view)))
      return refuse(Reason::out_of_scope, fmt::format("The request looks outside the licensed view: {}.", *outside));
  }
  if (located_.action == license::Action::update && !shows_everything())
    return refuse(Reason::out_of_scope,
                  "A resource is not replaced under a view that shows only some of its elements: it would erase the rest.");
  return {};
}

Task<Step<void>> Exchange::pass_hold() {
  if (decision_.outcome != Outcome::hold || observed_) co_return Step<void>{};
  if (const auto reference = gate_.holds_.take(located_.fingerprint, gate_.options_.ledger->now())) {
    // Its use is on record before anything moves: after a restart it is not there to be used again.
    Content used;
    used.payload = fmt::format(R"({{"act":"release-used","reference":"{}"}})", *reference);
    LICET_STEP_VOID(co_await record(ledger::Kind::admin, ledger::Leg::none, std::move(used)));
    co_return Step<void>{};
  }
  Content held;
  held.digest = located_.fingerprint;
  LICET_STEP_VOID(co_await record(ledger::Kind::exchange_held, ledger::Leg::none, std::move(held)));
  co_return refuse(Reason::held,
                   fmt::format("{}. After `licet release {}` the same request passes once.", policy_->table->sentence(decision_), id_));
}

Task<Step<std::unique_ptr<http::Answer>>> Exchange::request_leg() {
  http::Request out = upstream_request();
  if (is_llm(route_->speaks)) LICET_STEP_VOID(co_await shape_prompt());
  const bool carries_phi = !route_->reaches.empty() || !located_.body.reveal().empty();
  if (!carries_phi) {
    // On a `serves` route a request without a body goes back to the record's holder: no record is needed first.
    auto answer = co_await route_->upstream->send(std::move(out), {});
    if (!answer)
      co_return refuse(Reason::upstream, fmt::format("{} did not answer as it must: {}.", route_->serves, name(answer.error().code)));
    co_return std::move(*answer);
  }
  Part part(std::move(located_.body.reveal()));
  Content content = take_part(part);
  LICET_STEP(recorded, co_await record(ledger::Kind::exchange_sent, ledger::Leg::request, std::move(content)));
  Phi<Part> phi(std::move(part));
  auto answer = co_await send_request(*route_->upstream, std::move(out), std::move(phi), std::move(recorded));
  if (!answer)
    co_return refuse(Reason::upstream, fmt::format("{} did not answer as it must: {}.",
                                                   route_->serves.empty() ? route_->reaches : route_->serves, name(answer.error().code)));
  co_return std::move(*answer);
}

Task<Step<void>> Exchange::answer_leg(std::unique_ptr<http::Answer> answer) {
  status_ = answer->head().status;
  if (route_->speaks == Speaks::fhir_r4) co_return co_await answer_fhir(*answer);

  if (placeholders_) co_return co_await answer_prompt(*answer);

  // A plain route: the answer of the system that was reached goes back to whoever sent the PHI there, part by part.
  http::Response head;
  head.status = answer->head().status;
  if (const std::string* type = answer->head().headers.find("content-type")) head.headers.add("content-type", *type);
  if (const std::string* coding = answer->head().headers.find("content-encoding")) head.headers.add("content-encoding", *coding);
  if (const std::string* wait = answer->head().headers.find("retry-after")) head.headers.add("retry-after", *wait);
  head.headers.add("cache-control", "no-store");
  head.headers.add("licet-reference", id_);
  std::optional<std::uint64_t> length = answer->content_length();
  bool begun = false;
  for (;;) {
    auto piece = co_await answer->body().read(64 * 1024);
    if (!piece) co_return refuse(Reason::upstream, "the answer broke off");
    if (piece->reveal().empty()) break;
    if (cut_) co_return refuse(Reason::suspended, cut_why_);
    if (!begun) {
      auto started = co_await responder_.begin(std::move(head), length);
      if (!started) co_return refuse(Reason::upstream, "the caller went away");
      begun = streaming_ = true;
    }
    Part part(std::move(*piece).reveal());
    Content content = take_part(part);
    LICET_STEP(recorded, co_await record(ledger::Kind::exchange_part, ledger::Leg::answer, std::move(content)));
    Phi<Part> phi(std::move(part));
    auto sent = co_await send_part(responder_, std::move(phi), std::move(recorded));
    if (!sent) co_return refuse(Reason::upstream, "the caller went away");
  }
  if (!begun) {
    auto started = co_await responder_.begin(std::move(head), 0);
    if (!started) co_return refuse(Reason::upstream, "the caller went away");
  }
  auto ended = co_await responder_.finish();
  if (!ended) co_return refuse(Reason::upstream, "the caller went away");
  co_return Step<void>{};
}

// ---- The end ----------------------------------------------------------------------------------------------------------------------------

Task<void> Exchange::answer_refusal(Refusal refusal) {
  if (responder_.begun()) {  // PHI was already on its way: the truncation must show
    responder_.cut();
    co_return;
  }
  if (refusal.reason != Reason::held) {  // a held one has its own entry
    ledger::Draft refused = draft(ledger::Kind::exchange_refused, ledger::Leg::none);
    refused.reason = refusal.reason;
    refused.decision = "refuse";
    refused.digest = located_.fingerprint;
    refused.status = row(refusal.reason).status;
    refused.spend_token.clear();
    auto start = [this, d = std::move(refused)](auto done) mutable { gate_.options_.ledger->append(std::move(d), std::move(done)); };
    auto recorded = co_await until<Result<ledger::Recorded>>(std::move(start));
    if (!recorded && recorded.error().code == Code::data_loss)
      refusal = Refusal{Reason::not_recorded, "The ledger can't be written: nothing is released.", false, false};
  }
  status_ = row(refusal.reason).status;
  http::Response head = problem_head(refusal.reason);
  head.headers.add("licet-reference", id_);
  std::string text = problem_body(refusal, id_);
  auto sent = co_await responder_.send(std::move(head), std::move(text));
  sent.ignore();  // whether the caller still listens changes nothing
}

Task<void> Exchange::outcome(const Step<void>& told) {
  Counters& c = gate_.counters_;
  c.exchanges.fetch_add(1, std::memory_order_relaxed);
  c.bytes_out.fetch_add(bytes_, std::memory_order_relaxed);
  const bool cut = !told && streaming_;
  if (cut)
    c.cut.fetch_add(1, std::memory_order_relaxed);
  else if (!told && told.error().reason == Reason::held)
    c.held.fetch_add(1, std::memory_order_relaxed);
  else if (!told)
    c.refused.fetch_add(1, std::memory_order_relaxed);
  else if (decision_.view.known() || is_made(decision_.form))
    c.reduced.fetch_add(1, std::memory_order_relaxed);
  else
    c.passed.fetch_add(1, std::memory_order_relaxed);

  Glimpse g;
  ledger::Draft d = draft(ledger::Kind::exchange_outcome, ledger::Leg::answer);
  g.exchange = id_;
  g.actor = d.actor;
  g.client = d.client;
  g.route = d.route;
  g.action = d.action;
  g.resource_type = d.resource_type;
  g.purpose = d.purpose;
  g.form = d.form;
  g.view = d.view;
  g.license = d.license;
  g.epoch = d.epoch;
  g.resources = resources_;
  g.withheld = withheld_;
  g.bytes = bytes_;
  g.status = status_;
  g.time = begun_;
  g.decision = cut ? "cut" : !told ? (told.error().reason == Reason::held ? "hold" : "refuse") : d.decision;
  if (!told)
    g.reason = code(told.error().reason),
    g.sentence = told.error().sentence.empty() ? std::string(row(told.error().reason).title) : told.error().sentence;
  if (observed_) g.decision = "observe", g.reason = code(would_), g.sentence = "would refuse: " + would_sentence_;
  if (told || cut) {
    // After the fact, so nothing waits for it: bytes sent, status, and whether it broke off. After a crash an exchange without one is open.
    d.bytes = bytes_;
    d.status = status_;
    d.resources = resources_;
    d.withheld = withheld_;
    d.spend_token.clear();
    if (cut) d.reason = told.error().reason, d.decision = "cut";
    gate_.options_.ledger->append(std::move(d), [](Result<ledger::Recorded> r) { r.ignore(); });
  }
  gate_.show(std::move(g));
  co_return;
}

// ---- What the steps share
// -----------------------------------------------------------------------------------------------------------------

Exchange::Exchange(Gate& gate, http::Request request, http::Body& body, http::Responder& responder, Executor executor)
    : gate_(gate),
      request_(std::move(request)),
      body_(body),
      responder_(responder),
      executor_(std::move(executor)) {
  begun_ = gate_.options_.ledger->now();
  id_ = gate_.next_reference(begun_);
}

deid::Codes& Exchange::random_ids() {
  if (!random_ids_) random_ids_.emplace(*gate_.options_.random);
  return *random_ids_;
}

std::string Exchange::profile_text(license::Form form) const {
  const deid::FhirTransform* transform = policy_->transform(form);
  const deid::Profile* profile = transform == nullptr ? nullptr : &transform->profile();
  if (is_llm(route_->speaks)) profile = policy_->prompt_profile(form);
  return profile == nullptr ? std::string() : profile->named() + "#" + brief(policy_->deid->digest);
}

std::string Exchange::view_text(const license::Decision& decision) const {
  std::string text = profile_text(decision.form);
  if (!decision.view.known()) return text + "full";
  const license::View& view = policy_->table->view(decision.view);
  text += view.id;
  for (const license::View::Type& t : view.types) {
    text += '\n' + t.type;
    for (const std::string& e : t.elements) text += ' ' + e;
  }
  return text;
}

bool Exchange::holds_under(const std::shared_ptr<const Policy>& newest) {
  const std::string before = view_text(decision_);
  const license::Form form = decision_.form;
  const bool was_hold = decision_.outcome == Outcome::hold;  // released by a person, once, for this very exchange
  if (newest->epoch != policy_->epoch) {
    // Ids are a table's own: ask the new one by the names behind them.
    const license::Table& old = *policy_->table;
    const license::Table& table = *newest->table;
    const Route* route = newest->find(request_.path());
    if (route == nullptr || route->id != route_->id) return false;
    const auto move_class = [&](license::ClassId c) { return table.data_class(old.classes().name(c)); };
    who_.system = table.system(who_.client.empty() ? who_.actor : who_.client);
    if (who_.person.known()) who_.person = table.person(who_.actor);
    located_.purpose = table.purpose(old.purpose_code(located_.purpose));
    for (license::ClassId& c : located_.classes) c = move_class(c);
    for (Carried& c : carried_) c.ask.data_class = move_class(c.ask.data_class);
    policy_ = newest;
    route_ = route;
  }
  if (!decide() || (decision_.outcome == Outcome::hold) != was_hold || decision_.form != form || view_text(decision_) != before)
    return false;
  for (Carried& c : carried_) {
    c.ask = ask_of(c.ask.data_class, c.ask.patient, c.type);
    const license::Decision d = decide_one(c.ask);
    if (d.outcome == Outcome::refuse || d.outcome == Outcome::hold || d.form != c.form || view_text(d) != c.view) return false;
  }
  return true;
}

void Exchange::recheck() {
  if (!streaming_ || cut_ || observed_) return;  // what has not begun is decided again by its next record
  if (holds_under(gate_.policy_.get())) return;
  cut_ = true;
  cut_why_ = "The license that this stream stood on no longer holds.";
  responder_.cut();
}

ledger::Draft Exchange::draft(ledger::Kind kind, ledger::Leg leg) const {
  ledger::Draft d;
  d.kind = kind;
  d.exchange = id_;
  d.leg = leg;
  d.actor = who_.actor;
  d.client = who_.client;
  d.purpose_source = located_.purpose_source;
  d.resource_type = located_.type;
  d.epoch = policy_ ? policy_->epoch : 0;
  if (route_ != nullptr) {
    const license::Table& table = *policy_->table;
    d.route = route_->id;
    d.system = route_->serves.empty() ? route_->reaches : route_->serves;
    d.action = name(located_.action);
    if (located_.purpose.known()) d.purpose = table.purpose_code(located_.purpose);
    if (decided_class_.known()) {
      d.data_class = table.classes().name(decided_class_);
      d.flow = table.flow_of(ask_of(decided_class_, located_.patient, located_.type));
    }
    d.decision = observed_ ? "observe" : name(decision_.outcome);
    d.reason = observed_ ? would_ : Reason::none;
    if (decision_.license.known()) {
      const license::License& l = table.license(decision_.license);
      d.license = l.id;
      d.ground = l.ground_kind;
      d.agreements = l.agreements;
      d.accountable = decision_.accountable;
      d.form = name(decision_.form);
      d.profile = profile_text(decision_.form);
      d.view = decision_.view.known() ? table.view(decision_.view).id : "full";
    }
  }
  if (!token_spent_here_) {
    d.spend_token = who_.spend_token;
    d.token_expires = who_.token_expires;
  }
  d.status = status_;
  return d;
}

Task<Step<ledger::Recorded>> Exchange::record(ledger::Kind kind, ledger::Leg leg, Content content) {
  for (int tries = 0; tries < 4; ++tries) {
    ledger::Draft entry = draft(kind, leg);
    entry.digest = content.digest;
    entry.bytes = content.bytes;
    entry.part = content.part;
    entry.resources = content.resources;
    entry.patients = content.patients;
    entry.payload = content.payload;
    entry.detail = content.detail.clone();
    const std::uint64_t epoch = entry.epoch;
    auto start = [this, d = std::move(entry)](auto done) mutable { gate_.options_.ledger->append(std::move(d), std::move(done)); };
    auto recorded = co_await until<Result<ledger::Recorded>>(std::move(start));
    if (recorded) {
      token_spent_here_ = true;
      co_return std::move(*recorded);
    }
    switch (recorded.error().code) {
      case Code::already_exists:
        co_return refuse(Reason::token_spent);
      case Code::exhausted:
        co_return refuse(Reason::not_recorded, "The ledger takes no more now: " + recorded.error().message);
      case Code::failed_precondition:
        break;  // another table came into force since: decide again under it
      case Code::invalid_argument:
      case Code::not_found:
      case Code::permission_denied:
      case Code::unavailable:
      case Code::data_loss:
      case Code::cancelled:
      case Code::internal:
        co_return refuse(Reason::not_recorded, "The ledger can't be written: nothing is released.");
    }
    const bool newer = co_await gate_.newer_than(epoch);
    if (!newer) co_return refuse(Reason::busy);
    const auto newest = gate_.policy_.get();
    if (!holds_under(newest)) {
      const std::string sentence = decision_.outcome == Outcome::refuse ? policy_->table->sentence(decision_) : std::string();
      co_return refuse(decision_.outcome == Outcome::refuse ? decision_.reason : Reason::no_ground, sentence, decision_.neutral);
    }
  }
  co_return refuse(Reason::busy);
}

license::PatientKey Exchange::note_patient(std::string_view id) {
  const auto it = patients_.find(std::string(id));
  if (it != patients_.end()) return it->second;
  const license::PatientKey key = (*gate_.options_.blind)(id);
  patients_.emplace(id, key);
  return key;
}

Content Exchange::take_part(const Part& part) {
  Content content;
  content.digest = part.digest();
  content.bytes = part.bytes().size();
  content.part = part_++;
  content.resources = std::exchange(part_resources_, 0);
  const Micros now = gate_.options_.ledger->now();
  for (const std::string& id : kept_patients_) content.patients.push_back(gate_.options_.ledger->blind("patient", id, now));
  std::sort(content.patients.begin(), content.patients.end());  // the order of a search is not the ledger's business
  content.detail = Phi<std::string>(audit_event(*this));
  kept_patients_.clear();
  if (patients_.size() > 10'000) patients_.clear();  // only a cache
  bytes_ += content.bytes;
  return content;
}

Task<Step<Phi<std::string>>> Exchange::read_request_body() {
  std::string all;
  if (!request_.has_body()) co_return Phi<std::string>(std::move(all));
  const std::size_t most = gate_.options_.limits.request_body_bytes;
  if (request_.content_length.value_or(0) > most) co_return refuse(Reason::too_large);
  for (;;) {
    auto piece = co_await body_.read(64 * 1024);
    if (!piece) co_return refuse(piece.error().code == Code::exhausted ? Reason::too_large : Reason::malformed);
    if (piece->reveal().empty()) break;
    if (all.size() + piece->reveal().size() > most) co_return refuse(Reason::too_large);
    if (auto held = hold_memory(piece->reveal().size()); !held) co_return tl::unexpected(held.error());
    all += piece->reveal();
  }
  co_return Phi<std::string>(std::move(all));
}

Step<void> Exchange::hold_memory(std::size_t bytes) {
  if (memory_.bytes() == 0) {
    auto lease = gate_.budget_.take(bytes);
    if (!lease) return refuse(Reason::busy, "The gate holds as many bytes in flight as it may.");
    memory_ = std::move(*lease);
    return {};
  }
  if (!memory_.grow(bytes)) return refuse(Reason::busy, "The gate holds as many bytes in flight as it may.");
  return {};
}

std::string Exchange::own_base() const {
  return (request_.peer.tls ? "https://" : "http://") + request_.host + route_->listens;
}

http::Request Exchange::upstream_request() const {
  // Built anew, never forwarded: the caller's credentials, cookies and forwarding headers stay here (design §8).
  http::Request out;
  out.method = request_.method;
  out.target = located_.target;
  const auto pass = [&](std::string_view name) {
    if (const std::string* value = request_.headers.find(name)) out.headers.add(std::string(name), *value);
  };
  if (route_->speaks == Speaks::fhir_r4)
    out.headers.add("accept", "application/fhir+json");
  else
    pass("accept");
  out.headers.add("x-request-id", id_);
  pass("content-type");
  pass("prefer");
  if (is_llm(route_->speaks)) {
    add_provider_headers(out);
    return out;
  }
  if (shows_everything()) {  // conditional requests talk about the whole resource: under a reduced view the gate's answers have no ETag
    pass("if-match");
    pass("if-none-match");
    pass("if-modified-since");
    pass("if-none-exist");
  }
  return out;
}

}  // namespace licet::gate
