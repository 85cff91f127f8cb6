# Warnings, hardening, sanitizers: one interface library that every room links.
add_library(licet_flags INTERFACE)
target_include_directories(licet_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(licet_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wswitch -Wnon-virtual-dtor -Wno-sign-conversion
  -fstack-protector-strong -fno-omit-frame-pointer -fPIE)
target_compile_definitions(licet_flags INTERFACE _GLIBCXX_ASSERTIONS
  ASIO_STANDALONE ASIO_HAS_CO_AWAIT ASIO_HAS_STD_COROUTINE ASIO_NO_DEPRECATED)
target_link_options(licet_flags INTERFACE -fuse-ld=mold -pie -Wl,-z,relro,-z,now)

option(LICET_WERROR "warnings are errors" OFF)
if(LICET_WERROR)
  target_compile_options(licet_flags INTERFACE -Werror)
endif()

# LICET_ASSERT stays on in every build; only -D_FORTIFY_SOURCE needs optimization.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_options(licet_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
else()
  target_compile_definitions(licet_flags INTERFACE LICET_CHECK_RESULTS=1)
endif()

set(LICET_SANITIZE "" CACHE STRING "address,undefined | thread | empty")
if(LICET_SANITIZE)
  target_compile_options(licet_flags INTERFACE -fsanitize=${LICET_SANITIZE} -fno-sanitize-recover=undefined)
  target_link_options(licet_flags INTERFACE -fsanitize=${LICET_SANITIZE})
endif()
option(LICET_FUZZ "build the fuzzers" OFF)
if(LICET_FUZZ)
  target_compile_options(licet_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
