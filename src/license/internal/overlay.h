// What decide() reads of an Overlay. Everything about a patient hangs on one row, so a decision costs one look-up; lists are short.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "license/table.h"

namespace licet::license {

struct PatientRow {
  struct Restriction {
    std::string recipient, classes, reference;
  };
  struct Consent {
    std::string recipient, classes;
    Micros until;  // exclusive
  };
  struct Tie {
    std::string holder;
    Micros until;
  };
  struct Represented {
    PatientKey patient;
    Micros until;
  };
  std::vector<Restriction> restrictions;
  std::vector<Consent> consents;
  std::vector<Tie> ties;
  std::vector<std::string> plans;
  std::vector<Represented> represents;  // of a representative: for whom
};

struct PatientHash {
  // A PatientKey is an HMAC already.
  std::size_t operator()(const PatientKey& key) const noexcept { return static_cast<std::size_t>(key[0] ^ key[1]); }
};

struct OverlayRows {
  std::map<std::string, std::string, std::less<>> suspended;  // id → reference
  std::unordered_map<PatientKey, PatientRow, PatientHash> patients;
  bool restricts = false;  // any patient's restriction at all

  [[nodiscard]] const PatientRow* row(const PatientKey& patient) const noexcept {
    if (patients.empty()) return nullptr;
    const auto at = patients.find(patient);
    return at == patients.end() ? nullptr : &at->second;
  }
};

struct Overlay::Inside : OverlayRows {};

}  // namespace licet::license
