#include "postgres/insert_forms.hpp"

#include <utility>
#include <vector>

namespace kinbox::postgres {

// What would see a difference between one statement and many is left out: triggers (a statement
// has fewer of them, and theirs see other rows), rules, row security, a table that refers to itself
// (a child before its parent would be let through), types whose arrays read differently. A type
// goes by its catalogue name: "character" means character(1), and would cut what it is cast from.
const char* const kInsertForm =
    "SELECT format('%I.%I', n.nspname, array_type.typname), type.oid = 'bytea'::regtype, "
    "c.oid::text "
    "FROM pg_catalog.pg_prepared_statements AS s "
    "CROSS JOIN LATERAL unnest(s.parameter_types) WITH ORDINALITY AS p (type, number) "
    "JOIN pg_catalog.pg_type AS type "
    "ON type.oid = p.type AND type.typdelim = ',' AND type.typtype NOT IN ('c', 'p') "
    "JOIN pg_catalog.pg_type AS array_type ON array_type.oid = type.typarray "
    "JOIN pg_catalog.pg_namespace AS n ON n.oid = array_type.typnamespace "
    "JOIN pg_catalog.pg_class AS c ON c.oid = to_regclass($2) "
    "WHERE s.name = $1 AND c.relkind = 'r' AND NOT c.relrowsecurity AND NOT c.relhasrules "
    "AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t "
    "WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) "
    "AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k "
    "WHERE k.conrelid = c.oid AND k.confrelid = c.oid) "
    "ORDER BY p.number";

std::optional<SetInsert> set_insert_from(const PlainInsert& insert, const Rows& answer) {
  if (answer.size() != insert.parameters.size()) return std::nullopt;
  SetInsert form;
  std::vector<std::string> types;
  for (const auto row : answer) {
    types.push_back(row.get<std::string>(0));
    form.is_bytea.push_back(row.get<bool>(1));
    form.table = row.get<std::string>(2);
  }
  form.text = insert_from_arrays(insert, types);
  return form;
}

const std::optional<SetInsert>* InsertForms::find(std::string_view sql) const {
  const auto found = by_sql_.find(sql);
  return found == by_sql_.end() ? nullptr : &found->second;
}

const std::optional<SetInsert>& InsertForms::add(std::string_view sql,
                                                 std::optional<SetInsert> form) {
  return by_sql_.insert_or_assign(std::string(sql), std::move(form)).first->second;
}

}  // namespace kinbox::postgres
