// The fuzz target over seeds and a few thousand mutations of them, in every test run: its properties hold, and it still compiles.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../fuzz/fuzz_jws.cc"

namespace {

TEST(FuzzJws, seeds_and_mutations) {
  std::vector<std::string> seeds = {
      "eyJhbGciOiJFUzI1NiJ9.e30." + std::string(86, 'A'),
      R"({"sub":"PLANTED-PHI","n":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00é"],"o":{"a":{}}})",
      R"({"keys":[{"kty":"RSA","n":"PLANTED-PHI","e":"AQAB"},{"kty":"EC","crv":"P-256","kid":"k","x":"AA","y":"AA","use":"sig"}]})",
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&requested_token_type=urn:ietf:params:oauth:token-type:txn_token"
      "&scope=PLANTED-PHI+TREAT&request_details=%7B%22patient%22:%22PLANTED-PHI%22%7D",
      R"({"iat":1795600000,"exp":1795600060,"aud":"g","txn":"t","sub":"s","req_wl":"s","scope":"r TREAT",)"
      R"("tctx":{"mfa":false,"kind":"system","node":"n","route":"r","purpose":"TREAT","licensee":"s"}})",
  };
  SeededRandom random(20261125);
  for (const std::string& seed : seeds) {
    for (int round = 0; round < 600; ++round) {
      std::string input = seed;
      for (std::uint64_t change = random.next() % 4; change > 0 && !input.empty(); --change) {
        const std::size_t at = random.next() % input.size();
        switch (random.next() % 4) {
          case 0:
            input[at] = static_cast<char>(random.next());
            break;
          case 1:
            input.erase(at, random.next() % 8);
            break;
          case 2:
            input.insert(at, input.substr(random.next() % input.size(), random.next() % 16));
            break;
          default:
            input[at] = "\"\\{}[],:.=&%+-0"[random.next() % 15];
            break;
        }
      }
      for (unsigned char reader = 0; reader < 6; ++reader) {
        const std::string whole = std::string(1, static_cast<char>(reader)) + input;
        EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(whole.data()), whole.size()), 0);
      }
    }
  }
}

}  // namespace
