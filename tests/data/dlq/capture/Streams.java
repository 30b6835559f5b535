// java Streams.java BROKERS: an application that cannot read one record of readings and fails on
// another; both go to readings-dlq.
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.LogAndContinueProcessingExceptionHandler;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;

class Streams {
  static ProducerRecord<byte[], byte[]> record(String key, byte[] value) {
    var record = new ProducerRecord<>("readings", 1, 1_769_860_800_000L, key.getBytes(), value);
    record.headers().add("id", ("r-" + key).getBytes());
    return record;
  }

  public static void main(String[] arguments) throws Exception {
    try (var admin = Admin.create(Map.of("bootstrap.servers", arguments[0]));
         var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers",
             arguments[0]), new ByteArraySerializer(), new ByteArraySerializer())) {
      admin.createTopics(List.of(new NewTopic("readings", 2, (short) 1),
          new NewTopic("readings-dlq", 1, (short) 1))).all().get();
      producer.send(record("k-1", ByteBuffer.allocate(8).putLong(-1).array())).get();
      producer.send(record("k-2", "no long".getBytes())).get();

      var builder = new StreamsBuilder();
      builder.stream("readings", Consumed.with(Serdes.String(), Serdes.Long()))
          .mapValues(value -> {
            if (value < 0) throw new IllegalArgumentException("below zero: " + value);
            return value;
          })
          .foreach((key, value) -> {});
      var settings = new Properties();
      settings.put("application.id", "thermometer");
      settings.put("bootstrap.servers", arguments[0]);
      settings.put("auto.offset.reset", "earliest");
      settings.put(StreamsConfig.ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME_CONFIG, "readings-dlq");
      settings.put("deserialization.exception.handler", LogAndContinueExceptionHandler.class);
      settings.put("processing.exception.handler", LogAndContinueProcessingExceptionHandler.class);
      settings.put("state.dir", arguments[1]);
      try (var streams = new KafkaStreams(builder.build(), settings)) {
        streams.setUncaughtExceptionHandler(e -> {
          e.printStackTrace();
          return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        var dlq = new TopicPartition("readings-dlq", 0);
        for (int n = 0; n < 600; ++n) {
          if (admin.listOffsets(Map.of(dlq, OffsetSpec.latest())).partitionResult(dlq).get()
                  .offset() >= 2) return;
          Thread.sleep(100);
        }
        throw new IllegalStateException("nothing died");
      }
    }
  }
}
