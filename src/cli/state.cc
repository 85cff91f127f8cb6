#include "cli/state.h"

#include "crypto/kek.h"
#include "ledger/note.h"
#include "store/file.h"

namespace licet::cli {

Micros FileClock::now() const {
  auto text = store::real_files().read_all(path_, 100);
  if (!text) return system_.now();
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  auto time = parse_time(*text);
  return time ? *time : system_.now();
}

std::string origin_of(const std::string& tenant, const std::string& node) {
  return "licet.example/" + tenant + "/" + node;
}
std::string socket_of(const Config& config) {
  return config.state + "/licet.sock";
}

std::string accounts_of(const Config& config) {
  return config.state + "/accounts.json";
}

Result<std::unique_ptr<State>> open_state(const Config& config, const std::string& tenant) {
  store::FileSystem& files = store::real_files();
  auto state = std::make_unique<State>();
  if (config.clock_file.empty())
    state->clock = std::make_unique<SystemClock>();
  else
    state->clock = std::make_unique<FileClock>(config.clock_file);
  LICET_TRY_VOID(files.make_folder(config.state + "/keys"));
  const std::string ring_file = config.state + "/keys/ring.json";
  if (!files.exists(config.kek)) {
    if (files.exists(ring_file))
      return Error{Code::failed_precondition, config.kek + " is missing, but " + ring_file + " needs it: restore the key file"};
    LICET_TRY_VOID(crypto::make_kek_file(config.kek, state->random));
  }
  LICET_TRY(kek, crypto::read_kek_file(config.kek));
  const auto save = [&files, ring_file](const std::string& wrapped) { return files.replace(ring_file, wrapped); };
  if (files.exists(ring_file)) {
    LICET_TRY(wrapped, files.read_all(ring_file, 16 * 1024 * 1024));
    LICET_TRY(ring, crypto::KeyRing::unwrap(std::move(kek), tenant, wrapped, state->random, save));
    state->keys = std::move(ring);
  } else {
    LICET_TRY(ring, crypto::KeyRing::create(std::move(kek), tenant, state->random, save));
    state->keys = std::move(ring);
  }
  state->blind = std::make_unique<crypto::Blinder>(crypto::Secret::random(state->random));
  state->origin = origin_of(tenant, config.node);
  ledger::Options options;
  options.files = &files;
  options.folder = config.state + "/ledger";
  options.outside = config.state + "/outside";
  options.quarantine = config.state + "/quarantine";
  options.origin = state->origin;
  options.keys = state->keys.get();
  options.clock = state->clock.get();
  options.random = &state->random;
  options.limits = config.limits;
  LICET_TRY(ledger, ledger::Ledger::open(std::move(options)));
  state->ledger = std::move(ledger);
  const std::string key = ledger::vkey({state->origin, state->keys->log_key().public_key()}) + "\n";  // public: for `licet verify`
  const std::string key_file = config.state + "/log.vkey";
  if (auto there = files.read_all(key_file, 4096); !there || *there != key) LICET_TRY_VOID(files.replace(key_file, key));
  return state;
}

}  // namespace licet::cli
