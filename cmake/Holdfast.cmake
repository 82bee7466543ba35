# Options and the functions every folder uses: holdfast_library, holdfast_test, holdfast_command_test.
include(GNUInstallDirs)

option(HOLDFAST_TESTS "Build the tests" ON)
option(HOLDFAST_BENCH "Build the benchmarks" OFF)
option(HOLDFAST_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(HOLDFAST_DEBUG "Debug checks and schedule points" OFF)
option(HOLDFAST_UNITY "Compile the sources of a library or a test together, eight at a time" OFF)
option(HOLDFAST_DIAGNOSE "Compile for the diagnostics alone: no optimisation, no debug information" OFF)
set(HOLDFAST_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")
set(HOLDFAST_PRESET "" CACHE STRING "Prefix of the test names, and what their PRESETS is compared with")
set(HOLDFAST_TEST_TIMEOUT 600 CACHE STRING "Seconds a test may take if it does not say otherwise")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(HOLDFAST_DIAGNOSE)
  set(CMAKE_CXX_FLAGS_DEBUG "-O0")
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-Og -g1")  # the quickest to compile of all levels, with sanitizers by far
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

# Paths below the source folder are hashed relative to it, so that clones share what was compiled.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CCACHE}")
endif()

# Hundreds of test programs, each with the whole library: it links one in a third of the processor's time.
if(HOLDFAST_DEBUG AND NOT CMAKE_CROSSCOMPILING)
  find_program(LLD ld.lld)
  if(LLD)
    add_link_options(-fuse-ld=lld)
  endif()
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
if(HOLDFAST_FUZZ)
  target_compile_options(holdfast_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(holdfast_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# holdfast_unite(RESULT NAME source...): with HOLDFAST_UNITY, files that include eight of the sources each,
# else the sources. CMake's own unity builds name them by absolute paths, so that no clone finds in ccache
# what another one compiled.
function(holdfast_unite result name)
  set(paths)
  foreach(source IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH source)
    list(APPEND paths ${source})
  endforeach()
  set(files ${paths})
  if(HOLDFAST_UNITY)
    set(files)
    while(paths)
      list(LENGTH files number)
      list(SUBLIST paths 0 8 batch)
      list(REMOVE_ITEM paths ${batch})
      if(batch MATCHES "^[^;]*$")
        list(APPEND files ${batch})
        break()
      endif()
      set(text)
      foreach(path IN LISTS batch)
        cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
        string(APPEND text "#include \"${path}\"\n")
      endforeach()
      set(file ${CMAKE_CURRENT_BINARY_DIR}/${name}_${number}.cpp)
      file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
      list(APPEND files ${file})
    endwhile()
  endif()
  set(${result} ${files} PARENT_SCOPE)
endfunction()

# holdfast_library(NAME SOURCES a.cpp... [ALONE b.cpp...] DEPENDS layer... [LINK library...])
# One static library a layer. DEPENDS names layers above it (see docs/architecture.md). ALONE: sources that
# cannot be compiled together with others.
function(holdfast_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;ALONE;DEPENDS;LINK" ${ARGN})
  holdfast_unite(sources ${name} ${ARG_SOURCES})
  add_library(holdfast_${name} STATIC ${sources} ${ARG_ALONE})
  add_library(holdfast::${name} ALIAS holdfast_${name})
  target_include_directories(holdfast_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  list(TRANSFORM ARG_DEPENDS PREPEND holdfast_)
  target_link_libraries(holdfast_${name} PUBLIC ${ARG_DEPENDS} ${ARG_LINK}
    PRIVATE $<BUILD_INTERFACE:holdfast_options>)
  target_compile_features(holdfast_${name} PUBLIC cxx_std_23)
  if(HOLDFAST_DEBUG)
    target_compile_definitions(holdfast_${name} PUBLIC HOLDFAST_DEBUG=1)
  endif()
  set_target_properties(holdfast_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY HOLDFAST_LIBRARIES holdfast_${name})
  set_property(GLOBAL APPEND PROPERTY HOLDFAST_LINK ${ARG_LINK})
endfunction()

# holdfast_command_test(NAME x_test COMMAND program argument... PRESETS preset... [LABELS label...]
#                       [PROCESSORS n] [TIMEOUT seconds] [SERIAL])
# A test that is a command: a script, a boot, a compilation that must fail. It is registered in the
# build trees of the presets it names (and in one made without a preset) as PRESET.NAME, so that the
# trees' tests can be run as one suite. PROCESSORS: how many threads it keeps busy.
function(holdfast_command_test)
  cmake_parse_arguments(ARG "SERIAL" "NAME;TIMEOUT;PROCESSORS" "COMMAND;LABELS;PRESETS" ${ARGN})
  if(HOLDFAST_PRESET)
    if(NOT HOLDFAST_PRESET IN_LIST ARG_PRESETS)
      return()
    endif()
    set(ARG_NAME "${HOLDFAST_PRESET}.${ARG_NAME}")
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT ${HOLDFAST_TEST_TIMEOUT})
  endif()
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_COMMAND})
  set_tests_properties(${ARG_NAME} PROPERTIES
    LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ARG_PROCESSORS} RUN_SERIAL ${ARG_SERIAL}
    ENVIRONMENT "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")
endfunction()

# holdfast_test(NAME x_test SOURCES x_test.cpp... [ALONE y_test.cpp...] DEPENDS layer... [LINK library...] [ARGS argument...]
#               [LABELS label...] [PRESETS preset...] [PROCESSORS n] [TIMEOUT seconds] [SERIAL] [ONE_THREAD])
# One GoogleTest program, run whole by ctest; by default in dev, asan and tsan. ONE_THREAD: not in tsan,
# which would have nothing to watch, but in arm64, whose processor is emulated. A tree that would not run it does not build it, but clang, which
# runs nothing, builds everything.
function(holdfast_test)
  cmake_parse_arguments(ARG "SERIAL;ONE_THREAD" "NAME;TIMEOUT;PROCESSORS"
    "SOURCES;ALONE;DEPENDS;LINK;LABELS;ARGS;PRESETS" ${ARGN})
  if(NOT ARG_PRESETS)
    set(ARG_PRESETS dev asan tsan)
  endif()
  if(ARG_ONE_THREAD)
    list(REMOVE_ITEM ARG_PRESETS tsan)
    list(APPEND ARG_PRESETS arm64)
  endif()
  if(HOLDFAST_PRESET AND NOT HOLDFAST_PRESET IN_LIST ARG_PRESETS AND NOT HOLDFAST_DIAGNOSE)
    return()
  endif()
  if(CMAKE_CROSSCOMPILING)
    list(APPEND ARG_ARGS --gtest_filter=-*DeathTest.*)  # an emulated program cannot start itself again
  endif()
  holdfast_unite(sources ${ARG_NAME} ${ARG_SOURCES})
  add_executable(${ARG_NAME} ${sources} ${ARG_ALONE})
  list(TRANSFORM ARG_DEPENDS PREPEND holdfast_)
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPENDS} ${ARG_LINK} GTest::gtest GTest::gtest_main
    holdfast_options)
  target_include_directories(${ARG_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  set(serial)
  if(ARG_SERIAL)
    set(serial SERIAL)
  endif()
  holdfast_command_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} ${ARG_ARGS} LABELS ${ARG_LABELS}
    PRESETS ${ARG_PRESETS} TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ARG_PROCESSORS} ${serial})
endfunction()

# holdfast_compile_fail_test(NAME x SOURCE x.cpp EXPECTED regex [CASE case] [PRESETS preset...])
# Code that must not compile, and the message that says why; see tests/tools/compile_fail_test.py. A
# source with several wrong pieces marks each by a macro of its own, CASE_case.
function(holdfast_compile_fail_test)
  cmake_parse_arguments(ARG "" "NAME;SOURCE;EXPECTED;CASE" "PRESETS" ${ARGN})
  if(NOT ARG_PRESETS)
    set(ARG_PRESETS dev)
  endif()
  set(macro MUST_NOT_COMPILE)
  if(ARG_CASE)
    set(macro CASE_${ARG_CASE})
  endif()
  get_target_property(flags holdfast_options INTERFACE_COMPILE_OPTIONS)
  holdfast_command_test(NAME ${ARG_NAME} PRESETS ${ARG_PRESETS} LABELS compile_fail
    COMMAND python3 ${PROJECT_SOURCE_DIR}/tests/tools/compile_fail_test.py
            ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE} ${macro} ${ARG_EXPECTED} ${CMAKE_CXX_COMPILER} ${flags}
            -I${PROJECT_SOURCE_DIR} -DHOLDFAST_DEBUG=1)
endfunction()
