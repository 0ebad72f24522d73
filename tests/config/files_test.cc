#include "config/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace stuffwatch::config {
namespace {

using ::testing::HasSubstr;

class Files : public ::testing::Test {
 protected:
  std::string write(std::string_view text) {
    std::ofstream(path_, std::ios::binary) << text;
    return path_;
  }
  void TearDown() override { std::filesystem::remove(path_); }

 private:
  const std::string path_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("files_test_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(Files, ASecretLosesOnlyItsLineEnds) {
  EXPECT_EQ(read_secret_file(write("tulip")), "tulip");
  EXPECT_EQ(read_secret_file(write(" tulip \r\n\n")), " tulip ");
  EXPECT_EQ(read_secret_file(write("a\nb\n")), "a\nb");
}

TEST_F(Files, ASecretThatIsNotThereIsAnError) {
  for (const char* text : {"", "\n", "\r\n\n"}) {
    const auto secret = read_secret_file(write(text));
    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().kind, Error::Kind::kConfiguration);
    EXPECT_THAT(secret.error().message, HasSubstr("is empty; it must hold the secret"));
  }
  const auto gone = read_secret_file("/nonexistent/secret");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().message,
            "/nonexistent/secret: cannot be opened: No such file or directory");
}

TEST_F(Files, SizeAndKindAreChecked) {
  EXPECT_EQ(read_secret_file(write(std::string(kMaxSecretBytes, 'x')))->size(), kMaxSecretBytes);
  const auto large = read_secret_file(write(std::string(kMaxSecretBytes + 1, 'x')));
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().message, HasSubstr("larger than the 65536 bytes"));
  const auto folder = read_text_file(testing::TempDir(), 10);
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, HasSubstr("is a folder; name a file in it"));
  const auto device = read_text_file("/dev/zero", 10);
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message, HasSubstr("is not a regular file"));
}

}  // namespace
}  // namespace stuffwatch::config
