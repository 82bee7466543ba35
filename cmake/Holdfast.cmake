# Options and the two functions every folder uses: holdfast_library and holdfast_test.
include(GNUInstallDirs)

option(HOLDFAST_TESTS "Build the tests" ON)
option(HOLDFAST_BENCH "Build the benchmarks" OFF)
option(HOLDFAST_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(HOLDFAST_DEBUG "Debug checks and schedule points" OFF)
set(HOLDFAST_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)

# What every target of this repository is compiled with; users of the library inherit none of it
# but the two definitions that change what headers declare.
add_library(holdfast_options INTERFACE)
target_compile_options(holdfast_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # missing-designated-field-initializers: configuration structs rely on their defaults, which g++ accepts silently.
  target_compile_options(holdfast_options INTERFACE -Wthread-safety
    -Wno-missing-designated-field-initializers)
endif()
if(HOLDFAST_SANITIZE)
  target_compile_options(holdfast_options INTERFACE
    -fsanitize=${HOLDFAST_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(holdfast_options INTERFACE -fsanitize=${HOLDFAST_SANITIZE})
endif()

# holdfast_library(NAME SOURCES a.cpp... DEPENDS layer... [LINK library...])
# One static library a layer. DEPENDS names layers above it (see docs/architecture.md).
function(holdfast_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(holdfast_${name} STATIC ${ARG_SOURCES})
  add_library(holdfast::${name} ALIAS holdfast_${name})
  target_include_directories(holdfast_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  list(TRANSFORM ARG_DEPENDS PREPEND holdfast_)
  target_link_libraries(holdfast_${name} PUBLIC ${ARG_DEPENDS} ${ARG_LINK}
    PRIVATE $<BUILD_INTERFACE:holdfast_options>)
  if(HOLDFAST_DEBUG)
    target_compile_definitions(holdfast_${name} PUBLIC HOLDFAST_DEBUG=1)
  endif()
  set_target_properties(holdfast_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY HOLDFAST_LIBRARIES holdfast_${name})
endfunction()

# holdfast_test(NAME x_test SOURCES x_test.cpp... DEPENDS layer... [LINK library...] [LABELS label...])
# One GoogleTest program, run whole by ctest under its own name.
function(holdfast_test)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPENDS;LINK;LABELS;ARGS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPENDS PREPEND holdfast_)
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPENDS} ${ARG_LINK} GTest::gtest GTest::gtest_main
    holdfast_options)
  target_include_directories(${ARG_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} ${ARG_ARGS})
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 600)
endfunction()
