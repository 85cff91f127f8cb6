#include "ledger/entry.h"

#include <algorithm>
#include <array>

namespace licet::ledger {
namespace {

struct KindRow {
  Kind kind;
  std::string_view text;
};
constexpr std::array kKinds = {
    KindRow{Kind::exchange_sent, "exchange.sent"},       KindRow{Kind::exchange_part, "exchange.part"},
    KindRow{Kind::exchange_refused, "exchange.refused"}, KindRow{Kind::exchange_held, "exchange.held"},
    KindRow{Kind::exchange_outcome, "exchange.outcome"}, KindRow{Kind::login, "login"},
    KindRow{Kind::token, "token"},                       KindRow{Kind::epoch, "epoch"},
    KindRow{Kind::fact, "fact"},                         KindRow{Kind::review, "review"},
    KindRow{Kind::emergency, "emergency"},               KindRow{Kind::admin, "admin"},
    KindRow{Kind::key, "key"},                           KindRow{Kind::gap, "gap"},
    KindRow{Kind::lifecycle, "lifecycle"},
};

}  // namespace

std::string_view name(Kind kind) {
  for (const KindRow& row : kKinds)
    if (row.kind == kind) return row.text;
  return "?";
}

std::optional<Kind> kind_of(std::string_view text) {
  for (const KindRow& row : kKinds)
    if (row.text == text) return row.kind;
  return std::nullopt;
}

}  // namespace licet::ledger
