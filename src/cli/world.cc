#include "cli/world.h"

#include <fmt/format.h>

#include "epoch/commit.h"
#include "epoch/facts_file.h"

namespace licet::cli {
namespace {

constexpr std::size_t kFactsMost = 64u * 1024 * 1024;

Result<Micros> noon(std::string_view option, const std::string& text) {
  auto date = parse_date(text);
  if (!date) return Error{Code::invalid_argument, fmt::format("{}: {}", option, date.error().message)};
  return Micros(*date) + std::chrono::hours(12);
}

// A verifier key as text, or the file that holds it.
Result<ledger::Verifier> verifier_of(const std::string& given) {
  std::string text = given;
  if (auto file = store::real_files().read_all(given, 4096); file) text = *std::move(file);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  auto key = ledger::parse_vkey(text);
  if (!key) return Error{key.error().code, "--facts-key: " + key.error().message};
  return *key;
}

}  // namespace

void add_world_options(CLI::App* command, WorldArgs& args) {
  command->add_option("--packs", args.packs, "the folder of packs")->capture_default_str();
  command->add_option("--as-of", args.as_of, "judge as of this date (YYYY-MM-DD): what was, or will be, so");
  command->add_option("--known", args.known, "by what was on record at the end of this date: recorded facts, and the last commit by then");
  CLI::Option* facts = command->add_option("--facts", args.facts, "recorded facts, as `licet facts` writes them: judges without a ledger");
  CLI::Option* key =
      command->add_option("--facts-key", args.facts_key, "the key of the node that signed them: a vkey, or a file that holds one");
  command->add_flag("--facts-unsigned", args.facts_unsigned, "believe them without a key that vouches for them; what is printed says so")
      ->needs(facts)
      ->excludes(key);
  key->needs(facts);
}

Result<Micros> instant_of(const WorldArgs& args) {
  if (!args.as_of.empty()) return noon("--as-of", args.as_of);
  if (!args.known.empty()) return noon("--known", args.known);  // what was known then, of that day
  return SystemClock().now();
}

Result<Judged> judged_world(const WorldArgs& args) {
  store::FileSystem& files = store::real_files();
  Judged out;
  LICET_TRY(now, instant_of(args));
  out.now = now;
  std::string commit = args.commit;
  if (!args.facts.empty()) {
    LICET_TRY(bytes, files.read_all(args.facts, kFactsMost));
    epoch::FactsTrust trust;
    trust.unsigned_too = args.facts_unsigned;
    if (!args.facts_key.empty()) {
      LICET_TRY(key, verifier_of(args.facts_key));
      trust.key = key;
    }
    auto recorded = epoch::read_facts_file(bytes, trust);
    if (!recorded) return Error{recorded.error().code, args.facts + ": " + recorded.error().message};
    out.facts = std::move(recorded->facts);
    if (!recorded->proven) {
      out.unproven = args.facts;
      fmt::print(stderr, "licet: {}: no key vouches for these facts; they are believed as you asked\n", args.facts);
    }
  }
  if (!args.known.empty()) {
    LICET_TRY(day, noon("--known", args.known));
    const Micros end = day + std::chrono::hours(12);
    std::erase_if(out.facts, [end](const stack::Fact& f) { return f.recorded >= end; });
    if (commit.empty()) {
      LICET_TRY(last, epoch::commit_by(args.stack, end - std::chrono::seconds(1)));
      commit = last;
    }
  }
  auto sources = commit.empty() ? epoch::read_sources(files, args.stack, {}) : epoch::sources_at(args.stack, commit, {});
  if (!sources) return std::move(sources).error();
  LICET_TRY(world, epoch::assemble_sources(*std::move(sources), args.packs, out.facts, out.now, files, {}, args.also));
  out.world = std::move(world);
  const std::vector<stack::Problem>& problems = out.world.problems;
  if (problems.empty()) return out;
  for (const stack::Problem& p : problems) fmt::print(stderr, "{}{}\n", commit.empty() ? "" : commit.substr(0, 12) + ":", p.text());
  return Error{Code::invalid_argument, fmt::format("{} problem{} in the declaration{}: nothing was judged", problems.size(),
                                                   problems.size() == 1 ? "" : "s", commit.empty() ? "" : " of " + commit)};
}

stack::PackRef pack_ref(std::string_view text) {
  const std::size_t mark = text.find('@');
  return {std::string(text.substr(0, mark)), mark == std::string_view::npos ? std::string() : std::string(text.substr(mark + 1))};
}

}  // namespace licet::cli
