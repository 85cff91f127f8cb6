// Puts what a person has confirmed of a reading into the YAML agreement, leaving every other byte as it is.
#pragma once

#include <string>

#include "reader/reader.h"

namespace licet::cli {

struct EditRequest {
  std::string file;                    // YAML with the agreement
  std::string agreement;               // its id; empty: the only one in the file
  std::string checked_by, checked_on;  // checked_on empty: today
  bool dry_run = false;
};

// Prints the lines that it adds (and what it leaves because the file says otherwise), then writes. Exit code. Nothing is written where the
// agreement is ambiguous, where its layout leaves no safe place, or where the result would not say exactly what was there plus what is
// added.
[[nodiscard]] int write_agreement(const EditRequest& request, const reader::Reading& reading, const std::string& sha256,
                                  const std::string& document);

}  // namespace licet::cli
