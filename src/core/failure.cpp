#include "core/failure.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <typeinfo>

#include "kinbox/errors.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

std::string readable(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : type.name();
}

Diagnosis described(const std::exception& error) {
  Diagnosis diagnosis;
  diagnosis.failure.reason = reason::kRetriesExhausted;
  diagnosis.failure.error_type = readable(typeid(error));
  diagnosis.failure.error_text = error.what();
  return diagnosis;
}

Diagnosis described(const HandlerError& error) {
  auto diagnosis = described(static_cast<const std::exception&>(error));
  diagnosis.failure.error_code = error.code();
  return diagnosis;
}

Diagnosis rejected(const HandlerError& error, ErrorClass error_class) {
  auto diagnosis = described(error);
  diagnosis.error_class = error_class;
  diagnosis.failure.reason = reason::kHandlerRejected;
  diagnosis.permanent = true;
  return diagnosis;
}

}  // namespace

Diagnosis diagnose(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const PermanentError& e) {
    return rejected(e, ErrorClass::kPermanent);
  } catch (const BusinessRejection& e) {
    return rejected(e, ErrorClass::kRejection);
  } catch (const RetryableError& e) {
    auto diagnosis = described(e);
    diagnosis.error_class = ErrorClass::kRetryable;
    diagnosis.retry_after = e.retry_after();
    return diagnosis;
  } catch (const HandlerError& e) {
    return described(e);
  } catch (const KillsTransaction& e) {
    auto diagnosis = described(static_cast<const std::exception&>(e));
    diagnosis.failure.reason = reason::kKillsTransaction;
    diagnosis.error_class = ErrorClass::kKillsTransaction;
    return diagnosis;
  } catch (const HandlerTimeout& e) {
    auto diagnosis = described(static_cast<const std::exception&>(e));
    diagnosis.failure.reason = reason::kTimeout;
    diagnosis.error_class = ErrorClass::kTimeout;
    return diagnosis;
  } catch (const SqlError& e) {
    auto diagnosis = described(static_cast<const std::exception&>(e));
    diagnosis.failure.error_code = e.code();
    diagnosis.error_class = ErrorClass::kSql;
    return diagnosis;
  } catch (const std::exception& e) {
    return described(e);
  } catch (...) {
    Diagnosis diagnosis;
    diagnosis.failure.reason = reason::kRetriesExhausted;
    diagnosis.failure.error_type = readable(*abi::__cxa_current_exception_type());
    diagnosis.failure.error_text = "the handler threw something that is no std::exception";
    return diagnosis;
  }
}

}  // namespace kinbox
