#include "kinbox/kafka/groups.hpp"

#include <string_view>

#include "kafka/admin_client.hpp"
#include "kafka/our_mark.hpp"
#include "kafka/partition_list.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

using ListOffsetsHandle = std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t,
                                          Destroy<rd_kafka_ListConsumerGroupOffsets_destroy>>;
using AlterOffsetsHandle = std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t,
                                           Destroy<rd_kafka_AlterConsumerGroupOffsets_destroy>>;

void check_group(const std::string& what, const rd_kafka_error_t* error) {
  if (error != nullptr)
    check_answer(what, rd_kafka_error_code(error), rd_kafka_error_string(error));
}

std::vector<std::string> members_of(const rd_kafka_ConsumerGroupDescription_t* group) {
  std::vector<std::string> members;
  const auto count = rd_kafka_ConsumerGroupDescription_member_count(group);
  for (std::size_t i = 0; i < count; ++i) {
    const auto* const member = rd_kafka_ConsumerGroupDescription_member(group, i);
    members.push_back(std::string(rd_kafka_MemberDescription_client_id(member)) + " at " +
                      rd_kafka_MemberDescription_host(member));
  }
  return members;
}

}  // namespace

class Groups::Impl : public AdminClient {
 public:
  using AdminClient::AdminClient;

  /// Of members that use the newer protocol (KIP-848) a describe request knows nothing; the list of
  /// groups does.
  std::string listed_state(const std::string& group) {
    const auto what = "reading the list of groups";
    const auto event = ask(
        what, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS,
        [&](auto* options, auto* queue) { rd_kafka_ListConsumerGroups(client(), options, queue); });
    const auto* const result = rd_kafka_event_ListConsumerGroups_result(event.get());
    std::size_t count = 0;
    const auto* const* groups = rd_kafka_ListConsumerGroups_result_valid(result, &count);
    for (std::size_t i = 0; i < count; ++i)
      if (group == rd_kafka_ConsumerGroupListing_group_id(groups[i]))
        return rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupListing_state(groups[i]));
    // A broker that did not answer may be the one that has it.
    const auto* const* errors = rd_kafka_ListConsumerGroups_result_errors(result, &count);
    for (std::size_t i = 0; i < count; ++i) check_group(what, errors[i]);
    return rd_kafka_consumer_group_state_name(RD_KAFKA_CONSUMER_GROUP_STATE_DEAD);
  }

  std::vector<std::string> members(const std::string& group) {
    const auto what = "describing group \"" + group + "\"";
    const char* name = group.c_str();
    const auto event =
        ask(what, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, [&](auto* options, auto* queue) {
          rd_kafka_DescribeConsumerGroups(client(), &name, 1, options, queue);
        });
    std::size_t count = 0;
    const auto* const* groups = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    const auto* const error = rd_kafka_ConsumerGroupDescription_error(groups[0]);
    if (rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) return {};
    check_group(what, error);
    return members_of(groups[0]);
  }
};

Groups::Groups(const Settings& settings, std::chrono::milliseconds timeout)
    : impl_(std::make_unique<Impl>(settings, timeout)) {}

Groups::~Groups() = default;

GroupState Groups::state(const std::string& group) {
  return {impl_->listed_state(group), impl_->members(group)};
}

std::map<TopicPartition, GroupOffset> Groups::offsets(const std::string& group,
                                                      std::span<const TopicPartition> partitions) {
  std::map<TopicPartition, GroupOffset> offsets;
  if (partitions.empty()) return offsets;
  const auto what = "reading the offsets of group \"" + group + "\"";
  const auto list = new_list(partitions.size());
  for (const auto& partition : partitions) add(list, partition);
  const ListOffsetsHandle request(rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()));
  auto* raw = request.get();
  const auto event =
      impl_->ask(what, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, [&](auto* options, auto* queue) {
        rd_kafka_ListConsumerGroupOffsets(impl_->client(), &raw, 1, options, queue);
      });
  std::size_t count = 0;
  const auto* const* groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  check_group(what, rd_kafka_group_result_error(groups[0]));
  const auto* const found = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; found != nullptr && i < found->cnt; ++i) {
    const auto& element = found->elems[i];
    check_answer(what, element.err, nullptr);
    if (element.offset >= 0)
      offsets[{element.topic, element.partition}] = {element.offset, has_our_mark(element)};
  }
  return offsets;
}

void Groups::set_offsets(const std::string& group, std::span<const PartitionOffset> offsets) {
  if (offsets.empty()) return;
  const auto what = "setting the offsets of group \"" + group + "\"";
  const auto list = list_of(offsets);
  for (int i = 0; i < list->cnt; ++i) set_our_mark(list->elems[i]);
  const AlterOffsetsHandle request(
      rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get()));
  auto* raw = request.get();
  const auto event = impl_->ask(
      what, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, [&](auto* options, auto* queue) {
        rd_kafka_AlterConsumerGroupOffsets(impl_->client(), &raw, 1, options, queue);
      });
  std::size_t count = 0;
  const auto* const* groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
      rd_kafka_event_AlterConsumerGroupOffsets_result(event.get()), &count);
  check_group(what, rd_kafka_group_result_error(groups[0]));
  const auto* const done = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; done != nullptr && i < done->cnt; ++i)
    check_answer(what, done->elems[i].err, nullptr);
}

}  // namespace kinbox::kafka
