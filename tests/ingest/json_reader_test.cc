#include "ingest/json/reader.h"

#include <optional>
#include <random>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "ingest/record_limits.h"
#include "tests/ingest/decoding.h"

namespace stuffwatch::ingest::json {
namespace {

using ingest::testing::Padded;
using namespace std::string_view_literals;

enum Field : FieldId { kA, kList, kDeep, kIp, kLong };
constexpr Schema::Path kPaths[] = {{"a", kA},
                                   {"list", kList},
                                   {"x.y.deep", kDeep},
                                   {"x.ip", kIp},
                                   {"a_rather_long_name_of_a_field", kLong}};

const Schema& nested() {
  static const Schema kSchema(kPaths);
  return kSchema;
}
const Schema& dotted() {
  static const Schema kSchema(kPaths, Schema::Keys::kDotted);
  return kSchema;
}

Verdict verdict_on(std::string_view text, const Schema& schema = nested()) {
  const Padded padded(text);
  Reader reader(schema);
  return reader.read(padded.bytes());
}

Reject reject_of(std::string_view text) { return verdict_on(text).reject; }

std::string nest(int levels, std::string_view open, std::string_view close, std::string_view core) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += open;
  text += core;
  for (int i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(JsonReader, AcceptsWhatIsWellFormed) {
  for (const std::string_view good :
       {R"({})"sv, R"( { } )"sv, R"({"a":"b"})"sv,
        R"({ "a" : "b" , "z" : [ 1 , [ ] , { } , null , true , false , "s" ] })"sv, R"({"":""})"sv,
        R"({"z":-0})"sv, R"({"z":0.5e-7})"sv, R"({"z":1E+2})"sv,
        R"({"z":123456789012345678901234567890})"sv, R"({"z":1e999})"sv,
        R"({"a":"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00"})"sv, R"({"z":"\u0000"})"sv, "{\"a\":1}\n"sv,
        "{\"a\":1}\r\n\t "sv, "\xef\xbb\xbf{\"a\":1}"sv, "{\"z\":\"\xf0\x9f\x98\x80\"}"sv,
        "{\"z\":1,\"z\":2}"sv /* unknown keys may repeat */, "{\"z\":\"\x7f\"}"sv}) {
    EXPECT_TRUE(verdict_on(good).decoded()) << good << ' ' << name_of(reject_of(good));
  }
}

TEST(JsonReader, RejectsWhatIsNotJsonInFieldsThatNobodyReads) {
  for (const std::string_view bad : {R"({"z":[1,}})"sv,
                                     R"({"z":zzz})"sv,
                                     R"({"z":01})"sv,
                                     R"({"z":1.})"sv,
                                     R"({"z":.5})"sv,
                                     R"({"z":-})"sv,
                                     R"({"z":+1})"sv,
                                     R"({"z":1e})"sv,
                                     R"({"z":0x10})"sv,
                                     R"({"z":NaN})"sv,
                                     R"({"z":True})"sv,
                                     R"({"z":nulll})"sv,
                                     R"({"z":nul})"sv,
                                     R"({"z":truefalse})"sv,
                                     R"({"z":true"x"})"sv,
                                     R"({"z":1"x"})"sv,
                                     R"({"z":"x"1})"sv,
                                     R"({"z":"x" "y"})"sv,
                                     R"({"z":1 2})"sv,
                                     R"({"z" 1})"sv,
                                     R"({"z"::1})"sv,
                                     R"({"z":})"sv,
                                     R"({"z"})"sv,
                                     R"({:1})"sv,
                                     R"({,})"sv,
                                     R"({"z":1,})"sv,
                                     R"({"z":1,,"y":2})"sv,
                                     R"({z:1})"sv,
                                     R"({1:1})"sv,
                                     R"({'z':1})"sv,
                                     R"({null:1})"sv,
                                     R"({"z":[1 2]})"sv,
                                     R"({"z":[1,]})"sv,
                                     R"({"z":[,1]})"sv,
                                     R"({"z":[1}})"sv,
                                     R"({"z":{"y":1]})"sv,
                                     R"({"z":[})"sv,
                                     R"({"z":]})"sv,
                                     R"({]})"sv,
                                     R"({"z":1}})"sv,
                                     R"({"z":1}{)"sv,
                                     R"({"z":1}{})"sv,
                                     R"({"z":1} x)"sv,
                                     R"({"z":1}])"sv,
                                     R"({"z":1},)"sv,
                                     R"({"z":{"y":1})"sv,
                                     R"({"z":1)"sv,
                                     R"({)"sv,
                                     R"({"z":"\x"})"sv,
                                     R"({"z":"\u12"})"sv,
                                     R"({"z":"\u12g4"})"sv,
                                     R"({"z":"\U0041"})"sv,
                                     R"({"z\q":1})"sv,
                                     "{\"z\":\"a\nb\"}"sv,
                                     "{\"z\":\"a\0b\"}"sv,
                                     "{\"z\":\x0c"
                                     "1}"sv,
                                     "{\"z\":1\x1a}"sv,
                                     "{\"z\"\xc2\xa0:1}"sv,
                                     R"({"z":"open)"sv,
                                     R"({"z":1 /* c */})"sv,
                                     "}"sv,
                                     "]"sv,
                                     ":"sv,
                                     ","sv,
                                     "\""sv,
                                     "[1,2"sv,
                                     "[}"sv,
                                     "{]"sv,
                                     "1 2"sv,
                                     "tru"sv,
                                     "\"\\q\""sv}) {
    EXPECT_EQ(reject_of(bad), Reject::kNotJson) << bad;
  }
}

TEST(JsonReader, RejectsTextThatIsNotUtf8) {
  for (const std::string_view bad :
       {"{\"a\":\"\xff\"}"sv, "{\"z\":\"\xc3\"}"sv, "{\"z\xc0\xaf\":1}"sv,
        "{\"z\":\"\xed\xa0\x80\"}"sv, "{\"z\":\"\xf4\x90\x80\x80\"}"sv, R"({"z":"\ud800"})"sv,
        R"({"z":"\udc00"})"sv, R"({"z":"\ud800\ud800"})"sv, R"({"a":"\ud83dx"})"sv,
        R"({"z\udfff":1})"sv}) {
    EXPECT_EQ(reject_of(bad), Reject::kInvalidUtf8) << bad;
  }
}

TEST(JsonReader, CallsWellFormedStrangersByName) {
  for (const std::string_view other :
       {"[]"sv, "[{\"a\":1}]"sv, "1"sv, "\"text\""sv, "null"sv, " true "sv})
    EXPECT_EQ(reject_of(other), Reject::kNotThisFormat) << other;
  for (const std::string_view blank : {""sv, " "sv, "\r\n"sv, "\t \n"sv, "\xef\xbb\xbf"sv})
    EXPECT_EQ(verdict_on(blank).skip, Skip::kBlankLine) << blank;
}

TEST(JsonReader, StopsBelow64Levels) {
  const auto under = [](int levels, std::string_view open, std::string_view close,
                        std::string_view core) {
    return R"({"z":)" + nest(levels - 1, open, close, core) + "}";
  };
  for (const auto& [open, close, core] :
       {std::tuple{"["sv, "]"sv, "1"sv}, {R"({"z":)"sv, "}"sv, "1"sv}}) {
    EXPECT_TRUE(verdict_on(under(64, open, close, core)).decoded());
    EXPECT_EQ(reject_of(under(65, open, close, core)), Reject::kTooDeep);
    EXPECT_EQ(reject_of(under(10'000, open, close, core)), Reject::kTooDeep);
  }
  EXPECT_TRUE(verdict_on(under(64, "[", "]", "")).decoded());
  EXPECT_EQ(reject_of(under(65, "[", "]", "")), Reject::kTooDeep);
  EXPECT_EQ(reject_of(nest(65, "[", "]", "")), Reject::kTooDeep);
  EXPECT_TRUE(verdict_on(R"({"x":{"y":)" + nest(62, "[", "]", "") + "}}")
                  .decoded());  // a container of ours counts as any other
  EXPECT_EQ(reject_of(R"({"x":{"y":)" + nest(63, "[", "]", "") + "}}"), Reject::kTooDeep);
  EXPECT_EQ(reject_of(R"({"list":)" + nest(64, "[", "]", "") + "}"), Reject::kTooDeep);
}

TEST(JsonReader, StopsAboveOneMebibyte) {
  const auto of_size = [](std::size_t size) {
    return R"({"z":")" + std::string(size - 8, 'x') + "\"}";
  };
  EXPECT_TRUE(verdict_on(of_size(kMaxRecordBytes)).decoded());
  EXPECT_EQ(reject_of(of_size(kMaxRecordBytes + 1)), Reject::kTooLarge);
  EXPECT_EQ(reject_of(std::string(10 << 20, '{')), Reject::kTooLarge);
}

TEST(JsonReader, RejectsAKnownKeyTwice) {
  for (const std::string_view bad :
       {R"({"a":1,"a":2})"sv, R"({"a":1,"z":0,"a":1})"sv, R"({"a":null,"a":1})"sv,
        R"({"a":1,"\u0061":2})"sv, R"({"x":{},"x":{}})"sv, R"({"x":{"ip":1,"ip":1}})"sv,
        R"({"x":{"y":{"deep":1,"d\u0065ep":1}}})"sv,
        R"({"a_rather_long_name_of_a_field":1,"a_rather_long_name_of_a_field":2})"sv}) {
    EXPECT_EQ(reject_of(bad), Reject::kDuplicateField) << bad;
  }
  for (const std::string_view good :
       {R"({"a":1,"A":2})"sv, R"({"a":1,"z":{"a":2}})"sv, R"({"a":1,"x":{"a":2}})"sv,
        R"({"ip":1,"x":{"ip":2}})"sv,
        R"({"a_rather_long_name_of_a_field":1,"a_rather_long_name_of_a_fielD":2})"sv}) {
    EXPECT_TRUE(verdict_on(good).decoded()) << good;
  }
  EXPECT_EQ(verdict_on(R"({"x.ip":1,"x":{"ip":2}})", dotted()).reject, Reject::kDuplicateField);
  EXPECT_TRUE(
      verdict_on(R"({"x.ip":1,"x":{"ip":2}})", nested()).decoded());  // there, "x.ip" is a stranger
}

TEST(JsonReader, UnescapesKeysAndValues) {
  const Padded padded(
      R"({"\u0061":"t\u00e4\ud83d\ude00\n\"\\\/\u0000.","list":["p\t",["no"],{"no":"no"},5,"",)"
      R"("q"],"x":{"\u0069p":"v"}})");
  Reader reader(nested());
  ASSERT_TRUE(reader.read(padded.bytes()).decoded());
  ASSERT_NE(reader.find(kA), nullptr);
  EXPECT_EQ(reader.find(kA)->text(), "t\xc3\xa4\xf0\x9f\x98\x80\n\"\\/\0."sv);
  EXPECT_EQ(reader.find(kIp)->text(), "v");
  EXPECT_EQ(reader.find(kDeep), nullptr);
  for (int again = 0; again < 1000; ++again) {
    std::vector<std::string> strings;
    reader.each_string(*reader.find(kList), [&](std::string_view s) { strings.emplace_back(s); });
    ASSERT_EQ(strings, (std::vector<std::string>{"p\t", "", "q"}));
  }
}

TEST(JsonReader, SaysOfWhichTypeAValueIs) {
  const Padded padded(R"({"a":-12 , "list": [1, 2] , "x":{"ip":true,"y":{"deep":null}},)"
                      R"("a_rather_long_name_of_a_field":{"k":[]}})");
  Reader reader(nested());
  ASSERT_TRUE(reader.read(padded.bytes()).decoded());
  EXPECT_EQ(reader.find(kA)->kind, Kind::kNumber);
  EXPECT_EQ(reader.find(kA)->text(), "-12");
  EXPECT_EQ(reader.find(kList)->kind, Kind::kArray);
  EXPECT_EQ(reader.find(kList)->text(), "[1, 2]");
  EXPECT_EQ(reader.find(kIp)->kind, Kind::kTrue);
  EXPECT_EQ(reader.find(kDeep), nullptr);  // null is absent
  EXPECT_EQ(reader.find(kLong)->text(), R"({"k":[]})");
  EXPECT_FALSE(reader.mistyped());
  const Padded wrong(R"({"x":"text"})"), null(R"({"x":null})");
  ASSERT_TRUE(reader.read(wrong.bytes()).decoded());
  EXPECT_TRUE(reader.mistyped());
  ASSERT_TRUE(reader.read(null.bytes()).decoded());
  EXPECT_FALSE(reader.mistyped());
  EXPECT_EQ(reader.find(kA), nullptr);  // nothing is left of the document before
}

TEST(JsonReader, CountsStrangersAndSecrets) {
  const Padded padded(R"({"a":1,"z":{"deep":{"PassWord":"x","other":1}},"pwd":"p","passwd":[1],)"
                      R"("SECRET":{"a":1},"x":{"y":{"user.secret":"s"},"q":1},"passwords":1,)"
                      R"("p\u0077d":"x"})");
  Reader reader(nested());
  ASSERT_TRUE(reader.read(padded.bytes()).decoded());
  EXPECT_EQ(reader.secret_fields(), 6U);
  EXPECT_EQ(reader.unknown_fields(),
            3U);  // z, x.q, passwords: a stranger counts once, whatever is in it
}

TEST(JsonReader, FindsDottedKeysInEveryCut) {
  for (const std::string_view text :
       {R"({"x":{"y":{"deep":"v"},"ip":"w"}})"sv, R"({"x.y.deep":"v","x.ip":"w"})"sv,
        R"({"x.y":{"deep":"v"},"x":{"ip":"w"}})"sv, R"({"x":{"y.deep":"v","ip":"w"}})"sv,
        R"({"x.y.deep":"v","x":{"ip":"w","q.r":1,"y.q":2}})"sv}) {
    const Padded padded(text);
    Reader reader(dotted());
    ASSERT_TRUE(reader.read(padded.bytes()).decoded()) << text;
    ASSERT_NE(reader.find(kDeep), nullptr) << text;
    EXPECT_EQ(reader.find(kDeep)->text(), "v");
    EXPECT_EQ(reader.find(kIp)->text(), "w");
  }
  for (const std::string_view text :
       {R"({"a.b":1,".":1,"x.":1,".x":1,"x.y.deep.er":1,"x..ip":1,"x.y.":1})"sv}) {
    const Padded padded(text);
    Reader reader(dotted());
    ASSERT_TRUE(reader.read(padded.bytes()).decoded());
    EXPECT_EQ(reader.unknown_fields(), 7U);
  }
}

TEST(JsonReader, ReadsWholeNumbers) {
  const auto integer = [](std::string_view text, Kind kind) {
    Value value;
    value.data = text.data();
    value.size = static_cast<std::uint32_t>(text.size());
    value.kind = kind;
    std::int64_t out = 0;
    return to_integer(value, out) ? std::optional(out) : std::nullopt;
  };
  EXPECT_EQ(integer("12", Kind::kNumber), 12);
  EXPECT_EQ(integer("-12", Kind::kString), -12);
  for (const std::string_view bad :
       {"1.0"sv, "1e3"sv, ""sv, "x"sv, "9223372036854775808"sv, "1 "sv})
    EXPECT_EQ(integer(bad, Kind::kString), std::nullopt) << bad;
  EXPECT_EQ(integer("1", Kind::kArray), std::nullopt);
}

constexpr std::string_view kSample =
    R"({"a":"t\u00e4xt","z":[1,-2.5e3,true,null,{"k":"v\n"}],"list":["one","two"],)"
    R"("x":{"ip":"192.0.2.7","y":{"deep":0}},"pwd":"x","u":"\ud83d\ude00"})";

TEST(JsonReader, RejectsEveryTruncation) {
  for (std::size_t size = 1; size < kSample.size(); ++size)
    EXPECT_NE(reject_of(kSample.substr(0, size)), Reject::kNone) << kSample.substr(0, size);
  EXPECT_EQ(reject_of(kSample), Reject::kNone);
}

// simdjson's own full parser is the oracle. It also refuses numbers that no double or 64-bit
// integer holds, which are JSON all the same.
void expect_agreement(std::string_view text, simdjson::dom::parser& parser) {
  const Padded padded(text);
  Reader reader(nested());
  const Verdict ours = reader.read(padded.bytes());
  simdjson::dom::element element;
  const auto theirs =
      parser.parse(padded.bytes().data(), padded.bytes().size(), false).get(element);
  if (ours.decoded() || ours.reject == Reject::kNotThisFormat) {
    EXPECT_TRUE(theirs == simdjson::SUCCESS || theirs == simdjson::NUMBER_ERROR ||
                padded.bytes().starts_with("\xef\xbb\xbf"))
        << text << ": " << theirs;
  } else if (ours.reject == Reject::kNotJson) {
    EXPECT_NE(theirs, simdjson::SUCCESS) << text;
  } else if (ours.reject == Reject::kInvalidUtf8) {
    EXPECT_TRUE(theirs != simdjson::SUCCESS || text.find("\\u") != std::string_view::npos)
        << text;  // it lets half a pair pass
  }
}

TEST(JsonReader, AgreesWithAFullParserOnDamagedDocuments) {
  constexpr std::string_view kBytes = "{}[]:,\"\\ue0123456789.-+truefalsn \n\x01\xff";
  std::mt19937_64 random(11);
  simdjson::dom::parser parser;
  for (int round = 0; round < 60'000; ++round) {
    std::string text(kSample);
    const auto changes = 1 + random() % 3;
    for (std::uint64_t i = 0; i < changes; ++i) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = kBytes[random() % kBytes.size()]; break;
        case 1: text.erase(at, 1 + random() % 4); break;
        case 2: text.insert(at, 1, kBytes[random() % kBytes.size()]); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 8)); break;
      }
    }
    expect_agreement(text, parser);
  }
}

TEST(JsonReader, AgreesWithAFullParserOnTokenSalad) {
  constexpr std::string_view kTokens[] = {
      "{", "}",    "[",    "]",    ":", ",", "\"a\"",     "\"z\"", "\"x\"", "\"ip\"",
      "1", "-0.5", "true", "null", "x", " ", "{\"a\":1}", "[]",    "{}"};
  std::mt19937_64 random(12);
  simdjson::dom::parser parser;
  for (int round = 0; round < 200'000; ++round) {
    std::string text = random() % 2 == 0 ? "{\"z\":" : "";
    const auto length = 1 + random() % 9;
    for (std::uint64_t i = 0; i < length; ++i) text += kTokens[random() % std::size(kTokens)];
    if (random() % 2 == 0) text += "}";
    expect_agreement(text, parser);
  }
}

}  // namespace
}  // namespace stuffwatch::ingest::json
