#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <istream>
#include <map>
#include <optional>
#include <streambuf>

#include "config/utf8.h"

namespace stuffwatch::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Thrown through yaml-cpp, which offers no other way out of its callbacks; never leaves this file.
struct Refused {
  YAML::Mark mark;
  std::string message;
};

std::size_t count_nodes(const YamlNode& node) {
  std::size_t count = 1 + node.keys.size();
  for (const YamlNode& item : node.items) count += count_nodes(item);
  return count;
}

std::size_t depth_of(const YamlNode& node) {
  std::size_t deepest = 0;
  for (const YamlNode& item : node.items) deepest = std::max(deepest, depth_of(item));
  return deepest + 1;
}

// yaml-cpp takes a text whose quote is never closed and swallows the rest of the file with it.
bool quote_is_closed(std::string_view text, std::size_t at) {
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return true;
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (quote == '"' || at + 1 == text.size() || text[at + 1] != quote) return true;
      ++at;  // '' stands for one quote
    }
  }
  return false;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) {}
  [[nodiscard]] YamlDocument take() { return {std::move(root_), std::move(problems_)}; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish(new_node(YamlNode::Kind::kNull, mark), mark, anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = new_node(YamlNode::Kind::kScalar, mark);
    check_tag(tag, mark);
    node.quoted = tag == "!";
    if (node.quoted && !quote_is_closed(text_, static_cast<std::size_t>(mark.pos)))
      throw Refused{mark, "the quote is never closed"};
    if (!node.quoted &&
        (value.empty() || value == "~" || value == "null" || value == "Null" || value == "NULL"))
      node.kind = YamlNode::Kind::kNull;
    node.scalar = value;
    finish(std::move(node), mark, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) throw Refused{mark, "the alias stands inside the value it names"};
    nodes_ += known->second.count;
    if (nodes_ > kMaxYamlNodes) throw Refused{mark, too_many()};
    if (open_.size() + known->second.depth > kMaxYamlDepth) throw Refused{mark, too_deep()};
    YamlNode copy = known->second.node;
    finish(std::move(copy), mark, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    std::optional<YamlNode> key;             // of a map entry whose value is still to come
    std::map<std::string, int> first_lines;  // of each key
    bool repeated = false;                   // the key was there before: its value is dropped
  };
  struct Anchored {
    YamlNode node;
    std::size_t count, depth;
  };

  static std::string too_many() { return fmt::format("more than {} values", kMaxYamlNodes); }
  static std::string too_deep() {
    return fmt::format("nested more than {} levels deep", kMaxYamlDepth);
  }

  static void check_tag(const std::string& tag, const YAML::Mark& mark) {
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refused{mark, "a tag (!...) has no meaning here; remove it"};
  }

  YamlNode new_node(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > kMaxYamlNodes) throw Refused{mark, too_many()};
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    check_tag(tag, mark);
    if (open_.size() >= kMaxYamlDepth) throw Refused{mark, too_deep()};
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap && !open_.back().key)
      throw Refused{mark,
                    "a key must be a plain text: is a { or [ never closed, or does a text start "
                    "with one and needs quotes?"};
    open_.push_back({new_node(kind, mark), mark, anchor, std::nullopt, {}, false});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.node), done.mark, done.anchor);
  }

  // Puts a complete node where it belongs: root, list item, key or value.
  void finish(YamlNode node, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      Anchored anchored{node, count_nodes(node), depth_of(node)};
      nodes_ += anchored.count;
      if (nodes_ > kMaxYamlNodes) throw Refused{mark, too_many()};
      anchors_.insert_or_assign(anchor, std::move(anchored));
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.key) {
      if (!parent.repeated) {
        parent.node.keys.push_back(std::move(*parent.key));
        parent.node.items.push_back(std::move(node));
      }
      parent.key.reset();
    } else {
      take_key(parent, std::move(node), mark);
    }
  }

  void take_key(Open& parent, YamlNode key, const YAML::Mark& mark) {
    if (key.kind == YamlNode::Kind::kNull && !key.scalar.empty())
      key.kind = YamlNode::Kind::kScalar;  // a key named null
    if (key.kind != YamlNode::Kind::kScalar) throw Refused{mark, "a key must be a plain text"};
    const auto [first, is_new] = parent.first_lines.emplace(key.scalar, key.line);
    if (!is_new)
      problems_.push_back({key.line, key.column,
                           fmt::format("{}: the key stands twice, first in line {}; remove one",
                                       path_to(key.scalar), first->second)});
    parent.repeated = !is_new;
    parent.key = std::move(key);
  }

  [[nodiscard]] std::string path_to(std::string_view key) const {
    std::string path;
    for (const Open& open : open_) {
      if (open.key) path += printable(open.key->scalar) + ".";
      if (open.node.kind == YamlNode::Kind::kList && !path.empty())
        path.insert(path.size() - 1, fmt::format("[{}]", open.node.items.size()));
    }
    return path + printable(key);
  }

  const std::string_view text_;
  YamlNode root_;
  std::vector<YamlProblem> problems_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
};

// Reads from the caller's text without a copy.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* const begin =
        const_cast<char*>(text.data());  // setg wants char*; a get area is never written
    setg(begin, begin, begin + text.size());
  }
};

Result<void> check_text(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxYamlBytes)
    return misconfigured("{}: {} bytes; a configuration file has at most {} MiB", file_name,
                         text.size(), kMaxYamlBytes >> 20U);
  int line = 1;
  std::size_t line_start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    const char c = text[at];
    const bool control =
        (c >= '\0' && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == '\x7f';
    if (length == 0 || control)
      return misconfigured("{}:{}:{}: not a UTF-8 text file: byte 0x{:02x}", file_name, line,
                           at - line_start + 1,
                           static_cast<unsigned>(static_cast<unsigned char>(c)));
    at += length;
    if (c == '\n') {
      ++line;
      line_start = at;
    }
  }
  return {};
}

// The most common reason of an error that yaml-cpp does not name.
std::string_view tab_hint(std::string_view text, int line) {
  for (; line > 0 && text.find('\n') != std::string_view::npos; --line)
    text.remove_prefix(text.find('\n') + 1);
  const std::size_t first = text.find_first_not_of(' ');
  return first != std::string_view::npos && text[first] == '\t'
             ? "; indent with blanks, not with tabs"
             : "";
}

std::unexpected<Error> at_mark(std::string_view file_name, const YAML::Mark& mark,
                               std::string_view message) {
  if (mark.is_null()) return misconfigured("{}: {}", file_name, message);
  return misconfigured("{}:{}:{}: {}", file_name, mark.line + 1, mark.column + 1, message);
}

}  // namespace

Result<YamlDocument> parse_yaml(std::string_view text, std::string_view file_name) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (auto good = check_text(text, file_name); !good) return std::unexpected(good.error());
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    TreeBuilder builder(text);
    if (!parser.HandleNextDocument(builder)) return YamlDocument{};
    YamlDocument document = builder.take();
    TreeBuilder second(text);
    if (parser.HandleNextDocument(second)) {
      const YamlNode extra = second.take().root;
      if (extra.kind != YamlNode::Kind::kNull)
        return misconfigured(
            "{}:{}:{}: a second document starts here: wrong indentation, or a line with --- to "
            "remove",
            file_name, extra.line, extra.column);
    }
    return document;
  } catch (const Refused& refused) {
    return at_mark(file_name, refused.mark, refused.message);
  } catch (const YAML::Exception& error) {
    return at_mark(file_name, error.mark,
                   fmt::format("not valid YAML: {}{}", error.msg, tab_hint(text, error.mark.line)));
  } catch (const std::exception& error) {
    return misconfigured("{}: not readable as YAML: {}", file_name, error.what());
  }
}

}  // namespace stuffwatch::config
