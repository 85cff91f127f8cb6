// crypto.h against published vectors: FIPS 180, RFC 4231, RFC 8032, RFC 7515, C2SP XAES-256-GCM, Wycheproof.
#include "crypto/crypto.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/internal/openssl.h"

namespace licet::crypto {
namespace {

using nlohmann::json;

std::string bytes_of(std::string_view hex_text) {
  auto out = unhex(hex_text);
  EXPECT_TRUE(out.has_value()) << hex_text;
  return out.value_or("");
}
template <std::size_t N>
std::array<std::byte, N> array_of(std::string_view hex_text) {
  const std::string bytes = bytes_of(hex_text);
  std::array<std::byte, N> out{};
  EXPECT_EQ(bytes.size(), N);
  std::copy_n(as_bytes(bytes).begin(), std::min(N, bytes.size()), out.begin());
  return out;
}
Secret repeated(std::byte value) {
  std::array<std::byte, 32> bytes;
  bytes.fill(value);
  return Secret(std::span<const std::byte, 32>(bytes));
}

// Hands out given bytes, so that a sealed box has a known nonce.
class Given final : public Random {
 public:
  explicit Given(std::string bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::byte> out) override {
    ASSERT_LE(out.size(), bytes_.size());
    std::copy_n(as_bytes(bytes_).begin(), out.size(), out.begin());
    bytes_.erase(0, out.size());
  }

 private:
  std::string bytes_;
};

TEST(Sha256, PublishedDigests) {
  const struct {
    std::string text, digest;
  } cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& c : cases) EXPECT_EQ(hex(sha256(c.text)), c.digest);
}

TEST(Sha256, PiecesGiveTheSameDigestAsTheWhole) {
  const std::string text(200, 'x');
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 sum;
    sum.update(std::string_view(text).substr(0, cut));
    Sha256 moved = std::move(sum);
    moved.update(std::string_view(text).substr(cut));
    EXPECT_EQ(moved.finish(), sha256(text));
  }
}

TEST(Hmac, Rfc4231) {
  const struct {
    std::string key, data, mac;
  } cases[] = {
      {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  for (int round = 0; round < 2; ++round)  // twice: the thread's context carries nothing over, not even to an empty key
    for (const auto& c : cases) EXPECT_EQ(hex(hmac_sha256(as_bytes(c.key), as_bytes(c.data))), c.mac);
}

TEST(Compare, ConstantTimeEquality) {
  EXPECT_TRUE(equal_constant_time(as_bytes(""), as_bytes("")));
  EXPECT_TRUE(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
}

TEST(Xaes, C2spVectors) {
  const std::string nonce = "ABCDEFGHIJKLMNOPQRSTUVWX";
  const struct {
    std::byte key;
    std::string aad, sealed;
  } cases[] = {
      {std::byte{1}, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},                       // the subkey's top bit is 0
      {std::byte{3}, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},  // and 1
  };
  for (const auto& c : cases) {
    Given random(nonce);
    const Secret key = repeated(c.key);
    const std::string box = seal(key, as_bytes("XAES-256-GCM"), as_bytes(c.aad), random);
    EXPECT_EQ(hex(as_bytes(box)), hex(as_bytes(nonce)) + c.sealed);
    const auto plain = open(key, as_bytes(box), as_bytes(c.aad));
    ASSERT_TRUE(plain.ok());
    EXPECT_EQ(*plain, "XAES-256-GCM");
  }
}

// C2SP's accumulated test: 10,000 random boxes in one digest (SHAKE-128 gives the inputs and takes the outputs).
TEST(Xaes, C2spAccumulated) {
  const auto shake = [](std::string_view in, std::size_t size) {
    const internal::MdContext context(EVP_MD_CTX_new());
    std::string out(size, '\0');
    EXPECT_EQ(EVP_DigestInit_ex(context.get(), EVP_shake128(), nullptr), 1);
    EXPECT_EQ(EVP_DigestUpdate(context.get(), in.data(), in.size()), 1);
    EXPECT_EQ(EVP_DigestFinalXOF(context.get(), reinterpret_cast<unsigned char*>(out.data()), size), 1);
    return out;
  };
  const std::string source = shake("", 10'000 * (32 + 24 + 2 + 2 * 255));
  std::size_t at = 0;
  const auto take = [&](std::size_t n) { return std::string_view(source).substr(std::exchange(at, at + n), n); };
  std::string sealed;
  for (int i = 0; i < 10'000; ++i) {
    const Secret key{as_bytes(take(32)).first<32>()};
    Given nonce{std::string(take(24))};
    const std::string_view plain = take(static_cast<unsigned char>(take(1)[0]));
    const std::string_view aad = take(static_cast<unsigned char>(take(1)[0]));
    sealed += seal(key, as_bytes(plain), as_bytes(aad), nonce).substr(24);
  }
  EXPECT_EQ(hex(as_bytes(shake(sealed, 32))), "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST(Xaes, AnyChangeIsRefused) {
  SeededRandom random(1);
  const Secret key = Secret::random(random), other = Secret::random(random);
  for (const std::string plain : {"", "x", "a somewhat longer text than one block"}) {
    const std::string box = seal(key, as_bytes(plain), as_bytes("context"), random);
    EXPECT_EQ(box.size(), plain.size() + 40);
    for (std::size_t bit = 0; bit < box.size() * 8; ++bit) {
      std::string changed = box;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
      const auto opened = open(key, as_bytes(changed), as_bytes("context"));
      ASSERT_FALSE(opened.ok()) << bit;
      EXPECT_EQ(opened.error().code, Code::permission_denied);
    }
    for (std::size_t size = 0; size < box.size(); ++size)
      EXPECT_FALSE(open(key, as_bytes(std::string_view(box).substr(0, size)), as_bytes("context")).ok());
    EXPECT_FALSE(open(key, as_bytes(box), as_bytes("contexT")).ok());
    EXPECT_FALSE(open(other, as_bytes(box), as_bytes("context")).ok());
    EXPECT_TRUE(open(key, as_bytes(box), as_bytes("context")).ok());
  }
  EXPECT_EQ(ERR_peek_error(), 0u);  // nothing is left for TLS to trip over
}

TEST(Secrets, AMovedSecretLeavesNothingBehind) {
  Secret a = repeated(std::byte{7});
  const Secret b = std::move(a);
  EXPECT_EQ(a.bytes()[0], std::byte{0});  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(b.bytes()[31], std::byte{7});
}

TEST(SystemRandomness, FillsAllOfALargeBuffer) {
  SystemRandom random;
  std::array<std::byte, 5000> bytes{};
  random.fill(bytes);
  EXPECT_LT(std::count(bytes.end() - 1000, bytes.end(), std::byte{0}), 100);
}

TEST(Ed25519, Rfc8032) {
  const struct {
    const char *seed, *key, *message, *signature;
  } cases[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
  };
  for (const auto& c : cases) {
    const auto key = Ed25519Key::from_seed(array_of<32>(c.seed));
    const std::string message = bytes_of(c.message);
    EXPECT_EQ(hex(key.public_key()), c.key);
    for (int again = 0; again < 3; ++again) EXPECT_EQ(hex(key.sign(as_bytes(message))), c.signature);
    EXPECT_EQ(key.seed(), array_of<32>(c.seed));
    EXPECT_TRUE(verify_ed25519(key.public_key(), as_bytes(message), array_of<64>(c.signature)));
    EXPECT_FALSE(verify_ed25519(key.public_key(), as_bytes(message + "x"), array_of<64>(c.signature)));
  }
}

TEST(P256, SignsWhatItsPublicKeyVerifies) {
  SeededRandom random(2);
  const P256Key key = P256Key::generate(random);
  const auto xy = key.public_xy();
  const auto pub = PublicKey::ec("P-256", base64url(std::span(xy).first(32)), base64url(std::span(xy).last(32)));
  ASSERT_TRUE(pub.ok());
  for (int i = 0; i < 40; ++i) {  // r or s starts with a zero byte about once in 128
    const std::string message = "message " + std::to_string(i);
    const Signature64 signature = key.sign(as_bytes(message));
    EXPECT_TRUE(key.verify(as_bytes(message), signature));
    EXPECT_TRUE(pub->verify(SignatureAlgorithm::es256, as_bytes(message), signature));
    EXPECT_FALSE(pub->verify(SignatureAlgorithm::es256, as_bytes(message + "."), signature));
    EXPECT_FALSE(pub->verify(SignatureAlgorithm::es256, as_bytes(message), std::span(signature).first(63)));
    EXPECT_FALSE(pub->verify(SignatureAlgorithm::es384, as_bytes(message), signature));
    EXPECT_FALSE(pub->verify(SignatureAlgorithm::rs256, as_bytes(message), signature));
  }
  const auto again = P256Key::from_private(key.scalar());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->public_xy(), xy);
}

TEST(P256, ScalarsOutsideTheGroupAreRefused) {
  const char* const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  EXPECT_FALSE(P256Key::from_private(array_of<32>(std::string(64, '0'))).ok());
  EXPECT_FALSE(P256Key::from_private(array_of<32>(order)).ok());
  EXPECT_FALSE(P256Key::from_private(array_of<32>(std::string(64, 'f'))).ok());
  const auto most = P256Key::from_private(array_of<32>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"));
  ASSERT_TRUE(most.ok());  // n−1: the generator's x, its y negated
  const auto most_xy = most->public_xy();
  EXPECT_EQ(hex(as_bytes(std::string_view(reinterpret_cast<const char*>(most_xy.data()), 32))),
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
}

// RFC 7515 A.3: a signature made by somebody else.
TEST(PublicKeys, Rfc7515Es256) {
  const auto key = PublicKey::ec("P-256", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
  ASSERT_TRUE(key.ok());
  const auto signature = unbase64url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
  const std::string_view input =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  EXPECT_TRUE(key->verify(SignatureAlgorithm::es256, as_bytes(input), as_bytes(*signature)));
}

TEST(PublicKeys, MalformedOnesAreRefused) {
  const std::string x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
  const auto refused = [](Result<PublicKey> key) { return !key && key.error().code == Code::invalid_argument; };
  EXPECT_TRUE(refused(PublicKey::ec("P-521", x, y)));
  EXPECT_TRUE(refused(PublicKey::ec("P-384", x, y)));
  EXPECT_TRUE(refused(PublicKey::ec("P-256", x, x)));  // off the curve
  EXPECT_TRUE(refused(PublicKey::ec("P-256", x, y + "=")));
  EXPECT_TRUE(refused(PublicKey::ec("P-256", "", "")));
  EXPECT_TRUE(refused(PublicKey::ed25519(x + "AA")));
  const auto n = [](std::size_t bytes, char first, char last) {
    std::string modulus(bytes, '\x5a');
    modulus.front() = first;
    modulus.back() = last;
    return base64url(as_bytes(modulus));
  };
  EXPECT_TRUE(PublicKey::rsa(n(256, '\x80', '\x01'), "AQAB").ok());
  EXPECT_TRUE(refused(PublicKey::rsa(n(256, '\x7f', '\x01'), "AQAB")));  // 2047 bits
  EXPECT_TRUE(refused(PublicKey::rsa(n(1025, '\x80', '\x01'), "AQAB")));
  EXPECT_TRUE(refused(PublicKey::rsa(n(256, '\x80', '\x02'), "AQAB")));  // even
  EXPECT_TRUE(refused(PublicKey::rsa(n(257, '\x00', '\x01'), "AQAB")));  // leading zero
  EXPECT_TRUE(refused(PublicKey::rsa(n(256, '\x80', '\x01'), "AQ")));    // e = 1
  EXPECT_TRUE(refused(PublicKey::rsa(n(256, '\x80', '\x01'), "")));
  EXPECT_FALSE(PublicKey().verify(SignatureAlgorithm::es256, {}, {}));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Algorithms, TheListIsClosed) {
  for (const auto alg : {"ES256", "ES384", "RS256", "RS384", "PS256", "EdDSA"}) {
    const auto found = algorithm_of(alg);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(name(*found), alg);
  }
  for (const auto alg : {"none", "None", "HS256", "RS512", "ES512", "es256", "PS384", "", "ES256K"}) EXPECT_FALSE(algorithm_of(alg)) << alg;
}

// Wycheproof. Reports each disagreement by file and test id.
class Wycheproof : public testing::TestWithParam<const char*> {
 protected:
  static std::optional<json> load(std::string_view file) {
    std::ifstream in(std::string(LICET_SOURCE_DIR "/../shared/data/vectors/jose/").append(file));
    if (!in) return std::nullopt;
    return json::parse(in);
  }
  static std::string text(const json& object, const char* key) { return object.value(key, std::string()); }
};

TEST_P(Wycheproof, Signatures) {
  const auto file = load(GetParam());
  if (!file) GTEST_SKIP() << "no ../shared/data/vectors/jose/" << GetParam();
  const std::string_view name_of_file = GetParam();
  const auto algorithm = name_of_file.starts_with("ecdsa_secp256r1")   ? SignatureAlgorithm::es256
                         : name_of_file.starts_with("ecdsa_secp384r1") ? SignatureAlgorithm::es384
                         : name_of_file.starts_with("ed25519")         ? SignatureAlgorithm::eddsa
                         : name_of_file.starts_with("rsa_pss")         ? SignatureAlgorithm::ps256
                         : name_of_file.ends_with("sha384_test.json")  ? SignatureAlgorithm::rs384
                                                                       : SignatureAlgorithm::rs256;
  std::size_t checked = 0, without_key = 0;
  for (const json& group : (*file)["testGroups"]) {
    if (group["publicKey"].is_null()) continue;  // a few vectors are about a key that can't be written down
    Result<PublicKey> key = Error{Code::not_found, "no JWK"};
    key.ignore();  // a placeholder until one of the kinds below makes it
    if (algorithm == SignatureAlgorithm::eddsa) {
      key = PublicKey::ed25519(base64url(as_bytes(bytes_of(text(group["publicKey"], "pk")))));
    } else if (group["publicKey"].contains("modulus")) {
      const auto minimal = [&](const char* field) {
        std::string bytes = bytes_of(text(group["publicKey"], field));
        bytes.erase(0, bytes.find_first_not_of('\0'));
        return base64url(as_bytes(bytes));
      };
      key = PublicKey::rsa(minimal("modulus"), minimal("publicExponent"));
    } else {
      const std::string point = bytes_of(text(group["publicKey"], "uncompressed"));
      const std::size_t width = (point.size() - 1) / 2;
      key = PublicKey::ec(width == 32 ? "P-256" : "P-384", base64url(as_bytes(point.substr(1, width))),
                          base64url(as_bytes(point.substr(1 + width))));
    }
    for (const json& test : group["tests"]) {
      if (!key) {
        without_key += test["result"] == "valid";
        continue;
      }
      ++checked;
      const std::string message = bytes_of(text(test, "msg")), signature = bytes_of(text(test, "sig"));
      const bool valid = key->verify(algorithm, as_bytes(message), as_bytes(signature));
      if (test["result"] == "valid") EXPECT_TRUE(valid) << name_of_file << " " << test["tcId"] << " " << test["comment"];
      if (test["result"] == "invalid") EXPECT_FALSE(valid) << name_of_file << " " << test["tcId"] << " " << test["comment"];
    }
  }
  EXPECT_GT(checked, 100u);
  EXPECT_EQ(without_key, 0u);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Files, Wycheproof,
                         testing::Values("ecdsa_secp256r1_sha256_p1363_test.json", "ecdsa_secp384r1_sha384_p1363_test.json",
                                         "ed25519_test.json", "rsa_signature_2048_sha256_test.json", "rsa_signature_2048_sha384_test.json",
                                         "rsa_pss_2048_sha256_mgf1_32_test.json"));

TEST_F(Wycheproof, HmacSha256) {
  const auto file = load("hmac_sha256_test.json");
  if (!file) GTEST_SKIP() << "no ../shared/data/vectors/jose/hmac_sha256_test.json";
  for (const json& group : (*file)["testGroups"])
    for (const json& test : group["tests"]) {
      const std::string tag = bytes_of(text(test, "tag"));
      const Digest mac = hmac_sha256(as_bytes(bytes_of(text(test, "key"))), as_bytes(bytes_of(text(test, "msg"))));
      EXPECT_EQ(equal_constant_time(std::span(mac).first(tag.size()), as_bytes(tag)), test["result"] == "valid") << test["tcId"];
    }
}

}  // namespace
}  // namespace licet::crypto
