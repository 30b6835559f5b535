#include <gtest/gtest.h>

#include "kinbox/errors.hpp"
#include "postgres/error_classes.hpp"
#include "postgres/handles.hpp"

namespace kinbox::postgres {
namespace {

using Origin = OpenTransaction::Origin;

TEST(PostgresErrorClasses, TheServerAndItsNeighboursAreNobodysFault) {
  for (const auto* code : {"08000", "08006", "57P01", "57P02", "57P03", "57P04", "57P05", "53000",
                           "53100", "53200", "53300", "58000", "58030", "40001", "40P01"}) {
    EXPECT_EQ(fault_of(code, Origin::kHandler), Fault::kInfrastructure) << code;
    EXPECT_EQ(fault_of(code, Origin::kFramework), Fault::kInfrastructure) << code;
  }
}

TEST(PostgresErrorClasses, ATimeoutCountsAgainstTheOneWhoseStatementItWas) {
  for (const auto* code : {"55P03", "57014", "25P03", "25P04"}) {
    EXPECT_EQ(fault_of(code, Origin::kHandler), Fault::kStatement) << code;
    EXPECT_EQ(fault_of(code, Origin::kFramework), Fault::kInfrastructure) << code;
  }
}

TEST(PostgresErrorClasses, EverythingElseIsTheStatementsFault) {
  for (const auto* code :
       {"23505", "23503", "23514", "22012", "22021", "42601", "42P01", "42501", "54000", "0A000",
        "25P02", "26000", "P0001", "XX000", "57000", "55000"}) {
    EXPECT_EQ(fault_of(code, Origin::kHandler), Fault::kStatement) << code;
    EXPECT_EQ(fault_of(code, Origin::kFramework), Fault::kStatement) << code;
  }
}

TEST(PostgresErrorClasses, AnAnswerThatLibpqMadeItselfMeansTheServerGaveNone) {
  const ResultHandle result(PQmakeEmptyPGresult(nullptr, PGRES_FATAL_ERROR));
  EXPECT_THROW(throw_failure(*result, Origin::kHandler, false), InfrastructureError);
}

}  // namespace
}  // namespace kinbox::postgres
