// Every decoder, one line each, in the order in which `--format auto` prefers them on a tie.
#include "ingest/decode_ecs.h"
#include "ingest/decode_native.h"
#include "ingest/decode_ocsf.h"
#include "ingest/decode_sshd.h"
#include "ingest/decoder.h"

namespace stuffwatch::ingest {
namespace {

constexpr DecoderInfo kDecoders[] = {
    {"native", "this project's login event: one JSON object a record", make_native_decoder},
    {"ocsf", "OCSF Authentication (class 3002), activity Logon", make_ocsf_decoder},
    {"ecs", "Elastic Common Schema, event.category authentication", make_ecs_decoder},
    {"sshd", "OpenSSH server: syslog, RFC 5424 or journal JSON", make_sshd_decoder},
};

}  // namespace

std::span<const DecoderInfo> decoders() { return kDecoders; }

const DecoderInfo* find_decoder(std::string_view name) {
  for (const DecoderInfo& info : kDecoders) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

}  // namespace stuffwatch::ingest
