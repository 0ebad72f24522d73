// A command line from its words to what is printed, inside the test's process.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/commands/command.h"

namespace stuffwatch::daemon {

struct Ran {
  int exit_code;
  std::string out, err;
};

inline Ran run(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv = {"stuffwatch"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int exit_code = run_command_line(static_cast<int>(argv.size()), argv.data());
  std::fflush(stdout);
  return {exit_code, testing::internal::GetCapturedStdout(),
          testing::internal::GetCapturedStderr()};
}

}  // namespace stuffwatch::daemon
