# shellcheck shell=bash
# Sourced by scripts/services: one PostgreSQL cluster under $dir, made with initdb. Clusters that
# the machine has already are never touched.
#
# Its processes are those called postgres that work in its data directory; see kafka.sh for why
# there is no pid file of ours.

postgres_home=$dir/postgres
postgres_log=$dir/logs/postgres.log

postgres_bin() {
  local bin
  bin=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)
  [[ -n $bin ]] || bin=$(command -v initdb) || die 'no PostgreSQL server: run scripts/install-dependencies'
  dirname "$(readlink -f "$bin")"
}

# The server refuses to run as root.
postgres_user_command=()
((EUID != 0)) || postgres_user_command=(setpriv --reuid=postgres --regid=postgres --init-groups)

as_postgres() { "${postgres_user_command[@]}" "$@"; }

postgres_pids() {
  local process name
  [[ -d $postgres_home/data ]] || return 0
  for process in /proc/[0-9]*; do
    if { read -r name <"$process/comm"; } 2>/dev/null && [[ $name == postgres ]] &&
      [[ $process/cwd -ef $postgres_home/data ]]; then
      printf '%s\n' "${process##*/}"
    fi
  done
}

# The postmaster, parent of all others; empty if it does not run.
postgres_main_pid() {
  local pid
  { read -r pid <"$postgres_home/data/postmaster.pid"; } 2>/dev/null || return 0
  postgres_pids | grep -x "$pid" || true
}

# A clone under /root is out of reach for the user postgres: then the data lives elsewhere.
postgres_make_home() {
  [[ ! -e $postgres_home ]] || return 0
  mkdir "$postgres_home"
  ((EUID == 0)) || return 0
  chown postgres: "$postgres_home"
  if ! (cd / && as_postgres test -w "$postgres_home"); then
    local elsewhere
    elsewhere=$(mktemp -d /var/tmp/kinbox-postgres.XXXXXX)
    say "postgres: the user postgres cannot reach $dir; its data is in $elsewhere"
    chown postgres: "$elsewhere"
    rmdir "$postgres_home"
    ln -s "$elsewhere" "$postgres_home"
  fi
}

postgres_remove_home() {
  local elsewhere
  elsewhere=$(readlink "$postgres_home" || true)
  [[ $elsewhere != /var/tmp/kinbox-postgres.* ]] || rm -rf -- "$elsewhere"
  rm -rf -- "$postgres_home"
}

# Everybody may come in from loopback, except the role that wrong-password tests use. The default
# collation sorts like a dictionary, as on most servers: what needs byte order must say so.
postgres_initialise() {
  (cd / && as_postgres rm -rf "$postgres_data" &&
    as_postgres "$bin/initdb" -D "$postgres_data" -U postgres -E UTF8 --locale=C.UTF-8 \
      --locale-provider=icu --icu-locale=en-US --no-instructions) >>"$postgres_log" 2>&1
  as_postgres tee "$postgres_data/pg_hba.conf" >/dev/null <<EOF
local all kinbox_password              scram-sha-256
host  all kinbox_password 127.0.0.1/32 scram-sha-256
local all all                          trust
host  all all             127.0.0.1/32 trust
EOF
  as_postgres tee -a "$postgres_data/postgresql.conf" >/dev/null <<EOF
listen_addresses = '127.0.0.1'
max_prepared_transactions = 5
log_line_prefix = '%m [%p] %q%a '
EOF
  as_postgres touch "${postgres_data%/data}/initialised"
}

postgres_choose_port() {
  printf 'postgres_port=%s\n' "$(free_port)" >"$dir/postgres-port"
}

postgres_locate() {
  bin=$(postgres_bin)
  postgres_data=$(readlink -f "$postgres_home")/data
}

postgres_load() {
  postgres_locate
  # shellcheck disable=SC1091
  . "$dir/postgres-port"
}

postgres_prepare() {
  # Orphans of a killed postmaster go on writing. And its pid must be forgotten: another process
  # may have that number now, which the server would take for its predecessor and refuse to start.
  kill_service postgres
  rm -f "$postgres_home"/data/postmaster.pid "$postgres_home"/.s.PGSQL.*
  postgres_make_home
  postgres_locate
  [[ -e $postgres_home/initialised ]] || postgres_initialise
  [[ -e $dir/postgres-port ]] || postgres_choose_port
  postgres_load
  if port_is_taken "$postgres_port"; then
    say 'postgres: somebody has taken its port, choosing a new one (read the environment again)'
    postgres_choose_port
    postgres_load
  fi
}

# A path of 108 bytes or more does not fit into a socket address.
postgres_socket_directory() {
  local directory=${postgres_data%/data}
  ((${#directory} + ${#postgres_port} + 12 >= 108)) || printf '%s' "$directory"
}

postgres_spawn() {
  spawn_server "$postgres_log" "${postgres_user_command[@]}" "$bin/postgres" -D "$postgres_data" \
    -p "$postgres_port" -k "$(postgres_socket_directory)"
}

postgres_query() {
  PGCONNECT_TIMEOUT=2 "$bin/psql" -X -Atq -v ON_ERROR_STOP=1 \
    "postgresql://postgres@127.0.0.1:$postgres_port/postgres" "$@" 2>/dev/null
}

postgres_answers() {
  [[ $(postgres_query -c 'SHOW data_directory') == "$postgres_data" ]] && postgres_make_role
}

postgres_make_role() {
  postgres_query <<'EOF'
SELECT $$CREATE ROLE kinbox_password LOGIN PASSWORD 'right'$$
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kinbox_password') \gexec
EOF
}

postgres_endpoint() {
  postgres_load && printf '127.0.0.1:%s' "$postgres_port"
}

postgres_environment() {
  postgres_load
  cat <<EOF
export KINBOX_TEST_POSTGRES=postgresql://postgres@127.0.0.1:$postgres_port/postgres
export KINBOX_TEST_POSTGRES_WITH_PASSWORD=postgresql://kinbox_password:right@127.0.0.1:$postgres_port/postgres
EOF
}

# Fast shutdown: open transactions are rolled back.
postgres_ask_to_stop() { signal_postmaster INT; }

# Immediate shutdown: no checkpoint, recovery at the next start, as after a crash.
postgres_ask_to_stop_immediately() { signal_postmaster QUIT; }

# False if there are only orphans, who listen to nobody.
signal_postmaster() {
  local pid
  pid=$(postgres_main_pid)
  [[ -n $pid ]] && signal_all "$1" "$pid"
}
