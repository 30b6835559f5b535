// java ShareGroup.java BROKERS: a share group with its own DLQ topic rejects a record of tickets;
// another one, which copies no records, does as well.
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

class ShareGroup {
  static void configure(Admin admin, String group, String... settings) throws Exception {
    var operations = new java.util.ArrayList<AlterConfigOp>();
    for (int i = 0; i < settings.length; i += 2)
      operations.add(new AlterConfigOp(new ConfigEntry(settings[i], settings[i + 1]),
          AlterConfigOp.OpType.SET));
    admin.incrementalAlterConfigs(Map.of(
        new ConfigResource(ConfigResource.Type.GROUP, group), operations)).all().get();
  }

  static void reject(Admin admin, String brokers, String group, String dlq) throws Exception {
    try (var consumer = new KafkaShareConsumer<>(
        Map.<String, Object>of("bootstrap.servers", brokers, "group.id", group,
            "share.acknowledgement.mode", "explicit"),
        new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of("tickets"));
      var end = new TopicPartition(dlq, 0);
      for (int n = 0; n < 600; ++n) {
        for (var record : consumer.poll(Duration.ofMillis(100)))
          consumer.acknowledge(record, AcknowledgeType.REJECT);
        consumer.commitSync();
        if (admin.listOffsets(Map.of(end, OffsetSpec.latest())).partitionResult(end).get()
                .offset() >= 1) return;
      }
      throw new IllegalStateException("nothing died in " + group);
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (var admin = Admin.create(Map.of("bootstrap.servers", arguments[0]));
         var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers",
             arguments[0]), new ByteArraySerializer(), new ByteArraySerializer())) {
      var enabled = Map.of("errors.deadletterqueue.group.enable", "true");
      admin.createTopics(List.of(new NewTopic("tickets", 1, (short) 1),
          new NewTopic("dlq.tickets", 1, (short) 1).configs(enabled),
          new NewTopic("dlq.tickets-bare", 1, (short) 1).configs(enabled))).all().get();
      var record = new ProducerRecord<>("tickets", 0, 1_769_860_800_000L, "t-1".getBytes(),
          "{\"seat\": 7}".getBytes());
      record.headers().add("id", "e-t-1".getBytes());
      producer.send(record).get();
      configure(admin, "box-office", "share.auto.offset.reset", "earliest",
          "errors.deadletterqueue.topic.name", "dlq.tickets",
          "errors.deadletterqueue.copy.record.enable", "true");
      configure(admin, "cloakroom", "share.auto.offset.reset", "earliest",
          "errors.deadletterqueue.topic.name", "dlq.tickets-bare");
      reject(admin, arguments[0], "box-office", "dlq.tickets");
      reject(admin, arguments[0], "cloakroom", "dlq.tickets-bare");
    }
  }
}
