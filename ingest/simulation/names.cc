#include "ingest/simulation/names.h"

#include <array>
#include <string_view>
#include <utility>

namespace stuffwatch::ingest::simulation {
namespace {

// No name is another one with two neighbouring letters swapped, and no first name is also a last
// name: names_test.cc.
constexpr std::array<std::string_view, 96> kFirst = {
    "aaron",  "adele",  "agnes",  "albert", "alice",  "amelie", "anders", "andrea", "anja",
    "anton",  "astrid", "aurel",  "beata",  "benno",  "birgit", "boris",  "bruno",  "camilla",
    "carl",   "carmen", "cecile", "clara",  "dagmar", "daniel", "david",  "diana",  "dieter",
    "dora",   "edgar",  "edith",  "elena",  "elias",  "emil",   "emma",   "erik",   "esther",
    "eva",    "fabian", "felix",  "fiona",  "franz",  "freya",  "georg",  "gerda",  "greta",
    "gustav", "hanna",  "harald", "hedda",  "helen",  "henrik", "hugo",   "ida",    "igor",
    "ilse",   "ines",   "ingrid", "irene",  "isabel", "ivan",   "jakob",  "jana",   "jonas",
    "judith", "julia",  "karin",  "klaus",  "konrad", "lara",   "laura",  "lena",   "leon",
    "linus",  "lotte",  "lukas",  "magnus", "marta",  "mathis", "maya",   "milan",  "mira",
    "nadja",  "niklas", "nora",   "olaf",   "olga",   "oscar",  "paula",  "petra",  "rafael",
    "rita",   "robert", "sofia",  "sven",   "teresa", "vera"};
constexpr std::array<std::string_view, 128> kLast = {
    "abbott",   "acker",    "adler",    "albers",   "almeida",  "amsel",   "arnold",    "aubert",
    "bachmann", "barros",   "bauer",    "becker",   "benoit",   "berger",  "bergman",   "blanc",
    "blom",     "bonnet",   "brandt",   "braun",    "bruneau",  "busch",   "carlson",   "castro",
    "cermak",   "clausen",  "colombo",  "cordes",   "costa",    "dahl",    "delgado",   "dietrich",
    "dupont",   "eckert",   "ekstrom",  "engel",    "esposito", "fabre",   "faber",     "farkas",
    "fischer",  "fontana",  "forsberg", "fournier", "franke",   "fuchs",   "gallo",     "garnier",
    "geiger",   "girard",   "graf",     "gruber",   "gunther",  "haas",    "hahn",      "hansen",
    "hartman",  "hedlund",  "heinz",    "herrera",  "hoffman",  "holm",    "horvath",   "huber",
    "jansen",   "jensen",   "jovanov",  "kaiser",   "keller",   "kessler", "klein",     "kovac",
    "kramer",   "kraus",    "kruger",   "lambert",  "lang",     "larsen",  "laurent",   "lehmann",
    "lindgren", "lombardi", "lopes",    "lorenz",   "lund",     "maier",   "marchetti", "martens",
    "mendes",   "meyer",    "moreau",   "moretti",  "moser",    "muller",  "navarro",   "neumann",
    "nielsen",  "nilsson",  "novak",    "olsen",    "orlov",    "palm",    "pereira",   "petrov",
    "pfeifer",  "pohl",     "popescu",  "ramos",    "reuter",   "richter", "ricci",     "roth",
    "rousseau", "sandberg", "santoro",  "sauer",    "schmidt",  "schulz",  "seidel",    "simonsen",
    "sorensen", "stein",    "svensson", "tanner",   "urban",    "vogel",   "wagner",    "zimmer"};
// What follows the @, as often as it stands here.
constexpr std::array<std::string_view, 16> kDomains = {
    "mail.example",   "mail.example",    "mail.example",    "mail.example",
    "post.example",   "post.example",    "webmail.example", "inbox.test",
    "inbox.test",     "letters.example", "fastmail.test",   "home.example",
    "campus.example", "corp.example",    "studio.test",     "north.mail.example"};
constexpr std::array<char, 4> kJoints = {'.', '.', '_', '-'};
constexpr std::uint32_t kPairs = static_cast<std::uint32_t>(kFirst.size() * kLast.size());
static_assert(kPairs * 1000 == Names::kMostPeople);

}  // namespace

void Names::append(std::string& out, PersonId person) const {
  const auto place = static_cast<std::uint32_t>(order_(person));
  const std::uint32_t pair = place % kPairs;
  const std::uint64_t taste = mix(seed_, 0x7374796c, person);
  std::string_view left = kFirst[pair % kFirst.size()];
  std::string_view right = kLast[pair / kFirst.size()];
  if (taste % 8 == 0) std::swap(left, right);
  out.append(left).push_back(kJoints[(taste >> 8) % kJoints.size()]);
  out.append(right);
  if (const std::uint32_t number = place / kPairs; number > 0) out.append(std::to_string(number));
  out.push_back('@');
  out.append(kDomains[(taste >> 16) % kDomains.size()]);
}

void Names::append_misspelt(std::string& out, PersonId person, std::uint32_t variant) const {
  const std::size_t begin = out.size();
  append(out, person);
  const std::size_t at_sign = out.find('@', begin);
  // Letters only, or the result could be somebody else's number; equal neighbours would change
  // nothing.
  const std::size_t from = variant % 4 == 0 ? at_sign + 1 : begin;
  for (std::size_t i = from + variant / 4 % 3; i + 1 < out.size(); ++i) {
    const auto letter = [&](std::size_t k) { return out[k] >= 'a' && out[k] <= 'z'; };
    if (!letter(i) || !letter(i + 1) || out[i] == out[i + 1]) continue;
    std::swap(out[i], out[i + 1]);
    return;
  }
}

}  // namespace stuffwatch::ingest::simulation
