#!/usr/bin/env python3
"""The stories behind the golden pairs: generate.py [FOLDER] writes <detector>/<case>.jsonl, the same bytes each time.

A case is a function below; its name is the file's, its docstring says what happens. What is expected of each stands beside its events
(<case>.expected.jsonl, written by refresh.py).
"""

import datetime
import json
import pathlib
import random
import sys

MONDAY = datetime.datetime(2026, 3, 2, 8, tzinfo=datetime.timezone.utc)
MINUTE, HOUR = 60, 3600
BROWSER, TOOL = "Mozilla/5.0 (X11; Linux x86_64) Firefox/148.0", "python-requests/2.32.3"
CASES = {}


def case(detector):
    def keep(tell):
        CASES[f"{detector}/{tell.__name__}"] = tell
        return tell

    return keep


class Story:
    """Events in any order; written in order of time. Times are seconds since MONDAY."""

    def __init__(self, name):
        self.random, self.events = random.Random(name), []

    def login(self, at, account, ip, failure=None, agent=BROWSER):
        self.events.append((at, account, ip, failure, agent))

    def chance(self, p):
        return self.random.random() < p

    def town(self, until, people=30, every=20 * MINUTE):
        """People at home, each at an address of their own: they get in, some at the second attempt."""
        for person in range(people):
            account, ip = f"person{person:02}@mail.example", f"198.51.100.{person + 1}"
            at = self.random.random() * every
            while at < until:
                if self.chance(0.1):
                    self.login(at - 15, account, ip, "bad_password")
                self.login(at, account, ip)
                at += every * (0.5 + self.random.random())

    def text(self):
        lines = []
        for at, account, ip, failure, agent in sorted(self.events, key=lambda e: e[0]):
            time = MONDAY + datetime.timedelta(milliseconds=round(at * 1000))
            outcome = {"outcome": "failure", "reason": failure} if failure else {"outcome": "success"}
            event = {"time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "event_id": f"e{len(lines):04}", "account": account}
            lines.append(json.dumps(event | outcome | {"ip": ip, "user_agent": agent, "app": "web"}, separators=(",", ":")))
        return "\n".join(lines) + "\n"


@case("source_fanout")
def attack_unknown_accounts(story):
    """One address walks a list of which nobody is a customer here: found at once, without waiting for the contacts to mature."""
    story.town(40 * MINUTE)
    for n in range(60):
        story.login(10 * MINUTE + 7 * n, f"leaked{n:03}@old.example", "203.0.113.7", "unknown_account", TOOL)


@case("source_fanout")
def attack_bad_passwords(story):
    """One address tries customers: wrong passwords count after ten minutes. It gets into three accounts, two of them after the alarm."""
    story.town(50 * MINUTE)
    for n in range(230):
        story.login(5 * MINUTE + 10 * n, f"customer{n:03}@mail.example", "203.0.113.9", None if n in (40, 170, 190) else "bad_password", TOOL)


@case("source_fanout")
def attack_rotating_addresses(story):
    """Each address of a /24 tries one account: no address says anything, the prefix does."""
    story.town(40 * MINUTE)
    for n in range(120):
        failure = "unknown_account" if story.chance(0.7) else "bad_password"
        story.login(10 * MINUTE + 8 * n, f"leaked{n:03}@old.example", f"192.0.2.{n + 1}", failure, TOOL)


@case("source_fanout")
def attack_rotating_ipv6(story):
    """Each attempt from another /64 of one /48."""
    story.town(40 * MINUTE)
    for n in range(90):
        story.login(10 * MINUTE + 8 * n, f"leaked{n:03}@old.example", f"2001:db8:7:{n + 1:x}::1", "unknown_account", TOOL)


@case("source_fanout")
def benign_office(story):
    """Monday morning behind one address: a third mistype, nearly all get in within minutes; one in fifteen has to ask the help desk."""
    story.town(30 * MINUTE, people=10)
    for n in range(150):
        at, account = story.random.random() * 45 * MINUTE, f"staff{n:03}@corp.example"
        if n % 30 == 7:
            story.login(at - 20, account.replace("staff", "saff"), "203.0.113.20", "unknown_account")
        for attempt in range(2):
            if story.chance(0.33):
                story.login(at + 10 * attempt, account, "203.0.113.20", "bad_password")
        if n % 15 != 4:
            story.login(at + 40, account, "203.0.113.20")
        else:
            story.login(at + 25, account, "203.0.113.20", "bad_password")
    story.town(75 * MINUTE, people=5)


@case("source_fanout")
def benign_carrier_nat(story):
    """A mobile carrier's shared /24: hundreds of subscribers on a few addresses, a tenth of them give up, a few mistype their name."""
    for n in range(300):
        at, account, ip = story.random.random() * HOUR, f"subscriber{n:03}@mail.example", f"192.0.2.{n % 4 + 1}"
        chance = story.random.random()
        if chance < 0.03:
            story.login(at, "x" + account, ip, "unknown_account")
        elif chance < 0.13:
            story.login(at, account, ip, "bad_password")
            continue
        story.login(at + 12, account, ip)
    story.town(90 * MINUTE, people=5)


@case("source_fanout")
def benign_retry_loop(story):
    """A gateway holds 70 passwords that are all out of date and tries each eight times, a minute apart: more than six attempts an account."""
    for n in range(70):
        for attempt in range(8):
            story.login(2 * n + MINUTE * attempt, f"mailbox{n:02}@corp.example", "203.0.113.30", "bad_password", "sync/2.1")
    story.town(40 * MINUTE, people=5)


@case("source_fanout")
def benign_outage(story):
    """The login service fails for ten minutes: an application server retries for 90 people whom it never got in before, then they get in."""
    for n in range(90):
        for attempt in range(3):
            story.login(3 * n + 4 * MINUTE * attempt, f"client{n:02}@mail.example", "203.0.113.40", "internal_error", "app-server/5")
        story.login(15 * MINUTE + 3 * n, f"client{n:02}@mail.example", "203.0.113.40", None, "app-server/5")
    story.town(40 * MINUTE, people=5)


@case("source_fanout")
def benign_expired_passwords(story):
    """80 people of one office got in on Monday; on Wednesday their passwords have expired, and the old ones fail until the afternoon."""
    for n in range(80):
        account = f"staff{n:03}@corp.example"
        story.login(20 * n, account, "203.0.113.50")
        story.login(48 * HOUR + 15 * n, account, "203.0.113.50", "bad_password")
        story.login(53 * HOUR + 15 * n, account, "203.0.113.50")
    story.town(30 * MINUTE, people=5)


@case("source_fanout")
def benign_trusted_source(story):
    """Our own load test walks unknown accounts from an address that the configuration trusts (benign_trusted_source.yaml)."""
    story.town(30 * MINUTE)
    for n in range(80):
        story.login(10 * MINUTE + 5 * n, f"loadtest{n:03}@test.example", "203.0.113.60", "unknown_account", "loadtest/1")


def carrier(n):
    """An address of the n-th operator: 100.64.0.0/10 holds 64 networks (/16), enough for one account to be met from."""
    return f"100.{64 + n}.{n * 7 % 250}.{n * 13 % 250 + 1}"


@case("account_fanin")
def attack_botnet(story):
    """A botnet guesses at one account, two attempts a network, while its owner goes on logging in at home."""
    story.town(2 * HOUR, people=15)
    for n in range(24):
        for attempt in range(2):
            story.login(10 * MINUTE + 3 * MINUTE * n + 40 * attempt, "person03@mail.example", carrier(n), "bad_password", f"{TOOL} ({n % 5})")


@case("account_fanin")
def attack_slow_and_gets_in(story):
    """One guess an hour over IPv6, each from another operator (/48); the eighteenth is right."""
    story.town(HOUR, people=15)
    for n in range(18):
        story.login(HOUR * (n + 1), "chief@corp.example", f"2001:db8:{0x100 + n:x}::5", None if n == 17 else "bad_password", TOOL)
    story.town(20 * HOUR, people=5, every=3 * HOUR)


@case("account_fanin")
def benign_traveller(story):
    """On the road for three days: mistypes in every hotel and lounge, eight networks a day, and gets in from most of them."""
    for day in range(3):
        for stop in range(8):
            at, ip = 24 * HOUR * day + 80 * MINUTE * stop, carrier(8 * day + stop)
            story.login(at, "traveller@corp.example", ip, "bad_password", f"{BROWSER} hotel{stop}")
            if stop % 4 != 2:
                story.login(at + 30, "traveller@corp.example", ip, None, f"{BROWSER} hotel{stop}")
    story.town(2 * HOUR, people=5)


@case("account_fanin")
def benign_phone_with_old_password(story):
    """A password was changed at the desk; the phone, which had got in before, goes on with the old one through 30 networks."""
    phone = "ShopApp/9.14.2 (Pixel 8; Android 15)"
    story.login(0, "commuter@mail.example", carrier(60), None, phone)
    for n in range(30):
        story.login(HOUR + 4 * MINUTE * n, "commuter@mail.example", carrier(n), "bad_password", phone)
    story.town(3 * HOUR, people=5, every=HOUR)


@case("account_fanin")
def benign_typos(story):
    """Forty people fail again and again, each from home, the train and the office: many failures, few networks an account."""
    for n in range(40):
        for attempt in range(9):
            at = 30 * n + 12 * MINUTE * attempt
            story.login(at, f"thumbs{n:02}@mail.example", carrier((n + attempt % 3) % 64), "bad_password")
        story.login(2 * HOUR + 30 * n, f"thumbs{n:02}@mail.example", carrier(n))


@case("account_fanin")
def benign_kiosks_in_outage(story):
    """30 branches share an account. While the service is down each is refused, for reasons that say nothing about the password."""
    for n in range(30):
        for attempt, failure in enumerate(("internal_error", "rate_limited", "mfa_failed")):
            story.login(20 * n + 5 * MINUTE * attempt, "kiosk@corp.example", carrier(n), failure, f"kiosk/{n}")
        story.login(20 * MINUTE + 20 * n, "kiosk@corp.example", carrier(n), None, f"kiosk/{n}")
    story.town(HOUR, people=5)


def text_of(name):
    story = Story(name)
    CASES[name](story)
    return story.text()


def main(folder):
    for name in CASES:
        path = folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(name))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent)
