#include "license/internal/overlay.h"

namespace licet::license {

namespace {
constexpr Micros kForever = Micros::max();
}

Overlay::Overlay() : in_(std::make_unique<Inside>()) {}
Overlay::~Overlay() = default;
Overlay::Overlay(Overlay&&) noexcept = default;
Overlay& Overlay::operator=(Overlay&&) noexcept = default;

void Overlay::suspend(std::string_view id, std::string_view reference) { in_->suspended.insert_or_assign(std::string(id), std::string(reference)); }

void Overlay::lift(std::string_view id) {
  if (const auto at = in_->suspended.find(id); at != in_->suspended.end()) in_->suspended.erase(at);
}

void Overlay::restrict(const PatientKey& patient, std::string_view recipient, std::string_view classes, std::string_view reference) {
  in_->patients[patient].restrictions.push_back({std::string(recipient), std::string(classes), std::string(reference)});
  in_->restricts = true;
}

void Overlay::consent(const PatientKey& patient, std::string_view recipient, std::string_view classes, std::optional<Micros> until) {
  in_->patients[patient].consents.push_back({std::string(recipient), std::string(classes), until.value_or(kForever)});
}

void Overlay::tie(std::string_view holder, const PatientKey& patient, Micros until) {
  in_->patients[patient].ties.push_back({std::string(holder), until});
}

void Overlay::member(std::string_view organization, const PatientKey& patient) { in_->patients[patient].plans.emplace_back(organization); }

void Overlay::represent(const PatientKey& representative, const PatientKey& patient, std::optional<Micros> until) {
  in_->patients[representative].represents.push_back({patient, until.value_or(kForever)});
}

}  // namespace licet::license
