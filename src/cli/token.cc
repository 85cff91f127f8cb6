// licet token: exchange what a caller has (an access token, a client certificate) for a transaction token of the gate (RFC 8693).

#include <nlohmann/json.hpp>

#include "cli/terminal.h"
#include "cli/verbs.h"
#include "http/client.h"

namespace licet::cli {
namespace {

struct TokenArgs {
  std::string gate, access_token, route, purpose, ca, certificate, key, method = "GET", path, patient, reason;
};

std::string form_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~')
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Task<void> exchange(const TokenArgs& args, int& code) {
  http::UpstreamOptions options;
  options.url = args.gate;
  options.ca_file = args.ca;
  options.certificate_file = args.certificate;
  options.key_file = args.key;
  auto upstream = http::make_upstream(std::move(options));
  if (!upstream) {
    code = fail(upstream.error());
    co_return;
  }
  nlohmann::json details{{"route", args.route}, {"purpose", args.purpose}, {"method", args.method}};
  if (!args.path.empty()) details["path"] = args.path;
  if (!args.patient.empty()) details["patient"] = args.patient;
  if (!args.reason.empty()) details["reason"] = args.reason;
  std::string body = "grant_type=" + form_encode("urn:ietf:params:oauth:grant-type:token-exchange") +
                     "&requested_token_type=" + form_encode("urn:ietf:params:oauth:token-type:txn_token") +
                     "&request_details=" + form_encode(details.dump());
  if (!args.access_token.empty())
    body += "&subject_token=" + form_encode(args.access_token) +
            "&subject_token_type=" + form_encode("urn:ietf:params:oauth:token-type:access_token");
  http::Request request;
  request.method = "POST";
  request.target = "/token";
  request.headers.add("content-type", "application/x-www-form-urlencoded");
  auto answer = co_await (*upstream)->send(std::move(request), std::move(body));
  if (!answer) {
    code = fail(answer.error());
    co_return;
  }
  std::string text;
  for (;;) {
    auto piece = co_await (*answer)->body().read(64 * 1024);
    if (!piece || piece->reveal().empty()) break;
    text += piece->reveal();
  }
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  if ((*answer)->head().status != 200 || !parsed.is_object() || !parsed.contains("access_token")) {
    code = fail(parsed.is_object()
                    ? parsed.value("error_description", parsed.value("error", parsed.value("detail", "the gate issued no token")))
                    : "the gate issued no token");
    if (code == kFailed) code = kNo;
    co_return;
  }
  fmt::print("{}\n", parsed["access_token"].get<std::string>());
  code = kClean;
}

}  // namespace

void add_token(CLI::App& app, Run& run) {
  auto args = std::make_shared<TokenArgs>();
  CLI::App* c = app.add_subcommand("token", "Get a transaction token: one use, one route, one purpose, at most a minute");
  c->add_option("--gate", args->gate, "the gate's address, such as https://127.0.0.1:8443")->required();
  c->add_option("--route", args->route, "the route it is for")->required();
  c->add_option("--purpose", args->purpose, "the purpose it is for, such as TREAT or BTG")->required();
  c->add_option("--access-token", args->access_token, "an access token of an issuer that the gate knows");
  c->add_option("--cert", args->certificate, "a client certificate (PEM), instead of an access token or beside it");
  c->add_option("--key", args->key, "its key (PEM)");
  c->add_option("--ca", args->ca, "whom to believe (PEM)");
  c->add_option("--method", args->method, "the method it is for")->capture_default_str();
  c->add_option("--path", args->path, "the path it is for");
  c->add_option("--patient", args->patient, "the patient it is about");
  c->add_option("--reason", args->reason, "for BTG (break the glass): why; it is recorded and reviewed");
  c->footer(
      "Use it once, in the header `Txn-Token`.\n\n"
      "  licet token --gate https://127.0.0.1:8443 --ca ca.crt --cert scribe.crt --key scribe.key --route fhir-front --purpose TREAT");
  c->callback([args, &run] {
    run = [args] {
      int code = kFailed;
      http::run([&]() -> Task<void> { return exchange(*args, code); });
      return code;
    };
  });
}

}  // namespace licet::cli
