#include "kafka/connection_trouble.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

namespace kinbox::kafka {
namespace {

struct Known {
  /// What librdkafka's text contains.
  std::string_view sign;
  std::string_view advice;
};

constexpr std::string_view kClientCertificate =
    "the broker wants to know us by a certificate: set ssl.certificate.location and "
    "ssl.key.location to one that it trusts";
constexpr std::string_view kNotTls =
    "what answers there does not speak TLS: check security.protocol, and the port in "
    "bootstrap.servers";
constexpr std::string_view kOtherProtocol =
    "this port expects TLS or SASL, or is no Kafka broker's: check security.protocol, and host and "
    "port in bootstrap.servers";

// The first that fits counts.
constexpr auto kKnown = std::to_array<Known>({
    {"mechanism handshake failed",
     "the broker does not let anybody in this way here: check sasl.mechanism and "
     "security.protocol, and the port in bootstrap.servers"},
    {"SASL authentication error",
     "check sasl.username and sasl.password, and that the broker knows this user for this "
     "sasl.mechanism"},
    {"certificate required", kClientCertificate},
    {"client SSL authentication might be required", kClientCertificate},
    {"alert bad certificate", kClientCertificate},
    {"alert unknown ca", kClientCertificate},
    {"wrong version number", kNotTls},
    {"unexpected eof while reading", kNotTls},
    {"SSL connection closed by peer", kNotTls},
    {"connecting to a PLAINTEXT broker listener", kNotTls},
    {"Disconnected while requesting ApiVersion", kOtherProtocol},
    {"might require SASL", kOtherProtocol},
    {"ApiVersionRequest failed", kOtherProtocol},
    {"Failed to resolve",
     "check the host names in bootstrap.servers, and those in the broker's advertised.listeners"},
    {"Connection refused", "check that the broker runs, and host and port in bootstrap.servers"},
    {"Connection setup timed out",
     "check that the broker runs, and host and port in bootstrap.servers"},
});

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The first answer is not even a frame: librdkafka advises to raise receive.message.max.bytes.
bool is_no_answer_of_a_broker(std::string_view text) {
  return contains(text, "Invalid response size") && contains(text, "APIVERSION_QUERY");
}

}  // namespace

std::string explain_connection_error(std::string_view text, int library_version) {
  if (is_no_answer_of_a_broker(text))
    return std::string(endpoint_of(text)) +
           "what answers there is no Kafka broker (a web server? a database?); check host and port "
           "in bootstrap.servers, and security.protocol";
  const auto* known = std::find_if(kKnown.begin(), kKnown.end(),
                                   [&](const Known& entry) { return contains(text, entry.sign); });
  std::string all(text);
  if (known == kKnown.end()) return all;
  all += "; " + std::string(known->advice);
  if (contains(text, "mechanism SCRAM") && scram_is_broken(library_version))
    all +=
        ". Kafka 4 refuses every SCRAM login of this librdkafka, which is older than 2.6.1: use a "
        "newer one, or sasl.mechanism: PLAIN over TLS";
  return all;
}

std::string_view endpoint_of(std::string_view text) {
  const auto end = text.find(": ");
  return end == std::string_view::npos ? std::string_view{} : text.substr(0, end + 2);
}

std::string explain_certificate(int x509_error) {
  // Numbers are part of OpenSSL's interface; so its headers need not be here.
  switch (x509_error) {
    case 2:   // X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
    case 18:  // X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
    case 19:  // X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
    case 20:  // X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    case 21:  // X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
      return "no authority that we trust has signed the broker's certificate: set "
             "ssl.ca.location to the file of the one that did";
    case 9:   // X509_V_ERR_CERT_NOT_YET_VALID
    case 10:  // X509_V_ERR_CERT_HAS_EXPIRED
      return "the broker's certificate is not valid today: renew it, or correct this machine's "
             "clock";
    case 62:  // X509_V_ERR_HOSTNAME_MISMATCH
    case 64:  // X509_V_ERR_IP_ADDRESS_MISMATCH
      return "the broker's certificate is for another host: use a name that it holds in "
             "bootstrap.servers and in the broker's advertised.listeners, or give the broker "
             "another; ssl.endpoint.identification.algorithm: none would trust any host with a "
             "certificate of this authority";
    default:
      return "the broker's certificate is not trusted (X.509 error " + std::to_string(x509_error) +
             "): check ssl.ca.location, and the certificate's purpose";
  }
}

void explain_certificates(rd_kafka_conf_t* conf) {
  std::array<char, 16> verify{};
  auto size = verify.size();
  rd_kafka_conf_get(conf, "enable.ssl.certificate.verification", verify.data(), &size);
  // A callback would switch verification on.
  if (std::string_view(verify.data()) != "true") return;
  rd_kafka_conf_set_ssl_cert_verify_cb(
      conf, [](rd_kafka_t*, const char*, std::int32_t, int* x509_error, int, const char*,
               std::size_t, char* reason, std::size_t reason_size, void*) {
        if (*x509_error == 0) return 1;
        std::snprintf(reason, reason_size, "%s", explain_certificate(*x509_error).c_str());
        return 0;
      });
}

std::string_view certificate_reason(std::string_view log_line) {
  constexpr std::string_view kBefore = "verification callback failed: ";
  const auto at = log_line.find(kBefore);
  return at == std::string_view::npos ? std::string_view{} : log_line.substr(at + kBefore.size());
}

bool scram_is_broken(int library_version) {
  constexpr int kMended = 0x020601ff;
  return library_version < kMended;
}

}  // namespace kinbox::kafka
