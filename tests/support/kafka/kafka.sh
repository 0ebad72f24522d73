#!/usr/bin/env bash
# A throw-away Apache Kafka (KRaft) on loopback, for tests and `./dev run --kafka`.
#   kafka.sh libs                  fetch the jars once with Maven (about 55 MB) into $KLIBS
#   kafka.sh start                 format and start $KNODES nodes, return when they answer
#   kafka.sh topic NAME PARTITIONS create a topic
#   kafka.sh kill N | down N       SIGKILL node N; SIGTERM it and wait until it has left
#   kafka.sh up N                  start it again on its old data
#   kafka.sh pause N | resume N    SIGSTOP / SIGCONT node N: an unreachable broker whose connections stay open
#   kafka.sh stop
# Environment: KDIR    state of this run            KLIBS    the jars
#              KPORT   first port; node i takes KPORT+10*(i-1) .. +4 (plain, controller, SASL, SASL over TLS, TLS)
#              KNODES  1                            KHEAP    256m
#              KSEC=1  also the secured listeners: PLAIN alice/alice-secret, SCRAM bob/bob-secret, CA in $KDIR/tls/ca.crt
#              KWATCH  a process id: the nodes stop by themselves when it is gone
#              PYTHON  one that has confluent-kafka
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/stuffwatch
KDIR=${KDIR:-}; KLIBS=${KLIBS:-$CACHE/kafka-libs-4.3.1}; KPORT=${KPORT:-9092}; KNODES=${KNODES:-1}; KHEAP=${KHEAP:-256m}
JAVA=${JAVA:-java}; PYTHON=${PYTHON:-$CACHE/venv/bin/python}
BOOT="127.0.0.1:$KPORT"; RF=$((KNODES < 3 ? 1 : 3)); MINISR=$((KNODES < 3 ? 1 : 2))

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 2; }
need_dir() { [ -n "$KDIR" ] || { echo "kafka.sh: set KDIR to a folder for this broker's state" >&2; exit 2; }; }
port() { echo $((KPORT + 10 * ($1 - 1) + $2)); }
pid() { cat "$KDIR/n$1/pid"; }

libs() {
  local staging="$KLIBS.new.$$"
  mvn -q -B -Dstyle.color=never -f "$HERE/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$staging"
  touch "$staging/complete"
  rm -rf "$KLIBS"
  mv "$staging" "$KLIBS"
}

certs() { # one CA, one server certificate (127.0.0.1, localhost), one client certificate; PEM, PKCS#8 keys
  local d=$KDIR/tls name
  [ ! -s "$d/server.pem" ] || return 0
  mkdir -p "$d"
  ( cd "$d"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=test-ca -keyout ca.key -out ca.crt
    for name in server client; do
      openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
      openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out $name.crt \
        -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1)
      cat $name.key $name.crt > $name.pem
    done ) > "$d/openssl.log" 2>&1
}

settings() { # node: its server.properties
  local file="$KDIR/n$1/server.properties" voters="" i
  for i in $(seq "$KNODES"); do voters="$voters${voters:+,}$i@127.0.0.1:$(port "$i" 1)"; done
  if [ -n "${KSEC:-}" ]; then
    grep -vE '^(listeners|advertised.listeners|listener.security.protocol.map)=' "$HERE/server.properties" > "$file"
    cat "$HERE/secure.properties" >> "$file"
  else
    cp "$HERE/server.properties" "$file"
  fi
  sed -i -e "s#@ID@#$1#; s#@VOTERS@#$voters#; s#@DATA@#$KDIR/n$1/data#; s#@RF@#$RF#; s#@MINISR@#$MINISR#; s#@TLS@#$KDIR/tls#" \
    -e "s#@PORT@#$(port "$1" 0)#g; s#@CPORT@#$(port "$1" 1)#g; s#@SPORT@#$(port "$1" 2)#g; s#@TPORT@#$(port "$1" 3)#g" \
    -e "s#@MPORT@#$(port "$1" 4)#g" "$file"
}

format() { # node
  local users=()
  [ -z "${KSEC:-}" ] || users=(--add-scram 'SCRAM-SHA-256=[name=bob,password=bob-secret]'
                               --add-scram 'SCRAM-SHA-512=[name=bob,password=bob-secret]')
  "$JAVA" -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$KLIBS/*" kafka.tools.StorageTool format \
    -t MkU3OEVBNTcwNTJENDM2Qg -c "$KDIR/n$1/server.properties" "${users[@]}" > "$KDIR/n$1/format.log" 2>&1
}

launch() { # node
  setsid "$JAVA" -Xms"$KHEAP" -Xmx"$KHEAP" -XX:+UseG1GC -Djava.net.preferIPv4Stack=true \
    -Dlog4j2.configurationFile="$HERE/log4j2.properties" -cp "$KLIBS/*" kafka.Kafka "$KDIR/n$1/server.properties" \
    >> "$KDIR/n$1/broker.log" 2>&1 < /dev/null &
  echo $! > "$KDIR/n$1/pid"
}

ready() { # a Metadata answer that lists every node; an open port is not enough
  local pids=() i
  for i in $(seq "$KNODES"); do pids+=("$(pid "$i")"); done
  "$PYTHON" "$HERE/admin.py" ready "$BOOT" "$KNODES" "${pids[@]}" || { tail -20 "$KDIR"/n*/broker.log >&2; return 1; }
}

watch() { # stop the nodes when process $KWATCH is gone, however it went
  setsid "$HERE/kafka.sh" watch "$KWATCH" > /dev/null 2>&1 < /dev/null &
}

start() {
  local i jobs=() job
  [ -e "$KLIBS/complete" ] || { echo "kafka.sh: no jars in $KLIBS; run: ./dev install kafka" >&2; exit 1; }
  [ -z "${KSEC:-}" ] || certs
  for i in $(seq "$KNODES"); do
    rm -rf "$KDIR/n$i"; mkdir -p "$KDIR/n$i"
    settings "$i"
    format "$i" & jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || { tail -5 "$KDIR"/n*/format.log >&2; exit 1; }; done
  for i in $(seq "$KNODES"); do launch "$i"; done
  export KDIR; [ -z "${KWATCH:-}" ] || watch
  ready || { stop; exit 1; }
}

alive() { grep -sq '^State:[[:space:]]*[^[:space:]ZX]' "/proc/$1/status"; } # a zombie is dead

gone() { # pid...: wait until they are, at most 20 s
  local p
  for p in "$@"; do
    for _ in $(seq 200); do alive "$p" || continue 2; sleep 0.1; done
    return 1
  done
}

down() { # node: an orderly end, for tests that restart it; the data is complete afterwards
  local p
  p=$(pid "$1")
  kill "$p"
  gone "$p" || { echo "kafka.sh: node $1 does not leave" >&2; exit 1; }
}

pause() { # node: returns when the last of its threads stands still
  local p
  p=$(pid "$1")
  kill -STOP "$p"
  for _ in $(seq 200); do
    grep -q '^State:[[:space:]]*[^[:space:]T]' /proc/"$p"/task/*/status || return 0
    sleep 0.02
  done
  echo "kafka.sh: node $1 does not stand still" >&2
  exit 1
}

stop() { # the data is thrown away, and a node without its quorum would take 5 minutes to leave by itself
  local pids
  pids=$(cat "$KDIR"/n*/pid 2>/dev/null || true)
  rm -f "$KDIR"/n*/pid
  [ -n "$pids" ] || return 0
  # shellcheck disable=SC2086 # one word a process
  kill -9 $pids 2>/dev/null || true
  # shellcheck disable=SC2086
  gone $pids
}

case "${1:-}" in
  libs) libs ;;
  start) need_dir; start ;;
  topic) "$PYTHON" "$HERE/admin.py" topic "$BOOT" "$2" "$3" ;;
  kill) need_dir; kill -9 "$(pid "$2")" ;;
  down) need_dir; down "$2" ;;
  up) need_dir; launch "$2"; ready ;;
  pause) need_dir; pause "$2" ;;
  resume) need_dir; kill -CONT "$(pid "$2")" ;;
  stop) need_dir; stop ;;
  watch) # not for people: see watch()
    need_dir
    while alive "$2" && [ -e "$KDIR/n1" ]; do sleep 1; done
    stop ;;
  *) usage ;;
esac
