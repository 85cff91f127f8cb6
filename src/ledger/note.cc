#include "ledger/note.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace licet::ledger {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // em dash, space
constexpr std::size_t kSignatureLines = 100;
constexpr char kEd25519 = 0x01;  // signature type of signed-note

Error bad(std::string what) { return {Code::invalid_argument, std::move(what)}; }

bool good_name(std::string_view name) {
  return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '+' || c == 0x7f; });
}

}  // namespace

std::array<std::byte, 4> key_id(std::string_view name, const crypto::Ed25519Public& key) {
  std::string text(name);
  text += '\n';
  text += kEd25519;
  text += as_text(key);
  const Digest digest = crypto::sha256(text);
  std::array<std::byte, 4> id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

std::string vkey(const Verifier& verifier) {
  std::string key(1, kEd25519);
  key += as_text(verifier.key);
  return verifier.name + "+" + hex(key_id(verifier.name, verifier.key)) + "+" + base64(as_bytes(key));
}

Result<Verifier> parse_vkey(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return bad("a verifier key has three parts, name+id+key");
  Verifier verifier;
  verifier.name = text.substr(0, first);
  if (!good_name(verifier.name)) return bad("the verifier key's name is empty or has spaces");
  const auto key = unbase64(text.substr(second + 1));
  if (!key || key->size() != 33 || key->front() != kEd25519) return bad("the verifier key isn't an Ed25519 key in base64");
  std::memcpy(verifier.key.data(), key->data() + 1, verifier.key.size());
  if (text.substr(first + 1, second - first - 1) != hex(key_id(verifier.name, verifier.key))) return bad("the verifier key's id isn't that of its name and key");
  return verifier;
}

std::string sign_note(std::string_view text, std::string_view name, const crypto::Ed25519Key& key) {
  const auto id = key_id(name, key.public_key());
  std::string signature(as_text(id));
  signature += as_text(key.sign(as_bytes(text)));
  std::string note(text);
  note += '\n';
  note += kDash;
  note += name;
  note += ' ';
  note += base64(as_bytes(signature));
  note += '\n';
  return note;
}

Result<std::string> open_note(std::string_view note, const Verifier& verifier) {
  for (const char c : note)
    if (static_cast<unsigned char>(c) < ' ' && c != '\n') return bad("a note has no control characters");
  // Text and signatures split at the last empty line.
  const std::size_t cut = note.rfind("\n\n");
  if (cut == std::string_view::npos) return bad("the note has no signatures");
  const std::string_view text = note.substr(0, cut + 1);
  std::string_view lines = note.substr(cut + 2);
  if (lines.empty() || lines.back() != '\n') return bad("the note doesn't end with a line");
  const auto id = key_id(verifier.name, verifier.key);
  bool signed_by_it = false;
  for (std::size_t count = 0; !lines.empty(); ++count) {
    if (count == kSignatureLines) return bad("the note has too many signatures");
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    if (!line.starts_with(kDash)) return bad("a signature line begins with an em dash");
    const std::size_t space = line.find(' ', kDash.size());
    if (space == std::string_view::npos) return bad("a signature line has a name and a signature");
    const std::string_view name = line.substr(kDash.size(), space - kDash.size());
    const auto signature = unbase64(line.substr(space + 1));
    if (!good_name(name) || !signature || signature->size() < 5) return bad("a signature line is malformed");
    if (name != verifier.name || signature->substr(0, 4) != as_text(id)) continue;
    crypto::Signature64 bytes;
    if (signature->size() != 4 + bytes.size()) return Error{Code::permission_denied, "the note's signature has another length"};
    std::memcpy(bytes.data(), signature->data() + 4, bytes.size());
    if (!crypto::verify_ed25519(verifier.key, as_bytes(text), bytes)) return Error{Code::permission_denied, "the note's signature is wrong"};
    signed_by_it = true;
  }
  if (!signed_by_it) return Error{Code::permission_denied, "the note isn't signed by " + verifier.name};
  return std::string(text);
}

Result<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || (text.size() > 1 && text.front() == '0')) return bad("not a decimal number");
  return value;
}

Result<Digest> parse_hash(std::string_view text) {
  const auto bytes = unbase64(text);
  Digest digest;
  if (!bytes || bytes->size() != digest.size()) return bad("not a SHA-256 hash in base64");
  std::memcpy(digest.data(), bytes->data(), digest.size());
  return digest;
}

std::string checkpoint_text(std::string_view origin, std::uint64_t size, const Digest& root) {
  return std::string(origin) + "\n" + std::to_string(size) + "\n" + base64(root) + "\n";
}

Result<Checkpoint> open_checkpoint(std::string_view note, const Verifier& verifier) {
  LICET_TRY(text, open_note(note, verifier));
  std::array<std::string_view, 3> lines;
  std::string_view rest = text;
  for (auto& line : lines) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return bad("a checkpoint has three lines");
    line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
  }
  Checkpoint checkpoint;
  checkpoint.origin = lines[0];
  if (checkpoint.origin != verifier.name) return Error{Code::permission_denied, "the checkpoint is of another log"};
  LICET_TRY(size, parse_decimal(lines[1]));
  checkpoint.size = size;
  LICET_TRY(root, parse_hash(lines[2]));
  checkpoint.root = root;
  return checkpoint;  // extension lines, if any, are signed and of no interest
}

}  // namespace licet::ledger
