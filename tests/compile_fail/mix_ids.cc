// An id of one kind isn't an id of another.
// error: no viable|no matching|could not convert|no known conversion
#include "license/table.h"

using namespace licet::license;

RegionId f(const Table& table, SystemId system, PersonId person) {
#ifdef MUST_FAIL
  return table.region_of(person);
#else
  (void)person;
  return table.region_of(system);
#endif
}
