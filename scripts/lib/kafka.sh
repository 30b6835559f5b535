# shellcheck shell=bash
# Sourced by scripts/services: one Apache Kafka broker (KRaft, no ZooKeeper) under $dir.
#
# Its processes are found by a mark on their command line, not by a pid file: such a file survives
# its process, and the number may belong to somebody else by then.
#
# Listeners, all on loopback:
#   PLAINTEXT   for most tests
#   PROXIED     the same for clients behind a test's proxy
#   TLS         with a certificate of the test's own authority
#   MISNAMED    TLS with a certificate for another host
#   MUTUAL      TLS that wants a certificate of the client, too
#   SASL        TLS with user and password: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512

kafka_version=4.1.1
kafka_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kinbox/kafka-$kafka_version
kafka_home=$dir/kafka
kafka_log=$dir/logs/kafka.log
kafka_mark=-Dkinbox.services=$dir
# Data of a broker that was formatted before it had users is of no use.
kafka_formatted=$kafka_home/formatted-with-users
kafka_tls=$kafka_home/tls

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
kafka_password=$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')
EOF
}

kafka_choose_ports() {
  cat >"$kafka_home/ports" <<EOF
kafka_port=$(free_port)
kafka_controller_port=$(free_port)
kafka_proxied_port=$(free_port)
kafka_proxy_port=$(free_port)
kafka_tls_port=$(free_port)
kafka_misnamed_port=$(free_port)
kafka_mutual_port=$(free_port)
kafka_sasl_port=$(free_port)
EOF
}

kafka_load() {
  # shellcheck disable=SC1091
  . "$kafka_home/settings" && . "$kafka_home/ports"
}

kafka_ports_are_free() {
  local port
  for port in "$kafka_port" "$kafka_controller_port" "$kafka_proxied_port" "$kafka_tls_port" \
    "$kafka_misnamed_port" "$kafka_mutual_port" "$kafka_sasl_port"; do
    ! port_is_taken "$port" || return 1
  done
}

# kafka_listeners NAME=PORT...: the value of listeners and advertised.listeners
kafka_listeners() {
  local entry list=''
  for entry in "$@"; do list+=,${entry%=*}://127.0.0.1:${entry#*=}; done
  printf '%s' "${list#,}"
}

kafka_write_properties() {
  local secure=("TLS=$kafka_tls_port" "MISNAMED=$kafka_misnamed_port"
    "MUTUAL=$kafka_mutual_port" "SASL=$kafka_sasl_port")
  cat scripts/lib/kafka/broker.properties - >"$kafka_home/server.properties" <<EOF

node.id=$kafka_node_id
controller.quorum.voters=$kafka_node_id@127.0.0.1:$kafka_controller_port
listeners=$(kafka_listeners "PLAINTEXT=$kafka_port" "PROXIED=$kafka_proxied_port" "CONTROLLER=$kafka_controller_port" "${secure[@]}")
# Clients that bootstrap through a test's proxy are sent back to the proxy.
advertised.listeners=$(kafka_listeners "PLAINTEXT=$kafka_port" "PROXIED=$kafka_proxy_port" "${secure[@]}")
log.dirs=$kafka_home/data
ssl.keystore.location=$kafka_tls/broker.pem
ssl.truststore.location=$kafka_tls/ca.pem
listener.name.misnamed.ssl.keystore.location=$kafka_tls/misnamed.pem
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_kinbox="$kafka_password";
EOF
}

kafka_make_certificates() {
  [[ ! -e $kafka_tls ]] || return 0
  rm -rf "$kafka_tls.new"
  mkdir "$kafka_tls.new"
  scripts/lib/kafka/certificates "$kafka_tls.new" >>"$kafka_log" 2>&1 ||
    die "openssl made no certificates: see $kafka_log"
  mv "$kafka_tls.new" "$kafka_tls"
}

kafka_format() {
  rm -rf "$kafka_home/data"
  "${kafka_jvm[@]}" -Xmx64m -cp "$kafka_cache/lib/*" \
    -Dlog4j2.configurationFile=scripts/lib/kafka/log4j2.yaml \
    kafka.tools.StorageTool format -t "$kafka_cluster_id" -c "$kafka_home/server.properties" \
    --add-scram "SCRAM-SHA-256=[name=kinbox,password=$kafka_password]" \
    --add-scram "SCRAM-SHA-512=[name=kinbox,password=$kafka_password]" >>"$kafka_log" 2>&1
  touch "$kafka_formatted"
}

kafka_require_tools() {
  local tool
  for tool in java mvn kcat openssl; do
    command -v "$tool" >/dev/null || die "kafka: no $tool here: run scripts/install-dependencies"
  done
}

kafka_prepare() {
  kafka_require_tools
  kafka_fetch_jars
  mkdir -p "$kafka_home"
  if [[ ! -e $kafka_formatted ]]; then
    kafka_choose_settings
    kafka_choose_ports
  fi
  kafka_load
  if ! kafka_ports_are_free; then
    say 'kafka: somebody has taken its ports, choosing new ones (read the environment again)'
    kafka_choose_ports
    kafka_load
  fi
  kafka_make_certificates
  kafka_write_properties
  [[ -e $kafka_formatted ]] || kafka_format
}

kafka_spawn() {
  spawn_server "$kafka_log" "${kafka_jvm[@]}" -Xms32m "-Xmx${KINBOX_TEST_KAFKA_HEAP:-192m}" -XX:+ExitOnOutOfMemoryError \
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
export KINBOX_TEST_KAFKA_TLS=127.0.0.1:$kafka_tls_port
export KINBOX_TEST_KAFKA_MISNAMED=127.0.0.1:$kafka_misnamed_port
export KINBOX_TEST_KAFKA_MUTUAL=127.0.0.1:$kafka_mutual_port
export KINBOX_TEST_KAFKA_SASL=127.0.0.1:$kafka_sasl_port
export KINBOX_TEST_KAFKA_PASSWORD=$kafka_password
export KINBOX_TEST_KAFKA_CERTIFICATES=$(printf %q "$kafka_tls")
EOF
}

kafka_ask_to_stop() { signal_all TERM "$(kafka_main_pid)"; }
