// packs/deid/dicom.yaml and dicom-table.yaml read into DicomRules. Errors: invalid_argument, "line:column: …".
#pragma once

#include "deid/profile.h"
#include "stack/yaml.h"

namespace licet::deid {

[[nodiscard]] Result<void> read_dicom(const stack::yaml::Node& document, DicomRules& rules);

}  // namespace licet::deid
