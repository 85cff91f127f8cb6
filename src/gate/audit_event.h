// The detail of a record: a FHIR R4 AuditEvent of the exchange (IHE BALP), encrypted at rest with the leaf's group.
#pragma once

#include <string>

namespace licet::gate {

class Exchange;
// PHI: patient ids and the query. One event per part, listing every patient in it (BALP's PatientQuery wants one event per patient: an
// export splits them; docs/formats/ledger.md).
[[nodiscard]] std::string audit_event(const Exchange& exchange);

}  // namespace licet::gate
