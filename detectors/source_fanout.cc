// source_fanout: many accounts first met from one source, few of them getting in.
#include <chrono>

#include "detectors/detector.h"
#include "detectors/state/first_contacts.h"

namespace stuffwatch::detectors {
namespace {

using namespace std::chrono_literals;

struct SourceFanoutConfig {
  FirstContactsSettings contacts{.max_keys = 1u << 21, .max_contacts = 1u << 22};

  void visit(config::FieldVisitor& v) {
    v.field("maturity", contacts.maturity, {1s, 1h},
            "A first contact counts after this long, in event time, with the class it then has.");
    v.field("life", contacts.life, {1h, 7 * 24h},
            "Evidence about a source is kept for this long after its first contact.");
    v.field("alarm_odds", contacts.alarm_odds, {10.0, 1e15},
            "Odds against chance at which a source is reported.");
    v.field("concentration", contacts.concentration, {1.0, 128.0},
            "How alike benign sources are: a low number expects many odd ones.");
    v.field("max_keys", contacts.max_keys, {64u, kMaxKeys},
            "Prefixes remembered, and addresses of those that have several; one that was not seen "
            "for long goes first.");
    v.field("max_contacts", contacts.max_contacts, {1024u, 1u << 29},
            "First contacts of a source and an account remembered; the oldest goes first.");
  }
};

// Addresses (IPv4 /32, IPv6 /64) and prefixes (/24, /48) of one logical partition. A prefix and all of its addresses share a partition.
class SourceFanout final : public Detector {
 public:
  SourceFanout(const FirstContactsSettings& settings, const DetectorContext& context, double starts)
      : contacts_(settings, context, starts) {}

  void observe(std::span<const LoginEvent* const> events, FindingCollector& out) override {
    contacts_.observe(events, out);
  }
  void prefetch(std::span<const LoginEvent* const> events, unsigned stage) const override {
    contacts_.prefetch(events, stage);
  }
  void advance(EventTime watermark, std::uint64_t seq, FindingCollector& out) override {
    contacts_.advance(watermark, seq, out);
  }
  void save(StateWriter& out) const override { contacts_.save(out); }
  config::Result<void> load(StateReader& in) override {
    contacts_.load(in);
    return in.finish("source_fanout");
  }
  StateUsage usage() const override { return contacts_.usage(); }

 private:
  FirstContacts contacts_;
};

class Kind final : public DetectorKind {
 public:
  const Info& info() const override {
    static constexpr Info kInfo{.name = "source_fanout",
                                .summary =
                                    "One address or prefix tries many accounts that it never met "
                                    "before, and hardly any of them gets in.",
                                .partition_by = PartitionBy::kSourceNetwork,
                                .technique = "T1110.004",
                                .warm_up = 24h,
                                .starts_per_10m = 3e6};
    return kInfo;
  }
  void visit(config::FieldVisitor& v) override { config_.visit(v); }
  std::unique_ptr<Detector> make(const DetectorContext& context) const override {
    FirstContactsSettings share = config_.contacts;
    share.max_keys = share_of(share.max_keys, context),
    share.max_contacts = share_of(share.max_contacts, context);
    return std::make_unique<SourceFanout>(share, context, info().starts_per_10m);
  }

 private:
  SourceFanoutConfig config_;
};

}  // namespace

std::unique_ptr<DetectorKind> make_source_fanout() { return std::make_unique<Kind>(); }

}  // namespace stuffwatch::detectors
