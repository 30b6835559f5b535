// java Spring.java BROKERS: two listeners that always fail, one behind DefaultErrorHandler with
// DeadLetterPublishingRecoverer (payments -> payments-dlt), one with @RetryableTopic
// (orders -> orders-retry -> orders-dlt).
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.EnableKafkaRetryTopic;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.retry.annotation.Backoff;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.util.backoff.FixedBackOff;

public class Spring {
  static String brokers;
  static final CountDownLatch dead = new CountDownLatch(3);

  public static class Listeners {
    @KafkaListener(topics = "payments", groupId = "billing", containerFactory = "recovering")
    public void pay(byte[] value) {
      throw new IllegalStateException("no account for " + new String(value));
    }

    @RetryableTopic(attempts = "2", backoff = @Backoff(delay = 50), numPartitions = "1")
    @KafkaListener(topics = "orders", groupId = "shipping", containerFactory = "plain")
    public void ship(byte[] value) {
      throw new IllegalArgumentException("no such depot");
    }

    @KafkaListener(topics = {"payments-dlt", "orders-dlt"}, groupId = "undertaker",
        containerFactory = "plain")
    public void bury(byte[] value) {
      dead.countDown();
    }
  }

  @Configuration
  @EnableKafka
  @EnableKafkaRetryTopic
  public static class Beans {
    @Bean
    Listeners listeners() {
      return new Listeners();
    }

    @Bean
    TaskScheduler scheduler() {
      return new ThreadPoolTaskScheduler();
    }

    @Bean
    KafkaTemplate<byte[], byte[]> defaultRetryTopicKafkaTemplate() {
      return new KafkaTemplate<>(new DefaultKafkaProducerFactory<>(
          Map.of("bootstrap.servers", brokers), new ByteArraySerializer(),
          new ByteArraySerializer()));
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<byte[], byte[]> plain() {
      var factory = new ConcurrentKafkaListenerContainerFactory<byte[], byte[]>();
      factory.setConsumerFactory(new DefaultKafkaConsumerFactory<>(
          Map.of("bootstrap.servers", brokers, "auto.offset.reset", "earliest"),
          new ByteArrayDeserializer(), new ByteArrayDeserializer()));
      return factory;
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<byte[], byte[]> recovering(
        KafkaTemplate<byte[], byte[]> template) {
      var factory = plain();
      factory.getContainerProperties().setDeliveryAttemptHeader(true);
      factory.setCommonErrorHandler(new DefaultErrorHandler(
          new DeadLetterPublishingRecoverer(template), new FixedBackOff(50, 2)));
      return factory;
    }
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int partition, String key,
      String value) {
    var record = new ProducerRecord<>(topic, partition, 1_769_860_800_000L, key.getBytes(),
        value.getBytes());
    record.headers().add("id", ("e-" + key).getBytes());
    return record;
  }

  public static void main(String[] arguments) throws Exception {
    brokers = arguments[0];
    try (var admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      for (var topic : new String[] {"payments", "payments-dlt", "orders"})
        admin.createTopics(java.util.List.of(new NewTopic(topic, 3, (short) 1))).all().get();
    }
    try (var context = new AnnotationConfigApplicationContext(Beans.class)) {
      @SuppressWarnings("unchecked")
      KafkaTemplate<byte[], byte[]> template = context.getBean(KafkaTemplate.class);
      template.send(record("payments", 2, "p-1", "{\"amount\": 5}")).get();
      template.send(record("payments", 2, "p-2", "{\"amount\": 6}")).get();
      template.send(record("orders", 1, "o-1", "{\"lines\": []}")).get();
      if (!dead.await(60, TimeUnit.SECONDS)) throw new IllegalStateException("still alive");
    }
  }
}
