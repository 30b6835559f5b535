# shellcheck shell=bash
# Sourced by scripts/services: one Apache Kafka broker (KRaft, no ZooKeeper) under $dir.
#
# Its processes are found by a mark on their command line, not by a pid file: such a file survives
# its process, and the number may belong to somebody else by then.

kafka_version=4.1.1
kafka_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kinbox/kafka-$kafka_version
kafka_home=$dir/kafka
kafka_log=$dir/logs/kafka.log
kafka_mark=-Dkinbox.services=$dir

# Quick to start and small: a test broker lives for minutes.
kafka_jvm=(java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC)

kafka_pids() {
  # The pattern comes through a file, else grep would find itself.
  grep -lzxsF -f <(printf '%s\n' "$kafka_mark") /proc/[0-9]*/cmdline | cut -d/ -f3 || true
}

kafka_main_pid() { kafka_pids | head -n 1; }

kafka_fetch_jars() {
  [[ ! -d $kafka_cache/lib ]] || return 0
  say "fetching Apache Kafka $kafka_version from Maven Central (43 MB, once) to $kafka_cache"
  mkdir -p "$kafka_cache"
  local new
  new=$(mktemp -d "$kafka_cache/new.XXXXXX")
  if ! mvn -q -B -C -f scripts/lib/kafka/pom.xml -Dkafka.version="$kafka_version" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$new/lib" >"$dir/logs/maven.log" 2>&1; then
    rm -rf "$new"
    show_log_end "$dir/logs/maven.log"
    die "Maven could not fetch Apache Kafka (a mirror or proxy belongs in ~/.m2/settings.xml)"
  fi
  # Renamed when complete; whoever comes second finds the name taken and throws its copy away.
  mv -T "$new/lib" "$kafka_cache/lib" 2>/dev/null || true
  rm -rf "$new"
}

# Random ids: a broker that answers with ours is ours.
kafka_choose_settings() {
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c -22)
  cat >"$kafka_home/settings" <<EOF
kafka_cluster_id=K${id:1}
kafka_node_id=$((1000 + RANDOM))
EOF
}

kafka_choose_ports() {
  cat >"$kafka_home/ports" <<EOF
kafka_port=$(free_port)
kafka_controller_port=$(free_port)
kafka_proxied_port=$(free_port)
kafka_proxy_port=$(free_port)
EOF
}

kafka_load() {
  # shellcheck disable=SC1091
  . "$kafka_home/settings" && . "$kafka_home/ports"
}

kafka_ports_are_free() {
  ! port_is_taken "$kafka_port" && ! port_is_taken "$kafka_controller_port" &&
    ! port_is_taken "$kafka_proxied_port"
}

kafka_write_properties() {
  cat scripts/lib/kafka/broker.properties - >"$kafka_home/server.properties" <<EOF

node.id=$kafka_node_id
controller.quorum.voters=$kafka_node_id@127.0.0.1:$kafka_controller_port
listeners=PLAINTEXT://127.0.0.1:$kafka_port,PROXIED://127.0.0.1:$kafka_proxied_port,CONTROLLER://127.0.0.1:$kafka_controller_port
# Clients that bootstrap through a test's proxy are sent back to the proxy.
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port,PROXIED://127.0.0.1:$kafka_proxy_port
log.dirs=$kafka_home/data
EOF
}

kafka_format() {
  rm -rf "$kafka_home/data"
  "${kafka_jvm[@]}" -Xmx64m -cp "$kafka_cache/lib/*" \
    -Dlog4j2.configurationFile=scripts/lib/kafka/log4j2.yaml \
    kafka.tools.StorageTool format -t "$kafka_cluster_id" -c "$kafka_home/server.properties" \
    >>"$kafka_log" 2>&1
  touch "$kafka_home/initialised"
}

kafka_require_tools() {
  local tool
  for tool in java mvn kcat; do
    command -v "$tool" >/dev/null || die "kafka: no $tool here: run scripts/install-dependencies"
  done
}

kafka_prepare() {
  kafka_require_tools
  kafka_fetch_jars
  mkdir -p "$kafka_home"
  if [[ ! -e $kafka_home/initialised ]]; then
    kafka_choose_settings
    kafka_choose_ports
  fi
  kafka_load
  if ! kafka_ports_are_free; then
    say 'kafka: somebody has taken its ports, choosing new ones (read the environment again)'
    kafka_choose_ports
    kafka_load
  fi
  kafka_write_properties
  [[ -e $kafka_home/initialised ]] || kafka_format
}

kafka_spawn() {
  spawn_server "$kafka_log" "${kafka_jvm[@]}" -Xms32m -Xmx192m -XX:+ExitOnOutOfMemoryError \
    -XX:ErrorFile="$dir/logs/kafka-crash.log" "$kafka_mark" \
    -Dlog4j2.configurationFile="$PWD/scripts/lib/kafka/log4j2.yaml" \
    -cp "$kafka_cache/lib/*" kafka.Kafka "$kafka_home/server.properties"
}

kafka_answers() {
  port_is_taken "$kafka_port" &&
    [[ $(kcat -b "127.0.0.1:$kafka_port" -L -J -m 2 2>/dev/null) == *"\"brokers\":[{\"id\":$kafka_node_id,"* ]]
}

kafka_endpoint() {
  kafka_load && printf '127.0.0.1:%s' "$kafka_port"
}

kafka_environment() {
  kafka_load
  cat <<EOF
export KINBOX_TEST_BROKERS=127.0.0.1:$kafka_port
export KINBOX_TEST_KAFKA_CLUSTER_ID=$kafka_cluster_id
export KINBOX_TEST_KAFKA_PROXY_LISTEN=$kafka_proxy_port
export KINBOX_TEST_KAFKA_PROXY_UPSTREAM=$kafka_proxied_port
EOF
}

kafka_ask_to_stop() { signal_all TERM "$(kafka_main_pid)"; }
