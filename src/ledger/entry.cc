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
    KindRow{Kind::exchange_sent, "exchange.sent"},
    KindRow{Kind::exchange_part, "exchange.part"},
    KindRow{Kind::exchange_refused, "exchange.refused"},
    KindRow{Kind::exchange_held, "exchange.held"},
    KindRow{Kind::exchange_outcome, "exchange.outcome"},
    KindRow{Kind::login, "login"},
    KindRow{Kind::token, "token"},
    KindRow{Kind::epoch, "epoch"},
    KindRow{Kind::fact, "fact"},
    KindRow{Kind::review, "review"},
    KindRow{Kind::emergency, "emergency"},
    KindRow{Kind::admin, "admin"},
    KindRow{Kind::key, "key"},
    KindRow{Kind::gap, "gap"},
    KindRow{Kind::lifecycle, "lifecycle"},
};

}  // namespace

std::string_view name(Kind kind) {
  for (const KindRow& row : kKinds)
    if (row.kind == kind) return row.text;
  return "?";
}

bool is_act(Kind kind) {
  switch (kind) {
    case Kind::exchange_sent:
    case Kind::exchange_part:
    case Kind::exchange_refused:
    case Kind::exchange_held:
    case Kind::exchange_outcome:
    case Kind::login:
    case Kind::token:
      return false;
    case Kind::epoch:
    case Kind::fact:
    case Kind::review:
    case Kind::emergency:
    case Kind::admin:
    case Kind::key:
    case Kind::gap:
    case Kind::lifecycle:
      return true;
  }
  return true;
}

std::optional<Kind> kind_of(std::string_view text) {
  for (const KindRow& row : kKinds)
    if (row.text == text) return row.kind;
  return std::nullopt;
}

}  // namespace licet::ledger
