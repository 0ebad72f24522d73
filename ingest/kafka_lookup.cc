#include "ingest/kafka_lookup.h"

#include <algorithm>
#include <atomic>

namespace stuffwatch::ingest {
namespace {

// Answers of a question that nobody waits for any more must not be taken for another's.
int next_tag() {
  static std::atomic<int> last{0};
  return ++last;
}

}  // namespace

std::size_t KafkaLookup::ask_committed() {
  Question question;
  question.committed = true;
  questions_.push_back(std::move(question));
  return questions_.size() - 1;
}

std::size_t KafkaLookup::ask_offsets(std::map<KafkaPlace, std::int64_t> query) {
  Question question;
  question.query = std::move(query);
  questions_.push_back(std::move(question));
  return questions_.size() - 1;
}

std::size_t KafkaLookup::ask_offsets(std::int64_t query) {
  std::map<KafkaPlace, std::int64_t> all;
  for (const KafkaPlace& place : places_) all.emplace(place, query);
  return ask_offsets(std::move(all));
}

void KafkaLookup::drive(KafkaAdmin& admin, Clock::time_point now) {
  for (Question& question : questions_) {
    if (question.sent || question.answered || now < question.not_before) continue;
    question.sent = true;
    question.tag = next_tag();
    if (question.committed) {
      admin.committed({places_.begin(), places_.end()}, question.tag);
    } else {
      admin.list_offsets(question.query, question.tag);
    }
  }
}

void KafkaLookup::on_answer(const KafkaOffsetsAnswer& answer, Clock::time_point now) {
  const auto question = std::ranges::find_if(
      questions_, [&](const Question& q) { return q.sent && !q.answered && q.tag == answer.tag; });
  if (question == questions_.end()) return;
  const auto missing = std::ranges::find_if_not(
      places_, [&](const KafkaPlace& place) { return answer.offsets.contains(place); });
  if (!answer.error.empty() || missing != places_.end()) {
    problem_ = answer.error.empty() ? fmt::format("{}[{}]: no broker tells its offsets",
                                                  missing->topic, missing->partition)
                                    : answer.error;
    question->sent = false;
    question->not_before = now + std::chrono::milliseconds(500);
    return;
  }
  question->answered = true;
  question->offsets = answer.offsets;
  if (done()) problem_.clear();
}

bool KafkaLookup::done() const { return std::ranges::all_of(questions_, &Question::answered); }

std::int64_t KafkaLookup::offset(std::size_t question, const KafkaPlace& place) const {
  const auto& offsets = questions_.at(question).offsets;
  const auto found = offsets.find(place);
  return found == offsets.end() ? -1 : found->second;
}

}  // namespace stuffwatch::ingest
