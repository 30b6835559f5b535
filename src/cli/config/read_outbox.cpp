#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"
#include "core/outgoing_event.hpp"

namespace kinbox::cli {

OutboxConfig read_outbox(const ConfigNode& node, Backend backend) {
  OutboxConfig outbox;
  ConfigMap map(node);
  if (const auto relay = map.take("relay")) {
    read_word(*relay, outbox.relay, words::relay());
    if (outbox.relay == OutboxConfig::Relay::kCdc && backend == Backend::kSqlite)
      relay->problem("cannot be \"cdc\" with SQLite, which has no log to capture changes from");
  }
  if (const auto source = map.take("source")) {
    outbox.source = source->text();
    if (!outbox.source->empty() && !is_uri_reference(*outbox.source))
      source->problem("\"" + *outbox.source + "\" is no URI reference; try something like /shop");
  }
  ByteSize max_event{outbox.max_event};
  map.read("max_event", max_event);
  outbox.max_event = max_event.bytes;
  map.read("retention", outbox.retention);
  map.refuse_the_rest();
  return outbox;
}

}  // namespace kinbox::cli
