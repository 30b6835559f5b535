// java Dump.java BROKERS TOPIC: the topic's records as lines of JSON, each byte as one character.
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

class Dump {
  static String text(byte[] bytes) {
    if (bytes == null) return "null";
    var json = new StringBuilder("\"");
    for (byte b : bytes) {
      int c = b & 0xff;
      if (c == '"' || c == '\\') json.append('\\').append((char) c);
      else if (c < 0x20 || c > 0x7e) json.append(String.format("\\u%04x", c));
      else json.append((char) c);
    }
    return json.append('"').toString();
  }

  static String line(ConsumerRecord<byte[], byte[]> record) {
    var headers = new StringBuilder();
    for (Header header : record.headers())
      headers.append(headers.isEmpty() ? "" : ",\n  ")
          .append('[').append(text(header.key().getBytes())).append(", ")
          .append(text(header.value())).append(']');
    return String.format(
        "{\"topic\": \"%s\", \"partition\": %d, \"offset\": %d, \"timestamp\": %d,%n"
            + " \"key\": %s,%n \"value\": %s,%n \"headers\": [%n  %s]}",
        record.topic(), record.partition(), record.offset(), record.timestamp(),
        text(record.key()), text(record.value()), headers);
  }

  public static void main(String[] arguments) {
    try (var consumer = new KafkaConsumer<>(
        Map.<String, Object>of("bootstrap.servers", arguments[0]),
        new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      var partitions = consumer.partitionsFor(arguments[1]).stream()
          .map(info -> new TopicPartition(info.topic(), info.partition())).toList();
      var ends = consumer.endOffsets(partitions);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      String separator = "[";
      while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p)))
        for (var record : consumer.poll(Duration.ofMillis(100))) {
          System.out.println(separator + line(record));
          separator = ",";
        }
      System.out.println(separator.equals("[") ? "[]" : "]");
    }
  }
}
