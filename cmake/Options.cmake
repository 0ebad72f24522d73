# sw_options carries the language standard, the warnings and the sanitizers; every target links it, nothing is set globally.
add_library(sw_options INTERFACE)
target_compile_features(sw_options INTERFACE cxx_std_23)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_program(SW_CCACHE ccache)
if(SW_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SW_CCACHE})
endif()

target_compile_options(sw_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wimplicit-fallthrough
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wuseless-cast -Wsuggest-override>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-warning-option>
  $<$<BOOL:${SW_WERROR}>:-Werror>)
target_include_directories(sw_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)

# Cheap checks of the standard library stay on in every build; with NDEBUG only assert() goes.
target_compile_definitions(sw_options INTERFACE _GLIBCXX_ASSERTIONS)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  # The oldest machine we run on; simdjson and xxHash choose wider code by themselves at run time.
  target_compile_options(sw_options INTERFACE -march=x86-64-v2)
endif()

if(SW_SANITIZE)
  # A finding of the undefined-behaviour sanitizer ends the program: a report nobody reads is no check.
  target_compile_options(sw_options INTERFACE -fsanitize=${SW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sw_options INTERFACE -fsanitize=${SW_SANITIZE})
endif()
if(SW_FUZZ)
  target_compile_options(sw_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(SW_MOLD mold)
if(SW_MOLD AND NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION)
  target_link_options(sw_options INTERFACE -fuse-ld=mold)
endif()

configure_file(${CMAKE_CURRENT_LIST_DIR}/version.h.in ${CMAKE_BINARY_DIR}/generated/version.h)

# What `stuffwatch schema NAME` prints, as C++; a changed schema configures again.
foreach(name event alert account)
  set(schema ${CMAKE_SOURCE_DIR}/daemon/commands/schemas/${name}.json)
  file(READ ${schema} SW_SCHEMA_${name})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schema})
endforeach()
configure_file(${CMAKE_SOURCE_DIR}/daemon/commands/schemas/texts.h.in ${CMAKE_BINARY_DIR}/generated/schema_texts.h @ONLY)

# sw_room(TARGET FOLDER LIBS public... PRIVATE private... [EXCEPT files...]): every .cc below FOLDER, and nothing to list by hand.
function(sw_room target folder)
  cmake_parse_arguments(ROOM "" "" "LIBS;PRIVATE;EXCEPT" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  foreach(file ${ROOM_EXCEPT})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${file})
  endforeach()
  if(NOT sources)
    file(WRITE ${CMAKE_BINARY_DIR}/generated/empty_room.cc "")
    set(sources ${CMAKE_BINARY_DIR}/generated/empty_room.cc)
  endif()
  add_library(${target} STATIC ${sources})
  target_link_libraries(${target} PUBLIC sw_options ${ROOM_LIBS} PRIVATE ${ROOM_PRIVATE})
endfunction()
