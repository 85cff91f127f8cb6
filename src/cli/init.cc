// licet init FOLDER: asks what decides whether HIPAA applies, and scaffolds a declaration that checks.

#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "cli/config.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "epoch/load.h"
#include "store/file.h"

namespace licet::cli {
namespace {

struct InitArgs {
  std::string folder, id, name, function, zone = "America/New_York", ehr = "https://127.0.0.1:8444/fhir/";
  std::string handles, for_entity;  // yes | no
  bool yes = false;
};

bool interactive(const InitArgs& args) {
  return !args.yes && isatty(STDIN_FILENO) == 1;
}

void ask(const InitArgs& args, std::string_view question, std::string& answer, std::string_view otherwise) {
  if (!answer.empty()) return;
  if (interactive(args)) {
    fmt::print("{} [{}] ", question, otherwise);
    std::fflush(stdout);
    std::getline(std::cin, answer);
  }
  if (answer.empty()) answer = otherwise;
}

bool is_yes(const std::string& answer) {
  return answer.starts_with('y') || answer.starts_with('Y');
}

std::string slug(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c | 32);
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && !out.empty()))
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "our-clinic" : out.substr(0, 40);
}

std::string yaml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

std::string stack_yaml(const InitArgs& a, bool covered) {
  const std::string packs =
      "hipaa-applicability@1.0, hipaa-baa-2013@1.0, hipaa-grounds-2013@1.0, hipaa-privacy-2013@1.0, hipaa-security-2013@1.0";
  std::string out = fmt::format(
      "# {0}. One file or many: any *.yaml below this folder counts. `licet schema` gives editors the format.\n"
      "kind: stack\nid: {1}-stack\nname: {2}\nformat: 1\ntenant: {1}\ntimezone: {3}\npacks: [{4}]\n---\n"
      "kind: organization\nid: {1}\nname: {2}\nfunctions: [{5}]\ncovered: {6}\n---\n",
      a.name, a.id, yaml_text(a.name), a.zone, packs, a.function, covered ? "true" : "false");
  out += fmt::format(
      "# The system that holds the record, and the screens through which staff act.\n"
      "kind: system\nid: ehr\nname: Our record\nowner: {0}\nenvironment: production\nregion: us-east\nkeeps: persistent\nencrypted: "
      "true\n---\n"
      "kind: system\nid: ehr-ui\nname: The record's screens\nowner: {0}\nenvironment: production\nregion: us-east\nkeeps: transient\n"
      "proves: [{{issuer: \"https://idp.{0}.example\", client: ehr}}]\n---\n"
      "kind: route\nid: fhir-front\nlistens: /fhir/\nforwards: {1}\nspeaks: fhir-r4\nserves: ehr\naccepts: [transaction-token, "
      "oidc]\nmode: enforce\n---\n"
      "kind: flow\nid: ehr-to-screens\nfrom: ehr\nto: ehr-ui\ndata: [clinical.*, demographics, scheduling.*, directory.*]\npurposes: "
      "[TREAT]\nvia: fhir-front\nencrypted: true\n---\n"
      "kind: role\nid: clinician\nname: Clinician\norganization: {0}\ndescription: Treats patients and needs their record.\n---\n"
      "kind: person\nid: first-clinician\nname: First clinician\norganization: {0}\nroles: [clinician]\nis: employee\n"
      "logins: [{{issuer: \"https://idp.{0}.example\", subject: first-clinician}}]\nstatus: active\n---\n"
      "kind: permit\nid: clinicians-treat\nto: clinician\nthrough: [ehr-ui]\nfor: [TREAT]\nwhose: all\nview: full\n"
      "data: [clinical.*, demographics, scheduling.*, directory.*]\nwhen: {{mfa: true}}\n",
      a.id, a.ehr);
  return out;
}

int init(InitArgs args) {
  std::error_code error;
  if (std::filesystem::exists(args.folder, error) && !std::filesystem::is_empty(args.folder, error))
    return fail(args.folder + " is not empty: nothing was written");
  ask(args, "What is your organization called?", args.name, "Our Clinic");
  if (args.id.empty()) args.id = slug(args.name);
  // The two questions of applicability (45 CFR 160.103), before anything else.
  ask(args, "Does your software or organization create, receive, store or transmit PHI? (yes/no)", args.handles, "yes");
  ask(args,
      "Is that by, or for, a covered entity (a provider who bills electronically, a plan, a clearinghouse) or its business associate? "
      "(yes/no)",
      args.for_entity, "yes");
  const bool applies = is_yes(args.handles) && is_yes(args.for_entity);
  if (!applies)
    fmt::print(
        "By these two answers HIPAA's rules do not reach you through PHI of a covered entity; other law (FTC, state) may. Written all the "
        "same, to judge from.\n");
  ask(args, "What are you? provider | plan | clearinghouse | vendor", args.function, "provider");
  if (args.function != "provider" && args.function != "plan" && args.function != "clearinghouse" && args.function != "vendor")
    return fail("--function must be provider, plan, clearinghouse or vendor");
  const bool covered = applies && args.function != "vendor";
  store::FileSystem& files = store::real_files();
  const auto write = [&](const std::string& name, const std::string& text) { return files.replace(args.folder + "/" + name, text); };
  if (auto made = files.make_folder(args.folder); !made) return fail(made.error());
  if (auto done = write("stack.yaml", stack_yaml(args, covered)); !done) return fail(done.error());
  const std::string config =
      "# One node: ports, files, limits. The law judges stack.yaml; a machine needs this.  licet serve " + args.folder +
      "/licet.yaml --print-config\n"
      "# state/ must be on a disk of its own with room, and is never put in git. Keys: state/keys.\n"
      "# Run as you need:   gate: {address: 0.0.0.0, port: 8443, certificate: gate.crt, key: gate.key, client-ca: [clients-ca.crt]}\n"
      "#                    issuers: [{issuer: \"https://idp." +
      args.id +
      ".example\", jwks: \"https://…/jwks\"}]\n"
      "gate: {address: 127.0.0.1, port: 8443}\nconsole: {address: 127.0.0.1, port: 8080}\n";
  if (auto done = files.replace(args.folder + "/.gitignore", "state/\n"); !done) return fail(done.error());
  // licet.yaml lies beside the stack folder's documents; the loader knows the name and leaves it out.
  if (auto done = write("licet.yaml", config); !done) return fail(done.error());
  fmt::print(
      "wrote {0}/stack.yaml and {0}/licet.yaml\n  next: licet check {0}\n  then: declare each vendor: an organization, its system, a flow, "
      "an agreement, a permit (examples/riverbend shows all)\n",
      args.folder);
  return kClean;
}

}  // namespace

void add_init(CLI::App& app, Run& run) {
  auto args = std::make_shared<InitArgs>();
  CLI::App* c = app.add_subcommand("init", "Scaffold a declaration that checks, after the questions that decide whether HIPAA applies");
  c->add_option("folder", args->folder, "a new or empty folder")->required();
  c->add_option("--name", args->name, "the organization's name");
  c->add_option("--id", args->id, "its id; made from the name, unless given");
  c->add_option("--function", args->function, "provider, plan, clearinghouse or vendor");
  c->add_option("--handles-phi", args->handles, "yes or no: does it create, receive, store or transmit PHI?");
  c->add_option("--for-covered-entity", args->for_entity, "yes or no: by or for a covered entity or its business associate?");
  c->add_option("--timezone", args->zone, "IANA time zone in which dates are read")->capture_default_str();
  c->add_option("--ehr", args->ehr, "the FHIR server's address")->capture_default_str();
  c->add_flag("-y,--yes", args->yes, "take the defaults, ask nothing");
  c->footer("  licet init my-clinic\n  licet init my-clinic --name \"Elm Street Clinic\" --yes");
  c->callback([args, &run] { run = [args] { return init(*args); }; });
}

}  // namespace licet::cli
