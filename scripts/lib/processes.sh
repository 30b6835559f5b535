# shellcheck shell=bash
# Sourced by scripts/services: waiting, free ports, and servers that outlive the script.

# wait_until SECONDS COMMAND...: true as soon as the command is; false at the deadline.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# True if somebody listens on this TCP port, on any address.
port_is_taken() {
  grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$1") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Below the range from which the kernel takes ports for outgoing connections (32768 and up), so
# that a port stays free while its server is down.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    port_is_taken "$port" || break
  done
  printf '%s\n' "$port"
}

# spawn_server LOG COMMAND...: starts it in a session of its own and sets spawned_pid.
# It inherits no open file (a held lock or pipe would make somebody wait for the server's end) and
# no working directory (PostgreSQL's user may not be allowed into it).
spawn_server() {
  local log=$1 fd
  shift
  (
    cd /
    exec </dev/null >>"$log" 2>&1
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      ((fd <= 2)) || exec {fd}>&- || true
    done
    exec setsid "$@"
  ) &
  spawned_pid=$!
  disown "$spawned_pid"
}

# signal_all SIGNAL PID...: a process that is gone already is no error.
signal_all() {
  local signal=$1 pid
  shift
  for pid in "$@"; do
    kill -s "$signal" "$pid" 2>/dev/null || true
  done
}

show_log_end() {
  say "the end of $1:"
  tail -n 30 "$1" >&2 2>/dev/null || true
}
