// A step of an exchange that did not go on: why, in both sentences, and how the caller is told.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/reasons.h"
#include "http/handler.h"

namespace licet::gate {

struct Refusal {
  Reason reason = Reason::none;
  std::string sentence;  // the full one, for the ledger's reader, the officer and (unless neutral) the caller
  bool neutral = false;  // the caller gets the reason's own title and the reference only
  bool cut = false;      // PHI was already on its way: the connection is cut instead of answered
};

// Like Result, with a Refusal for an error: what the steps of gate/exchange.cc return.
template <class T>
using Step = tl::expected<T, Refusal>;
inline tl::unexpected<Refusal> refuse(Reason reason, std::string sentence = {}, bool neutral = false) {
  return tl::unexpected(Refusal{reason, std::move(sentence), neutral, false});
}

#define LICET_STEP(var, expr)                                           \
  auto var##_or = (expr);                                               \
  if (!var##_or) co_return tl::unexpected(std::move(var##_or).error()); \
  auto var = *std::move(var##_or)
#define LICET_STEP_VOID(expr)                                                   \
  do {                                                                          \
    auto licet_step_ = (expr);                                                  \
    if (!licet_step_) co_return tl::unexpected(std::move(licet_step_).error()); \
  } while (0)

// RFC 9457 problem document. `reference` is what `licet explain` takes.
[[nodiscard]] http::Response problem_head(Reason reason);
[[nodiscard]] std::string problem_body(const Refusal& refusal, std::string_view reference);

}  // namespace licet::gate
