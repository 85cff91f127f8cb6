// A world that is judged again and again: its database is made once, and each judgment leaves it as it found it.
//
//   LICET_TRY(bench, Bench::make(relations, as_of));
//   LICET_TRY(one, bench.judge(packs));                 // as rules::judge() would
//   LICET_TRY(two, bench.judge(others));                // the same world, other rules
//
// Nine tenths of judging a small world goes into making its database: cases of packs share it. One thread.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "rules/internal/base.h"
#include "rules/rules.h"
#include "store/sqlite.h"

namespace licet::rules {

class Bench {
 public:
  // In a mold's court, where one is given: then until that is filled again. threads: 0 takes two where the world is worth it.
  [[nodiscard]] static Result<Bench> make(const stack::Relations& relations, Date as_of, Mold* mold = nullptr, unsigned threads = 1);
  [[nodiscard]] Result<Judgment> judge(std::span<const Pack> packs);

 private:
  Bench(std::unique_ptr<Court> own, Court* court, Date as_of, std::optional<Date> next, unsigned threads)
      : own_(std::move(own)), court_(own_ ? own_.get() : court), as_of_(as_of), next_(next), threads_(threads) {}

  std::unique_ptr<Court> own_;
  Court* court_;
  Date as_of_;
  std::optional<Date> next_;
  unsigned threads_;
};

}  // namespace licet::rules
