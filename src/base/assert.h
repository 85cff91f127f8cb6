// LICET_ASSERT(condition): for bugs, never for input. Stays on in release builds; prints the expression (never a value) and aborts.
#pragma once

#include <cstdio>
#include <cstdlib>

#define LICET_ASSERT(condition)                                                                      \
  do {                                                                                               \
    if (!(condition)) [[unlikely]] {                                                                 \
      std::fprintf(stderr, "licet: assertion failed: %s (%s:%d)\n", #condition, __FILE__, __LINE__); \
      std::abort();                                                                                  \
    }                                                                                                \
  } while (0)
