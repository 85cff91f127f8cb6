#include "cli/deid_data.h"

// CMakeLists.txt names the files as what this one is made from, and their folder on the assembler's path.
#define LICET_EMBED(symbol, file)                                                                                                \
  asm(".section .rodata\n.balign 16\n.global " #symbol "\n.global " #symbol "_end\n" #symbol ":\n.incbin \"" file "\"\n" #symbol \
      "_end:\n.byte 0\n.previous\n");                                                                                            \
  extern "C" const char symbol[], symbol##_end[]

LICET_EMBED(licet_deid_lexicon, LICET_DEID_MODELS "/lexicon.bin");
LICET_EMBED(licet_deid_en, LICET_DEID_MODELS "/en.bin");
LICET_EMBED(licet_deid_es, LICET_DEID_MODELS "/es.bin");

namespace licet::cli {

std::string_view deid_lexicon() {
  return {licet_deid_lexicon, licet_deid_lexicon_end};
}

std::string_view deid_model(std::string_view language) {
  if (language == "en") return {licet_deid_en, licet_deid_en_end};
  if (language == "es") return {licet_deid_es, licet_deid_es_end};
  return {};
}

}  // namespace licet::cli
