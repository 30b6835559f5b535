#pragma once

#include <librdkafka/rdkafka.h>

#include <string>
#include <string_view>

namespace kinbox::kafka {

/// What librdkafka said about a connection that failed, and the setting to look at. Texts that are
/// known to mislead are replaced. `library_version` is rd_kafka_version() of the library that said
/// it.
std::string explain_connection_error(std::string_view library_text, int library_version);

/// "ssl://broker:9093/bootstrap: " at the beginning of what librdkafka said, or nothing.
std::string_view endpoint_of(std::string_view library_text);

/// Why a certificate is not trusted, and what to do. `x509_error` is OpenSSL's X509_V_ERR_*.
std::string explain_certificate(int x509_error);

/// Makes librdkafka log why it does not trust a broker's certificate, as facility kCertificate: its
/// error is the same for a wrong authority, a wrong name and an expired certificate. What is
/// trusted does not change.
void explain_certificates(rd_kafka_conf_t* conf);
inline constexpr std::string_view kCertificate = "SSLCERTVRFY";

/// explain_certificate's words out of such a log line; empty if it is another line.
std::string_view certificate_reason(std::string_view log_line);

/// SCRAM of this librdkafka is refused by Kafka 4, whatever the password: it repeats its nonce
/// (mended in 2.6.1).
bool scram_is_broken(int library_version);

}  // namespace kinbox::kafka
