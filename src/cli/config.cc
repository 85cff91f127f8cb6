#include "cli/config.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "stack/yaml.h"
#include "store/file.h"

namespace licet::cli {
namespace {

using stack::yaml::Node;
namespace fs = std::filesystem;

struct Reader {
  std::string file;
  fs::path base;
  std::string problem;

  void fail(const stack::Place& p, std::string_view what) {
    if (problem.empty()) problem = fmt::format("{}:{}:{}: {}", file, p.line, p.column, what);
  }
  // One table drives parsing: each key of a map has its reader.
  using Fields = std::map<std::string, std::function<void(const Node&)>, std::less<>>;
  void map(const Node& node, const Fields& fields) {
    if (node.type != stack::Value::Type::map) return fail(node.place, "a map of keys is expected here");
    for (const auto& m : node.members) {
      const auto it = fields.find(m.key);
      if (it == fields.end()) {
        std::string known;
        for (const auto& [name, reader] : fields) known += (known.empty() ? "" : ", ") + name;
        fail(m.place, fmt::format("unknown key '{}'; known are {}", m.key, known));
      } else {
        it->second(m.value);
      }
    }
  }
  std::function<void(const Node&)> text(std::string& out) {
    return [this, &out](const Node& n) {
      n.type == stack::Value::Type::scalar ? (void)(out = n.text) : fail(n.place, "one value is expected here");
    };
  }
  std::function<void(const Node&)> path(std::string& out) {
    return [this, &out](const Node& n) {
      n.type == stack::Value::Type::scalar ? (void)(out = absolute(n.text)) : fail(n.place, "a path is expected here");
    };
  }
  std::function<void(const Node&)> paths(std::vector<std::string>& out) {
    return [this, &out](const Node& n) {
      if (n.type == stack::Value::Type::scalar) out.push_back(absolute(n.text));
      for (const Node& item : n.items) out.push_back(absolute(item.text));
    };
  }
  template <class N>
  std::function<void(const Node&)> number(N& out, std::uint64_t most) {
    return [this, &out, most](const Node& n) {
      char* end = nullptr;
      const unsigned long long v = std::strtoull(n.text.c_str(), &end, 10);
      if (n.text.empty() || *end != '\0' || v > most) return fail(n.place, fmt::format("a whole number up to {} is expected here", most));
      out = static_cast<N>(v);
    };
  }
  std::string absolute(const std::string& p) const {
    return p.empty() || fs::path(p).is_absolute() ? p : (base / p).lexically_normal().string();
  }

  Fields listen(Listen& l) {
    return {{"address", text(l.address)},
            {"port", number(l.port, 65535)},
            {"certificate", path(l.certificate)},
            {"key", path(l.key)},
            {"client-ca", paths(l.client_ca)}};
  }
};

}  // namespace

Result<Config> read_config(const std::string& path) {
  auto bytes = store::real_files().read_all(path, 1024 * 1024);
  if (!bytes) return Error{bytes.error().code, path + ": " + bytes.error().message};
  const stack::yaml::Parsed parsed = stack::yaml::parse(*bytes);
  if (!parsed.faults.empty())
    return Error{Code::invalid_argument,
                 fmt::format("{}:{}:{}: {}", path, parsed.faults[0].place.line, parsed.faults[0].place.column, parsed.faults[0].message)};
  if (parsed.documents.size() != 1) return Error{Code::invalid_argument, path + ": exactly one YAML document is expected"};
  Config c;
  c.file = path;
  Reader r{path, fs::absolute(path).parent_path(), {}};
  c.stack = r.base.string();
  c.packs = default_packs();
  c.state = r.absolute("state");
  const auto list = [&](const Node& n, const std::function<void(const Node&)>& each) {
    if (n.type != stack::Value::Type::list) return r.fail(n.place, "a list is expected here");
    for (const Node& item : n.items) each(item);
  };
  std::uint64_t memory_mib = 0;
  r.map(parsed.documents[0],
        {{"stack", r.path(c.stack)},
         {"packs", r.path(c.packs)},
         {"state", r.path(c.state)},
         {"node", r.text(c.node)},
         {"kek", r.path(c.kek)},
         {"audience", r.text(c.audience)},
         {"threads", r.number(c.threads, 1024)},
         {"clock-file", r.path(c.clock_file)},
         {"gate", [&](const Node& n) { r.map(n, r.listen(c.gate)); }},
         {"console",
          [&](const Node& n) {
            Reader::Fields fields = r.listen(c.console);
            ConsoleConfig& more = c.console_more;
            fields.emplace("url", r.text(more.url));
            fields.emplace("oidc", [&](const Node& o) {
              r.map(o, {{"issuer", r.text(more.oidc_issuer)},
                        {"client", r.text(more.oidc_client)},
                        {"secret", r.path(more.oidc_secret)},
                        {"name", r.text(more.oidc_name)},
                        {"ca", r.path(more.oidc_ca)},
                        {"second-factor", r.text(more.oidc_factor)}});
              if (more.oidc_issuer.empty() || more.oidc_client.empty()) r.fail(o.place, "issuer and client are needed");
              if (more.oidc_factor != "required" && more.oidc_factor != "trusted") r.fail(o.place, "second-factor is required or trusted");
            });
            r.map(n, fields);
          }},
         {"issuers",
          [&](const Node& n) {
            list(n, [&](const Node& item) {
              IssuerConfig& i = c.issuers.emplace_back();
              r.map(item, {{"issuer", r.text(i.issuer)}, {"says", r.text(i.says)}, {"jwks", r.text(i.jwks)}, {"ca", r.path(i.ca)}});
              if (i.says.empty()) i.says = i.issuer;
            });
          }},
         {"routes",
          [&](const Node& n) {
            if (n.type != stack::Value::Type::map) return r.fail(n.place, "a map of route ids is expected here");
            for (const auto& m : n.members) {
              RouteConfig& route = c.routes[m.key];
              r.map(m.value, {{"forwards", r.text(route.forwards)},
                              {"says", r.text(route.says)},
                              {"ca", r.path(route.ca)},
                              {"certificate", r.path(route.certificate)},
                              {"key", r.path(route.key)},
                              {"api-key", r.path(route.api_key)},
                              {"language", r.text(route.language)}});
            }
          }},
         {"notify",
          [&](const Node& n) {
            r.map(n, {{"url", r.text(c.notify.url)},
                      {"ca", r.path(c.notify.ca)},
                      {"secret", r.path(c.notify.secret)},
                      {"mail", r.text(c.notify.mail)},
                      {"from", r.text(c.notify.from)},
                      {"relay", r.text(c.notify.relay)}});
          }},
         {"limits", [&](const Node& n) {
            r.map(n, {{"memory-mib", r.number(memory_mib, 1 << 20)},
                      {"connections", r.number(c.limits.connections, 1'000'000)},
                      {"request-body-bytes", r.number(c.limits.request_body_bytes, std::uint64_t{1} << 32)},
                      {"resource-bytes", r.number(c.limits.resource_bytes, std::uint64_t{1} << 32)},
                      {"segment-bytes", r.number(c.limits.segment_bytes, std::uint64_t{1} << 32)}});
          }}});
  if (!r.problem.empty()) return Error{Code::invalid_argument, r.problem};
  if (memory_mib > 0) c.limits.memory_bytes = memory_mib * 1024 * 1024;
  if (c.kek.empty()) c.kek = c.state + "/keys/kek";
  return c;
}

std::string print(const Config& c) {
  std::string out = fmt::format("stack: {}\npacks: {}\nstate: {}\nnode: {}\nkek: {}   # the file is never printed\n", c.stack, c.packs,
                                c.state, c.node, c.kek);
  const auto listen = [&](std::string_view name, const Listen& l) {
    out += fmt::format("{}: {{address: {}, port: {}, certificate: {}, key: {}}}\n", name, l.address, l.port, l.certificate, l.key);
  };
  listen("gate", c.gate);
  listen("console", c.console);
  if (!c.console_more.oidc_issuer.empty())
    out += fmt::format("# console.oidc: {} as {}, second factor {}   # the secret's file is never printed\n", c.console_more.oidc_issuer,
                       c.console_more.oidc_client, c.console_more.oidc_factor);
  for (const auto& [id, route] : c.routes) out += fmt::format("# route {}: forwards {}\n", id, route.forwards);
  if (!c.notify.url.empty())
    out +=
        fmt::format("notify: {{url: {}, ca: {}, secret: {}}}   # the file is never printed\n", c.notify.url, c.notify.ca, c.notify.secret);
  if (!c.notify.mail.empty()) out += fmt::format("# notify by mail: {} by {}\n", c.notify.mail, c.notify.relay);
  for (const IssuerConfig& i : c.issuers) out += fmt::format("# issuer {}: keys from {}\n", i.issuer, i.jwks);
  out += fmt::format("limits: {{memory-mib: {}, connections: {}, request-body-bytes: {}, resource-bytes: {}, segment-bytes: {}}}\n",
                     c.limits.memory_bytes >> 20, c.limits.connections, c.limits.request_body_bytes, c.limits.resource_bytes,
                     c.limits.segment_bytes);
  return out;
}

std::string default_packs() {
  if (const char* set = std::getenv("LICET_PACKS")) return set;
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  for (fs::path up = self.parent_path(); !up.empty() && up != up.root_path(); up = up.parent_path())
    if (fs::exists(up / "packs" / "classes", error)) return (up / "packs").string();
  return "/usr/share/licet/packs";
}

}  // namespace licet::cli
