// licet record, suspend, lift, release, explain: what people tell a running node, through state/licet.sock (same user only).

#include <nlohmann/json.hpp>

#include "cli/admin_call.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/facts.h"

namespace licet::cli {
namespace {

using nlohmann::json;

Result<Reply> ask(const std::string& config_file, std::string method, std::string target, std::string body) {
  LICET_TRY(config, read_config(config_file));
  return admin_call(config, std::move(method), std::move(target), std::move(body));
}

int told(Result<Reply> reply, std::string_view done) {
  if (!reply) return fail(reply.error());
  if (reply->status >= 300) return fail(detail_of(*reply));
  fmt::print("{}", done);
  if (reply->body.is_object() && reply->body.contains("index")) fmt::print(" (ledger entry {})", reply->body["index"].dump());
  fmt::print("\n");
  return kClean;
}

void config_option(CLI::App* c, std::string& config) {
  c->add_option("--config", config, "licet.yaml of the running node")->capture_default_str();
}

std::string kinds_help() {
  std::string out = "Kinds of facts:\n";
  for (const epoch::FactKind& k : epoch::fact_kinds()) {
    out += fmt::format("  {:<22} {}\n", k.kind, k.says);
    for (const epoch::FactDetail& d : k.details)
      out += fmt::format("  {:<22}   --set {}={}{}{}\n", "", d.name, d.choices, d.many ? ",…" : "", d.required ? " (required)" : "");
  }
  return out;
}

struct RecordArgs {
  std::string config = "licet.yaml";
  epoch::FactInput fact;
  std::vector<std::string> set;
  std::string by;
};
struct IdArgs {
  std::string config = "licet.yaml";
  std::string id, until, by;
};

int explain(const IdArgs& args) {
  auto reply = ask(args.config, "GET", "/explain?ref=" + args.id, {});
  if (!reply) return fail(reply.error());
  if (reply->status >= 300) return fail(detail_of(*reply));
  const json& b = reply->body;
  if (b.contains("sentence")) fmt::print("{}\n", b["sentence"].get<std::string>());
  if (b.contains("mend") && !b["mend"].get<std::string>().empty()) fmt::print("Mend: {}\n", b["mend"].get<std::string>());
  if (b.contains("entries"))
    for (const json& e : b["entries"]) fmt::print("{}\n", e.dump());
  return kClean;
}

}  // namespace

void add_record(CLI::App& app, Run& run) {
  {
    auto args = std::make_shared<RecordArgs>();
    CLI::App* c = app.add_subcommand("record", "Record a fact: a training done, an authorization received, a restriction agreed to …");
    c->add_option("kind", args->fact.kind, "what kind of fact")->required();
    c->add_option("subject,--subject", args->fact.subject, "whom or what it is about: an id of the declaration");
    c->add_option("object,--object", args->fact.object, "a second id: the training, the revoked fact's index, …");
    c->add_option("--patient", args->fact.patient, "the patient's logical id: sealed before it rests");
    c->add_option("--class", args->fact.data_class, "a data class or pattern");
    c->add_option("--purpose", args->fact.purpose, "a purpose code");
    c->add_option("--from", args->fact.from, "first day (YYYY-MM-DD)");
    c->add_option("--until", args->fact.until, "last day (YYYY-MM-DD)");
    c->add_option("--set", args->set, "what the kind asks for besides: NAME=WORD, or NAME=WORD,WORD");
    c->add_option("--by", args->by, "who records it");
    config_option(c, args->config);
    c->footer(kinds_help() +
              "\n  licet record consent lakeside --patient p-0002 --class special.sud --until 2027-06-30\n"
              "  licet record request riverbend --patient p-0001 --from 2026-11-02 --set is=access\n"
              "  licet record training dr-lee privacy-basics --from 2026-03-01 --until 2027-03-01");
    c->callback([args, &run] {
      run = [args] {
        const epoch::FactInput& f = args->fact;
        json body{{"kind", f.kind},       {"subject", f.subject},  {"object", f.object},
                  {"patient", f.patient}, {"class", f.data_class}, {"purpose", f.purpose},
                  {"from", f.from},       {"until", f.until},      {"by", args->by.empty() ? user() : args->by}};
        for (const std::string& s : args->set) {
          const std::size_t is = s.find('=');
          if (is == 0 || is == std::string::npos) return fail(fmt::format("--set '{}': write NAME=WORD", s));
          body["details"][s.substr(0, is)] = s.substr(is + 1);
        }
        return told(ask(args->config, "POST", "/record", body.dump()), "recorded");
      };
    });
  }
  for (const auto& [verb, says, path, done] :
       {std::tuple{"suspend", "Stop a system, organization, person or route at once, or with '*' everything; open streams are cut",
                   "/suspend", "suspended"},
        std::tuple{"lift", "End a suspension", "/lift", "lifted"}}) {
    auto args = std::make_shared<IdArgs>();
    CLI::App* c = app.add_subcommand(verb, says);
    c->add_option("id", args->id, "id of the declaration, or * for everything")->required();
    c->add_option("--by", args->by, "who says so");
    config_option(c, args->config);
    c->footer(fmt::format("  licet {} scribe --config examples/riverbend/licet.yaml", verb));
    c->callback([args, &run, path = std::string(path), done = std::string(done)] {
      run = [args, path, done] {
        const json body{{"id", args->id}, {"by", args->by.empty() ? user() : args->by}};
        return told(ask(args->config, "POST", path, body.dump()), done);
      };
    });
  }
  {
    auto args = std::make_shared<IdArgs>();
    CLI::App* c = app.add_subcommand("release", "Release a held exchange: the same request then passes once");
    c->add_option("reference", args->id, "the reference that the refusal named")->required();
    c->add_option("--until", args->until, "when the release expires (RFC 3339); 24 hours from now, unless said otherwise");
    c->add_option("--by", args->by, "who releases it");
    config_option(c, args->config);
    c->footer("  licet release 01m88ggeph7bgbvspm1g6b4dea --config examples/riverbend/licet.yaml");
    c->callback([args, &run] {
      run = [args] {
        const json body{{"reference", args->id}, {"until", args->until}, {"by", args->by.empty() ? user() : args->by}};
        return told(ask(args->config, "POST", "/release", body.dump()), "released: the same request passes once");
      };
    });
  }
  {
    auto args = std::make_shared<IdArgs>();
    CLI::App* c =
        app.add_subcommand("explain", "Show why an exchange was refused or passed: the full sentence, its entries, what would mend it");
    c->add_option("reference", args->id, "the reference that the caller was told")->required();
    config_option(c, args->config);
    c->footer("  licet explain 01m88ggee252h73ry678gc542z --config examples/riverbend/licet.yaml");
    c->callback([args, &run] { run = [args] { return explain(*args); }; });
  }
}

}  // namespace licet::cli
