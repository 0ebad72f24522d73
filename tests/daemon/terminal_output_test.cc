#include "daemon/terminal_output.h"

#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace stuffwatch::daemon {
namespace {

using namespace std::chrono_literals;

// A pseudo-terminal; nobody reads what is written to it unless the test does.
class TerminalOutput : public testing::Test {
 public:
  TerminalOutput() {
    EXPECT_EQ(::openpty(&reader, &terminal, nullptr, nullptr, nullptr), 0);
    inherited = ::dup(terminal);
  }
  ~TerminalOutput() override {
    for (const int file : {reader, terminal, inherited}) ::close(file);
  }

 protected:
  std::string read_some() const {
    std::string bytes(65536, '\0');
    bytes.resize(static_cast<std::size_t>(::read(reader, bytes.data(), bytes.size())));
    return bytes;
  }

  int reader = -1, terminal = -1, inherited = -1;
};

TEST_F(TerminalOutput, StopsAtWhatATerminalThatHangsDoesNotTake) {
  never_wait_for(terminal);
  const std::string much(1 << 20, 'x');
  const auto taken = write_within(1ms, terminal, much);
  ASSERT_TRUE(taken);
  EXPECT_GT(*taken, 0U);
  EXPECT_LT(*taken, much.size());
  while (write_within(50ms, terminal, much) != 0U) {  // some of it moves on inside the terminal
  }
  EXPECT_EQ(::write(terminal, "y", 1), -1) << "nor does anybody else wait";
  while (!read_some().empty() && write_within(1ms, terminal, "z") == 0U) {}
  EXPECT_EQ(write_within(1ms, terminal, "z"), 1U) << "it is read again";
}

// As after su: it may not be opened once more, and its writes wait.
TEST_F(TerminalOutput, GivesUpOnATerminalWhoseWritesWait) {
  for (const std::string_view text : {"x", "a line\n", "\n", "a\tb\tc\r\n"}) {
    std::string much;
    while (much.size() < (1 << 20)) much += text;
    ASSERT_GT(write_within(50ms, terminal, much), 0U);
    while (write_within(50ms, terminal, much) != 0U) {}
    while (!read_some().empty() && write_within(1ms, terminal, "z") == 0U) {}
  }
  ::tcflow(terminal, TCOOFF);
  EXPECT_EQ(write_within(1ms, terminal, "stopped with Ctrl-S"), 0U);
}

TEST_F(TerminalOutput, IsStandardErrorIfThatIsATerminal) {
  const int before = ::dup(STDERR_FILENO);
  ::dup2(terminal, STDERR_FILENO);
  EXPECT_TRUE(write_error(1s, "all of it\n"));
  EXPECT_EQ(read_some(), "all of it\r\n");
  const std::string much(1 << 20, 'x');
  EXPECT_FALSE(write_error(1ms, much));
  ::dup2(before, STDERR_FILENO), ::close(before);
  testing::internal::CaptureStderr();
  EXPECT_TRUE(write_error(0ms, much));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), much);
}

TEST_F(TerminalOutput, LeavesWhatIsSharedWithTheShellAsItWas) {
  never_wait_for(terminal);
  EXPECT_NE(::fcntl(terminal, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(inherited, F_GETFL) & O_NONBLOCK, 0);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  never_wait_for(pipe[1]);
  EXPECT_EQ(::fcntl(pipe[1], F_GETFL) & O_NONBLOCK, 0)
      << "no terminal: nothing of it is to be lost";
  ::close(pipe[0]), ::close(pipe[1]);
}

TEST_F(TerminalOutput, SaysWhenTheTerminalIsGone) {
  ::close(reader);
  EXPECT_EQ(write_within(1s, terminal, "x"), std::nullopt);
}

}  // namespace
}  // namespace stuffwatch::daemon
