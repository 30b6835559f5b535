#include "cli/demo/order_events.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>

namespace kinbox::cli {
namespace {

std::string padded(int number) {
  char text[16];
  std::snprintf(text, sizeof text, "%04d", number);
  return text;
}

}  // namespace

OrderEvents::OrderEvents(std::string topic, std::string run)
    : topic_(std::move(topic)), run_(std::move(run)) {}

std::string OrderEvents::buyer(int number) { return "buyer-" + std::to_string(number); }

std::string OrderEvents::seller(int number) { return "seller-" + std::to_string(number % 3); }

std::string OrderEvents::product(int number) { return "product-" + std::to_string(number % 5); }

std::string OrderEvents::address(int number) { return buyer(number) + "@shop.example"; }

OwnedRecord OrderEvents::order(int number) const {
  return record(number, payload(number, buyer(number), address(number)));
}

OwnedRecord OrderEvents::order_of_stranger(int number) const {
  return record(number, payload(number, stranger(), ""));
}

OwnedRecord OrderEvents::order_of_guest(int number) const {
  auto order = record(number, payload(number, guest(), ""));
  order.key = guest();
  return order;
}

OwnedRecord OrderEvents::status(int number, const std::string& topic,
                                const std::string& event_type) const {
  nlohmann::ordered_json event;
  event["eventId"] = event_type + '-' + run_ + '-' + padded(number);
  event["eventType"] = event_type;
  event["orderId"] = order_id(number);
  event["orderNumber"] = "SO-" + padded(number);
  event["buyerId"] = buyer(number);
  event["buyerEmail"] = address(number);
  event["sellerIds"] = {seller(number)};
  event["status"] = event_type.substr(event_type.find('_') + 1);
  event["previousStatus"] = "CREATED";
  auto about = record(number, event.dump());
  about.topic = topic;
  return about;
}

OwnedRecord OrderEvents::broken(int number) const {
  return record(number, payload(number, buyer(number), address(number)).substr(0, 40));
}

OwnedRecord OrderEvents::record(int number, std::string value) const {
  OwnedRecord record;
  record.topic = topic_;
  record.key = order_id(number);
  record.value = std::move(value);
  record.headers = {{"content-type", "application/json"}};
  return record;
}

std::string OrderEvents::order_id(int number) const {
  return "order-" + run_ + '-' + padded(number);
}

std::string OrderEvents::payload(int number, const std::string& buyer,
                                 const std::string& address) const {
  nlohmann::ordered_json order;
  order["eventId"] = "evt-" + run_ + '-' + padded(number);
  order["eventType"] = "ORDER_CREATED";
  order["orderId"] = order_id(number);
  order["orderNumber"] = "SO-" + padded(number);
  order["buyerId"] = buyer;
  order["buyerEmail"] = address;
  order["sellerIds"] = {seller(number)};
  order["totalAmount"] = number * 10 + 0.5;
  order["items"].push_back({{"productId", product(number)},
                            {"sellerId", seller(number)},
                            {"quantity", 2},
                            {"unitPrice", std::to_string(number * 5) + ".25"}});
  return order.dump();
}

std::string random_run() {
  std::random_device random;
  char text[16];
  std::snprintf(text, sizeof text, "%08x", random());
  return text;
}

}  // namespace kinbox::cli
