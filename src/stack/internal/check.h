// What can only be checked over the whole declaration: references, cycles, order of dates, and what each kind asks beyond its fields.
#pragma once

#include <set>
#include <string>

#include "stack/internal/typed.h"
#include "stack/stack.h"

namespace licet::stack {

using Ids = std::set<std::string, std::less<>>;

// hurt      documents in which a problem was found already: what follows from that isn't said again
// dropped   ids of documents that couldn't be read at all: a reference to one isn't dangling
void check(const Stack& stack, const Ids& hurt, const Ids& dropped, const Report& report);

}  // namespace licet::stack
