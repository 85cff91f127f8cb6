// licet notify: what is newly amiss, what will lapse within 90, 60, 30 and 7 days, and what is no longer amiss goes to a webhook, by mail,
// or both; with --look, published texts are looked at first.
//
// Meant for a timer (systemd, cron): each run tells what it has not told before, and forgets what is no longer so. state/notified.json
// holds what was told; delete it and all is told again. A webhook that does not answer 2xx has not been told.

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/admin_call.h"
#include "cli/on_record.h"
#include "cli/state.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "crypto/crypto.h"
#include "epoch/facts.h"
#include "epoch/load.h"
#include "epoch/outlook.h"
#include "http/client.h"
#include "rules/compare.h"

namespace licet::cli {
namespace {

using nlohmann::json;

struct NotifyArgs {
  std::string config = "licet.yaml", as_of;
  bool look = false, dry_run = false;
};

Task<void> post_into(Outbound* outbound, std::string url, std::string body, std::string signature, Result<Fetched>& out) {
  Outbound::Message message{std::move(body), "application/json", std::move(signature)};
  out = co_await outbound->post(std::move(url), std::move(message));
}
Task<void> mail_into(Outbound* outbound, Outbound::Mail mail, Result<void>& out) {
  out = co_await outbound->mail(std::move(mail));
}
Task<void> get_into(Outbound* outbound, std::string url, Result<Fetched>& out) {
  out = co_await outbound->get(std::move(url));
}

// On the ledger, through the node where one serves.
Result<void> record_page(const Config& config, const std::string& tenant, const std::string& agreement, const std::string& digest) {
  const json body{{"kind", "terms-page"}, {"subject", agreement}, {"object", digest}, {"by", user()}};
  auto reply = admin_call(config, "POST", "/record", body.dump());
  if (reply) return reply->status < 300 ? Result<void>() : Error{Code::unavailable, detail_of(*reply)};
  if (reply.error().code != Code::unavailable) return std::move(reply).error();
  LICET_TRY(state, open_state(config, tenant));
  epoch::FactInput fact;
  fact.kind = "terms-page";
  fact.subject = agreement;
  fact.object = digest;
  LICET_TRY(draft, epoch::fact_draft(fact, user(), *state->keys, state->random));
  LICET_TRY(recorded, state->ledger->append_and_wait(std::move(draft)));
  (void)recorded;
  return {};
}

// Looks at each agreement's published text and records its digest. What can't be reached is said, and stays a question.
Result<void> look(const Config& config, const stack::Stack& stack, Outbound& outbound) {
  for (const stack::Document* a : stack.all("agreement")) {
    const std::string url(a->text("url"));
    if (url.empty() || a->text("status") == "terminated") continue;
    Result<Fetched> page = Error{Code::internal, "no answer"};
    page.ignore();
    http::run([&]() -> Task<void> { return get_into(&outbound, url, page); });
    if (!page || page->status != 200) {
      fmt::print(stderr, "{}: {} could not be read: {}\n", a->id, url,
                 page ? fmt::format("status {}", page->status) : page.error().message);
      continue;
    }
    LICET_TRY_VOID(record_page(config, stack.tenant, a->id, hex(crypto::sha256(page->body))));
  }
  return {};
}

std::string key_of(const rules::Finding& f) {
  return hex(crypto::sha256(f.asked->requirement + "\n" + f.subject + "\n" + f.sentence()));
}

// What is amiss, and every question about an agreement, with the text that tells it from all else that was told. What turns up here without
// having been told before is drift: somebody changed something, or time did.
std::map<std::string, const rules::Finding*> amiss(const epoch::World& world) {
  std::map<std::string, const rules::Finding*> out;
  for (const rules::Finding& f : world.judgment.findings) {
    if (rules::amiss(f)) out.emplace(key_of(f), &f);
    if (f.status != rules::Status::unknown) continue;
    std::vector<std::string> ids = f.about_ids();
    ids.push_back(f.subject);
    for (const rules::Gap& g : f.gaps) ids.push_back(g.agreement);
    for (const std::string& id : ids)
      if (world.stack->find("agreement", id) != nullptr || world.stack->find("offer", id) != nullptr) out.emplace(key_of(f), &f);
  }
  return out;
}

// What time alone will make amiss, within 90, 60, 30 or 7 days: trainings, evidence, decisions, plans, agreements. Each is told once a
// band.
struct Lapse {
  rules::Finding finding;
  Date on{};
  int days = 0;  // the band
};
Result<std::map<std::string, Lapse>> lapses(const epoch::World& world, const OnRecord& record, const Config& config) {
  constexpr std::array kBands = {7, 30, 60, 90};
  const Date today = world.judgment.as_of;
  const epoch::OutlookOptions options{.packs = config.packs, .until = today + std::chrono::days(kBands.back()), .strict = false};
  LICET_TRY(days, epoch::outlook(world, record.facts, options, store::real_files(), config.limits));
  std::map<std::string, Lapse> out;
  for (const epoch::Day& day : days)
    for (const epoch::Turned& t : day.turns) {
      if (!t.breaks || !t.after) continue;
      const auto left = (day.on - today).count();
      const int band = *std::find_if(kBands.begin(), kBands.end(), [&](int b) { return left <= b; });
      const std::string key =
          hex(crypto::sha256(fmt::format("lapse\n{}\n{}\n{}\n{}", t.after->asked->requirement, t.after->subject, format(day.on), band)));
      out.emplace(key, Lapse{*t.after, day.on, band});
    }
  return out;
}

json to_tell(const rules::Finding& f) {
  return {{"requirement", f.asked->requirement},
          {"cites", f.asked->cites},
          {"subject", f.subject},
          {"status", rules::name(f.status)},
          {"because", f.sentence()},
          {"mend", f.mend},
          {"facts", json::parse(f.facts, nullptr, false)}};
}

// The same for somebody who reads mail.
std::string in_words(const json& body) {
  std::string out = fmt::format("{} as of {}\n", body["tenant"].get<std::string>(), body["as_of"].get<std::string>());
  for (const json& f : body["findings"])
    out += fmt::format("\nNewly amiss ({}): {}\n  {}\n  Mend: {}\n", f["status"].get<std::string>(), f["subject"].get<std::string>(),
                       f["because"].get<std::string>(), f["mend"].get<std::string>());
  for (const json& f : body["lapses"])
    out += fmt::format("\nWithin {} days, on {}: {}\n  {}\n  Mend: {}\n", f["within_days"].get<int>(), f["on"].get<std::string>(),
                       f["subject"].get<std::string>(), f["because"].get<std::string>(), f["mend"].get<std::string>());
  out += fmt::format("\n{} open in all; {} no longer. Facts and sources, not legal advice.\n", body["open"].get<std::size_t>(),
                     body["settled"].get<std::size_t>());
  return out;
}

Result<int> notify(const NotifyArgs& args) {
  LICET_TRY(config, read_config(args.config));
  store::FileSystem& files = store::real_files();
  if (config.notify.url.empty() && config.notify.mail.empty() && !args.dry_run)
    return Error{Code::invalid_argument,
                 args.config + ": whom to notify? Give notify: {url: https://…} or {mail: ADDRESS}, or ask with --dry-run"};
  LICET_TRY(sources, epoch::read_sources(files, config.stack, config.limits));
  const stack::Loaded loaded = stack::load(sources, config.limits);
  if (!loaded.stack) return Error{Code::invalid_argument, loaded.problems.front().text()};
  http::OutboundOptions reach;  // only what the declaration and the configuration name
  if (!config.notify.url.empty()) reach.allow.push_back(config.notify.url);
  for (const stack::Document* a : loaded.stack->all("agreement"))
    if (!a->text("url").empty()) reach.allow.emplace_back(a->text("url"));
  reach.ca_file = config.notify.ca;
  if (!config.notify.mail.empty()) reach.relay = config.notify.relay;
  reach.limits = config.limits;
  LICET_TRY(outbound, http::make_outbound(std::move(reach)));
  if (args.look) LICET_TRY_VOID(look(config, *loaded.stack, *outbound));

  LICET_TRY(record, on_record(config));
  if (!args.as_of.empty()) {
    LICET_TRY(date, parse_date(args.as_of));
    record.now = Micros(date) + std::chrono::hours(12);
  }
  LICET_TRY(world, epoch::assemble_sources(std::move(sources), config.packs, record.facts, record.now, files, config.limits));
  const auto now = amiss(world);
  LICET_TRY(soon, lapses(world, record, config));
  const std::string told_file = config.state + "/notified.json";
  std::set<std::string> told;
  if (files.exists(told_file)) {
    LICET_TRY(text, files.read_all(told_file, 64 * 1024 * 1024));
    const json before = json::parse(text, nullptr, false);
    if (!before.is_array()) return Error{Code::data_loss, told_file + " is damaged: delete it, and all is told again"};
    for (const json& key : before)
      if (key.is_string()) told.insert(key.get<std::string>());
  }
  json news = json::array(), coming = json::array();
  json keys = json::array();
  std::size_t settled = 0;  // told before, and no longer so
  for (const std::string& key : told)
    if (!now.contains(key) && !soon.contains(key)) ++settled;
  for (const auto& [key, f] : now) {
    keys.push_back(key);
    if (!told.contains(key)) news.push_back(to_tell(*f));
  }
  for (const auto& [key, lapse] : soon) {
    keys.push_back(key);
    if (told.contains(key)) continue;
    json one = to_tell(lapse.finding);
    one["on"] = format(lapse.on);
    one["within_days"] = lapse.days;
    coming.push_back(std::move(one));
  }
  const json said{{"v", 1},
                  {"tenant", world.stack->tenant},
                  {"as_of", format(world.judgment.as_of)},
                  {"findings", news},
                  {"lapses", coming},
                  {"open", now.size()},
                  {"settled", settled}};
  const std::string body = said.dump();
  if (args.dry_run) {
    fmt::print("{}\n", body);
    return kClean;
  }
  const bool anything = !news.empty() || !coming.empty();
  if (anything && !config.notify.url.empty()) {
    std::string signature;
    if (!config.notify.secret.empty()) {
      LICET_TRY(secret, files.read_all(config.notify.secret, 4096));
      while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
      signature = "sha256=" + hex(crypto::hmac_sha256(as_bytes(secret), as_bytes(body)));
    }
    Result<Fetched> answer = Error{Code::internal, "no answer"};
    answer.ignore();
    http::run([&]() -> Task<void> { return post_into(outbound.get(), config.notify.url, body, signature, answer); });
    if (!answer) return std::move(answer).error();
    if (answer->status < 200 || answer->status > 299)
      return Error{Code::unavailable, fmt::format("the webhook answered {}: nothing counts as told", answer->status)};
  }
  if (anything && !config.notify.mail.empty()) {
    const std::string& from = config.notify.from.empty() ? config.notify.mail : config.notify.from;
    Outbound::Mail mail{from, config.notify.mail,
                        fmt::format("{}: {} newly amiss, {} about to lapse", world.stack->tenant, news.size(), coming.size()),
                        in_words(said)};
    Result<void> sent = Error{Code::internal, "no answer"};
    sent.ignore();
    http::run([&]() -> Task<void> { return mail_into(outbound.get(), mail, sent); });
    if (!sent) return Error{sent.error().code, "mail: " + sent.error().message + ": nothing counts as told"};
  }
  LICET_TRY_VOID(files.replace(told_file, keys.dump()));
  fmt::print("{} told, {} about to lapse, {} open\n", news.size(), coming.size(), now.size());
  return kClean;
}

}  // namespace

void add_notify(CLI::App& app, Run& run) {
  auto args = std::make_shared<NotifyArgs>();
  CLI::App* c =
      app.add_subcommand("notify", "Tell by webhook or mail what is newly amiss, and what will lapse within 90, 60, 30 and 7 days");
  c->add_option("--config", args->config, "licet.yaml of the node; its `notify` says whom")->capture_default_str();
  c->add_flag("--look", args->look, "first fetch each agreement's published text (url) and record its digest");
  c->add_flag("--dry-run", args->dry_run, "print what would be sent; send and remember nothing");
  c->add_option("--as-of", args->as_of, "judge as of this date (YYYY-MM-DD)");
  c->footer(
      "For a daily timer. What was told once is not told again unless it changes: what time alone will end is told at 90, 60, 30 and 7\n"
      "days. What turns up amiss and was not told before is drift: somebody changed something, or time did.\n"
      "Mail goes by the relay of this machine (notify.relay, 127.0.0.1:25), in plain text and without PHI.\n"
      "With notify.secret the body is signed: Licet-Signature: sha256=HMAC-SHA-256(secret, body).\n\n"
      "  licet notify --config /etc/licet/licet.yaml --look\n"
      "  licet notify --config examples/riverbend/licet.yaml --dry-run --as-of 2026-12-15");
  c->callback([args, &run] {
    run = [args] {
      auto code = notify(*args);
      return code ? *code : fail(code.error());
    };
  });
}

}  // namespace licet::cli
