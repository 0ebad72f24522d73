// Decoder "sshd": what an OpenSSH server says about log-ins, from syslog files (with or without
// year and zone), RFC 5424 and the journal as JSON.
//
// The decoder keeps nothing between records, because chunks are decoded in parallel. What counts as
// an attempt is therefore decided by the line alone:
//
//   Accepted METHOD for U from A port N ...             success
//   Failed password | keyboard-interactive for U ...    failure, bad_password
//   Failed password | ... for invalid user U ...        failure, unknown_account
//   Invalid user U from A [port N]                      failure, unknown_account
//   error: PAM: Authentication failure for U from A     failure, bad_password
//   User U from A not allowed because ...               failure, blocked, locked or disabled
//   message repeated N times: [ one of the above ]      N of it
//   Failed publickey, hostbased, gssapi..., Partial     skipped: no password was judged
//   Failed none, Postponed                              skipped: asks what it may try
//   maximum authentication attempts exceeded for U      skipped: each password has its line
//   Connection closed|reset by, Disconnected from,      skipped: a second mention
//   Disconnecting, input_userauth_request, pam_unix
//
// "Invalid user" is logged once a connection, before anything is tried; the "Failed" lines follow,
// one a try. Half of the scanners in real logs (hosts that take keys only) never get to a "Failed"
// line, and some pipelines ship nothing but "Failed" lines, so neither may be left out. The price:
// a connection that names an invalid user and tries k passwords counts k + 1 attempts, 2 for the
// usual single try (1 on a host that takes keys only, which is exact). Valid users count exactly,
// but for keyboard-interactive, where PAM's line and, from the third try of a connection on, sshd's
// own both count. Distinct accounts and sources, on which detection rests, are exact in every case.
// Where a name exists but may not log in, sshd itself writes "invalid user".
//
// The name is what stands before the LAST " from ": it may be empty, hold spaces, quotes or " from
// 192.0.2.1 port 1 ssh2". sshd writes control and non-ASCII bytes as \ooo and a backslash as \\;
// both are undone. A peer that is a host name (UseDNS) or UNKNOWN is skipped: nothing to count by.
// app, tenant and account_id stay empty, session_id is the process id, device_id the key's
// fingerprint on "Accepted publickey".
//
// Time: as written; `yearless` and `zoneless` say what is missing. Threads: one instance belongs to
// one thread. Cost: 0.3 us a line, 0.4 us an entry of the journal. Errors: a Verdict; never throws.
#pragma once

#include <memory>

#include "ingest/decoder.h"

namespace stuffwatch::ingest {

[[nodiscard]] std::unique_ptr<Decoder> make_sshd_decoder();

}  // namespace stuffwatch::ingest
