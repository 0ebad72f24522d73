// Every detector: one line declares its factory, one line lists it. A DetectorId is the place in the list; new ones go to the end.
#include "detectors/detector.h"

namespace stuffwatch::detectors {

std::unique_ptr<DetectorKind> make_source_fanout();
std::unique_ptr<DetectorKind> make_account_fanin();

std::vector<std::unique_ptr<DetectorKind>> make_detector_kinds() {
  std::vector<std::unique_ptr<DetectorKind>> kinds;
  for (auto* make : {make_source_fanout, make_account_fanin}) kinds.push_back(make());
  return kinds;
}

}  // namespace stuffwatch::detectors
