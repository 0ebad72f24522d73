#include "ingest/address_text.h"

namespace stuffwatch::ingest {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto outer = [](char c) { return c == ' ' || c == '\t' || c == '"'; };
  while (!text.empty() && outer(text.front())) text.remove_prefix(1);
  while (!text.empty() && outer(text.back())) text.remove_suffix(1);
  return text;
}

bool is_port(std::string_view digits) {
  return !digits.empty() && digits.size() <= 5 &&
         digits.find_first_not_of("0123456789") == std::string_view::npos;
}

bool parse_decorated(std::string_view text, detectors::IpAddress& out) {
  text = trimmed(text);
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return false;
    text = text.substr(1, close - 1);
    if (text.find(':') == std::string_view::npos) return false;  // brackets are for IPv6
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos &&
             text.find(':', colon + 1) == std::string_view::npos) {
    if (!is_port(text.substr(colon + 1))) return false;
    text = text.substr(0, colon);
  }
  if (const std::size_t zone = text.find('%'); zone != std::string_view::npos) {
    if (zone + 1 == text.size() || text.find(':') == std::string_view::npos) return false;
    text = text.substr(0, zone);
  }
  return detectors::parse_ip(text, out);
}

}  // namespace

bool parse_source(std::string_view text, detectors::IpAddress& out) {
  return detectors::parse_ip(text, out) || parse_decorated(text, out);
}

detectors::IpAddress source_behind(const NetworkSet& proxies, const detectors::IpAddress& peer,
                                   std::string_view forwarded_for) {
  detectors::IpAddress source = peer;
  while (!forwarded_for.empty() && proxies.contains(source)) {
    const std::size_t comma = forwarded_for.rfind(',');
    const std::string_view hop =
        forwarded_for.substr(comma == std::string_view::npos ? 0 : comma + 1);
    forwarded_for =
        comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
    if (trimmed(hop).empty()) continue;
    if (detectors::IpAddress next; parse_source(hop, next)) {
      source = next;
    } else {
      break;
    }
  }
  return source;
}

}  // namespace stuffwatch::ingest
