// One exchange: what it knows, step by step. The story is in exchange.cc; how FHIR is read and shaped, in fhir_route.cc; prompts, in
// llm_route.cc.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "codec/fhir_request.h"
#include "deid/codes.h"
#include "deid/placeholders.h"
#include "deid/prompt.h"
#include "gate/gate.h"
#include "gate/send.h"

namespace licet::gate {

// Who is asking, and through what (identify).
struct Who {
  license::SystemId system;
  license::PersonId person;
  bool individual = false;
  license::PatientKey self{};
  std::string actor;   // id of the person, else of the system; "individual"
  std::string client;  // id of the system, where a person or individual acts through it
  std::uint32_t conditions = 0;
  std::vector<std::string> purposes;   // all that a token or claim allows; empty: it says nothing
  std::string purpose;                 // code, where a token or claim says exactly one
  std::string purpose_source;          // token | claim
  license::PatientKey only_patient{};  // whom a transaction token is limited to
  std::string spend_token;             // txn of a transaction token
  Micros token_expires{};
};

// What is asked (locate).
struct Located {
  license::Action action = license::Action::read;
  codec::FhirRequest fhir;
  std::string type;                       // FHIR type; empty at system level or where the route isn't FHIR
  std::vector<license::ClassId> classes;  // what it may touch; the first is the type's own
  license::PatientKey patient{};
  license::PurposeId purpose;
  std::string purpose_source;
  std::string target;  // for the upstream
  Phi<std::string> body;
  Digest fingerprint{};  // of actor, route, method, target, body: what a release names
};

// One distinct question whose answer carried something: asked again when the table changes.
struct Carried {
  license::Ask ask;
  std::string type;  // of the FHIR resource
  license::Form form;
  std::string view;
};

// What a record says beyond who, what and by what right: of the bytes that leave.
struct Content {
  Digest digest{};
  std::uint64_t bytes = 0;
  std::uint32_t part = 0;
  std::uint64_t resources = 0;
  std::vector<ledger::BlindIndex> patients;
  std::string payload;
  Phi<std::string> detail;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Gate& gate, http::Request request, http::Body& body, http::Responder& responder, Executor executor);

  // The whole exchange. Never fails: what goes wrong is recorded and told.
  [[nodiscard]] Task<void> run();
  // Called on this exchange's I/O thread when the table or the overlay changed.
  void recheck();
  [[nodiscard]] const Executor& executor() const { return executor_; }

 private:
  friend std::string audit_event(const Exchange& exchange);
  [[nodiscard]] Task<Step<void>> tell();
  [[nodiscard]] Task<Step<void>> route();
  [[nodiscard]] Task<Step<void>> identify();
  [[nodiscard]] Task<Step<void>> locate();
  [[nodiscard]] Step<void> decide();
  [[nodiscard]] Task<Step<void>> pass_hold();
  [[nodiscard]] Task<Step<std::unique_ptr<http::Answer>>> request_leg();
  [[nodiscard]] Task<Step<void>> answer_leg(std::unique_ptr<http::Answer> answer);
  [[nodiscard]] Task<void> outcome(const Step<void>& told);
  [[nodiscard]] Task<void> answer_refusal(Refusal refusal);

  // fhir_route.cc
  [[nodiscard]] Task<Step<void>> locate_fhir(std::string_view below);
  [[nodiscard]] Task<Step<void>> answer_fhir(http::Answer& answer);
  [[nodiscard]] bool is_conformance() const;
  [[nodiscard]] Task<Step<void>> answer_conformance();
  [[nodiscard]] Step<void> locate_body();  // of a create or update: what is written, about whom
  // Shapes one resource into `out`; false: withheld. A refusal only where the whole answer is that one resource.
  [[nodiscard]] bool shape_resource(const codec::ResourceScan& scan, std::string& out, license::Decision& decision);
  [[nodiscard]] bool shows_everything() const;  // of the type that was asked for
  // Puts one resource into the form of its decision, which becomes a refusal where that can't be done in full.
  [[nodiscard]] bool transform_resource(const codec::ResourceScan& scan, std::string& out, license::Decision& decision);
  // Under a form less than identified: what the route can make of it, and whether the request sees no more than that form shows.
  [[nodiscard]] Step<void> fits_form() const;
  [[nodiscard]] Step<void> refuse_resource(const license::Decision& decision);
  [[nodiscard]] Task<Step<void>> flush_part(http::Response& head, std::string& out);
  // Whether this resource may be in the answer; its decision otherwise.
  [[nodiscard]] license::Decision decide_resource(const codec::ResourceScan& scan, license::ClassId& data_class);

  // llm_route.cc
  [[nodiscard]] Task<Step<void>> locate_prompt(std::string_view below);
  // Whether the prompt can be put into the form of the decision, and that form may carry words.
  [[nodiscard]] Step<void> fits_prompt() const;
  // Puts the prompt into the form of the decision: what leaves, and is recorded, stands in located_.body.
  [[nodiscard]] Task<Step<void>> shape_prompt();
  [[nodiscard]] Task<Step<void>> answer_prompt(http::Answer& answer);
  [[nodiscard]] Task<Step<void>> answer_events(http::Answer& answer, http::Response head);
  void add_provider_headers(http::Request& out) const;

  // shared by the routes
  [[nodiscard]] deid::Codes& random_ids();  // made where a form needs them: most exchanges need none
  [[nodiscard]] Task<Step<Phi<std::string>>> read_request_body();
  [[nodiscard]] Step<void> choose_purpose();
  [[nodiscard]] license::Ask ask_of(license::ClassId data_class, license::PatientKey patient, std::string_view type) const;
  [[nodiscard]] bool stopped_as_stale(const license::Decision& decision, Micros now) const;
  [[nodiscard]] bool is_special(license::ClassId data_class) const;  // psychotherapy notes, Part 2 records, …
  [[nodiscard]] license::Decision decide_one(const license::Ask& ask);
  [[nodiscard]] std::string view_text(const license::Decision& decision) const;  // and the profile: what a change is told by
  [[nodiscard]] std::string profile_text(license::Form form) const;              // empty where identified
  // Goes over to the table that is in force now: false where form, view or any part that was carried no longer holds under it.
  [[nodiscard]] bool holds_under(const std::shared_ptr<const Policy>& newest);
  [[nodiscard]] ledger::Draft draft(ledger::Kind kind, ledger::Leg leg) const;
  // Makes it durable. On an old epoch: waits for the new one, decides again, and records under it, or refuses.
  [[nodiscard]] Task<Step<ledger::Recorded>> record(ledger::Kind kind, ledger::Leg leg, Content content);
  [[nodiscard]] Step<void> hold_memory(std::size_t bytes);
  [[nodiscard]] http::Request upstream_request() const;
  [[nodiscard]] std::string own_base() const;
  [[nodiscard]] license::PatientKey note_patient(std::string_view id);  // of the part being shaped
  // The content of the part being shaped, and a fresh start for the next.
  [[nodiscard]] Content take_part(const Part& part);

  Gate& gate_;
  http::Request request_;
  http::Body& body_;
  http::Responder& responder_;
  Executor executor_;
  std::string id_;
  Micros begun_{};
  std::shared_ptr<const Policy> policy_;
  const Route* route_ = nullptr;
  Who who_;
  Located located_;
  license::Decision decision_;
  license::ClassId decided_class_;
  bool observed_ = false;  // the route only observes and this would have been refused
  Reason would_ = Reason::none;
  std::string would_sentence_;
  ByteBudget::Lease memory_;
  std::vector<Carried> carried_;  // of the part being shaped or last sent
  std::unordered_set<std::uint64_t> carried_keys_;
  bool self_paid_ = false;                                         // the body bears the label of a visit that was paid in full
  std::vector<license::Coding> categories_, codes_, labels_;       // scratch of classify
  std::unordered_map<std::string, license::PatientKey> patients_;  // seen in this exchange: id → table key
  std::set<std::string> kept_patients_;                            // whose data is in the part being shaped
  std::uint64_t resources_ = 0, withheld_ = 0;                     // of the whole exchange
  std::uint64_t part_resources_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint32_t part_ = 0;
  int status_ = 0;
  bool streaming_ = false;
  bool cut_ = false;
  std::string cut_why_;
  std::optional<deid::Codes> random_ids_;                  // in place of ids, for this exchange only: it can't be asked again by one
  std::optional<codec::ResourceScanner> reduced_scanner_;  // of what a view left, before it is transformed
  std::string reduced_;                                    // scratch
  std::optional<deid::Prompt> prompt_;                     // views of located_.body
  bool json_answer_ = false;
  std::optional<deid::Placeholders>
      placeholders_;               // what stands in the prompt that left, of this exchange alone; none: nothing to put back
  bool token_spent_here_ = false;  // the transaction token was spent by an earlier record of this same exchange
};

}  // namespace licet::gate
